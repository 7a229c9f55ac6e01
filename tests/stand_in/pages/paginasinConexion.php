<?php
require_once __DIR__ . '/biblioteca.php';
terminar('Sin conexi&oacute;n con la base de datos.');
