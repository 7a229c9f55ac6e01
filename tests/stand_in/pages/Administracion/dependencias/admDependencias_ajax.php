<?php
// The form of an area: a new one (accion=1) or one to edit (accion=2&dependencia=ID); without an area, no form.

require_once __DIR__ . '/../formularios.php';
exigir_administrador();

$codigo = entero($_GET, 'dependencia');
$area = $codigo ? fila('SELECT * FROM dependencia WHERE depe_codi = ?', array($codigo)) : null;
echo "<input type='text' name='txt_nombre_buscar' value=''>";
if ($area === null && entero($_GET, 'accion') !== 1) {
    exit;
}
$valores = $area === null ? array() : $area;
printf("<form enctype='multipart/form-data' method='post' action='adm_dependencias_grabar.php?accion=%d'>", entero($_GET, 'accion'));
entrada('txt_ok', '', 'hidden');
entrada('txt_estado', isset($valores['depe_estado']) ? $valores['depe_estado'] : '', 'hidden');
entrada('txt_depe_codi', $codigo, 'hidden');
entrada('txt_nombre', isset($valores['depe_nomb']) ? $valores['depe_nomb'] : '');
entrada('txt_sigla', isset($valores['dep_sigla']) ? $valores['dep_sigla'] : '');
opciones('txt_ciudad', ciudades(), isset($valores['depe_pie1']) ? $valores['depe_pie1'] : 0, 'seleccione');
$actual = '&Aacute;rea Actual';
$otras = array('slc_padre' => 'depe_codi_padre', 'slc_archivo' => 'dep_central', 'slc_plantilla' => 'depe_plantilla');
foreach ($otras as $nombre => $columna) {
    opciones($nombre, areas_activas(), isset($valores[$columna]) ? $valores[$columna] : 0, $actual);
}
echo "<input type='file' name='arch_plantilla'></form>";
