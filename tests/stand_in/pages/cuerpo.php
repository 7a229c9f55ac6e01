<?php
session_start();
$ruta_raiz = ".";
include_once "$ruta_raiz/rec_session.php";
include_once "$ruta_raiz/funciones_interfaz.php";
if ($_SESSION['depe_codi'] == 0 && $_SESSION['tipo_usuario'] == 1) {
    terminar('Su usuario no tiene &aacute;rea.');
}
$carpeta = (int) campo($_GET, 'carpeta');
if ($carpeta === 0) {
    $carpeta = $_SESSION['tipo_usuario'] == 1 ? 2 : ($_SESSION['inst_codi'] == 1 ? 83 : 81);
}
?>
<html><? echo html_head(); ?>
<body><h3><? echo html(campo($_GET, 'nomcarpeta') ?: 'Recibidos'); ?></h3><input type="hidden" name="carpeta" value="<? echo $carpeta; ?>"></body>
</html>
