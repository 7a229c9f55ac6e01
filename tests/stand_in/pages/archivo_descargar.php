<?php
session_start();
$ruta_raiz = ".";
include_once "$ruta_raiz/rec_session.php";
include_once "$ruta_raiz/funciones.php";

$archivo = 'bodega' . campo($_GET, 'path_arch');
if (strpos($archivo, '../') !== false) {
    die('No tiene permiso para acceder a archivos en este directorio.');
}
if (!is_file($archivo)) {
    die('El archivo no fue encontrado.');
}
$nombre = trim(campo($_GET, 'nomb_arch')) ?: basename($archivo);
header("Content-Disposition: attachment; filename=$nombre");
header('Content-Length: ' . filesize($archivo));
header('Content-Type: ' . get_mime_tipe($nombre));
readfile($archivo);
