<?
// The first half of the session check: is there a database? Where PHP does not know the short tag above, this text is shown.

require_once "$ruta_raiz/biblioteca.php";
$db = new ConnectionHandler($ruta_raiz);
$db->conn->SetFetchMode(ADODB_FETCH_ASSOC);
if (!$db->conn->_connectionID) {
    die("<script>top.window.location='$ruta_raiz/paginasinConexion.php'</script>");
}
