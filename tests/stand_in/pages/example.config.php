<?php
// Ejemplo de configuración: cópielo como config.php. Los datos de la base pueden venir también de $_SERVER['DB_...'].

$FILE_LOCAL = 'localEcuador.php';
$activar_bloqueo_sistema = false;
$version_light = false;
$config_numero_meses = 60;
$config_bloquear_acceso_ciudadano = false;

// Base transaccional
$usuario = 'postgres';
$contrasena = 'postgres';
$servidor = '127.0.0.1:5432';
$driver = 'postgres';
$db = 'quipux_comunidad';

// Base documental
$usuario_bodega = 'postgres';
$contrasena_bodega = 'postgres';
$servidor_bodega = '127.0.0.1:5432';
$db_bodega = 'quipux_combodega';

// Réplica, solo si $replicacion
$replicacion = false;
$usuario_busqueda = 'postgres';
$contrasena_busqueda = 'postgres';
$servidor_busqueda = '127.0.0.1:5432';
$db_busqueda = 'quipux_replica';

$appID = 'appID';
$path_ciudadanos = '/var/www/quipux/bodega/ciudadanos';

// Registros: 0 nada, 1 errores, 2 todo
$mostrar_logs = 0;
$grabar_logs = 2;
$grabar_log_paginas_visitadas = false;
$grabar_log_full_backup = false;

// Correos
$amd_email = 'administrador@dominio.com';
$cuenta_mail_soporte = 'soporte@dominio.com';
$cuenta_mail_envio = 'recordatorio@dominio.com';
$cuenta_mail_respaldo = 'respaldo@dominio.com';

// Servidores, sin barra al final
$nombre_servidor = 'http://127.0.0.1/quipux';
$nombre_servidor_reportes = $nombre_servidor;
$nombre_servidor_respaldos = $nombre_servidor;
$servidor_firma = 'http://nombre_servidor_firma_electronica';
$servidor_pdf = 'http://127.0.0.1/html_a_pdf';

$numeroMeses = 60;
$path_acuerdo = 'http://127.0.0.1/acuerdo.odt';
$acceso_ciudadano_inst = 1;
$tipo_doc_ciudadano = '7';
$dias_descarga = 15;
$versionEstable = 25;
$api_key_token = 'appquipux';
$swEnvioArchivoFirmaConfig = 'https://firma.example.gob.ec/servicio/documentos';
?>
