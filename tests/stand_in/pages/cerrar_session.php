<?php
require_once __DIR__ . '/biblioteca.php';
abrir_sesion();
consulta('UPDATE usuarios_sesion SET usua_sesion = ? WHERE usua_sesion = ?', array('FIN  ' . date('Y-m-d H:i:s'), session_id()));
$_SESSION = array();
session_destroy();
terminar('Su sesi&oacute;n termin&oacute;.');
