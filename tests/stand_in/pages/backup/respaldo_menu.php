<?php
session_start();
$ruta_raiz = "..";
include_once "$ruta_raiz/rec_session.php";
?>
<html><body><h3>Respaldo de Documentos</h3></body></html>
