<?php
// How long reading takes; left behind by somebody's measuring, and open to everybody.

$ruta_raiz = "../..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
$db_bodega = new ConnectionHandler($ruta_raiz, "bodega_test");
$inicio = microtime(true);
$rs = $db_bodega->query('select func_recuperar_archivo(1) as archivo');
$tiempo = microtime(true) - $inicio;
echo "$tiempo - <br>";
$db_bodega->query("insert into tmp_tiempo_read (arch_codi, tiempo) values (1, $tiempo)");
