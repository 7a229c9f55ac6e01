<?php
// Part of a report; asked for by itself it shows an empty one, or breaks where PHP has no split().
$columnas = split(',', isset($txt_lista_columnas) ? $txt_lista_columnas : '');
echo '<table><tr><th>' . implode('</th><th>', $columnas) . '</th></tr></table>';
