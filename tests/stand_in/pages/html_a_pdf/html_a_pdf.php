<?php
// The PDF service: HTML in, PDF out, over SOAP. The service reads its own description by its public address.

/** Runs one of the two programs of a page; its words, if it makes no file. */
function ejecutar($orden, $archivo)
{
    exec("$orden 2>&1", $salida, $resultado);
    if ($resultado !== 0 || !is_file($archivo) || filesize($archivo) === 0) {
        throw new SoapFault('Server', implode("\n", array_slice($salida, 0, 5)));
    }
}

function html_a_pdf($html, $plantilla = '', $estado = '', $numero = '', $fecha = '', $escala = '', $orientacion = 'V')
{
    $margenes = array('H' => 'psh', 'S' => 'pss', 'R' => 'psr', 'I' => 'psi', 'A' => 'psa');
    $conf = (isset($margenes[$orientacion]) ? $margenes[$orientacion] : 'ps') . '.conf';
    $echada = in_array($orientacion, array('H', 'S'), true) ? '--landscape' : '';
    $hoja = $orientacion === 'S' ? 'a5' : 'a4';
    $entrada = tempnam('/tmp/', 'HTML-');
    $postscript = str_replace('HTML-', 'PS-', $entrada);
    $pdf = str_replace('HTML-', 'PDF-', $entrada);
    file_put_contents($entrada, validar_html(base64_decode($html)));
    $escala = is_numeric($escala) ? $escala / 100 : 1;
    try {
        ejecutar("/usr/bin/html2ps $echada -f $conf -s $escala -o $postscript $entrada", $postscript);
        ejecutar("/usr/bin/ps2pdf -sPAPERSIZE=$hoja -I -dAutoRotatePages=/All $postscript $pdf", $pdf);
        return base64_encode(file_get_contents($pdf));
    } finally {
        foreach (array($entrada, $postscript, $pdf) as $archivo) {
            is_file($archivo) && unlink($archivo);
        }
    }
}

/** One PDF of several, all in base 64. */
function unir_archivos_pdf($archivos)
{
    $base = tempnam('/tmp/', 'UPDF-');
    $nombres = array();
    foreach (array_filter((array) $archivos) as $numero => $archivo) {
        file_put_contents("$base$numero", base64_decode($archivo));
        $nombres[] = "$base$numero";
    }
    try {
        ejecutar("/usr/bin/gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -sOutputFile=$base.pdf " . implode(' ', $nombres), "$base.pdf");
        return base64_encode(file_get_contents("$base.pdf"));
    } finally {
        array_map('unlink', array_filter(array_merge($nombres, array($base, "$base.pdf")), 'is_file'));
    }
}

/** HTML that html2ps can read: no styles, comments or form fields, letters with marks as entities. */
function validar_html($html)
{
    $html = preg_replace(array(':<style.*?</style>:is', ':<!--.*?-->:s', ':<input .*?>:i'), '', $html);
    return letras_con_nombre($html);
}

function letras_con_nombre($html)
{
    $letras = 'á é í ó ú ñ ü Á É Í Ó Ú Ñ Ü';
    $nombres = 'aacute eacute iacute oacute uacute ntilde uuml Aacute Eacute Iacute Oacute Uacute Ntilde Uuml';
    $entidades = array_map(function ($nombre) {
        return "&$nombre;";
    }, explode(' ', $nombres));
    return str_replace(explode(' ', $letras), $entidades, $html);
}

include "config.php";
ini_set("soap.wsdl_cache_enabled", "0");
$servidor = new SoapServer("$nombre_servidor/html_a_pdf.wsdl");
$servidor->addFunction("html_a_pdf");
$servidor->addFunction("unir_archivos_pdf");
$servidor->handle();
