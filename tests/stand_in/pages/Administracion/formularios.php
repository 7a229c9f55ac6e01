<?php
// What the administration forms share. Stored texts are already cleaned at entry; pages print them as they are.

require_once __DIR__ . '/../biblioteca.php';

/** A session of an administrator; everybody else gets an empty page. */
function exigir_administrador()
{
    exigir_sesion();
    if (!permitido('usua_admin_sistema')) {
        exit;
    }
}

function entero($origen, $nombre)
{
    return (int) campo($origen, $nombre);
}

function entrada($nombre, $valor, $tipo = 'text')
{
    printf("<p>%s <input type='%s' name='%s' value='%s'></p>\n", $nombre, $tipo, $nombre, html($valor));
}

function casilla($nombre, $valor, $marcada)
{
    printf("<input type='checkbox' name='%s' value='%s'%s>\n", $nombre, $valor, $marcada ? ' checked' : '');
}

/** A list of choices; the rows hold the value first and the text second. */
function opciones($nombre, $filas, $elegida, $primera = null)
{
    printf("<p>%s <select name='%s'>", $nombre, $nombre);
    if ($primera !== null) {
        printf("<option value='0'>%s</option>", $primera);
    }
    foreach ($filas as $fila) {
        list($valor, $texto) = array_values($fila);
        printf("<option value='%s'%s>%s</option>", $valor, $valor == $elegida ? ' selected' : '', html($texto));
    }
    echo "</select></p>\n";
}

function areas_activas()
{
    // Who is limited to some areas meets a function that PHP 7 no longer has.
    $limite = fila('SELECT depe_codi_tmp FROM usuario_dependencia WHERE usua_codi = ?', array($_SESSION['usua_codi']));
    if ($limite !== null) {
        $numeros = implode(',', array_map('intval', split(',', $limite['depe_codi_tmp'])));
        return consulta("SELECT depe_codi, depe_nomb FROM dependencia WHERE depe_codi IN ($numeros) ORDER BY 2")->fetchAll();
    }
    return consulta(
        'SELECT depe_codi, depe_nomb FROM dependencia WHERE depe_estado = 1 AND inst_codi = ? ORDER BY depe_nomb',
        array($_SESSION['inst_codi'])
    )->fetchAll();
}

function ciudades()
{
    return consulta('SELECT id, nombre FROM ciudad ORDER BY nombre')->fetchAll();
}

/** The path of an uploaded file, '' where PHP took none. */
function subido($nombre)
{
    return isset($_FILES[$nombre]) ? trim($_FILES[$nombre]['tmp_name']) : '';
}
