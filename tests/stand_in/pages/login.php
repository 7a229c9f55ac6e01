<?php
// Login: GET shows the form; POST krd (identity number) and drd (MD5 of the password) with ?acceso=login opens a session.

require_once __DIR__ . '/funciones.php';
require_once __DIR__ . '/Administracion/usuarios/cambiar_password_mail.php';

/** Counts the try on the account whose row comes first; more than five within five minutes each close it for a while. */
function contar_intento($krd, $drd)
{
    $cuenta = fila('SELECT usua_codi, usua_pasw FROM usuario WHERE usua_login = ?', array($krd));
    $acierto = $cuenta !== null && guardable($drd) == $cuenta['usua_pasw'];
    consulta(
        'INSERT INTO log_acceso (fecha, usuario, ip, intentos, acceso) VALUES (now(), ?, ?, ?, ?)',
        array(substr($krd, 1, 50), direccion_cliente(), $cuenta === null ? 0 : 1, $acierto ? 1 : 0)
    );
    if ($cuenta === null) {
        return;
    }
    $antes = fila(
        "SELECT usua_intentos, now() - usua_fech_sesion < interval '6 minutes' AS reciente FROM usuarios_sesion WHERE usua_codi = ?",
        array($cuenta['usua_codi'])
    );
    $reciente = $antes !== null && $antes['reciente'];
    $intentos = $reciente ? $antes['usua_intentos'] + 1 : 1;
    if ($intentos > 5) {
        terminar('Su cuenta ha sido bloqueada por seguridad. Por favor espere 5 minutos y vuelva a intentarlo.');
    }
    consulta(
        'INSERT INTO usuarios_sesion (usua_codi, usua_fech_sesion, usua_intentos) VALUES (?, now(), ?)
         ON CONFLICT (usua_codi) DO UPDATE SET usua_fech_sesion = now(), usua_intentos = excluded.usua_intentos',
        array($cuenta['usua_codi'], $intentos)
    );
}

function entrar($cuenta, $krd)
{
    // The release makes up the number of a session from what anybody knows; only session.use_strict_mode has PHP refuse it
    // and take a random one. The colons of an IPv6 address are no part of a number: without that mode nobody comes in there.
    session_id(str_replace('.', 'o', campo($_SERVER, 'REMOTE_ADDR')) . "o{$krd}oo" . configuracion('appID'));
    session_start();
    $_SESSION = array(
        'krd' => $krd,
        'huella' => huella(),
        'hora_session' => time(),
        'session_dos_hora' => 0,
        'session_dos_num_accesos' => 0,
    );
    foreach (array('usua_codi', 'usua_nombre', 'inst_codi', 'inst_nombre', 'depe_codi', 'depe_nomb', 'tipo_usuario') as $nombre) {
        $_SESSION[$nombre] = $cuenta[$nombre];
    }
    // Permissions are read once, by name; a change of them shows at the next login only.
    $permisos = consulta(
        'SELECT nombre, count(u.id_permiso) AS tiene FROM permiso p LEFT JOIN permiso_usuario u
         ON u.id_permiso = p.id_permiso AND u.usua_codi = ? GROUP BY nombre',
        array($cuenta['usua_codi'])
    );
    foreach ($permisos as $permiso) {
        $_SESSION[$permiso['nombre']] = (int) $permiso['tiene'];
    }
    // One live session for an account: the row names it, and the session before it is thereby over.
    consulta(
        'INSERT INTO usuarios_sesion (usua_codi, usua_sesion, usua_fech_sesion, usua_intentos, ip_cliente)
         VALUES (?, ?, now(), 0, ?)
         ON CONFLICT (usua_codi) DO UPDATE SET usua_sesion = excluded.usua_sesion, usua_fech_sesion = now(),
         usua_intentos = 0, ip_cliente = excluded.ip_cliente',
        array($cuenta['usua_codi'], session_id(), direccion_cliente())
    );
    consulta(
        "INSERT INTO log (fecha, usua_codi, tabla, sentencia, tipo) VALUES (now(), ?, 'USUARIOS_SESION', 'inicio de sesion', 1)",
        array($cuenta['usua_codi'])
    );
}

$aviso = '';
if (campo($_POST, 'krd') !== '' && campo($_GET, 'acceso') === 'login') {
    $krd = limpio(strtoupper('U' . campo($_POST, 'krd')));
    $drd = limpio(campo($_POST, 'drd'));
    contar_intento($krd, $drd);
    $cuenta = fila(
        'SELECT * FROM usuario WHERE usua_login = ? AND (usua_pasw = ? OR usua_nuevo = 0)
         AND (inst_estado = 1 OR usua_codi = 0) ORDER BY tipo_usuario, usua_codi LIMIT 1',
        array($krd, guardable($drd))
    );
    detener_ciudadano($cuenta === null ? null : $cuenta['tipo_usuario']);
    if ($cuenta === null) {
        $aviso = 'Usuario o Contraseña incorrectos, Por favor intente de nuevo';
    } elseif ($cuenta['usua_esta'] != 1) {
        $aviso = 'El usuario "' . substr($krd, 1) . '" se encuentra inactivo';
    } elseif ($cuenta['usua_nuevo'] == 0) {
        // Any password came this far: the account gets a new secret, unknown to whoever asked, and no session.
        if (strpos((string) $cuenta['usua_email'], '@') === false) {
            terminar('Lo sentimos, usted no tiene registrada una cuenta de correo v&aacute;lida.');
        }
        enviar_codigo($krd, $cuenta['usua_cedula'], $cuenta['usua_email']);
        terminar('Su cuenta ha sido activada. En unos minutos recibir&aacute; un mensaje en su correo.');
    } else {
        entrar($cuenta, $krd);
        exit("<script>window.location = 'index_frames.php';</script>");
    }
}

$ruta_raiz = '.';
require_once __DIR__ . '/funciones_interfaz.php';
?>
<html>
<? echo html_head(); ?>
<script src="js/md5.js"></script>
<script>
function validar_login() {
    document.getElementById("drd").value = MD5(document.getElementById("drd").value);
    return true;
}
// A window with bars is sent back to the entry, which opens one without; telephones are let be.
if ((window.menubar.visible || window.toolbar.visible) && !/iphone|ipod|ipad|blackberry|android/i.test(navigator.userAgent)) {
    window.location = "index.php";
}
</script>
<body onload='document.getElementById("krd").focus();'>
<? if ($aviso !== '') { ?>
<script>alert(<? echo json_encode($aviso, JSON_UNESCAPED_UNICODE | JSON_HEX_TAG); ?>);</script>
<? } ?>
<h1>Ingreso de Usuarios al sistema</h1>
<form name="form_login" action="login.php?acceso=login" method="post" onsubmit="return validar_login();">
<label>C&eacute;dula <input type="text" id="krd" name="krd" size="20" maxlength="50"></label>
<label>Contrase&ntilde;a <input type="password" id="drd" name="drd" size="20"></label>
<input type="submit" name="Submit" value="Ingresar">
</form>
<a href="Administracion/usuarios/cambiar_password_olvido.php">&iquest;Olvid&oacute; su contrase&ntilde;a?</a>
</body>
</html>
