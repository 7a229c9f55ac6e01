<?php
// Included by every page that asks for a session, after session_start(); whoever has none gets no further.

include "$ruta_raiz/session_orfeo.php";
require_once "$ruta_raiz/biblioteca.php";
exigir_sesion();
