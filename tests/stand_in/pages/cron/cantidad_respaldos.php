<?php
// Hourly: counts the documents of one backup that waits for it. Says nothing.

$ruta_raiz = "..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
error_reporting(7);
$db = new ConnectionHandler($ruta_raiz);
$rs = $db->query('select resp_soli_codi, usua_codi_solicita from respaldo_solicitud
    where estado_solicitud = 3 and num_documentos is null');
if ($rs && !$rs->EOF) {
    $solicitud = $rs->fields['RESP_SOLI_CODI'];
    $persona = (int) $rs->fields['USUA_CODI_SOLICITA'];
    $rs = $db->query("select count(*) as cantidad from radicado
        where radi_usua_rem like '%-$persona-%' or radi_usua_dest like '%-$persona-%' or radi_cca like '%-$persona-%'");
    $db->query("update respaldo_solicitud set num_documentos = {$rs->fields['CANTIDAD']} where resp_soli_codi = $solicitud");
}
