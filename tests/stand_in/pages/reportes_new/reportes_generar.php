<?php
session_start();
$ruta_raiz = "..";
include_once "$ruta_raiz/rec_session.php";
$columnas_reporte = 'Institución';
include "reportes_generar_paginador.php";
