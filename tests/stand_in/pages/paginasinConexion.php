<?php
$ruta_raiz = '.';
?>
<html>
<head><title>.:: Quipux - Sistema de Gesti&oacute;n Documental ::.</title></head>
<body>
<?
if (session_id()) {
    session_destroy();
}
?>
<h3>Al momento el sistema no se encuentra disponible: sin conexi&oacute;n con la base de datos.
<a href="<?=$ruta_raiz?>/login.php" target="_parent">Volver a intentarlo</a></h3>
</body>
</html>
