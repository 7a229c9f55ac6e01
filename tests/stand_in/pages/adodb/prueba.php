<?php
echo 'adodb: prueba ' . PHP_VERSION;
