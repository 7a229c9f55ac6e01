<?php
session_start();
$ruta_raiz = "..";
include_once "$ruta_raiz/rec_session.php";
$columnas = split(',', 'Institución,Área,Cantidad');
?>
<html><body><table><tr><th><? echo implode('</th><th>', $columnas); ?></th></tr></table></body></html>
