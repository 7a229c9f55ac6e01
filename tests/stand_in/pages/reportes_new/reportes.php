<?php
session_start();
$ruta_raiz = "..";
include_once "$ruta_raiz/rec_session.php";
?>
<html><body><form action="reportes_generar.php" method="post"><input type="submit" value="Generar"></form></body></html>
