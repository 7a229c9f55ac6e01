-- The document store (bodega): an index of repositories and of the files in them. No repository is active at first, and until
-- one is, saving a file answers 0 and stores nothing.
CREATE SEQUENCE sec_archivo;
CREATE SEQUENCE sec_log_archivo;
CREATE SEQUENCE sec_log_bloqueo;
CREATE SEQUENCE log_log_id_seq;

CREATE TABLE estado_indice (esta_codi smallint PRIMARY KEY, nombre varchar(500));
INSERT INTO estado_indice VALUES (1, 'Creado'), (2, 'Activo'), (3, 'Cerrado');

CREATE TABLE indice (
    indi_codi integer PRIMARY KEY, arch_codi_inicio bigint DEFAULT 0, arch_codi_fin bigint DEFAULT 0,
    tamanio bigint DEFAULT 0, tamanio_maximo bigint DEFAULT 2097152,
    esta_codi smallint DEFAULT 0 REFERENCES estado_indice, nombre_tabla varchar(100), nombre_tablespace varchar(100),
    fecha_creacion timestamptz DEFAULT now(), fecha_activacion timestamptz, fecha_cierre timestamptz,
    usua_codi_crea integer, usua_codi_activa integer, usua_codi_cierra integer
);

CREATE TABLE archivo (
    arch_codi bigint PRIMARY KEY, nombre varchar(500), fecha_creacion timestamptz, tamanio bigint,
    arch_md5 char(32), indi_codi integer, estado smallint DEFAULT 1
);
CREATE INDEX archivo_md5 ON archivo (arch_md5);

CREATE TABLE log (
    log_id bigint PRIMARY KEY DEFAULT nextval('log_log_id_seq'), fecha timestamptz, usua_codi integer,
    tabla varchar(100), sentencia varchar, tipo smallint
);
CREATE TABLE log_archivo (
    log_id bigint PRIMARY KEY DEFAULT nextval('sec_log_archivo'), sentencia varchar, error varchar, fecha timestamptz
);
CREATE TABLE log_bloqueo (
    log_id bigint PRIMARY KEY DEFAULT nextval('sec_log_bloqueo'), tabla varchar, tipo_bloqueo varchar, fecha timestamptz
);

-- How long saving took, and left-overs of somebody's measuring.
CREATE TABLE log_tiempo_guardar (
    arch_codi bigint PRIMARY KEY, tamanio bigint, t1 timestamp, t2 timestamp, t3 timestamp, t4 timestamp, t5 timestamp,
    t6 timestamp
);
CREATE TABLE tmp_revertir (arch_codi bigint PRIMARY KEY);
CREATE TABLE tmp_tiempo_insert (arch_codi bigint, tiempo double precision, fecha timestamp DEFAULT now());
CREATE TABLE tmp_tiempo_read (arch_codi bigint, tiempo double precision, fecha timestamp DEFAULT now());

CREATE FUNCTION func_grabar_archivo(var_nombre_archivo text, var_archivo_base_64 text) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    activos indice[] := ARRAY(SELECT i FROM indice i WHERE esta_codi = 2 ORDER BY indi_codi);
    elegido indice;
    codigo bigint;
    comienzo timestamp := clock_timestamp();
BEGIN
    IF cardinality(activos) = 0 THEN
        RETURN 0;
    END IF;
    codigo := nextval('sec_archivo');
    elegido := activos[codigo % cardinality(activos) + 1];
    INSERT INTO archivo (arch_codi, nombre, fecha_creacion, tamanio, arch_md5, indi_codi)
    VALUES (codigo, var_nombre_archivo, now(), length(var_archivo_base_64) / 8 * 6, '', elegido.indi_codi);
    EXECUTE format('INSERT INTO %I VALUES ($1, $2)', elegido.nombre_tabla) USING codigo, var_archivo_base_64;
    INSERT INTO log_tiempo_guardar (arch_codi, tamanio, t1, t6)
    VALUES (codigo, length(var_archivo_base_64) / 8 * 6, comienzo, clock_timestamp());
    RETURN codigo;
EXCEPTION WHEN OTHERS THEN
    INSERT INTO log_archivo (sentencia, error, fecha) VALUES (var_nombre_archivo, SQLERRM, now());
    RETURN 0;
END $$;

CREATE FUNCTION func_recuperar_archivo(var_arch_codi bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    tabla text := (SELECT nombre_tabla FROM archivo JOIN indice USING (indi_codi) WHERE arch_codi = var_arch_codi);
    contenido text;
BEGIN
    IF tabla IS NULL THEN
        RETURN '';
    END IF;
    EXECUTE format('SELECT archivo FROM %I WHERE arch_codi = $1', tabla) INTO contenido USING var_arch_codi;
    RETURN contenido;
EXCEPTION WHEN OTHERS THEN
    INSERT INTO log_archivo (sentencia, error, fecha) VALUES (tabla, SQLERRM, now());
    RETURN '';
END $$;
