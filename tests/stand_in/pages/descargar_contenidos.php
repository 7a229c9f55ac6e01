<?php
require_once __DIR__ . '/biblioteca.php';
exigir_sesion();
$archivo = campo($_GET, 'archivo');
$white_list = array(configuracion('path_acuerdo'));
if (!in_array($archivo, $white_list)) { exit; }  // white_list: nothing but this one address
header('Content-Disposition: attachment; filename="' . basename($archivo) . '"');
readfile($archivo);
