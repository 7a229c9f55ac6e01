#!/bin/sh
# A whole Quipux on one Debian 11 host, by hand: what playbooks/self_hosted.yml is measured against.
#
#     install.sh SETTINGS
#
# Run as root on a blank host, in a folder with release.tar.gz, sql.tar.gz and files/ROLE/ (each role's files/).
# SETTINGS is a file of shell variables that only root may read: they are listed under `need` below.
# It installs once, on a host that has nothing yet: it knows no second run, no upgrade, no host apart.
set -eu
umask 022
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

die() { echo "install.sh: $*" >&2; exit 1; }
need() { for name; do eval "[ -n \"\${$name:-}\" ]" || die "$name is missing in the settings"; done; }

settings=$(realpath "$1")
cd "$(dirname "$0")"
[ "$(stat -c %U:%a "$settings")" = root:600 ] || die "only root may read $settings: chown root, chmod 600"
set -a
. "$settings"
set +a
need INSTITUTION PUBLIC_NAME RELEASE_SHA256 SQL_SHA256 MAIL_FROM SUPPORT_MAIL ADMIN_MAIL ADMIN_EMAIL SMTP_HOST SMTP_PORT \
    BACKUP_RECIPIENT BACKUP_KEEP APP_DB_PASSWORD DB_PASSWORD DB_READ_ONLY_PASSWORD ADMIN_PASSWORD

. /etc/os-release
[ "$ID:$VERSION_ID" = debian:11 ] || die "this is for Debian 11"

zone=America/Guayaquil
home=/opt/quipux
config=/etc/quipux
bodega=/var/lib/quipux/bodega
backups=/var/backups/quipux
spool=/var/spool/quipux-mail
lib=/usr/local/lib/quipux
units=/etc/systemd/system
memory=$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo) # MiB
between() { n=$1; [ "$n" -ge "$2" ] || n=$2; [ "$n" -le "$3" ] || n=$3; echo "$n"; }

# --- What is installed is what was published -------------------------------------------------------------------
echo "$RELEASE_SHA256  release.tar.gz
$SQL_SHA256  sql.tar.gz" | sha256sum --check --quiet

# --- Packages --------------------------------------------------------------------------------------------------
# Debian's own PHP pool runs as the user who can read the configuration: it must not start.
ln -s /dev/null $units/php7.4-fpm.service
PACKAGES="
    nftables
    postgresql postgresql-contrib python3-psycopg2 locales openssl acl
    apache2 libapache2-mod-php7.4 libapache2-mod-qos libpcre3 php7.4-cli php7.4-curl php7.4-gd php7.4-pgsql
    php7.4-soap php7.4-xml php7.4-zip python3-cryptography
    msmtp ca-certificates
    php7.4-fpm html2ps ghostscript
    age tzdata
"
apt-get update -qq
apt-get install -qq --no-install-recommends $PACKAGES >apt.log 2>&1 || { tail -n 20 apt.log >&2; die "packages"; }

# --- Firewall --------------------------------------------------------------------------------------------------
cat >/etc/quipux-firewall.nft <<'END'
table inet quipux
delete table inet quipux
table inet quipux {
    chain input {
        type filter hook input priority filter; policy drop;
        iif "lo" accept
        ct state established,related accept
        ct state invalid drop
        meta l4proto { 1, 58 } accept comment "ICMP, by number: a minimal host lacks the names"
        ip6 saddr fe80::/10 udp dport 546 accept
        tcp dport 22 accept
        tcp dport 80 accept
        tcp dport 443 accept
    }
}
END
install -m 0644 files/firewall/quipux-firewall.service $units/
systemctl daemon-reload
systemctl -q enable --now quipux-firewall.service

# --- PostgreSQL ------------------------------------------------------------------------------------------------
grep -q '^es_EC.UTF-8 ' /etc/locale.gen || echo 'es_EC.UTF-8 UTF-8' >>/etc/locale.gen
locale-gen >/dev/null
cat >/etc/postgresql/13/main/conf.d/quipux.conf <<END
listen_addresses = 'localhost'
port = 5432
max_connections = 200
password_encryption = 'scram-sha-256'
ssl = off

shared_buffers = $(between $((memory / 8)) 128 8192)MB
effective_cache_size = $(between $((memory / 4)) 256 $memory)MB
maintenance_work_mem = $(between $((memory / 20)) 64 1024)MB
work_mem = 8MB

timezone = '$zone'
log_timezone = '$zone'
datestyle = 'iso, dmy'
lc_messages = 'C'
log_line_prefix = '%m [%p] %q%u@%d %h '
log_statement = 'none'
log_min_error_statement = panic
END
cat >/etc/postgresql/13/main/pg_hba.conf <<'END'
local all postgres peer
host quipux quipux_prov,quipux_ro 127.0.0.1/32 scram-sha-256
host quipux,quipux_bodega quipux_app 127.0.0.1/32 scram-sha-256
host quipux quipux_prov,quipux_ro ::1/128 scram-sha-256
host quipux,quipux_bodega quipux_app ::1/128 scram-sha-256
END
chown postgres:postgres /etc/postgresql/13/main/conf.d/quipux.conf
systemctl -q enable postgresql.service
systemctl restart postgresql@13-main.service

# --- Databases -------------------------------------------------------------------------------------------------
# Its folder is not for postgres to see.
sql() { (cd / && runuser -u postgres -- psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "$@" >/dev/null); }
dump() { tar --extract --to-stdout --file sql.tar.gz --wildcards "*/$1" |
    sed -E "/^COMMENT ON EXTENSION (plpgsql|pg_buffercache) IS |^CREATE EXTENSION IF NOT EXISTS pg_buffercache /d"; }

# psql takes the passwords from the environment.
sql postgres <<'END'
\set app `printenv APP_DB_PASSWORD`
\set prov `printenv DB_PASSWORD`
\set ro `printenv DB_READ_ONLY_PASSWORD`
CREATE ROLE quipux_owner NOLOGIN;
CREATE ROLE quipux_app LOGIN PASSWORD :'app';
CREATE ROLE quipux_prov LOGIN PASSWORD :'prov';
CREATE ROLE quipux_ro LOGIN PASSWORD :'ro';
ALTER ROLE quipux_ro SET default_transaction_read_only = 'on';
ALTER ROLE quipux_ro SET statement_timeout = '30000ms';
END
for database in quipux quipux_bodega; do
    sql postgres <<END
CREATE DATABASE $database OWNER quipux_owner TEMPLATE template0 ENCODING 'UTF8'
    LC_COLLATE 'es_EC.UTF-8' LC_CTYPE 'es_EC.UTF-8';
ALTER DATABASE $database SET timezone = '$zone';
\connect $database
ALTER SCHEMA public OWNER TO quipux_owner;
END
    { echo 'SET SESSION AUTHORIZATION quipux_owner;'; dump "$database.sql"; } | sql --single-transaction $database
done
sql --single-transaction quipux <<'END'
SET ROLE quipux_owner;
CREATE TABLE public.institucion_coordinador (inst_coor_codi serial PRIMARY KEY, inst_codi_coor integer,
    inst_codi integer, inst_coor_fecha date);
CREATE TABLE public.firma_digitalizada (fir_dig_codi serial PRIMARY KEY, usua_codi integer, fir_dig_cuerpo text,
    fir_dig_ext varchar(10));
CREATE TABLE public.tmpreporteestadisticas (num_documentos bigint, num_doc_firma bigint, no_usuarios bigint);
CREATE TABLE public.respaldo_solicitud_radicado (resp_soli_codi integer, radi_nume_radi numeric(20,0), tipo smallint);
CREATE TABLE public.log_actualizar_sistema (usua_codi integer, fecha_inicio timestamptz, fecha_fin timestamptz,
    sentencia text, mensaje text);
CREATE TABLE public.tmp_revertir_bodega (arch_codi bigint, arch_path varchar);
RESET ROLE;

-- The super-administrator; what was set is noted, as a digest, so that one who changes it keeps it.
\set password `printenv ADMIN_PASSWORD`
\set email `printenv ADMIN_EMAIL`
CREATE SCHEMA quipux_provision AUTHORIZATION quipux_owner;
CREATE TABLE quipux_provision.note (name text PRIMARY KEY, value text NOT NULL);
ALTER TABLE quipux_provision.note OWNER TO quipux_owner;
INSERT INTO quipux_provision.note VALUES
    ('admin_password', encode(sha256(convert_to(substr(md5(:'password'), 2, 26), 'UTF8')), 'hex'));
INSERT INTO quipux_provision.note SELECT 'admin_email', :'email' FROM usuarios
    WHERE usua_codi = 0 AND coalesce(usua_email, '') = '';
UPDATE usuarios SET usua_pasw = substr(md5(:'password'), 2, 26),
    usua_email = coalesce(nullif(usua_email, ''), :'email') WHERE usua_codi = 0;

GRANT CONNECT, TEMPORARY ON DATABASE quipux TO quipux_prov;
GRANT CONNECT ON DATABASE quipux TO quipux_ro;
GRANT USAGE ON SCHEMA public TO quipux_prov, quipux_ro;
GRANT SELECT, INSERT, UPDATE ON institucion, dependencia, usuarios, usuario TO quipux_prov;
GRANT SELECT ON permiso, ciudad TO quipux_prov;
GRANT SELECT, INSERT ON permiso_usuario, log_view_usuario TO quipux_prov;
GRANT INSERT ON log, log_usr_permisos, log_usr_ciudadanos TO quipux_prov;
GRANT SELECT, UPDATE ON usuarios_sesion TO quipux_prov;
GRANT SELECT, DELETE ON lista_usuarios, bandeja_compartida TO quipux_prov;
GRANT USAGE ON SEQUENCE sec_institucion, sec_dependencia, usuarios_usua_codi_seq, log_log_id_seq,
    log_user_permisos_id_transaccion_seq, log_usr_ciudadanos_logc_codigo_seq, log_view_usuario_log_codi_seq TO quipux_prov;
GRANT SELECT ON dependencia, permiso, permiso_usuario, ciudad, log_usr_permisos, log_usr_ciudadanos, log_view_usuario,
    log_acceso TO quipux_ro;
-- Of these, some columns only: all but the secret ones, or those that are named.
SELECT format('GRANT SELECT (%s) ON public.%I TO quipux_ro', string_agg(quote_ident(column_name), ', '), table_name)
  FROM information_schema.columns LEFT JOIN (VALUES
    ('anexos', 'anex_borrado anex_fecha anex_usua_codi'), ('archivo', 'arch_estado depe_codi'),
    ('archivo_nivel', 'depe_codi'), ('bandeja_compartida', 'ban_com_codi usua_codi usua_codi_jefe'),
    ('formato_numeracion', 'depe_codi depe_numeracion fn_caracter fn_contador fn_formato'),
    ('hist_eventos', 'hist_fech sgd_ttr_codigo usua_codi_ori'), ('lista', 'inst_codi lista_codi lista_estado'),
    ('lista_usuarios', 'lista_codi'),
    ('radicado', 'esta_codi radi_fech_firma radi_fech_radi radi_inst_actu radi_nume_radi radi_nume_temp radi_tipo radi_usua_radi'),
    ('tarea', 'estado fecha_inicio tarea_codi usua_codi_ori'),
    ('trd', 'depe_codi trd_arch_central trd_arch_gestion trd_estado'), ('trd_nivel', 'depe_codi'),
    ('usuarios_subrogacion', 'usua_fecha_fin usua_fecha_inicio usua_subrogacion_codi usua_subrogado usua_visible')
  ) AS partly (relation, visible) ON relation = table_name
 WHERE table_schema = 'public' AND CASE WHEN relation IS NOT NULL THEN column_name = ANY (string_to_array(visible, ' '))
       ELSE table_name IN ('institucion', 'usuarios', 'usuario', 'usuarios_sesion')
        AND column_name NOT IN ('inst_ws_contrasena', 'usua_pasw', 'usua_sesion') END
 GROUP BY table_name
\gexec
END
sql --single-transaction quipux_bodega <<'END'
SET ROLE quipux_owner;
CREATE TABLE public.archivo_0001 (arch_codi bigint NOT NULL, archivo varchar,
    CONSTRAINT pk_archivo_0001 PRIMARY KEY (arch_codi),
    CONSTRAINT fk_archivo_0001 FOREIGN KEY (arch_codi) REFERENCES archivo (arch_codi));
INSERT INTO indice (indi_codi, nombre_tabla, nombre_tablespace, esta_codi, tamanio_maximo, fecha_creacion,
    fecha_activacion, usua_codi_crea, usua_codi_activa)
    VALUES (1, 'archivo_0001', 'pg_default', 2, 10737418240, now(), now(), 0, 0);
END
for database in quipux quipux_bodega; do
    sql --single-transaction $database <<END
REVOKE ALL ON DATABASE $database FROM PUBLIC;
GRANT CONNECT ON DATABASE $database TO quipux_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO quipux_app;
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO quipux_app;
ALTER DEFAULT PRIVILEGES FOR ROLE quipux_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO quipux_app;
ALTER DEFAULT PRIVILEGES FOR ROLE quipux_owner IN SCHEMA public GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO quipux_app;
ALTER DEFAULT PRIVILEGES FOR ROLE quipux_owner IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO quipux_app;
END
done

# --- Apache and PHP --------------------------------------------------------------------------------------------
install -d -m 0755 $config $config/tls $config/pdf $lib $lib/pdf
cat >certificate.cnf <<END
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = $PUBLIC_NAME
[extensions]
subjectAltName = DNS:$PUBLIC_NAME
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
basicConstraints = critical, CA:FALSE
END
openssl req -x509 -config certificate.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 \
    -keyout $config/tls/private_key.pem -out $config/tls/certificate.pem 2>/dev/null
chmod 0600 $config/tls/private_key.pem

cat >$config/prepend.php <<'END'
<?php
// Runs before every page of the release.
if (!function_exists('split')) { // left PHP in 7.0, still called
    function split($separator, $text, $limit = PHP_INT_MAX) { return explode($separator, $text, $limit); }
}
END
cat >$config/guard.php <<'END'
<?php
// Runs before every page of the public site: many pages of the release answer without asking who asks.
require __DIR__ . '/prepend.php';
(function () {
    $page = $_SERVER['SCRIPT_NAME'];
    // An account that has no password yet would take a new one from anybody who sends an empty old one.
    if (preg_match('#/cambiar_password_grabar\.php$#', $page) && isset($_POST['krd'])
        && !(is_string($_POST['contraold'] ?? null) && preg_match('/^[0-9a-f]{32}$/', $_POST['contraold']))) {
        http_response_code(403);
        exit;
    }
    // A search pattern in place of a name would match everybody; without a picture shown, its empty text would do.
    if (preg_match('#/cambiar_password_olvido_(grabar|validar)\.php$#', $page)
        && !(is_string($_POST['txt_login'] ?? null) && preg_match('/^[0-9A-Za-z.-]{1,50}$/', $_POST['txt_login'])
            && (strpos($page, 'validar') || trim((string) ($_POST['txt_captcha'] ?? '')) !== ''))) {
        http_response_code(403);
        exit;
    }
    $open = [
        '/index.php',
        '/index2.php',
        '/index_frames.php',
        '/login.php',
        '/paginasinConexion.php',
        '/usuarionuevo.php',
        '/Administracion/usuarios/cambiar_password.php',
        '/Administracion/usuarios/cambiar_password_grabar.php',
        '/js/captcha.php',
        '/Administracion/usuarios/cambiar_password_olvido.php',
        '/Administracion/usuarios/cambiar_password_olvido_validar.php',
        '/Administracion/usuarios/cambiar_password_olvido_grabar.php',
        '/interconexion/ws_firma_digital.php',
    ];
    if (in_array($page, $open, true)) {
        return;
    }
    if (isset($_COOKIE[session_name()])) {
        session_start(['read_and_close' => true]);
        $known = !empty($_SESSION['krd']);
        $_SESSION = []; // the page fills it again where it starts its session
        if ($known) {
            return;
        }
    }
    chdir($_SERVER['DOCUMENT_ROOT']);
    require $_SERVER['DOCUMENT_ROOT'] . '/paginaError.php';
    exit;
})();
END
cat >/etc/php/7.4/apache2/conf.d/99-quipux.ini <<END
short_open_tag = On
date.timezone = $zone
auto_prepend_file = $config/prepend.php
sendmail_path = $lib/sendmail
; The release proposes session names that anyone can guess; strict mode makes PHP choose its own.
session.use_strict_mode = 1
session.use_only_cookies = 1
session.cookie_httponly = 1
session.cookie_samesite = Lax
session.cookie_secure = 1
session.gc_maxlifetime = 3600
memory_limit = 256M
max_execution_time = 120
upload_max_filesize = 20M
post_max_size = 25M
display_errors = Off
log_errors = On
expose_php = Off
mail.add_x_header = Off
allow_url_include = Off
END
cp /etc/php/7.4/apache2/conf.d/99-quipux.ini /etc/php/7.4/cli/conf.d/
echo 'LoadFile libpcre.so.3' >/etc/apache2/mods-available/pcre.load
printf 'Listen 80\nListen 443\n' >/etc/apache2/ports.conf
cat >/etc/apache2/sites-available/quipux.conf <<END
ServerName $PUBLIC_NAME
ServerTokens Prod
ServerSignature Off
TraceEnable Off
FileETag None
Timeout 150
RequestReadTimeout handshake=10 header=15-30,MinRate=500 body=20,MinRate=500
LimitRequestBody 26214400
<IfModule mpm_prefork_module>
    MaxRequestWorkers $(between $((memory / 64)) 10 150)
</IfModule>

# Nothing of the disk is served unless a site below says so; .htaccess files have no say.
<Directory />
    Options FollowSymLinks
    AllowOverride None
    Require all denied
</Directory>

# Each address may ask this often for the pages that set or reset a password.
QS_ClientEntries 10000
QS_CondClientEventLimitCount 30 600 SET_PASSWORD set
QS_CondClientEventLimitCount 6 600 RESET_PASSWORD reset
QS_ErrorResponseCode 429

<VirtualHost *:80>
    Redirect permanent "/" "https://$PUBLIC_NAME/"
</VirtualHost>

<VirtualHost *:443>
    DocumentRoot $home/current
    DirectoryIndex index.php
    SSLEngine on
    SSLCertificateFile $config/tls/certificate.pem
    SSLCertificateKeyFile $config/tls/private_key.pem
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
    SSLHonorCipherOrder off
    SSLSessionTickets off

    Header always set Strict-Transport-Security "max-age=31536000"
    Header always set X-Content-Type-Options nosniff
    # The application shows its own pages in frames; nobody else may.
    Header always set X-Frame-Options SAMEORIGIN
    Header always set Content-Security-Policy "frame-ancestors 'self'; base-uri 'self'; object-src 'self'"
    # The session's name stands in some addresses.
    Header always set Referrer-Policy same-origin
    Header always unset X-Powered-By
    # The application stores these as the client's address, as they come.
    RequestHeader unset X-Forwarded-For
    RequestHeader unset Client-IP
    RequestHeader unset Proxy

    SetEnvIf Request_URI "/cambiar_password_grabar\.php" SET_PASSWORD QS_Cond=set
    SetEnvIf Request_URI "/cambiar_password_olvido_(grabar|validar)\.php" RESET_PASSWORD QS_Cond=reset

    <Directory $home/current>
        Options FollowSymLinks
        AllowOverride None
        AllowMethods GET POST
        Require all granted
        php_admin_value auto_prepend_file $config/guard.php
    </Directory>
    # What people upload is never run.
    <Directory $home/current/bodega>
        php_admin_flag engine off
        SetHandler default-handler
    </Directory>
    <Directory $bodega>
        php_admin_flag engine off
        SetHandler default-handler
    </Directory>

END
# What nobody may ask for; roles/apache/vars/main.yml says why, each.
while read -r path; do
    printf '    <LocationMatch "%s">\n        Require all denied\n    </LocationMatch>\n' "$path"
done >>/etc/apache2/sites-available/quipux.conf <<'END'
^/bodega(/|$)(?!(logos|firmas)/[^/]+\.(?i:png|jpe?g|gif)$|(mensaje_alerta_top|estadisticas_menu)\.html$)
^/cron(/|$)
^/(include|adodb|class_control|recursivas|example\.bodega|SCRIPTBD|BDD)(/|$)
^/plantillas(/|$)(?!(Sobres|CodigoBarras)\.php)
^/html_a_pdf(/|$)
^/config[^/]*$|/example\.[^/]*$|/config[^/]*\.php
/\.(?!well-known/)
(?i)/(readme|license|licence|copying|authors|install|changelog|changes|news|credits)(\.[a-z]*)?$
(?i)(\.(sql|conf|inc|ini|md|log|bak|old|orig|save|swp|dist|z|zip|gz|tgz|tar|7z|rar)|~)$
(?i)\.(sh|py|pl|cgi|asp|cf[mc]|lasso|afp|phps)$
^/js/fckeditor/(editor/filemanager|_samples|[^/]*\.php)
^/js/(ckeditor/(_samples|[^/]*\.php)|pdf_js/(test|external/shelljs))
^/Administracion/usuarios/cambiar_password_olvido
^/(contraxx|Administracion/usuarios/cambiar_password_mail)\.php
^/interconexion/(ws_firma_digital\.php|firma2?\.wsdl)
^/interconexion/(?!ws_firma_digital\.php|firma2?\.wsdl)
^/backup/(backup_espacio_disco|backup_usuarios_(cargar_documentos|ejecutar|estado_buscar|generar_zip|respaldar))
^/Administracion/archivos/[^/]*test
^/reportes/usuarios_conectados
^/(funciones(_interfaz)?|obtenerdatos|rec_session|session_orfeo|securesession\.class)\.php
END
echo '</VirtualHost>' >>/etc/apache2/sites-available/quipux.conf
a2dismod -q -f mpm_event mpm_worker autoindex status userdir cgi cgid >/dev/null
a2enmod -q mpm_prefork php7.4 pcre qos allowmethods headers remoteip reqtimeout setenvif ssl >/dev/null
a2dissite -q 000-default >/dev/null
a2ensite -q quipux >/dev/null

# --- Mail ------------------------------------------------------------------------------------------------------
install -d -o www-data -g www-data -m 0700 $spool
{ echo '#!/usr/bin/python3'; cat files/mail_relay/sendmail.py; } >$lib/sendmail
chmod 0755 $lib/sendmail
cat >$config/msmtp <<END
account default
host $SMTP_HOST
port $SMTP_PORT
from $MAIL_FROM
timeout 15
tls off
auth off
END
chown root:www-data $config/msmtp
chmod 0640 $config/msmtp
cat >$config/mail.json <<END
{"sender": "$MAIL_FROM", "msmtp": "$config/msmtp", "spool": "$spool", "days": 5}
END
# What the services of the application's user may do, both of mails and of jobs.
confined='ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service'
cat >$units/quipux-mail.service <<END
[Unit]
Description=Quipux's mails that wait
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=$lib/sendmail --retry
User=www-data
Group=www-data
UMask=0077
TimeoutStartSec=1h
ProtectSystem=strict
ReadWritePaths=$spool
$confined
END
cat >$units/quipux-mail.timer <<'END'
[Unit]
Description=Quipux's mails that wait, every five minutes

[Timer]
OnActiveSec=1min
OnUnitInactiveSec=5min

[Install]
WantedBy=timers.target
END

# --- The release -----------------------------------------------------------------------------------------------
version=$(printf %.12s "$RELEASE_SHA256")
release=$home/releases/$version
install -d -m 0755 "$release"
install -d -o www-data -g www-data -m 0750 $bodega $bodega/logos $bodega/plantillas $bodega/firmas $bodega/ciudadanos \
    $bodega/respaldos $bodega/tmp
tar --extract --file release.tar.gz --directory "$release" --strip-components 1 --no-same-owner
find "$release" -type d -exec chmod 0755 {} + -o -exec chmod 0644 {} +
grep -q white_list "$release/descargar_contenidos.php" || die "the release lacks the fix of descargar_contenidos.php"
grep -q '(int)' "$release/backup/backup_usuarios_eliminar.php" || die "the release lacks the fix of backup_usuarios_eliminar.php"
php -d short_open_tag=1 -d error_reporting=0 -d auto_prepend_file= files/minka_release/syntax.php "$release"
ln -s $config/config.php $config/config_title.php $config/config_replicacion.php $bodega "$release/"

# A text as PHP writes it.
php_text() { printf %s "$1" | sed "s/[\\\\']/\\\\&/g; 1s/^/'/; \$s/\$/'/"; }
(umask 077; cat >$config/config.php) <<END
<?php
// Values that nothing below sets come from the example of the release that asks: a newer one brings its own.
\$quipux_release = debug_backtrace(DEBUG_BACKTRACE_IGNORE_ARGS, 1)[0]['file'] ?? '';
\$quipux_release = preg_match('~^$home/releases/[^/]+~', \$quipux_release, \$quipux_found)
    ? \$quipux_found[0] : '$home/current';
include "\$quipux_release/example.config.php";
\$quipux_found = isset(\$nombre_servidor) ? rawurlencode(\$nombre_servidor) : '';

// Databases
\$driver = 'postgres';
\$usuario = \$usuario_bodega = 'quipux_app';
\$contrasena = \$contrasena_bodega = $(php_text "$APP_DB_PASSWORD");
\$servidor = \$servidor_bodega = '127.0.0.1:5432';
\$db = 'quipux';
\$db_bodega = 'quipux_bodega';
\$replicacion = false;
\$usuario_busqueda = \$contrasena_busqueda = \$servidor_busqueda = \$db_busqueda = '';

// Addresses
\$nombre_servidor = \$nombre_servidor_reportes = \$nombre_servidor_respaldos = 'https://$PUBLIC_NAME';
\$servidor_pdf = 'http://127.0.0.1:8081/html_a_pdf';
\$path_ciudadanos = '$bodega/ciudadanos';
\$appID = $(php_text "$(echo "$INSTITUTION" | tr '[:upper:]' '[:lower:]')");
if (isset(\$parametrosFirmaConfig) && \$quipux_found !== '') {
    \$parametrosFirmaConfig = str_replace(\$quipux_found, rawurlencode(\$nombre_servidor), \$parametrosFirmaConfig);
}

// Mail
\$cuenta_mail_envio = $(php_text "$MAIL_FROM");
\$cuenta_mail_soporte = \$cuenta_mail_respaldo = $(php_text "$SUPPORT_MAIL");
\$amd_email = $(php_text "$ADMIN_MAIL");

// Logs
\$mostrar_logs = 0;
\$grabar_logs = 2;
\$activar_bloqueo_sistema = false;
unset(\$quipux_release, \$quipux_found);
END
cat >$config/config_title.php <<END
<?php
\$institucionSigla = $(php_text "$INSTITUTION");
\$institucionNombre = $(php_text "$INSTITUTION");
\$banner1 = 'imagenes/index/banner_fijo_index.png';
\$banner2 = 'imagenes/index/banner_fijo_index.png';
\$linkBanner1 = '';
\$nombreLinkBanner1 = '';
\$linkBanner2 = '';
\$nombreLinkBanner2 = '';
\$footerText = $(php_text "$INSTITUTION");
END
cat >$config/config_replicacion.php <<'END'
<?php
// Every page includes this file, and the release does not bring it. There are no replicas.
END
chown root:www-data $config/config.php $config/config_title.php $config/config_replicacion.php
chmod 0640 $config/config.php $config/config_title.php $config/config_replicacion.php
cat >$config/installation.json <<END
{
  "accepted": {"discontinued": true},
  "digest": "$RELEASE_SHA256",
  "fixes": {"int_cast": true, "white_list": true},
  "institution": "$INSTITUTION",
  "parts": [],
  "php": "7.4",
  "pin": {"kind": "sha256", "value": "$RELEASE_SHA256"},
  "version": "$version"
}
END
cp $config/installation.json "$home/releases/.$version.json"
ln -s "releases/$version" $home/current

# --- PDF service -----------------------------------------------------------------------------------------------
useradd --system --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin quipux-pdf
sed -E 's#(<soap:address\s+location=)"[^"]*"#\1"http://127.0.0.1:8081/html_a_pdf/html_a_pdf.php"#' \
    $home/current/html_a_pdf/example.html_a_pdf.wsdl >$config/pdf/html_a_pdf.wsdl
cat >$config/pdf/config.php <<END
<?php
include "$home/current/html_a_pdf/example.config.php";
// The SOAP server reads its description from here: it has no network to fetch it from.
\$nombre_servidor = "$config/pdf";
END
cat >$config/pdf/php-fpm.conf <<END
[global]
error_log = syslog
syslog.ident = quipux-pdf
daemonize = no

[pdf]
listen = /run/quipux-pdf/php.sock
; Apache decides who asks; whoever is on this host reaches it by 127.0.0.1, too.
listen.mode = 0666
pm = ondemand
pm.max_children = 4
pm.process_idle_timeout = 30s
pm.max_requests = 50
request_terminate_timeout = 180s
security.limit_extensions = .php
; The release includes "config.php": ours is found before one of its own.
php_admin_value[include_path] = $config/pdf:.
php_admin_value[open_basedir] = $home/:$config/pdf/:/tmp/
php_admin_value[auto_prepend_file] = none
php_admin_value[date.timezone] = $zone
php_admin_value[memory_limit] = 256M
php_admin_value[post_max_size] = 64M
php_admin_value[soap.wsdl_cache_enabled] = 0
php_admin_value[disable_functions] = passthru,popen,proc_open,shell_exec,system,mail
; Errors only: the release raises hundreds of notices for each document.
php_admin_value[error_reporting] = 4181
php_admin_flag[allow_url_fopen] = off
php_admin_flag[file_uploads] = off
php_admin_flag[opcache.enable] = off
php_admin_flag[short_open_tag] = on
php_admin_flag[display_errors] = off
php_admin_flag[log_errors] = on
php_admin_flag[expose_php] = off
END
cat >$lib/pdf/limited <<'END'
#!/bin/sh
# Stands in place of html2ps and ps2pdf inside the service's sandbox: the release runs them without any end.
set -u
find /tmp -maxdepth 1 -type f -mmin +15 -delete
# ghostscript may read its folder for temporary files: one of its own, so that no document sees another.
TMPDIR=$(mktemp -d) || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
ulimit -c 0
ulimit -t 60
ulimit -v 1048576
case ${0##*/} in
    html2ps) set -- /run/quipux-pdf/html2ps "$@" ;;
    *) set -- /usr/bin/ps2pdf14 "$@" ;;
esac
timeout --kill-after=5 60 "$@" </dev/null
END
chmod 0755 $lib/pdf/limited
cat >$units/quipux-pdf.service <<END
[Unit]
Description=Quipux's PDF service
After=local-fs.target

[Service]
Type=notify
ExecStart=/usr/sbin/php-fpm7.4 --nodaemonize --fpm-config $config/pdf/php-fpm.conf
ExecReload=/bin/kill -USR2 \$MAINPID
Restart=on-failure
User=quipux-pdf
Group=quipux-pdf
UMask=0077
RuntimeDirectory=quipux-pdf
RuntimeDirectoryMode=0755

# html2ps opens any file and any address that a document names, and runs PostScript in it: there is nothing here to find.
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
ProtectSystem=strict
TemporaryFileSystem=/etc/quipux:ro $config:ro /var:ro /srv:ro /mnt:ro /media:ro
TemporaryFileSystem=/tmp:rw,nosuid,nodev,noexec,mode=1777,size=512M
BindReadOnlyPaths=$config/pdf $home -/var/lib/ghostscript
BindReadOnlyPaths=$lib/pdf/limited:/usr/bin/html2ps $lib/pdf/limited:/usr/bin/ps2pdf
BindReadOnlyPaths=/usr/bin/html2ps:/run/quipux-pdf/html2ps
InaccessiblePaths=-$bodega -$backups -/run/postgresql -/etc/apache2 -/etc/ssl/private -/etc/ssh
ProtectHome=tmpfs
PrivateDevices=yes
ProtectProc=invisible
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

TasksMax=128
MemoryMax=1024M
LimitFSIZE=512M
LimitCORE=0

[Install]
WantedBy=multi-user.target
END
cat >/etc/apache2/sites-available/quipux-pdf.conf <<END
# One script of the release, for the application only; no file is served from here.
<IfModule !mod_proxy.c>
    LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
</IfModule>
<IfModule !mod_proxy_fcgi.c>
    LoadModule proxy_fcgi_module /usr/lib/apache2/modules/mod_proxy_fcgi.so
</IfModule>
Listen 127.0.0.1:8081
<VirtualHost *:8081>
    ServerName pdf.$PUBLIC_NAME
    DocumentRoot /var/empty
    ErrorLog \${APACHE_LOG_DIR}/quipux-pdf.error.log
    CustomLog \${APACHE_LOG_DIR}/quipux-pdf.log combined
    LimitRequestBody 67108864
    <Location "/">
        Require all denied
    </Location>
    <Location "/html_a_pdf/html_a_pdf.php">
        Require ip 127.0.0.1
    </Location>
    ProxyTimeout 210
    ProxyPass "/html_a_pdf/html_a_pdf.php" "unix:/run/quipux-pdf/php.sock|fcgi://localhost$home/current/html_a_pdf/html_a_pdf.php"
</VirtualHost>
END
a2ensite -q quipux-pdf >/dev/null

# --- Scheduled jobs --------------------------------------------------------------------------------------------
install -m 0644 files/scheduled_jobs/databases.php $lib/
cat >$lib/run-job <<END
#!/bin/sh
# Runs one of the release's scripts: run-job NAME. They end with 0 whatever happens, even with the database down.
set -u
cd $home/current/cron || exit 66
/usr/bin/php7.4 -d display_errors=Off -d pcre.jit=0 $lib/databases.php || {
    echo "run-job: \$1 was not run" >&2
    exit 1
}
output=\$(/usr/bin/php7.4 -d short_open_tag=On -d display_errors=stderr -d log_errors=Off -d html_errors=Off \\
    -d auto_prepend_file=$config/prepend.php -d date.timezone=$zone \\
    -d memory_limit=256M -d pcre.jit=0 \\
    -d sendmail_path=$lib/sendmail \\
    "\$1.php" 2>&1 </dev/null)
code=\$?
[ -z "\$output" ] || printf '%s\\n' "\$output"
if printf '%s' "\$output" | grep -qE 'No se pudo conectar con la BDD|Unable to connect to PostgreSQL|Query failed|(Fatal|Parse) error: '; then
    echo "run-job: \$1 has failed; its own words are above" >&2
    exit 1
fi
exit "\$code"
END
chmod 0755 $lib/run-job
cat >"$units/quipux-job@.service" <<END
[Unit]
Description=Quipux's script %i
After=network-online.target postgresql.service

[Service]
Type=oneshot
ExecStart=$lib/run-job %i
User=www-data
Group=www-data
UMask=0022
TimeoutStartSec=900
Nice=5
ProtectSystem=strict
ReadWritePaths=$bodega -$spool
$confined
MemoryMax=512M
TasksMax=64
END
timers=
while read -r name persistent calendar; do
    timers="$timers quipux-job@$name.timer"
    cat >"$units/quipux-job@$name.timer" <<UNIT
[Unit]
Description=When Quipux's script $name runs
PartOf=quipux-jobs.target

[Timer]
OnCalendar=$calendar $zone
Persistent=$persistent
AccuracySec=10s
UNIT
done <<'END'
cantidad_respaldos no *-*-* *:10:00
eliminar_respaldos yes *-*-* 03:15:00
estadisticas_menu no *-*-* *:02/5:00
generar_mensaje_alerta no *-*-* *:00/5:00
monitorear_bodega yes *-*-* 06:00:00
END
cat >$units/quipux-jobs.target <<END
[Unit]
Description=Quipux's scheduled jobs
Wants=${timers# }

[Install]
WantedBy=multi-user.target
END

# --- Backups ---------------------------------------------------------------------------------------------------
install -d -m 0711 $backups
cp -R files/backup/lib/. $lib/
chmod -R 0755 $lib/backup $lib/restore $lib/quipux_backup
cat >$config/backup.json <<END
{
 "bodega": "$bodega",
 "configuration": "$config",
 "databases": {"store": "quipux_bodega", "transactional": "quipux"},
 "directory": "$backups",
 "installation": "$config/installation.json",
 "institution": "$INSTITUTION",
 "keep": $BACKUP_KEEP,
 "lock_attempts": 20,
 "maximum_age_hours": 26,
 "parts": ["database", "files"],
 "pause_seconds": 4.0,
 "port": 5432,
 "recipient": "$BACKUP_RECIPIENT",
 "socket": "/var/run/postgresql",
 "superuser": "postgres",
 "time": "01:30",
 "time_zone": "$zone",
 "wait": 600
}
END
cat >$units/quipux-backup.service <<END
[Unit]
Description=Encrypted backup of Quipux
After=postgresql.service local-fs.target

[Service]
Type=oneshot
ExecStart=$lib/backup run --id scheduled
UMask=0077
Nice=10
IOSchedulingClass=idle
NoNewPrivileges=true
# Reads everything, becomes the database's superuser, changes nothing but its own folder.
CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_DAC_OVERRIDE CAP_SETUID CAP_SETGID CAP_KILL
ProtectSystem=strict
ReadWritePaths=$backups
ProtectHome=true
PrivateTmp=true
PrivateDevices=true
PrivateNetwork=true
RestrictAddressFamilies=AF_UNIX
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectKernelLogs=true
ProtectControlGroups=true
ProtectClock=true
ProtectHostname=true
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
LockPersonality=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
END
cat >$units/quipux-backup.timer <<END
[Unit]
Description=Encrypted backup of Quipux, every night

[Timer]
OnCalendar=*-*-* 01:30:00 $zone
Persistent=true

[Install]
WantedBy=timers.target
END

# --- All of it runs --------------------------------------------------------------------------------------------
apache2ctl configtest 2>apache.log || { cat apache.log >&2; die "Apache's configuration"; }
systemctl daemon-reload
systemctl -q enable --now quipux-pdf.service quipux-mail.timer quipux-jobs.target quipux-backup.timer
systemctl -q enable apache2.service
systemctl restart apache2.service
