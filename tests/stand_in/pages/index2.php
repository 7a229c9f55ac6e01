<?php
// The older entry: its texts come from the table contenido; without a database the page stands, without them.

$ruta_raiz = '.';
include_once "$ruta_raiz/funciones_interfaz.php";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
$db = new ConnectionHandler($ruta_raiz);
$db->conn->SetFetchMode(ADODB_FETCH_ASSOC);
$textos = array();
$rs = $db->query("select c.* from contenido c join contenido_tipo t on c.cont_tipo_codi = t.cont_tipo_codi
    where t.funcionalidad = 'Index'");
while ($rs and !$rs->EOF) {
    $textos[$rs->fields['CONT_TIPO_CODI']] = '<h2>' . $rs->fields['DESCRIPCION'] . '</h2>' . $rs->fields['TEXTO'];
    $rs->MoveNext();
}
echo '<html>' . html_head();
?>
<body>
<a href="login.php">Ingresar al Sistema</a>
<ul class="accordion">
<?php foreach (array(1 => 'Implantaci&oacute;n del Sistema prueba', 2 => 'Procedimientos', 3 => 'Soporte') as $tipo => $titulo) { ?>
<li class="bg<?=$tipo?>"><div class="description"><?=isset($textos[$tipo]) ? $textos[$tipo] : "<h2>$titulo</h2>"?></div></li>
<?php } ?>
</ul>
</body>
</html>
