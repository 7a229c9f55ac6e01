<?php
session_start();
$ruta_raiz = ".";
include_once "$ruta_raiz/rec_session.php";
include_once "$ruta_raiz/funciones_interfaz.php";
?>
<html><? echo html_head(); ?>
<body><h3>Recibidos</h3></body>
</html>
