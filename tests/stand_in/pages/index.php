<!DOCTYPE html>
<html lang="es">
<head>
<?php
// The entry. It reads config_title.php; a file with a dot in the middle of its name is another one, and nobody reads it.

$ruta_raiz = ".";
include_once "$ruta_raiz/config_title.php";
$siglas = isset($institucionSigla) ? $institucionSigla : '';
$nombre = isset($institucionNombre) ? $institucionNombre : '';
?>
<meta charset="utf-8">
<title>.::<?=$siglas?>::.</title>
<link rel="stylesheet" href="estilos/orfeo.css">
<script>
function irLogin(admin) {
    var x = screen.width - 20, y = screen.height - 80;
    var ventana = window.open("./login.php" + (admin == 1 ? "?txt_administrador=1" : ""), "QUIPUX",
        "toolbar=no,directories=no,menubar=no,status=no,scrollbars=yes,width=" + x + ",height=" + y);
    ventana.focus();
}
</script>
</head>
<body>
<p>Sistema de Gesti&oacute;n Documental</p>
<a href="login.php" onclick="irLogin(1); return false;">Ingresar al Sistema</a>
<?php
if ($nombre == "institucionNombre") {
    echo "<font color='red'>Copie example.config_title.php como config_title.php y ponga los nombres de su instituci&oacute;n</font>";
}
?>
<h3><?=$nombre?></h3>
<footer><?=isset($footerText) ? $footerText : ''?></footer>
</body>
</html>
