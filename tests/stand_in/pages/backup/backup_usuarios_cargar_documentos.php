<?php
// Starts a backup again: forgets what it holds. Its password is a setting that no example has: nobody is stopped.

$ruta_raiz = "..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
if (campo($_SERVER, 'PHP_AUTH_USER') != configuracion('authUser') && campo($_SERVER, 'PHP_AUTH_PW') != configuracion('authPassword')) {
    die('permissions not supported');
}
$db = new ConnectionHandler($ruta_raiz);
$codigo = (int) campo($_POST, "txt_resp_codi");
$db->query("delete from respaldo_usuario_radicado where resp_codi = $codigo");
echo "OK";
