-- The layout of 2010, as far as telling it from the present one takes: `usuario` is a view, accounts have few columns,
-- permissions end at 30 and have no profile. The present application cannot run on it; provisioning has to refuse it.
CREATE SEQUENCE sec_institucion;
CREATE SEQUENCE sec_dependencia;
CREATE SEQUENCE usuarios_usua_codi_seq;

CREATE TABLE institucion (
    inst_ruc varchar(14), inst_nombre varchar(200), inst_logo varchar(100), inst_sigla varchar(10),
    inst_pie1 varchar(150), inst_pie2 varchar(150), inst_pie3 varchar(150), inst_codi integer PRIMARY KEY, inst_estado integer
);
CREATE TABLE dependencia (
    depe_codi integer PRIMARY KEY, depe_nomb varchar(150) NOT NULL, depe_codi_padre integer, dep_sigla varchar(100),
    dep_central integer, dep_direccion varchar(100), depe_estado smallint, inst_codi integer REFERENCES institucion,
    depe_plantilla integer, depe_pie1 varchar(150), depe_pie2 varchar(150), depe_pie3 varchar(150)
);
CREATE TABLE usuarios (
    usua_codi integer PRIMARY KEY, usua_login varchar(16), usua_pasw varchar(35), usua_cedula varchar(25),
    usua_nomb varchar(150), usua_apellido varchar(100), usua_email varchar(50), usua_cargo varchar(200), puesto varchar(200),
    usua_esta smallint, usua_nuevo smallint, depe_codi integer REFERENCES dependencia, inst_codi integer REFERENCES institucion
);
CREATE TABLE ciudad (id integer PRIMARY KEY, nombre varchar(100) NOT NULL, id_padre integer);
CREATE TABLE permiso (
    id_permiso integer PRIMARY KEY, descripcion varchar(100), estado smallint, orden smallint, nombre varchar(100),
    descripcion_larga varchar
);
CREATE TABLE permiso_usuario (
    id_permiso integer REFERENCES permiso, usua_codi integer REFERENCES usuarios, PRIMARY KEY (id_permiso, usua_codi)
);
CREATE TABLE usuarios_sesion (usua_codi integer PRIMARY KEY, usua_sesion varchar(50), usua_fech_sesion timestamptz);
CREATE VIEW usuario AS
    SELECT u.*, i.inst_nombre, i.inst_estado, d.depe_nomb
    FROM usuarios u LEFT JOIN institucion i USING (inst_codi) LEFT JOIN dependencia d USING (depe_codi);

INSERT INTO institucion (inst_codi, inst_nombre, inst_sigla, inst_estado) VALUES (0, 'Ciudadanos', 'CIU', 1);
INSERT INTO dependencia (depe_codi, depe_nomb, depe_codi_padre, depe_estado, inst_codi) VALUES (0, 'Ciudadanos', 0, 1, 0);
INSERT INTO usuarios (usua_codi, usua_login, usua_nomb, usua_esta, usua_nuevo, depe_codi, inst_codi)
VALUES (0, 'UADMINISTRADOR', 'Super', 1, 1, 0, 0), (-1, 'UREGISTRO', 'Registro', 1, 1, 0, 0);
INSERT INTO permiso (id_permiso, orden, nombre, estado)
SELECT id, id, CASE id WHEN 12 THEN 'usua_admin_sistema' WHEN 30 THEN 'admin_institucion' ELSE 'perm_' || id END, (id <> 12)::int
FROM generate_series(1, 30) AS id;
