<?php
// Takes signed documents from the signature service. Nobody is asked who he is.

$ruta_raiz = "..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";

function grabar_archivos_firmados($usuario, $documento, $archivo)
{
    $db_bodega = new ConnectionHandler('..', 'bodega');
    $nombre = preg_replace('/\D/', '', $documento);
    $rs = $db_bodega->query("select func_grabar_archivo('$nombre.pdf', '" . base64_encode($archivo) . "') as arch_codi");
    if (!$rs || $rs->EOF || $rs->fields['ARCH_CODI'] == 0) {
        return 0;
    }
    $codigo = $rs->fields['ARCH_CODI'];
    consulta(
        'UPDATE radicado SET radi_fech_firma = now(), radi_tipo_archivo = 1, arch_codi = ?, arch_codi_firma = ? WHERE radi_nume_temp = ?',
        array($codigo, $codigo, $nombre ?: 0)
    );
    return 1;
}

ini_set("soap.wsdl_cache_enabled", "0");
$servicio = new SoapServer(configuracion('nombre_servidor') . '/interconexion/firma.wsdl');
$servicio->addFunction('grabar_archivos_firmados');
$servicio->handle();
