<?php
// Frames of pages.

function html_head($estilos = true)
{
    global $ruta_raiz;
    $hoja = $estilos ? "<link href='$ruta_raiz/estilos/orfeo.css' rel='stylesheet' type='text/css'>" : '';
    return "<head><meta http-equiv='Content-Type' content='text/html; charset=UTF-8'>
<title>.:: Quipux - Sistema de Gesti&oacute;n Documental ::.</title>$hoja</head>";
}

function html_error($mensaje)
{
    return '<html>' . html_head() . "<body><center><h3>$mensaje</h3></center></body></html>";
}
