<?php
// Areas of the session's institution. Any administrator sees them; who may edit all of them holds perm_admin_institucional.

require_once __DIR__ . '/../../biblioteca.php';
exigir_sesion();
if (!permitido('usua_admin_sistema')) {
    exit;
}
encabezado('Administraci&oacute;n de &Aacute;reas');
echo '<ul><li>1. Crear &Aacute;rea</li><li>2. Editar &Aacute;rea</li><li>3. Lista de &Aacute;rea</li></ul>';
$todas = $_SESSION['usua_codi'] == 0 || permitido('perm_admin_institucional');
foreach (consulta('SELECT depe_codi, depe_nomb FROM dependencia WHERE inst_codi = ?', array($_SESSION['inst_codi'])) as $area) {
    $clase = $todas || $area['depe_codi'] == $_SESSION['depe_codi'] ? 'editable' : 'lectura';
    printf('<p class="%s">%s</p>', $clase, html($area['depe_nomb']));
}
pie();
