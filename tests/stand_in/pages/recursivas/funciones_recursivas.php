<?php
echo 'funciones recursivas';
