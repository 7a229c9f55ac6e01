-- Tables and sequences that provisioning meets. Names, types, limits and defaults are the release's; so is what is missing:
-- nothing but primary keys is unique.
CREATE EXTENSION pg_trgm WITH SCHEMA public;
CREATE EXTENSION unaccent WITH SCHEMA public;

-- Spanish words, found with and without their accents.
CREATE TEXT SEARCH CONFIGURATION es (COPY = pg_catalog.spanish);
ALTER TEXT SEARCH CONFIGURATION es ALTER MAPPING FOR word, hword, hword_part WITH unaccent, spanish_stem;

-- Shadows the built-in concat for two texts, as the release does.
CREATE FUNCTION concat(text, text) RETURNS text LANGUAGE sql AS
$$ SELECT CASE $1 WHEN '' THEN $2 ELSE $1 || ', ' || $2 END $$;

CREATE SEQUENCE sec_institucion START 0 MINVALUE 0 MAXVALUE 99999;
CREATE SEQUENCE sec_dependencia START 0 MINVALUE 0 MAXVALUE 999999;
CREATE SEQUENCE usuarios_usua_codi_seq;
CREATE SEQUENCE permisos_id_permiso_seq;
CREATE SEQUENCE solicitud_usua_codi_seq;
CREATE SEQUENCE lista_lista_id_seq;
CREATE SEQUENCE sec_tarea;
CREATE SEQUENCE sec_bloqueo_sistema;
CREATE SEQUENCE sec_contenido;
CREATE SEQUENCE sec_radi_nume_radi START 111000000 MAXVALUE 999999999;
CREATE SEQUENCE log_log_id_seq;
CREATE SEQUENCE sec_log_acceso;
CREATE SEQUENCE log_archivo_descarga_log_codi_seq;
CREATE SEQUENCE sec_log_bloqueos_dos;
CREATE SEQUENCE log_usr_ciudadanos_logc_codigo_seq;
CREATE SEQUENCE log_user_permisos_id_transaccion_seq;
CREATE SEQUENCE log_view_usuario_log_codi_seq;
CREATE SEQUENCE bandeja_compartida_ban_com_codi_seq1;
CREATE SEQUENCE usuario_dependencia_usua_codi_depe_seq;
CREATE SEQUENCE titulo_tit_codi_seq1;
CREATE SEQUENCE usuarios_subrogacion_usua_subrogacion_codi_seq;
SELECT setval('sec_institucion', 2), setval('sec_dependencia', 2), setval('sec_radi_nume_radi', 1),
    setval('titulo_tit_codi_seq1', 302);

-- Catalogues ---------------------------------------------------------------------------------------------------------
CREATE TABLE ciudad (id integer PRIMARY KEY, nombre varchar(100) NOT NULL, id_padre integer);

CREATE TABLE permiso (
    id_permiso integer PRIMARY KEY DEFAULT nextval('permisos_id_permiso_seq'),
    descripcion varchar(100), estado smallint, orden smallint, nombre varchar(100),
    descripcion_larga varchar, perfil smallint DEFAULT 0
);

CREATE TABLE tipo_certificado (tipo_cert_codi smallint PRIMARY KEY, descripcion varchar(150), estado smallint DEFAULT 1);

CREATE TABLE tiporad (
    trad_codigo numeric(1,0) PRIMARY KEY, trad_descr varchar(100), trad_tipo varchar(1),
    trad_inst_codi integer DEFAULT 0, trad_estado smallint DEFAULT 1, trad_abreviatura varchar(5),
    trad_opc_impresion varchar, trad_texto_inicio varchar, trad_formato varchar, trad_formato_tipo smallint DEFAULT 1
);

CREATE TABLE titulo (
    tit_codi integer PRIMARY KEY DEFAULT nextval('titulo_tit_codi_seq1'), tit_nombre varchar(100) NOT NULL,
    tit_abreviatura varchar(50)
);

CREATE TABLE estado (esta_codi smallint PRIMARY KEY, esta_desc varchar(100) NOT NULL);

CREATE TABLE contenido_tipo (cont_tipo_codi integer PRIMARY KEY, funcionalidad varchar, categoria varchar);
CREATE TABLE contenido (
    cont_codi integer PRIMARY KEY DEFAULT nextval('sec_contenido'), cont_tipo_codi integer, descripcion varchar,
    texto varchar, fecha_crea timestamptz, fecha_actualiza timestamptz
);

-- Institutions, areas, people ----------------------------------------------------------------------------------------
CREATE TABLE institucion (
    inst_ruc varchar(14), inst_nombre varchar(200), inst_logo varchar(100), inst_sigla varchar(10),
    inst_pie1 varchar(150), inst_pie2 varchar(150), inst_pie3 varchar(150),
    inst_codi integer PRIMARY KEY, inst_estado integer, inst_coordinador smallint DEFAULT 0,
    inst_telefono varchar(30), inst_despedida_ofi varchar, inst_email varchar(50),
    inst_ws_wsdl varchar(500), inst_ws_usuario varchar(100), inst_ws_contrasena varchar(100)
);
CREATE INDEX institucion_nombre ON institucion (inst_nombre);

CREATE TABLE dependencia (
    depe_codi integer PRIMARY KEY, depe_nomb varchar(150) NOT NULL,
    depe_codi_padre integer REFERENCES dependencia, dep_sigla varchar(100),
    dep_central integer REFERENCES dependencia, dep_direccion varchar(100), depe_estado smallint,
    inst_codi integer REFERENCES institucion, depe_plantilla integer REFERENCES dependencia,
    depe_pie1 varchar(150), depe_pie2 varchar(150), depe_pie3 varchar(150), inst_adscrita integer
);
CREATE INDEX dependencia_nombre ON dependencia (depe_nomb);

CREATE TABLE usuarios (
    usua_login varchar(50), usua_pasw varchar(35), usua_nomb varchar(200), usua_cedula varchar(50),
    usua_email varchar(500), usua_titulo varchar(100), usua_abr_titulo varchar(30), usua_esta smallint DEFAULT 1,
    usua_codi integer PRIMARY KEY DEFAULT nextval('usuarios_usua_codi_seq'), cargo_tipo smallint DEFAULT 0,
    depe_codi integer REFERENCES dependencia, usua_nuevo smallint DEFAULT 1, usua_tipo smallint DEFAULT 2,
    usua_cargo varchar(200), inst_codi integer REFERENCES institucion, usua_apellido varchar(200), cargo_id integer,
    usua_obs text, ciu_codi integer, usua_genero char(1), usua_firma_path varchar, usua_direccion varchar,
    usua_telefono varchar, usua_codi_actualiza integer, usua_fecha_actualiza timestamptz, usua_obs_actualiza varchar,
    usua_cargo_cabecera varchar(200), usua_sumilla varchar(50), usua_responsable_area integer DEFAULT 0,
    inst_nombre varchar(200), usua_tipo_certificado smallint DEFAULT 0 REFERENCES tipo_certificado,
    visible_sub integer DEFAULT 1, usua_subrogado integer, usua_celular varchar, tipo_identificacion integer DEFAULT 0
);
CREATE INDEX usuarios_login ON usuarios (usua_login);
CREATE INDEX usuarios_cedula ON usuarios (usua_cedula);
CREATE INDEX usuarios_esta ON usuarios (usua_esta);
CREATE INDEX usuarios_area ON usuarios (depe_codi);
CREATE INDEX usuarios_cargo ON usuarios USING gin (upper(usua_cargo) gin_trgm_ops);

CREATE TABLE ciudadano (
    ciu_nombre varchar(200), ciu_direccion varchar(150), ciu_empresa varchar(200), ciu_cargo varchar(150),
    ciu_telefono varchar(50), ciu_email varchar(500), ciu_titulo varchar(100), ciu_abr_titulo varchar(30),
    ciu_codigo integer PRIMARY KEY DEFAULT nextval(('public.usuarios_usua_codi_seq'::text)::regclass),
    ciu_apellido varchar(200), ciu_cedula varchar(50), inst_codi integer, ciu_estado integer DEFAULT 1,
    ciu_documento varchar(50), ciu_pasw varchar(35), ciu_nuevo smallint DEFAULT 0, usua_codi_actualiza integer,
    ciu_fecha_actualiza timestamptz, ciudad_codi integer, ciu_obs_actualiza varchar, ciu_referencia varchar
);
CREATE INDEX ciudadano_cedula ON ciudadano (ciu_cedula);

CREATE TABLE ciudadano_tmp (
    ciu_codigo integer PRIMARY KEY REFERENCES ciudadano, ciu_cedula varchar(50), ciu_documento varchar(50),
    ciu_nombre varchar(200), ciu_apellido varchar(200), ciu_titulo varchar(100), ciu_abr_titulo varchar(30),
    ciu_empresa varchar(200), ciu_cargo varchar(150), ciu_direccion varchar(150), ciu_telefono varchar(50),
    ciu_email varchar(500), ciudad_codi integer, ciu_estado smallint DEFAULT 1, ciu_referencia varchar
);

CREATE TABLE solicitud_firma_ciudadano (
    sol_codigo integer PRIMARY KEY DEFAULT nextval(('public.solicitud_usua_codi_seq'::text)::regclass),
    ciu_codigo integer, sol_observaciones varchar(700), sol_firma smallint, sol_estado smallint,
    sol_planilla smallint DEFAULT 0, sol_cedula smallint DEFAULT 0, sol_acuerdo smallint DEFAULT 0,
    sol_planilla_estado smallint DEFAULT 0, sol_cedula_estado smallint DEFAULT 0, sol_acuerdo_estado smallint DEFAULT 0,
    ciu_nombre varchar(150), ciu_direccion varchar(150), ciu_empresa varchar(150), ciu_cargo varchar(150),
    ciu_apellido varchar(150), ciu_cedula varchar(25), ciu_telefono varchar(50), ciu_email varchar(50),
    ciu_abr_titulo varchar(30), ciu_titulo varchar(100), ciu_documento varchar(50), ciudad_codi integer,
    sol_fecha_envio timestamptz, sol_fecha_autorizado timestamptz, ciu_referencia varchar
);

-- The mirror: what login and every search read. A table kept by triggers (20_mirror.sql), not a view.
CREATE TABLE usuario (
    usua_codi integer CONSTRAINT pk_view_usuario PRIMARY KEY, usua_cedula varchar(50), usua_nomb varchar(200), usua_apellido varchar(200),
    usua_nombre text, cargo_tipo integer, usua_cargo varchar, usua_nuevo smallint, usua_login varchar(50),
    usua_pasw varchar(35), usua_esta integer, usua_email varchar(500), usua_titulo varchar(100),
    usua_abr_titulo varchar(30), tipo_usuario integer, usua_tipo_certificado integer, usua_subrogado integer,
    visible_sub integer, usua_cargo_cabecera varchar, usua_direccion varchar, usua_telefono varchar,
    usua_firma_path varchar, depe_codi integer, depe_nomb varchar, dep_sigla varchar, inst_codi integer,
    inst_nombre varchar, inst_sigla varchar, inst_estado integer, ciu_codi integer, usua_ciudad varchar(100),
    tipo_identificacion integer DEFAULT 0, usua_datos varchar, inst_adscrita integer,
    inst_padre_nombre varchar(200), inst_padre_sigla varchar(10)
);
CREATE INDEX usuario_area ON usuario (depe_codi);
CREATE INDEX usuario_institucion ON usuario (inst_codi) WHERE inst_codi > 0;
CREATE INDEX usuario_cedula ON usuario (usua_cedula);
CREATE INDEX usuario_login ON usuario (usua_login);
CREATE INDEX usuario_nombre_completo ON usuario (usua_nombre);
CREATE INDEX usuario_busqueda ON usuario USING gin (usua_datos gin_trgm_ops);

CREATE TABLE permiso_usuario (
    id_permiso integer REFERENCES permiso, usua_codi integer REFERENCES usuarios, PRIMARY KEY (id_permiso, usua_codi)
);
CREATE INDEX permiso_usuario_cuenta ON permiso_usuario (usua_codi);

CREATE TABLE permiso_usuario_dep (
    id_permiso integer REFERENCES permiso, usua_codi integer NOT NULL REFERENCES usuarios,
    depe_codi integer REFERENCES dependencia, PRIMARY KEY (id_permiso, depe_codi)
);

-- Sessions, delegation, lists ----------------------------------------------------------------------------------------
CREATE TABLE usuarios_sesion (
    usua_codi integer PRIMARY KEY, usua_sesion varchar(200), usua_fech_sesion timestamptz,
    usua_intentos integer DEFAULT 0, ip_cliente varchar(300)
);

CREATE TABLE usuario_dependencia (
    usua_codi_actualiza integer, usua_codi integer NOT NULL, depe_codi_padre integer, inst_codi integer,
    depe_codi_tmp varchar, usua_codi_depe integer PRIMARY KEY DEFAULT nextval('usuario_dependencia_usua_codi_depe_seq')
);

CREATE TABLE usuarios_subrogacion (
    usua_subrogado integer, usua_subrogante integer, usua_fecha_inicio timestamptz, usua_fecha_fin timestamptz,
    usua_visible integer, usua_observacion varchar,
    usua_subrogacion_codi integer PRIMARY KEY DEFAULT nextval('usuarios_subrogacion_usua_subrogacion_codi_seq'),
    usua_fecha_actualizacion timestamptz, usua_codi_actualiza integer
);

CREATE TABLE bandeja_compartida (
    ban_com_codi integer PRIMARY KEY DEFAULT nextval('bandeja_compartida_ban_com_codi_seq1'),
    usua_codi_jefe bigint, usua_codi bigint, ban_com_fecha timestamptz
);

CREATE TABLE lista (
    lista_codi bigint PRIMARY KEY DEFAULT nextval('lista_lista_id_seq'), lista_nombre varchar(250),
    lista_descripcion varchar(200), inst_codi integer REFERENCES institucion, usua_codi integer REFERENCES usuarios,
    lista_fecha timestamptz, lista_orden smallint DEFAULT 0, lista_estado smallint DEFAULT 1, lista_usua_codi integer
);
CREATE TABLE lista_usuarios (
    lista_codi bigint REFERENCES lista, usua_codi integer, orden integer, PRIMARY KEY (lista_codi, usua_codi)
);

CREATE TABLE bloqueo_sistema (
    bloq_codi integer PRIMARY KEY DEFAULT nextval('sec_bloqueo_sistema'), fecha_inicio timestamptz, fecha_fin timestamptz,
    estado integer DEFAULT 0, descripcion varchar, mensaje_usuario varchar, usua_acceso varchar,
    tipo_mensaje integer DEFAULT 0
);

-- Numbering ----------------------------------------------------------------------------------------------------------
CREATE TABLE formato_numeracion (
    fn_abr_texto varchar(10), fn_formato varchar(45), depe_codi integer REFERENCES dependencia,
    fn_caracter varchar(5) DEFAULT '-', fn_num_consec smallint DEFAULT 4, fn_num_anio smallint DEFAULT 4,
    depe_numeracion integer REFERENCES dependencia, fn_contador integer DEFAULT 0,
    fn_tiporad smallint REFERENCES tiporad, PRIMARY KEY (depe_codi, fn_tiporad)
);

CREATE TABLE radicado_sec_temp (depe_codi integer PRIMARY KEY, secuencia integer);

-- The application's own logs -----------------------------------------------------------------------------------------
CREATE TABLE log (
    log_id bigint PRIMARY KEY DEFAULT nextval('log_log_id_seq'), fecha timestamptz, usua_codi integer,
    tabla varchar(100), sentencia varchar, tipo smallint
);

CREATE TABLE log_acceso (
    log_codi bigint PRIMARY KEY DEFAULT nextval('sec_log_acceso'), fecha timestamptz, usuario varchar(50),
    ip varchar(300), intentos integer, acceso smallint
);

-- Both log_acceso and this one are meant to be parents of a table a year; they work without any.
CREATE TABLE log_archivo_descarga (
    log_codi bigint PRIMARY KEY DEFAULT nextval('log_archivo_descarga_log_codi_seq'), fecha timestamptz,
    usua_codi integer, radi_nume_radi numeric(20,0), anex_codigo varchar(50), arch_tipo smallint DEFAULT 0,
    tipo_descarga varchar(10)
);

CREATE TABLE log_sesion (fecha timestamptz PRIMARY KEY, usuario varchar(50), descripcion varchar(300));

CREATE TABLE log_bloqueos_dos (
    log_codi bigint PRIMARY KEY DEFAULT nextval('sec_log_bloqueos_dos'), fecha timestamptz, usua_codi integer,
    pagina varchar(500), navegador varchar(500), ip varchar(100), num_accesos integer
);

CREATE TABLE log_usr_ciudadanos (
    usua_codi integer, usua_codi_ori integer, logc_observacion varchar, fecha_cambio timestamptz,
    logc_tabla_modificada integer, id_transaccion integer,
    logc_codi integer PRIMARY KEY DEFAULT nextval('log_usr_ciudadanos_logc_codigo_seq')
);

CREATE TABLE log_usr_permisos (
    id_transaccion integer PRIMARY KEY DEFAULT nextval('log_user_permisos_id_transaccion_seq'), usua_codi integer,
    usua_codi_actualiza integer, accion integer, id_permiso integer, fecha_actualiza timestamptz
);

CREATE TABLE log_view_usuario (
    log_codi bigint PRIMARY KEY DEFAULT nextval('log_view_usuario_log_codi_seq'), fecha timestamptz, tabla varchar(50),
    accion varchar(50), codigo integer, error varchar, corregido smallint DEFAULT 0
);
