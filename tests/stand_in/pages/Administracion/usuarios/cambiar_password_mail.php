<?php
// A new activation code for every account of a cédula, and the mail with the link to it.

require_once __DIR__ . '/../../funciones.php';

function enviar_codigo($krd, $cedula, $correos)
{
    $codigo = generar_password(30);
    $valores = array(guardable(md5($codigo)), $cedula);
    consulta('UPDATE usuarios SET usua_nuevo = 1, usua_pasw = ? WHERE usua_cedula = ?', $valores);
    consulta('UPDATE ciudadano SET ciu_nuevo = 1, ciu_pasw = ? WHERE ciu_cedula = ?', $valores);
    $servidor = configuracion('nombre_servidor');
    $enlace = "$servidor/usuarionuevo.php?krd=" . base64_encode($krd) . '&code=' . base64_encode($codigo);
    enviarMail(
        "<html><body>Defina su contrase&ntilde;a en <a href='$enlace'>$enlace</a></body></html>",
        'Quipux: Cambio de contraseña.',
        $correos,
        '',
        raiz()
    );
}
