<?php
session_start();
$ruta_raiz = ".";
include_once "$ruta_raiz/rec_session.php";
?>
<html>
<head>
<title>.:: Quipux - Sistema de Gesti&oacute;n Documental ::.</title>
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
</head>
<frameset rows="97,864*">
<frame name="topFrame" src="f_top.php">
<frameset cols="175,947*">
<frame name="leftFrame" id="leftFrame" src="correspondencia.php">
<frame name="mainFrame" id="mainFrame" src="cuerpo.php">
</frameset>
</frameset>
</html>
