<?php
// The application's side of the PDF service.

/** The PDF of a text, in base 64, or "0" (and a sentence for the reader) if the service gives none. */
function ws_generar_pdf_base64($html, $plantilla, $servidor, $estado = '', $numero = '', $fecha = '', $escala = '', $orientacion = 'V')
{
    try {
        $descripcion = "$servidor/html_a_pdf.php?wsdl";
        if (!@file_get_contents($descripcion)) {
            throw new SoapFault('Server', "No WSDL found at $descripcion");
        }
        ini_set('soap.wsdl_cache_enabled', '0');
        $archivo = is_file($plantilla) ? base64_encode(file_get_contents($plantilla)) : '';
        $cliente = new SoapClient($descripcion);
        $pdf = $cliente->__soapCall(
            'html_a_pdf',
            array(base64_encode($html), $archivo, $estado, $numero, $fecha, $escala, $orientacion)
        );
        if (strlen($pdf) < 1000) {
            throw new SoapFault('Server', "Error SOAP: $pdf");
        }
        return $pdf;
    } catch (SoapFault $error) {
        echo 'No se generó correctamente el archivo PDF.';
        return '0';
    }
}

/** The same as the PDF itself. */
function ws_generar_pdf($html, $plantilla, $servidor, $estado = '', $numero = '', $fecha = '', $escala = '', $orientacion = 'V')
{
    $pdf = ws_generar_pdf_base64($html, $plantilla, $servidor, $estado, $numero, $fecha, $escala, $orientacion);
    return $pdf === '0' ? '0' : base64_decode($pdf);
}
