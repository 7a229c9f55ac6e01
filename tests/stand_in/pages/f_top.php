<?php
session_start();
$ruta_raiz = ".";
include_once "$ruta_raiz/rec_session.php";
include_once "$ruta_raiz/funciones_interfaz.php";
?>
<html><?php echo html_head(); ?>
<body>
<p><?php echo html($_SESSION['usua_nombre']) . ' - ' . html($_SESSION['inst_nombre']); ?></p>
<a href="cerrar_session.php" target="_parent">Salir</a>
</body>
</html>
