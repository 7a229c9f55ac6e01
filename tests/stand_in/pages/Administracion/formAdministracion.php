<?php
// The administration menu: which items show depends on the permissions the session was opened with.

require_once __DIR__ . '/../biblioteca.php';
exigir_sesion();

$super = $_SESSION['usua_codi'] == 0;
$opciones = array(array('usuarios/cambiar_password.php', 'Cambio de contrase&ntilde;a'));
if ($_SESSION['tipo_usuario'] == 1) {
    $opciones[] = array('listas/listas.php', 'Listas de env&iacute;o');
    if (permitido('usua_admin_sistema') || permitido('usua_perm_ciudadano')) {
        $opciones[] = array('ciudadanos/cuerpoUsuario_ext.php?accion=2', 'Ciudadanos');
    }
    if (permitido('usua_admin_sistema')) {
        $opciones[] = array('usuarios/mnuUsuarios.php', 'Usuarios internos');
        $opciones[] = array('dependencias/mnu_dependencias.php', '&Aacute;reas');
        $opciones[] = array('tbasicas/adm_instituciones.php', 'Instituciones');
        $opciones[] = array('tbasicas/adm_formato_doc.php', 'Numeraci&oacute;n de documentos');
    }
    if ($super) {
        $opciones[] = array('catalogos/ciudad.php', 'Ciudad');
    } else {
        $opciones[] = array('../backup/respaldo_menu.php', 'Respaldo de Documentos');
    }
    if (permitido('usua_admin_sistema') || $super) {
        $opciones[] = array('../metadatos/metadatos_menu.php', 'Metadatos de Documentos');
    }
    if (permitido('perm_actualizar_sistema')) {
        $opciones[] = array('archivos/archivos_menu.php', 'Administrar repositorio de archivos');
    }
}

encabezado('Administraci&oacute;n');
if ($super || permitido('admin_institucion')) {
    echo '<form name="formulario" method="post"><strong>Instituciones para Administrar</strong> <select name="inst_actu">';
    foreach (consulta('SELECT inst_codi, inst_nombre FROM institucion WHERE inst_estado = 1 ORDER BY inst_nombre') as $institucion) {
        printf('<option value="%d">%s</option>', $institucion['inst_codi'], html($institucion['inst_nombre']));
    }
    echo '</select></form>';
}
echo "<strong>M&oacute;dulo de Administraci&oacute;n</strong>\n";
foreach ($opciones as $indice => $opcion) {
    printf("<p><a onclick=\"llamaCuerpo('%s');\" href='javascript:void(0);'>%d. %s</a></p>\n", $opcion[0], $indice + 1, $opcion[1]);
}
pie();
