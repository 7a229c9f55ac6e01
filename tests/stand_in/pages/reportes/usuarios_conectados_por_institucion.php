<?php
$ruta_raiz = "..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
$institucion = (int) campo($_POST, 'institucion');
if ($institucion == 0) {
    die('No se encontr&oacute; la instituci&oacute;n');
}
$db = new ConnectionHandler($ruta_raiz);
$rs = $db->query("select usua_nombre, usua_cargo from usuario join usuarios_sesion using (usua_codi)
    where inst_codi = $institucion and usua_fech_sesion >= now() - interval '2 hours' and usua_sesion not like 'FIN%'");
while ($rs && !$rs->EOF) {
    echo "<p>{$rs->fields['USUA_NOMBRE']} {$rs->fields['USUA_CARGO']}</p>";
    $rs->MoveNext();
}
