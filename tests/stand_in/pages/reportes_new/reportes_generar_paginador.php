<?php
// The table of a report, part of reportes_generar.php; asked for by itself it breaks.

$columnas = split(',', isset($columnas_reporte) ? $columnas_reporte : '');
echo '<table><tr><th>' . implode('</th><th>', $columnas) . '</th></tr>';
$filas = $db->query('select inst_nombre from institucion where inst_estado = 1 order by 1');
while ($filas && !$filas->EOF) {
    echo '<tr><td>' . $filas->fields['INST_NOMBRE'] . '</td></tr>';
    $filas->MoveNext();
}
echo '</table>';
