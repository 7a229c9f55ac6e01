<?php
// Daily: how full each active repository is; from 80 % on it mails.

$ruta_raiz = "..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
include_once "$ruta_raiz/funciones.php";
error_reporting(7);
$db_bodega = new ConnectionHandler($ruta_raiz, "bodega");
if (!$db_bodega->conn->_connectionID) {
    die("Error: No se pudo conectar con la BDD");
}
$mensaje = '';
$maximo = 0;
$rs = $db_bodega->query('select indi_codi, nombre_tabla, tamanio_maximo, pg_table_size(nombre_tabla) as tamanio_tabla
    from indice where esta_codi = 2 order by indi_codi');
if (!$rs || $rs->EOF) {
    $mensaje .= '<br>No se encontraron repositorios activos';
}
while ($rs && !$rs->EOF) {
    $parte = round($rs->fields['TAMANIO_TABLA'] / $rs->fields['TAMANIO_MAXIMO'] * 100, 2);
    $maximo = max($maximo, $parte);
    $actual = round($rs->fields['TAMANIO_TABLA'] / 1073741824, 2);
    $total = round($rs->fields['TAMANIO_MAXIMO'] / 1073741824, 2);
    $db_bodega->conn->Replace(
        'indice',
        array('indi_codi' => $rs->fields['INDI_CODI'], 'tamanio' => $rs->fields['TAMANIO_TABLA']),
        'indi_codi'
    );
    $mensaje .= "<br>Uso del repositorio {$rs->fields['NOMBRE_TABLA']}: $actual de $total Gb ($parte%) al " . date('Y-m-d');
    $rs->MoveNext();
}
echo 'Fecha: ' . date('Y-m-d H:i:s') . "<br>$mensaje<br><br>";
if ($maximo < 80) {
    die();
}
$db = new ConnectionHandler($ruta_raiz);
$correos = configuracion('amd_email');
$rs = $db->query('select usua_email from usuario where usua_esta = 1
    and (usua_codi = 0 or usua_codi in (select usua_codi from permiso_usuario where id_permiso = 35))');
while ($rs && !$rs->EOF) {
    $correos .= ',' . $rs->fields['USUA_EMAIL'];
    $rs->MoveNext();
}
echo "Notificado a: $correos<br><br>";
$aviso = "Uso de los repositorios de **SISTEMA**:<br>$mensaje<br>**DESPEDIDA**";
enviarMail($aviso, 'QUIPUX - URGENTE: Estado del repositorio de archivos', "$correos,correo@admin", '', $ruta_raiz);
die($aviso);
