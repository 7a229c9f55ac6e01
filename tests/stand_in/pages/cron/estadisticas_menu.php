<?php
// Every few minutes: the numbers in the menu. They come from a table that the dumps do not have: without it they stay blank.

$ruta_raiz = "..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
error_reporting(7);
$db = new ConnectionHandler($ruta_raiz);
$rs = $db->query("select sum(num_documentos) as documentos, sum(no_usuarios) as usuarios,
    (select count(*) from usuarios_sesion where usua_fech_sesion::date = current_date and usua_sesion not like 'FIN%') as conectados
    from tmpreporteestadisticas");
$campos = $rs ? $rs->fields : array('DOCUMENTOS' => '', 'USUARIOS' => '', 'CONECTADOS' => '');
$texto = "<p>Usuarios conectados: <b>{$campos['CONECTADOS']}</b></p><p>Usuarios registrados: <b>{$campos['USUARIOS']}</b></p>"
    . "<p>Docs. generados: <b>{$campos['DOCUMENTOS']}</b></p>";
echo date('Y-m-d H:i:s');
file_put_contents("$ruta_raiz/bodega/estadisticas_menu.html", $texto);
