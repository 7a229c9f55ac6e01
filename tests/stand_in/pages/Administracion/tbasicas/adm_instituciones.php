<?php
// The institution of the session, as its administrator sees it.

require_once __DIR__ . '/../../biblioteca.php';
exigir_sesion();
if (!permitido('usua_admin_sistema')) {
    exit;
}
$institucion = fila('SELECT * FROM institucion WHERE inst_codi = ?', array($_SESSION['inst_codi']));
encabezado('Administraci&oacute;n de Instituciones');
foreach (array('nombre' => 'inst_nombre', 'ruc' => 'inst_ruc', 'sigla' => 'inst_sigla', 'telefono' => 'inst_telefono') as $nombre => $columna) {
    // Stored texts are already escaped by the cleaning at entry; pages print them as they are.
    printf('<p>%s: <span id="%s">%s</span></p>', $nombre, $nombre, $institucion === null ? '' : $institucion[$columna]);
}
pie();
