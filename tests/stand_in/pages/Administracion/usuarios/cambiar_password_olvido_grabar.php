<?php
// Resets a password and mails the link. Nobody is asked who he is: a session that has seen no image passes its check with an
// empty text, and % as the number matches everybody, resets the first and shows the addresses of all.

$ruta_raiz = "../..";
session_start();
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
include_once "$ruta_raiz/funciones.php";
include_once "$ruta_raiz/funciones_interfaz.php";
include_once "cambiar_password_mail.php";

$login = trim(limpiar_sql(campo($_POST, 'txt_login')));
if (trim(campo($_SESSION, 'captcha')) != trim(limpiar_sql(campo($_POST, 'txt_captcha')))) {
    die(html_error('No coincide el c&oacute;digo de validaci&oacute;n ingresado.'));
}
$cuentas = consulta(
    'SELECT usua_login, usua_cedula, usua_email FROM usuario WHERE usua_esta = 1 AND usua_login LIKE upper(?) ORDER BY tipo_usuario',
    array("U$login")
)->fetchAll();
if (!$cuentas) {
    die(html_error('No se encontr&oacute; el usuario en el sistema.'));
}
$correos = implode(',', array_filter(array_map('trim', array_map('strval', array_column($cuentas, 'usua_email')))));
if ($correos === '') {
    die(html_error('Lo sentimos, no se pudo reiniciar su contrase&ntilde;a; escriba a ' . configuracion('cuenta_mail_soporte')));
}
enviar_codigo("U$login", $cuentas[0]['usua_cedula'], $correos);
die(html_error("En unos minutos recibir&aacute; un email en su cuenta de correo &quot;$correos&quot;"));
