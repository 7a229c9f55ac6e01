<?php
session_start();
$ruta_raiz = ".";
include_once "$ruta_raiz/rec_session.php";
include_once "$ruta_raiz/funciones_interfaz.php";
?>
<html><? echo html_head(); ?>
<body>
<p class="menu_titulo">Administraci&oacute;n</p>
<a href="Administracion/formAdministracion.php" target="mainFrame">Administraci&oacute;n</a>
</body>
</html>
