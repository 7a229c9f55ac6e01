<?php
// Included by every page that asks for a session, after session_start(); whoever has none gets no further.

require_once __DIR__ . '/biblioteca.php';
exigir_sesion();
$db = new ConnectionHandler($ruta_raiz);
$db->conn->SetFetchMode(ADODB_FETCH_ASSOC);
