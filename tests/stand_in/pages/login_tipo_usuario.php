<?php
// Unasked for by any page of today, and open to everybody: whether a person has an account.

$ruta_raiz = ".";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
include_once "$ruta_raiz/funciones.php";
$db = new ConnectionHandler($ruta_raiz);
$login = limpiar_sql(campo($_POST, 'txt_login'));
$rs = $db->query("select usua_codi from usuarios where usua_login like upper('U$login')");
$tipo = $rs && !$rs->EOF ? 'u' : '';
echo "<input type='hidden' name='tipo_usuario' id='tipo_usuario' value='$tipo'>";
