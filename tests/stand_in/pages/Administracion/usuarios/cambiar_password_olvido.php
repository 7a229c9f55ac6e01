<?php
$ruta_raiz = "../..";
include_once "$ruta_raiz/funciones_interfaz.php";
?>
<html><? echo html_head(); ?>
<body>
<form name="formulario" action="cambiar_password_olvido_grabar.php" method="post">
<label>C&eacute;dula <input type="text" id="txt_login" name="txt_login" maxlength="50"></label>
<img src="<?=$ruta_raiz?>/js/captcha.php" alt="">
<label>Texto de la imagen <input type="text" name="txt_captcha" maxlength="5"></label>
<input type="hidden" name="txt_email" value="a@b.c">
<input type="submit" value="Aceptar">
</form>
</body>
</html>
