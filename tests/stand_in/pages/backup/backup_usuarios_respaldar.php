<?php
// Backups that wait to be made. Its password is a setting that no example has: nobody is stopped.

$ruta_raiz = "..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
if (campo($_SERVER, 'PHP_AUTH_USER') != configuracion('authUser') && campo($_SERVER, 'PHP_AUTH_PW') != configuracion('authPassword')) {
    die('permissions not supported');
}
$db = new ConnectionHandler($ruta_raiz);
$rs = $db->query("select count(*) as cuantos from respaldo_usuario where fecha_inicio is null");
echo "<html><body>Pendientes: " . ($rs ? $rs->fields["CUANTOS"] : "") . "</body></html>";
