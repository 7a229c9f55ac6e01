<?php
// Removes a person's backup: its rows, its folder and its archives. The number is never more than a number.

$ruta_raiz = '..';
require_once "$ruta_raiz/biblioteca.php";
exigir_sesion();
$resp_codi = campo($_POST, 'txt_resp_codi');
$resp_codi = (int) $resp_codi;

$carpeta = "$ruta_raiz/bodega/respaldos/respaldo_$resp_codi";
if (is_dir($carpeta)) {
    shell_exec("rm -rf $carpeta $carpeta.z*");
}
consulta('DELETE FROM respaldo_usuario_radicado WHERE resp_codi = ?', array($resp_codi));
consulta('UPDATE respaldo_usuario SET fecha_eliminado = now() WHERE resp_codi = ?', array($resp_codi));
exit('El respaldo se elimin&oacute; correctamente.');
