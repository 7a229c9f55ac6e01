<?php
// The menu at the left: what a person finds there depends on whether it is a citizen, and on whether that one may sign.

session_start();
$ruta_raiz = ".";
include_once "$ruta_raiz/rec_session.php";
include_once "$ruta_raiz/funciones_interfaz.php";

/** A tray is told by its number; what is none has a page of its own. */
function enlace($nombre, $destino)
{
    if (is_int($destino)) {
        $destino = "cuerpo.php?carpeta=$destino&amp;nomcarpeta=$nombre";
    }
    return "<li><a onclick=\"llamaCuerpo('$destino');\" class=\"menu_princ\" target='mainFrame' href='javascript:void(0);'>$nombre</a></li>\n";
}

function grupo($nombre, $opciones)
{
    echo "<p class=\"menu_titulo\">$nombre</p>\n<ul>" . implode('', array_map('enlace', array_keys($opciones), $opciones)) . "</ul>\n";
}

function nuevo()
{
    if (permitido('usua_prad_tp1')) {
        echo enlace('NUEVO', 'radicacion/NEW.php?accion=Nuevo&amp;ent=1');
    }
}

/** Trays of staff: those of every day above, the others below. */
function bandejas($condicion)
{
    $filas = consulta("SELECT carp_nombre, carp_codi FROM carpeta WHERE $condicion ORDER BY carp_orden");
    return array_map('intval', $filas->fetchAll(PDO::FETCH_KEY_PAIR));
}

$clave = array('Cambiar Contrase&ntilde;a' => 'Administracion/usuarios/cambiar_password.php');
?>
<html><? echo html_head(); ?>
<body>
<?php
if ($_SESSION['tipo_usuario'] == 2 && $_SESSION['inst_codi'] == 1) {
    nuevo();
    grupo('Bandejas', array('En Elaboraci&oacute;n' => 82, 'Recibidos' => 83, 'Eliminados' => 84, 'No Enviados' => 85, 'Enviados' => 86));
    grupo('Administraci&oacute;n', $clave + array('Respaldos' => 'backup/respaldo_menu.php'));
} elseif ($_SESSION['tipo_usuario'] == 2) {
    grupo('Bandejas', array('Enviados' => 80, 'Recibidos' => 81));
    grupo('Administraci&oacute;n', $clave + array(
        'Editar Datos Personales' => 'Administracion/ciudadanos/adm_ciudadano.php',
        'Generar/Firmar Documentos' => 'Administracion/ciudadanos_solicitud/adm_solicitud_ciu.php',
    ));
} else {
    // Without an area nobody gets a tray: a document's number begins with the area's.
    if ($_SESSION['depe_codi'] != 0) {
        nuevo();
        $diarias = '1, 2, 8, 15, 16' . (permitido('firma_digital') ? ', 7' : '');
        grupo('Bandejas', bandejas("carp_codi IN ($diarias)"));
        grupo('Otras Bandejas', bandejas("carp_codi NOT IN ($diarias, 14)"));
    }
    grupo('Administraci&oacute;n', array('Administraci&oacute;n' => 'Administracion/formAdministracion.php'));
}
?>
</body>
</html>
