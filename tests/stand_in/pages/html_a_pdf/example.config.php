<?php
$nombre_servidor = "http://127.0.0.1/quipux-comunitario/html_a_pdf";
$tipo_sistema = "Quipux-Comunidad";
?>
