<?php
// Part of the session check; alone it does nothing but look for the database.

$ruta_raiz = isset($ruta_raiz) ? $ruta_raiz : '.';
require_once __DIR__ . '/biblioteca.php';
$db = new ConnectionHandler($ruta_raiz);
if (!$db->conn->_connectionID) {
    die("<script>top.window.location='$ruta_raiz/paginasinConexion.php'</script>");
}
