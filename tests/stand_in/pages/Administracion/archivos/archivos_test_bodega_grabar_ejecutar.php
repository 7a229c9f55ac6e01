<?php
// How long writing takes; left behind by somebody's measuring, and open to everybody.

$ruta_raiz = "../..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
$db = new ConnectionHandler($ruta_raiz, "busqueda");
$anio = (int) campo($_POST, 'anio');
$sql = "select anex_codigo, anex_path from anexos where anex_codigo like '$anio%' order by anex_codigo limit 1";
$rs = $db->query($sql);
echo "$sql<br>";
if (!$rs || $rs->EOF) {
    die('Error - No se encuentran m&aacute;s archivos');
}
echo $rs->fields['ANEX_CODIGO'];
