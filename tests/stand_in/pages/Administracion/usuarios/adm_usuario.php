<?php
// The form of an account of the institution: a new one (accion=1) or one to edit (accion=2&usr_codigo=ID).

require_once __DIR__ . '/../formularios.php';
exigir_administrador();

$codigo = entero($_GET, 'usr_codigo');
$vacia = array_fill_keys(array(
    'usua_cedula', 'tipo_identificacion', 'usua_nomb', 'usua_apellido', 'usua_email', 'usua_cargo', 'usua_cargo_cabecera',
    'usua_sumilla', 'usua_direccion', 'usua_telefono', 'usua_celular', 'usua_obs', 'usua_titulo', 'usua_abr_titulo',
    'depe_codi', 'ciu_codi', 'cargo_tipo', 'usua_esta', 'usua_responsable_area',
), '');
$usuario = $codigo ? fila('SELECT * FROM usuarios WHERE usua_codi = ?', array($codigo)) : $vacia;
$tiene = $codigo
    ? consulta('SELECT id_permiso FROM permiso_usuario WHERE usua_codi = ?', array($codigo))->fetchAll(PDO::FETCH_COLUMN)
    : array();

encabezado('Administraci&oacute;n de usuarios y permisos');
echo "<form name='frmCrear' method='post' enctype='multipart/form-data'>";
entrada('usr_codigo', $codigo ? $codigo : '', 'hidden');
entrada('codigo_permisos', implode('', array_map(function ($id) {
    return ",$id,";
}, $tiene)), 'hidden');
entrada('codigo_permisos_eli', '', 'hidden');
casilla('usr_contrasena', 'on', $codigo === 0);
casilla('usr_estado', '1', $codigo === 0 || $usuario['usua_esta'] == 1);
$campos = array(
    'usr_cedula' => 'usua_cedula',
    'usr_nombre' => 'usua_nomb',
    'usr_apellido' => 'usua_apellido',
    'usr_email' => 'usua_email',
    'usr_cargo' => 'usua_cargo',
    'usr_cargo_cabecera' => 'usua_cargo_cabecera',
    'usr_sumilla' => 'usua_sumilla',
    'usr_direccion' => 'usua_direccion',
    'usr_telefono' => 'usua_telefono',
    'usr_celular' => 'usua_celular',
    'usr_titulo' => 'usua_titulo',
    'usr_abr_titulo' => 'usua_abr_titulo',
    'usr_obs' => 'usua_obs',
);
foreach ($campos as $nombre => $columna) {
    entrada($nombre, $usuario[$columna]);
}
entrada('usr_tipo_id', $usuario['tipo_identificacion'], 'hidden');
opciones('usr_depe', areas_activas(), $usuario['depe_codi'], 'seleccione');
opciones('codi_ciudad', ciudades(), $usuario['ciu_codi'], 'seleccione');
opciones('usr_perfil', array(array(0, 'Normal'), array(1, 'Jefe'), array(2, 'Asistente')), $usuario['cargo_tipo']);
// Without JavaScript the box says 0 and means yes.
casilla('usr_area_responsable', '0', $usuario['usua_responsable_area'] == 1);
foreach (consulta('SELECT id_permiso FROM permiso WHERE estado = 1 AND perfil <> 5 ORDER BY id_permiso') as $permiso) {
    casilla("usr_permiso_{$permiso['id_permiso']}", 'on', in_array($permiso['id_permiso'], $tiene));
}
echo '</form>';
pie();
