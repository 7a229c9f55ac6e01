<?php
// Stores a new password. contraold, contradrd and contraver arrive as MD5; the change reaches every account of the person.

require_once __DIR__ . '/../../biblioteca.php';
if (isset($_POST['krd'])) {
    $krd = limpio(campo($_POST, 'krd'));
} else {
    exigir_sesion();
    $krd = $_SESSION['krd'];
}
$anterior = limpio(campo($_POST, 'contraold'));
$nueva = limpio(campo($_POST, 'contradrd'));
$cuenta = fila('SELECT usua_pasw, usua_cedula FROM usuario WHERE usua_login = upper(?)', array($krd));
if ($cuenta === null) {
    terminar('Su usuario no fue encontrado.');
}
if ($nueva === '' || $nueva !== limpio(campo($_POST, 'contraver')) || guardable($anterior) !== (string) $cuenta['usua_pasw']) {
    terminar('No se pudo cambiar su contrase&ntilde;a.');
}
$valores = array(guardable($nueva), $cuenta['usua_cedula']);
consulta('UPDATE usuarios SET usua_pasw = ? WHERE usua_cedula = ?', $valores);
consulta('UPDATE ciudadano SET ciu_pasw = ? WHERE ciu_cedula = ?', $valores);
terminar('Su contrase&ntilde;a ha sido cambiada exitosamente.');
