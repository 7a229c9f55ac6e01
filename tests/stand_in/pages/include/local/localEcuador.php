<?php
$descDependencia = 'Área';
