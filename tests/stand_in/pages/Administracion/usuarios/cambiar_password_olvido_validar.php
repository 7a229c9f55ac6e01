<?php
// Tells anybody whether somebody has an account, and shows the cédula.

$ruta_raiz = "../..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
include_once "$ruta_raiz/funciones.php";
$db = new ConnectionHandler($ruta_raiz);
$login = trim(limpiar_sql(campo($_POST, 'txt_login')));
$rs = $db->query("select usua_cedula from usuario where usua_esta = 1 and usua_codi <> 0 and usua_login like upper('U$login')");
if ($rs && !$rs->EOF) {
    echo "<input type='hidden' id='txt_cedula' name='txt_cedula' value='{$rs->fields['USUA_CEDULA']}'>";
    echo "<img src='$ruta_raiz/js/captcha.php' width='100' height='30' alt=''>";
} else {
    echo '<b>No se encontr&oacute; ning&uacute;n usuario o ciudadano con ese n&uacute;mero de c&eacute;dula</b>';
}
