<?php
// Every few minutes: the warning that the pages show on top, and the text of a blocked system.

$ruta_raiz = "..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
error_reporting(7);
$db = new ConnectionHandler($ruta_raiz);
if (!$db->conn->_connectionID) {
    die("Error: No se pudo conectar con la BDD");
}
$rs = $db->query('select mensaje_usuario, tipo_mensaje from bloqueo_sistema
    where estado = 1 and fecha_inicio <= now() and now() < fecha_fin order by tipo_mensaje, fecha_inicio limit 1');
$texto = $rs && !$rs->EOF ? "<div id='div_mensaje_alerta_top'>{$rs->fields['MENSAJE_USUARIO']}</div>" : '';
$texto .= '<span id="txt_codigo_mensaje_alerta_top" style="display: none;">' . md5($texto) . '</span>';
file_put_contents("$ruta_raiz/bodega/mensaje_alerta_top.html", $texto);
$bloqueo = "$ruta_raiz/bodega/mensaje_bloqueo_sistema.html";
if ($rs && !$rs->EOF && $rs->fields['TIPO_MENSAJE'] < 2) {
    file_put_contents($bloqueo, $rs->fields['MENSAJE_USUARIO']);
} elseif (is_file($bloqueo)) {
    unlink($bloqueo);
}
echo date('Y-m-d H:i:s');
