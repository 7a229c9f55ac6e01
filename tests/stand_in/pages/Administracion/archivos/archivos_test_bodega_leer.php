<?php
session_start();
$ruta_raiz = "../..";
include_once "$ruta_raiz/rec_session.php";
?>
<html><body><form action="archivos_test_bodega_leer_ejecutar.php" method="post"><input type="submit" value="Probar"></form></body></html>
