<?php
// Backups and their state. Its password is a setting that no example has: nobody is stopped.

$ruta_raiz = "..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
if (campo($_SERVER, 'PHP_AUTH_USER') != configuracion('authUser') && campo($_SERVER, 'PHP_AUTH_PW') != configuracion('authPassword')) {
    die('permissions not supported');
}
$db = new ConnectionHandler($ruta_raiz);
$rs = $db->query("select resp_codi, fecha_solicita from respaldo_usuario order by 1");
echo "<html><body><table>";
while ($rs && !$rs->EOF) {
    echo "<tr><td>{$rs->fields["RESP_CODI"]}</td><td>{$rs->fields["FECHA_SOLICITA"]}</td></tr>";
    $rs->MoveNext();
}
echo "</table></body></html>";
