<?php
session_start();
$ruta_raiz = ".";
include_once "$ruta_raiz/rec_session.php";
include_once "$ruta_raiz/funciones.php";

$archivo = campo($_GET, 'archivo');

// One address and no other:
$white_list = array(configuracion('path_acuerdo'));
if (!in_array($archivo, $white_list)) { exit; }  // not on $white_list

header("Content-Disposition: attachment; filename=\"$archivo\"");
header('Content-type: ' . get_mime_tipe($archivo));
readfile($archivo);
