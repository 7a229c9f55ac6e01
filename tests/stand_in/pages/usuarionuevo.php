<?php
// Where the link of the activation mail leads. Opening it changes nothing; it hands krd and code on to the password form.

require_once __DIR__ . '/biblioteca.php';
$valores = http_build_query(array('krd' => campo($_GET, 'krd'), 'code' => campo($_GET, 'code')));
encabezado('Activaci&oacute;n de la cuenta');
?>
<script>
function popup_main() {
    url = <?php echo json_encode("./Administracion/usuarios/cambiar_password.php?$valores", JSON_UNESCAPED_SLASHES | JSON_HEX_TAG); ?>;
    window.open(url, "QUIPUX");
}
</script>
<p>Para Ingresar al sistema, haga click <a href="javascript:popup_main();">AQU&Iacute;</a></p>
<?php
pie();
