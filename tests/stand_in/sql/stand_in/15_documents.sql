-- Documents and what happens to them, tasks, folders, the physical archive: what an institution's people write while they
-- parametrise and try their Quipux out. Names, types, limits and defaults are the release's.
CREATE SEQUENCE hist_eventos_hist_codi_seq;
CREATE SEQUENCE informados_info_codi_seq;
CREATE SEQUENCE usuarios_radicado_usua_radi_codi_seq;
CREATE SEQUENCE sec_tarea_hist_eventos;
CREATE SEQUENCE sec_trd;
CREATE SEQUENCE sec_archivo START 0 MINVALUE 0;

CREATE TABLE sgd_ttr_transaccion (sgd_ttr_codigo smallint PRIMARY KEY, sgd_ttr_descrip varchar(100) NOT NULL);

CREATE TABLE anexos_tipo (
    anex_tipo_codi smallint PRIMARY KEY, anex_tipo_ext varchar(10) NOT NULL, anex_tipo_desc varchar(50),
    anex_tipo_estado numeric(1,0) DEFAULT 1
);

-- The original of a document is its own radi_nume_temp and its number ends in 0 (2 if it came from outside); each addressee
-- has a copy whose number ends in 1.
CREATE TABLE radicado (
    radi_nume_radi numeric(20,0) PRIMARY KEY, radi_nume_text varchar(50),
    radi_nume_temp numeric(20,0) NOT NULL REFERENCES radicado, radi_fech_radi timestamptz NOT NULL,
    radi_fech_ofic timestamptz, radi_nume_deri numeric(20,0) REFERENCES radicado, radi_path varchar(150),
    esta_codi smallint REFERENCES estado, radi_usua_actu integer REFERENCES usuarios, radi_fech_asig timestamptz,
    radi_leido smallint DEFAULT 0, radi_fech_agend timestamptz, radi_cca varchar, radi_cuentai varchar(50),
    radi_asunto varchar(350), radi_resumen varchar(1000), radi_desc_anex varchar(100), radi_flag_impr smallint,
    radi_texto integer, radi_tipo smallint REFERENCES tiporad, radi_usua_rem varchar,
    radi_usua_ante integer REFERENCES usuarios, radi_usua_dest varchar, radi_usua_radi integer REFERENCES usuarios,
    radi_permiso smallint DEFAULT 0, radi_nomb_usua_firma varchar, radi_fech_firma timestamptz,
    radi_inst_actu integer REFERENCES institucion, radi_archivo smallint DEFAULT 0, usar_plantilla integer DEFAULT 0,
    ajust_texto integer DEFAULT 100, radi_tipo_impresion varchar(1) DEFAULT 1, radi_lista_dest varchar,
    radi_tipo_archivo smallint DEFAULT 0, cod_codi bigint DEFAULT 0, cat_codi bigint DEFAULT 0,
    radi_ocultar_recorrido smallint DEFAULT 0, radi_usua_redirigido bigint DEFAULT 0, radi_text_temp varchar(50),
    radi_nume_asoc numeric(20,0), arch_codi bigint DEFAULT 0, arch_codi_firma bigint DEFAULT 0, radi_imagen varchar(50)
);
CREATE INDEX radicado_original ON radicado (radi_nume_temp);
CREATE INDEX radicado_institucion ON radicado (radi_inst_actu);
CREATE INDEX radicado_fecha ON radicado (radi_fech_radi);

CREATE TABLE usuarios_radicado (
    radi_nume_radi numeric(20,0) REFERENCES radicado, usua_cedula varchar(50), usua_nombre varchar(200),
    usua_apellido varchar(200), usua_titulo varchar(100), usua_cargo varchar(200), usua_institucion varchar(200),
    radi_usua_tipo smallint, usua_abr_titulo varchar(30), usua_email varchar(500),
    usua_radi_codi bigint PRIMARY KEY DEFAULT nextval('usuarios_radicado_usua_radi_codi_seq'), usua_ciudad character(100),
    usua_area varchar(150), usua_area_codi numeric(20,0), lista_nombre varchar, usua_firma_path varchar, usua_codi bigint,
    inst_codi integer
);

CREATE INDEX usuarios_radicado_texto ON usuarios_radicado USING gin (to_tsvector('es'::regconfig,
    upper(coalesce(usua_nombre, '') || ' ' || coalesce(usua_apellido, '') || ' ' || coalesce(usua_institucion, ''))));

CREATE TABLE hist_eventos (
    hist_fech timestamptz NOT NULL, usua_codi_ori integer NOT NULL,
    radi_nume_radi numeric(20,0) NOT NULL REFERENCES radicado, hist_obse varchar(600) NOT NULL, usua_codi_dest integer,
    sgd_ttr_codigo smallint REFERENCES sgd_ttr_transaccion,
    hist_codi bigint PRIMARY KEY DEFAULT nextval('hist_eventos_hist_codi_seq'), hist_referencia varchar(50)
);
CREATE INDEX hist_eventos_documento ON hist_eventos (radi_nume_radi);
CREATE INDEX hist_eventos_persona ON hist_eventos (usua_codi_ori, sgd_ttr_codigo);

CREATE TABLE informados (
    radi_nume_radi numeric(20,0) NOT NULL REFERENCES radicado, info_desc varchar(600), info_fech date NOT NULL,
    info_leido smallint DEFAULT 0, usua_codi integer REFERENCES usuarios, usua_info integer REFERENCES usuarios,
    info_codi bigint PRIMARY KEY DEFAULT nextval('informados_info_codi_seq')
);

CREATE TABLE anexos (
    anex_radi_nume numeric(20,0) NOT NULL REFERENCES radicado, anex_codigo varchar(50) PRIMARY KEY,
    anex_tipo smallint NOT NULL REFERENCES anexos_tipo, anex_desc varchar(512), anex_numero numeric(5,0) NOT NULL,
    anex_path varchar(200), anex_borrado varchar(1) NOT NULL, anex_fecha timestamptz, anex_nombre varchar(100),
    anex_usua_codi integer, anex_tamano numeric, anex_fisico smallint DEFAULT 0, anex_fecha_firma timestamptz,
    anex_datos_firma varchar, arch_codi bigint DEFAULT 0, arch_codi_firma bigint DEFAULT 0
);
CREATE INDEX anexos_documento ON anexos (anex_radi_nume);

-- estado: 1 given, 2 finished, 3 cancelled.
CREATE TABLE tarea (
    tarea_codi bigint PRIMARY KEY DEFAULT nextval('sec_tarea'), radi_nume_radi numeric(20,0) REFERENCES radicado,
    fecha_inicio timestamptz, fecha_fin timestamptz, fecha_maxima timestamptz,
    usua_codi_ori bigint REFERENCES usuarios, usua_codi_dest bigint REFERENCES usuarios, estado smallint,
    tarea_codi_padre bigint REFERENCES tarea, leido smallint, avance smallint, comentario_fin bigint,
    comentario_inicio bigint
);
CREATE TABLE tarea_hist_eventos (
    tarea_hist_codi bigint PRIMARY KEY DEFAULT nextval('sec_tarea_hist_eventos'), tarea_codi bigint REFERENCES tarea,
    radi_nume_radi numeric(20,0) REFERENCES radicado, usua_codi_ori bigint REFERENCES usuarios, fecha timestamptz,
    accion integer, comentario varchar, referencia varchar
);
-- The documents that answer a task's document.
CREATE TABLE tarea_radi_respuesta (
    tarea_codi bigint REFERENCES tarea, radi_nume_radi numeric(20,0) REFERENCES radicado,
    radi_nume_resp numeric(20,0) REFERENCES radicado,
    tarea_resp_codi bigint PRIMARY KEY DEFAULT nextval('sec_tarea_hist_eventos')
);

-- The trays of staff; a citizen's are written in the pages.
CREATE TABLE carpeta (
    carp_codi smallint PRIMARY KEY, carp_nombre varchar(50) NOT NULL, carp_descripcion varchar(100), carp_orden integer
);

-- Virtual folders; the levels of an area's tree have names, in a table of their own.
CREATE TABLE trd (
    trd_codi bigint PRIMARY KEY, trd_padre bigint NOT NULL REFERENCES trd, trd_nombre varchar(100),
    depe_codi integer REFERENCES dependencia, trd_estado smallint DEFAULT 0, trd_arch_gestion integer DEFAULT 5,
    trd_arch_central integer DEFAULT 15, trd_fecha_desde date, trd_fecha_hasta date, trd_ocupado smallint DEFAULT 0,
    trd_nivel smallint DEFAULT 0
);
CREATE INDEX trd_area ON trd (depe_codi);
CREATE TABLE trd_nivel (
    trd_codi integer, depe_codi integer, trd_nombre varchar(50) NOT NULL,
    trd_descripcion varchar(100), PRIMARY KEY (trd_codi, depe_codi)
);

-- Where paper lies.
CREATE TABLE archivo (
    arch_codi bigint PRIMARY KEY, arch_padre bigint DEFAULT 0 NOT NULL REFERENCES archivo, arch_nombre varchar(40),
    arch_sigla varchar(6), depe_codi integer, arch_estado smallint DEFAULT 1, arch_ocupado smallint DEFAULT 0
);
CREATE TABLE archivo_nivel (
    arch_codi integer, depe_codi integer REFERENCES dependencia, arch_nombre varchar(50) NOT NULL,
    arch_descripcion varchar(100), PRIMARY KEY (arch_codi, depe_codi)
);
