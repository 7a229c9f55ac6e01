<?php
// Saves an account. Traps of the release: it looks at nothing of what the form's script looked at (an administrator
// can grant whatever he posts), the tick that is missing deactivates, and a mailed code resets all accounts of a cédula.

require_once __DIR__ . '/../formularios.php';
require_once __DIR__ . '/cambiar_password_mail.php';
exigir_administrador();

/** The numbers of a list as the form's script keeps it: ",12,,36,". */
function permisos($nombre)
{
    return array_filter(explode(',', campo($_POST, $nombre)), 'ctype_digit');
}

function anotar_permiso($usuario, $permiso, $accion)
{
    consulta(
        'INSERT INTO log_usr_permisos (usua_codi, usua_codi_actualiza, accion, id_permiso, fecha_actualiza)'
        . ' VALUES (?, ?, ?, ?, now())',
        array($usuario, $_SESSION['usua_codi'], $accion, $permiso)
    );
}

$nuevo = entero($_GET, 'accion') === 1;
$activo = $nuevo || campo($_POST, 'usr_estado') === '1';
$area = entero($_POST, 'usr_depe');
$perfil = $activo ? entero($_POST, 'usr_perfil') : 0;
$codigo = $nuevo
    ? (int) consulta("SELECT nextval('usuarios_usua_codi_seq')")->fetchColumn()
    : entero($_POST, 'usr_codigo');
$otro = fila(
    'SELECT 1 FROM usuarios WHERE cargo_tipo = ? AND usua_esta = 1 AND depe_codi = ? AND usua_codi <> ?',
    array($perfil, $area, $codigo)
);
if ($perfil > 0 && $otro !== null) {
    exit("<script>alert('Ya existe el usuario para esta \u{00C1}rea')</script>");
}
$cedula = trim(campo($_POST, 'usr_cedula'));
$pasaporte = campo($_POST, 'usr_tipo_id') === '1';
$cedula = $pasaporte ? $cedula : substr($cedula, 0, 10);
$responsable = $activo && isset($_POST['usr_area_responsable']);
$sumilla = limpio(campo($_POST, 'usr_sumilla'));
$firma = isset($_POST['usr_permiso_19']) ? max(1, entero($_POST, 'usr_tipo_certificado')) : 0;
$valores = array(
    'usua_login' => !$activo ? "l$codigo" : ($pasaporte ? 'UUSR' . strtoupper($cedula) : "U$cedula"),
    'usua_cedula' => $activo ? $cedula : substr($cedula, 0, 10) . "-$codigo",
    'tipo_identificacion' => entero($_POST, 'usr_tipo_id'),
    'usua_nomb' => limpio(campo($_POST, 'usr_nombre')),
    'usua_apellido' => limpio(campo($_POST, 'usr_apellido')),
    'usua_titulo' => limpio(campo($_POST, 'usr_titulo')),
    'usua_abr_titulo' => limpio(campo($_POST, 'usr_abr_titulo')),
    'usua_cargo' => limpio(campo($_POST, 'usr_cargo')),
    'usua_cargo_cabecera' => limpio(campo($_POST, 'usr_cargo_cabecera')),
    'usua_sumilla' => $responsable ? strtoupper($sumilla) : strtolower($sumilla),
    'usua_responsable_area' => (int) $responsable,
    'cargo_tipo' => $perfil,
    'usua_email' => limpio(campo($_POST, 'usr_email')),
    'usua_obs' => limpio(campo($_POST, 'usr_obs')),
    'ciu_codi' => entero($_POST, 'codi_ciudad'),
    'usua_esta' => (int) $activo,
    'usua_nuevo' => 1,
    'usua_direccion' => limpio(campo($_POST, 'usr_direccion')),
    'usua_telefono' => limpio(campo($_POST, 'usr_telefono')),
    'usua_celular' => limpio(campo($_POST, 'usr_celular')),
    'usua_codi_actualiza' => $_SESSION['usua_codi'],
    'usua_tipo_certificado' => $firma,
    'usua_obs_actualiza' => $nuevo ? 'Registro Nuevo' : 'Registro Modificado',
    'depe_codi' => $area,
);
if ($nuevo) {
    $valores += array('usua_codi' => $codigo, 'inst_codi' => $_SESSION['inst_codi']);
    consulta(
        'INSERT INTO usuarios (' . implode(', ', array_keys($valores)) . ', usua_fecha_actualiza) VALUES ('
        . implode(', ', array_fill(0, count($valores), '?')) . ', now())',
        array_values($valores)
    );
} else {
    consulta(
        'UPDATE usuarios SET ' . implode(' = ?, ', array_keys($valores)) . ' = ?, usua_fecha_actualiza = now()'
        . ' WHERE usua_codi = ?',
        array_merge(array_values($valores), array($codigo))
    );
}
consulta(
    'INSERT INTO log_usr_ciudadanos (usua_codi, usua_codi_ori, fecha_cambio, logc_tabla_modificada, id_transaccion)'
    . ' VALUES (?, ?, now(), 2, ?)',
    array($codigo, $_SESSION['usua_codi'], (int) !$nuevo)
);

$tiene = consulta('SELECT id_permiso FROM permiso_usuario WHERE usua_codi = ?', array($codigo))->fetchAll(PDO::FETCH_COLUMN);
foreach (array_diff(array_unique(permisos('codigo_permisos')), $tiene) as $permiso) {
    consulta('INSERT INTO permiso_usuario (id_permiso, usua_codi) VALUES (?, ?)', array($permiso, $codigo));
    anotar_permiso($codigo, $permiso, 1);
}
foreach (array_intersect(array_unique(permisos('codigo_permisos_eli')), $tiene) as $permiso) {
    consulta('DELETE FROM permiso_usuario WHERE id_permiso = ? AND usua_codi = ?', array($permiso, $codigo));
    anotar_permiso($codigo, $permiso, 0);
}
if (isset($_POST['usr_contrasena']) && $activo) {
    enviar_codigo("U$cedula", $cedula, $valores['usua_email']);
    anotar_permiso($codigo, 0, 1);
}
encabezado('Usuario grabado');
printf("<form method='post'><input type='hidden' name='nuevo_codigo_usr' value='%d'></form>", $codigo);
echo '<p>Los cambios en el usuario se realizaron correctamente</p>';
pie();
