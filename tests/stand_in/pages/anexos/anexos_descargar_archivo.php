<?php
// A document's or an attachment's file out of the document database, by way of bodega/tmp, where it stays under its extension.

session_start();
$ruta_raiz = "..";
include_once "$ruta_raiz/rec_session.php";
include_once "$ruta_raiz/funciones.php";
$db_bodega = new ConnectionHandler($ruta_raiz, "bodega");

$documento = trim(limpiar_numero(campo($_GET, 'radi_nume')));
$anexo = trim(limpiar_sql(campo($_GET, 'anex_codigo')));
$falta = "<script>alert('Lo sentimos, no se encontró el archivo solicitado.');</script>";
if ($anexo === '' && $documento === '') {
    die($falta);
}
$fila = $anexo !== ''
    ? fila('SELECT arch_codi, anex_nombre AS nombre FROM anexos WHERE anex_codigo = ?', array($anexo))
    : fila("SELECT arch_codi, radi_nume_text || '.pdf' AS nombre FROM radicado WHERE radi_nume_radi = ?", array($documento));
if ($fila === null || !$fila['arch_codi']) {
    die($falta);
}
consulta(
    'INSERT INTO log_archivo_descarga (fecha, usua_codi, radi_nume_radi, anex_codigo, tipo_descarga) VALUES (now(), ?, ?, ?, ?)',
    array($_SESSION['usua_codi'], $documento ?: null, $anexo, substr(campo($_GET, 'tipo_descarga'), 0, 10))
);
$copia = "$ruta_raiz/bodega/tmp/{$fila['arch_codi']}." . strtolower(pathinfo($fila['nombre'], PATHINFO_EXTENSION));
if (!is_file($copia)) {
    $rs = $db_bodega->query("select func_recuperar_archivo({$fila['arch_codi']}) as archivo");
    if (!$rs || $rs->EOF || $rs->fields['ARCHIVO'] == '') {
        die("<script>alert('Lo sentimos, no se pudo descargar el archivo solicitado.');</script>");
    }
    file_put_contents($copia, base64_decode($rs->fields['ARCHIVO']));
}
header('Content-Disposition: attachment; filename=' . str_replace(' ', '_', strtolower($fila['nombre'])));
header('Content-Type: ' . get_mime_tipe($fila['nombre']));
readfile($copia);
