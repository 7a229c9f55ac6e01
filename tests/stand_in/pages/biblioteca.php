<?php
// What the stand-in's pages share: settings, database, cleaning of texts, page frame, the check of a live session.
// Runs on PHP 7.4 and 8.2. Same addresses and form fields as the release; the code is our own.

error_reporting(E_ALL);
ini_set('display_errors', '0');
ini_set('log_errors', '1');

require_once __DIR__ . '/include/db/ConnectionHandler.php';

/** Settings under the release's names, from config.php beside this file or else from the environment. */
function configuracion($nombre = null)
{
    static $valores = null;
    if ($valores === null) {
        $valores = leer_configuracion();
    }
    return $nombre === null ? $valores : (isset($valores[$nombre]) ? $valores[$nombre] : '');
}

function leer_configuracion()
{
    $usuario = getenv('QUIPUX_DB_USER');
    $contrasena = getenv('QUIPUX_DB_PASSWORD');
    $servidor = getenv('QUIPUX_DB_SERVER');
    $db = getenv('QUIPUX_DB_NAME');
    list($usuario_bodega, $contrasena_bodega, $servidor_bodega) = array($usuario, $contrasena, $servidor);
    $db_bodega = getenv('QUIPUX_DB_STORE_NAME');
    $nombre_servidor = 'http://' . campo($_SERVER, 'HTTP_HOST');
    $cuenta_mail_envio = $cuenta_mail_soporte = $amd_email = 'quipux@example.gob.ec';
    $dias_descarga = 15;
    $appID = '';
    if (is_file(__DIR__ . '/config.php')) {
        include __DIR__ . '/config.php';
    }
    return get_defined_vars();
}

function base()
{
    static $conexion = null;
    if ($conexion === null) {
        $valores = configuracion();
        $partes = explode(':', $valores['servidor'] . ':5432');
        $fuente = sprintf("pgsql:host=%s;port=%s;dbname=%s", $partes[0], $partes[1], $valores['db']);
        try {
            $conexion = new PDO($fuente, $valores['usuario'], $valores['contrasena']);
        } catch (PDOException $error) {
            sin_base();
        }
        $conexion->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
        $conexion->setAttribute(PDO::ATTR_DEFAULT_FETCH_MODE, PDO::FETCH_ASSOC);
    }
    return $conexion;
}

function sin_base()
{
    error_log('sin base de datos');
    exit("<script>top.window.location='" . raiz() . "/paginasinConexion.php'</script>");
}

function consulta($sql, $valores = array())
{
    try {
        $sentencia = base()->prepare($sql);
        $sentencia->execute($valores);
        return $sentencia;
    } catch (PDOException $error) {
        // Cut off or sent away in the middle of a page.
        if (preg_match('/^(57P|08|HY000)/', (string) $error->getCode())) {
            sin_base();
        }
        throw $error;
    }
}

/** The first row, or null. */
function fila($sql, $valores = array())
{
    $fila = consulta($sql, $valores)->fetch();
    return $fila === false ? null : $fila;
}

function campo($origen, $nombre)
{
    return isset($origen[$nombre]) && is_string($origen[$nombre]) ? $origen[$nombre] : '';
}

/** The application's cleaning of a text: no backslash, no apostrophe, straight quotes, no tags, no outer blanks. */
function limpio($texto)
{
    return trim(str_replace(
        array('\\', "'", "\u{201C}", "\u{201D}", '<'),
        array('', "\u{2032}", '"', '"', '&lt;'),
        $texto
    ));
}

function html($texto)
{
    return htmlspecialchars((string) $texto, ENT_QUOTES, 'UTF-8');
}

/** What is stored of a password: characters 2 to 27 of its lower-case hexadecimal MD5, which the browser sends. */
function guardable($md5)
{
    return (string) substr($md5, 1, 26);
}

function direccion_cliente()
{
    $partes = array('HTTP_X_FORWARDED_FOR', 'HTTP_CLIENT_IP', 'REMOTE_ADDR');
    return implode(' - ', array_map(function ($nombre) {
        return campo($_SERVER, $nombre);
    }, $partes));
}

/** Relative way from the running page to the top folder. */
function raiz()
{
    $carpeta = dirname(substr(realpath($_SERVER['SCRIPT_FILENAME']), strlen(__DIR__) + 1));
    return $carpeta === '.' ? '.' : rtrim(str_repeat('../', substr_count($carpeta, '/') + 1), '/');
}

function encabezado($titulo)
{
    header('Content-Type: text/html; charset=UTF-8');
    header('Cache-Control: private');
    echo "<html><head><title>Quipux - $titulo</title></head><body>\n";
}

function pie()
{
    echo "\n</body></html>\n";
}

function terminar($mensaje)
{
    encabezado('Aviso');
    echo "<h3>$mensaje</h3>";
    pie();
    exit;
}

/** Browser and network of a session, so that it cannot be carried elsewhere. */
function huella()
{
    $red = implode('.', array_slice(explode('.', campo($_SERVER, 'REMOTE_ADDR')), 0, 2));
    return md5(campo($_SERVER, 'HTTP_USER_AGENT') . '|' . $red);
}

function abrir_sesion()
{
    if (session_status() !== PHP_SESSION_ACTIVE) {
        session_start();
    }
}

/** What everybody sees who has no live session. */
function sesion_expirada()
{
    terminar("Su sesi&oacute;n ha expirado o ha ingresado en otro equipo. <a href='" . raiz() . "/login.php' target='_parent'>Ingresar</a>");
}

/** Ten requests for one address in a row, each within two seconds, close the session for good (not account 0's). */
function frenar_insistencia()
{
    $mucho = 'Su sesi&oacute;n qued&oacute; bloqueada: llegan demasiadas peticiones. Cierre el navegador y vuelva a entrar.';
    if (!empty($_SESSION['session_dos_bloquear_usuario'])) {
        terminar($mucho);
    }
    $pagina = campo($_SERVER, 'REQUEST_URI');
    if (!isset($_SESSION['session_dos_pagina']) || $_SESSION['session_dos_pagina'] !== $pagina) {
        $_SESSION['session_dos_pagina'] = $pagina;
        return;
    }
    if (time() - $_SESSION['session_dos_hora'] > 2) {
        $_SESSION['session_dos_hora'] = time();
        $_SESSION['session_dos_num_accesos'] = 1;
    } elseif ($_SESSION['usua_codi'] != 0) {
        $_SESSION['session_dos_num_accesos']++;
    }
    if ($_SESSION['session_dos_num_accesos'] >= 10) {
        $_SESSION['session_dos_bloquear_usuario'] = true;
        consulta(
            'INSERT INTO log_bloqueos_dos (fecha, usua_codi, pagina, ip, num_accesos) VALUES (now(), ?, ?, ?, ?)',
            array($_SESSION['usua_codi'], $pagina, direccion_cliente(), $_SESSION['session_dos_num_accesos'])
        );
        terminar($mucho);
    }
}

/** An installation may keep citizens out altogether, those who are in as well. */
function detener_ciudadano($tipo)
{
    if ($tipo == 2 && configuracion('config_bloquear_acceso_ciudadano')) {
        terminar('Por ahora los ciudadanos no pueden ingresar.');
    }
}

/** Lets the page go on only within the account's one live session; everything else ends here. */
function exigir_sesion()
{
    abrir_sesion();
    include_once __DIR__ . '/config_replicacion.php'; // no release brings it: without it two warnings a request
    $codigo = isset($_SESSION['usua_codi']) ? $_SESSION['usua_codi'] : -99;
    if (isset($_SESSION['krd'])) {
        frenar_insistencia();
        detener_ciudadano($_SESSION['tipo_usuario']);
    }
    $viva = fila('SELECT 1 FROM usuarios_sesion WHERE usua_codi = ? AND usua_sesion = ?', array($codigo, session_id()));
    $vencida = isset($_SESSION['hora_session']) && time() - $_SESSION['hora_session'] > 1800;
    if ($viva === null || $vencida || !isset($_SESSION['huella']) || $_SESSION['huella'] !== huella()) {
        consulta(
            'INSERT INTO log_sesion (fecha, usuario, descripcion) VALUES (clock_timestamp(), ?, ?)',
            array(campo($_SESSION, 'krd'), $vencida ? 'tiempo' : 'sin sesion viva: ' . direccion_cliente())
        );
        sesion_expirada();
    }
    $_SESSION['hora_session'] = time();
}

function permitido($nombre)
{
    return !empty($_SESSION[$nombre]);
}
