<?php
// Cleaning of what comes in, addresses, mail.

require_once __DIR__ . '/biblioteca.php';

function limpiar_sql($cadena)
{
    return is_array($cadena) ? null : limpio((string) $cadena);
}

function limpiar_numero($numero)
{
    return preg_replace('/[^0-9.-]/', '', trim((string) $numero));
}

/** Whether every address of a list has a domain that the name server knows. */
function validar_mail($email)
{
    foreach (split(',', str_replace(';', ',', $email)) as $direccion) {
        list(, $dominio) = split('@', $direccion . '@');
        if ($dominio === '' || !checkdnsrr($dominio, 'ANY')) {
            return false;
        }
    }
    return true;
}

/** Mails one HTML text to each address of a comma list. The receiver stands in a header of ours and in mail()'s own. */
function enviarMail($mensaje, $asunto, $destinatarios, $nombre = '', $ruta_raiz = '.')
{
    if (is_file("$ruta_raiz/config.php")) {
        include "$ruta_raiz/config.php";
    } else {
        extract(configuracion());
    }
    $despedida = '<br>Saludos cordiales,<br>Soporte Quipux.<br>Este mensaje es autom&aacute;tico; escriba a '
        . $cuenta_mail_soporte;
    $cuerpo = str_replace(
        array('**SISTEMA**', '**DESPEDIDA**'),
        array("<a href='$nombre_servidor' target='_blank'>$nombre_servidor</a>", $despedida),
        $mensaje
    );
    foreach (array_map('trim', explode(',', $destinatarios)) as $destinatario) {
        if (strpos($destinatario, '@') && strpos($destinatario, '.', strpos($destinatario, '@'))) {
            $cabecera = "MIME-Version: 1.0\r\nContent-type: text/html; charset=UTF-8\r\n"
                . "To: $nombre <$destinatario>\r\nFrom: Quipux <$cuenta_mail_envio>\r\n";
            mail($destinatario, $asunto, $cuerpo, $cabecera);
        }
    }
}

function generar_password($largo = 8)
{
    $clave = '';
    while (strlen($clave) < $largo) {
        $clave .= substr('abcdefghijkmnopqrstuvwxyz023456789', random_int(0, 33), 1);
    }
    return $clave;
}

function get_mime_tipe($nombre)
{
    $tipos = array('pdf' => 'application/pdf', 'png' => 'image/png', 'jpg' => 'image/jpeg', 'txt' => 'text/plain');
    $extension = strtolower(pathinfo($nombre, PATHINFO_EXTENSION));
    return isset($tipos[$extension]) ? $tipos[$extension] : 'application/octet-stream';
}
