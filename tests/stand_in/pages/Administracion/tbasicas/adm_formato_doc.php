<?php
// How an area's documents are numbered: a format for each type of document, or another area's.

require_once __DIR__ . '/../formularios.php';
exigir_administrador();

$area = entero($_POST, 'depe_actu');
if (campo($_POST, 'btn_accion') === 'Aceptar') {
    for ($num = 0; $num < entero($_POST, 'numreg'); $num++) {
        $tipo = entero($_POST, "tipo_$num");
        $llave = array($area, $tipo);
        consulta(
            'INSERT INTO formato_numeracion (depe_codi, fn_tiporad, depe_numeracion) VALUES (?, ?, ?)'
            . ' ON CONFLICT (depe_codi, fn_tiporad) DO UPDATE SET depe_numeracion = EXCLUDED.depe_numeracion',
            array($area, $tipo, entero($_POST, "depe_doc_$num"))
        );
        if (entero($_POST, "depe_doc_$num") !== $area) {
            continue;
        }
        consulta(
            "UPDATE formato_numeracion SET fn_formato = coalesce(nullif(?, ''), fn_formato),"
            . " fn_abr_texto = coalesce(nullif(?, ''), fn_abr_texto), fn_caracter = coalesce(nullif(?, ''), fn_caracter),"
            . ' fn_num_consec = ?, fn_num_anio = ?, fn_contador = greatest(fn_contador, ?)'
            . ' WHERE depe_codi = ? AND fn_tiporad = ?',
            array_merge(array(
                campo($_POST, "txt_$num"),
                campo($_POST, "txtip_$num"),
                campo($_POST, "sep_$num"),
                entero($_POST, "dsec_$num"),
                entero($_POST, "danio_$num"),
                entero($_POST, "sec_$num"),
            ), $llave)
        );
    }
}
encabezado('Formato de la Numeraci&oacute;n');
echo "<form method='post'>";
opciones('depe_actu', areas_activas(), $area, 'seleccione');
if ($area) {
    $tipos = consulta(
        'SELECT t.trad_codigo, f.* FROM tiporad t LEFT JOIN formato_numeracion f ON f.fn_tiporad = t.trad_codigo'
        . ' AND f.depe_codi = ? WHERE t.trad_estado = 1 AND t.trad_inst_codi IN (0, ?) ORDER BY t.trad_codigo',
        array($area, $_SESSION['inst_codi'])
    )->fetchAll();
    foreach ($tipos as $num => $tipo) {
        opciones("depe_doc_$num", areas_activas(), $tipo['depe_numeracion'] ? $tipo['depe_numeracion'] : $area);
        entrada("tipo_$num", $tipo['trad_codigo'], 'hidden');
        entrada("txt_$num", $tipo['fn_formato'], 'hidden');
        entrada("txtip_$num", $tipo['fn_abr_texto']);
        entrada("sep_$num", trim((string) $tipo['fn_caracter']) === '' ? '-' : $tipo['fn_caracter']);
        entrada("danio_$num", $tipo['fn_num_anio'] === null ? 4 : $tipo['fn_num_anio']);
        entrada("dsec_$num", $tipo['fn_num_consec'] === null ? 4 : $tipo['fn_num_consec']);
        entrada("sec_$num", $tipo['fn_contador'] === null ? 0 : $tipo['fn_contador']);
    }
    entrada('numreg', count($tipos), 'hidden');
}
echo '</form>';
pie();
