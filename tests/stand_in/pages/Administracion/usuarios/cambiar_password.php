<?php
// The password form: with krd and code (both base64) from the activation link, or within a session.

require_once __DIR__ . '/../../biblioteca.php';
$por_enlace = isset($_GET['krd'], $_GET['code']);
if ($por_enlace) {
    $krd = limpio((string) base64_decode(campo($_GET, 'krd')));
    $codigo = (string) base64_decode(campo($_GET, 'code'));
    $cuenta = fila('SELECT usua_pasw FROM usuario WHERE usua_login = upper(?)', array($krd));
    if ($cuenta === null) {
        terminar('Su usuario no fue encontrado.');
    }
    if (guardable(md5($codigo)) !== $cuenta['usua_pasw']) {
        terminar('Su contrase&ntilde;a ya fue cambiada.');
    }
} else {
    exigir_sesion();
    $krd = $_SESSION['krd'];
}
encabezado('Contrase&ntilde;a');
?>
<script src="../../js/md5.js"></script>
<script>
function validar_formulario() {
    for (const campo of ["contraold", "contradrd", "contraver"]) {
        document.getElementById(campo).value = MD5(document.getElementById(campo).value);
    }
    return true;
}
</script>
<form name="formulario" action="cambiar_password_grabar.php" method="post" onsubmit="return validar_formulario();">
<p>Usuario: <?php echo html(substr($krd, 1)); ?></p>
<?php if ($por_enlace) { ?>
<input type='hidden' name='krd' id='krd' value='<?php echo html($krd); ?>'>
<input type='hidden' name='contraold' id='contraold' value='<?php echo html($codigo); ?>'>
<?php } else { ?>
<label>Contrase&ntilde;a anterior <input type='password' name='contraold' id='contraold' value=''></label>
<?php } ?>
<label>Contrase&ntilde;a <input type='password' name='contradrd' id='contradrd' value=''></label>
<label>Otra vez <input type='password' name='contraver' id='contraver' value=''></label>
<input type='submit' value='Aceptar'>
</form>
<?php
pie();
