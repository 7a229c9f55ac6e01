<?php
// Saves an area. Traps of the release: the row is saved though its letterhead was refused, a file that PHP did not
// take goes unnoticed, and without an area to take the letterhead from an area points to itself, file or not.

require_once __DIR__ . '/../formularios.php';
exigir_administrador();

$nombre = limpio(campo($_POST, 'txt_nombre'));
$error = '';
if (campo($_POST, 'txt_ok') === '1') {
    $codigo = entero($_POST, 'txt_depe_codi');
    $nueva = $codigo === 0;
    if ($nueva) {
        $codigo = (int) consulta("SELECT nextval('sec_dependencia')")->fetchColumn();
    }
    $propia = function ($campo) use ($codigo) {
        return entero($_POST, $campo) > 0 ? entero($_POST, $campo) : $codigo;
    };
    $padre = fila('SELECT inst_adscrita FROM dependencia WHERE depe_codi = ?', array($propia('slc_padre')));
    $valores = array(
        $_SESSION['inst_codi'],
        $nombre,
        limpio(strtoupper(campo($_POST, 'txt_sigla'))),
        campo($_POST, 'txt_estado') === '' ? 1 : entero($_POST, 'txt_estado'),
        campo($_POST, 'txt_ciudad'),
        $propia('slc_padre'),
        $propia('slc_archivo'),
        $propia('slc_plantilla'),
        $padre === null ? $_SESSION['inst_codi'] : $padre['inst_adscrita'],
        $codigo,
    );
    consulta(
        $nueva
            ? 'INSERT INTO dependencia (inst_codi, depe_nomb, dep_sigla, depe_estado, depe_pie1, depe_codi_padre,'
                . ' dep_central, depe_plantilla, inst_adscrita, depe_codi) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'
            : 'UPDATE dependencia SET inst_codi = ?, depe_nomb = ?, dep_sigla = ?, depe_estado = ?, depe_pie1 = ?,'
                . ' depe_codi_padre = ?, dep_central = ?, depe_plantilla = ?, inst_adscrita = ? WHERE depe_codi = ?',
        $valores
    );
    $plantilla = subido('arch_plantilla');
    if ($plantilla !== '' && filesize($plantilla) > 100 * 1024) {
        $error = 'No se pudo cargar la plantilla; recuerde que el tama&ntilde;o m&aacute;ximo permitido es 100 Kb.';
    } elseif ($plantilla !== '' && !move_uploaded_file($plantilla, __DIR__ . "/../../bodega/plantillas/$codigo.pdf")) {
        $error = 'No se pudo cargar la plantilla para los documentos del &aacute;rea';
    }
}
terminar($error === '' ? "El &Aacute;rea $nombre se grab&oacute; correctamente" : "Error: $error");
