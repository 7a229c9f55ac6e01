<?php
// Daily: removes the backups whose days are over, files and rows. Says nothing.

$ruta_raiz = "..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
error_reporting(7);
$db = new ConnectionHandler($ruta_raiz);
$dias = (int) configuracion('dias_descarga');
$rs = $db->query("select u.resp_codi, coalesce(s.resp_soli_codi, 0) as resp_soli_codi, s.estado_solicitud
    from respaldo_usuario u left join respaldo_solicitud s on s.resp_codi = u.resp_codi
    where fecha_eliminado is null and fecha_fin is not null and fecha_fin::date < current_date - $dias");
while (!$rs->EOF) {
    $codigo = $rs->fields['RESP_CODI'];
    $solicitud = $rs->fields['RESP_SOLI_CODI'];
    $db->query("delete from respaldo_usuario_radicado where resp_codi = $codigo");
    $carpeta = "$ruta_raiz/bodega/respaldos/respaldo_$codigo";
    exec("rm -rf $carpeta $carpeta.z*");
    $db->query("update respaldo_usuario set fecha_eliminado = {$db->conn->sysTimeStamp} where resp_codi = $codigo");
    $db->query("update respaldo_solicitud set estado_respaldo = 15 where resp_soli_codi = $solicitud");
    if ($solicitud != 0) {
        $db->conn->Replace('RESPALDO_HIST_EVENTOS', array(
            'RESP_SOLI_CODI' => $solicitud,
            'FECHA' => $db->conn->sysTimeStamp,
            'ACCION' => 87,
            'COMENTARIO' => "'Los $dias días de vigencia han expirado.'",
            'ESTADO_SOLICITUD' => (int) $rs->fields['ESTADO_SOLICITUD'],
            'ESTADO_RESPALDO' => 15,
        ));
    }
    $rs->MoveNext();
}
