-- People's backups of their documents: asked for, approved, made, downloaded, and removed when their days are over.
CREATE SEQUENCE sec_resp_hist_eventos MINVALUE 0 START 1;
CREATE SEQUENCE sec_respaldo_solicitud MINVALUE 0 START 1;
CREATE SEQUENCE sec_respaldo_usuario;
CREATE SEQUENCE sec_respaldo_usuario_radicado;

CREATE TABLE respaldo_estado (
    est_codi integer DEFAULT 0 PRIMARY KEY, est_nombre varchar(40), est_nombre_estado varchar(40), est_desc varchar(300),
    est_tipo integer, est_estado integer DEFAULT 1
);
-- est_tipo: 1 what is asked for, 2 what comes of it; the two numberings share one series.
INSERT INTO respaldo_estado (est_codi, est_nombre, est_nombre_estado, est_desc, est_tipo, est_estado)
SELECT codigo, nombre, nombre, '', tipo, estado FROM (VALUES
    (1, 'Pedido abierto', 1, 1), (2, 'Pedido entregado', 1, 0), (3, 'Pedido aceptado', 1, 1), (4, 'Pedido negado', 1, 0),
    (5, 'Pedido parado', 1, 0), (6, 'Pedido cumplido', 1, 1), (7, 'Pedido cerrado', 1, 0), (8, 'Copia pendiente', 2, 1),
    (9, 'Copia en curso', 2, 1), (10, 'Copia negada', 2, 0), (11, 'Copia parada', 2, 0), (12, 'Copia hecha', 2, 1),
    (13, 'Copia descargada', 2, 1), (14, 'Pedido borrado', 1, 1), (15, 'Copia borrada', 2, 1)
) AS lista (codigo, nombre, tipo, estado);
CREATE TABLE respaldo_solicitud (
    resp_soli_codi bigint PRIMARY KEY DEFAULT nextval('sec_respaldo_solicitud'), resp_codi bigint,
    usua_codi_solicita bigint, usua_codi_autoriza bigint, usua_codi_accion bigint, fecha_solicita timestamptz,
    fecha_inicio_doc timestamptz, fecha_fin_doc timestamptz, fecha_inicio_ejec timestamptz, fecha_fin_ejec timestamptz,
    estado_solicitud integer DEFAULT 0, estado_respaldo integer DEFAULT 0, comentario varchar, num_documentos integer,
    fecha_ejecutar timestamptz, radi_nume_radi numeric(20,0) REFERENCES radicado
);
CREATE TABLE respaldo_usuario (
    resp_codi bigint PRIMARY KEY DEFAULT nextval('sec_respaldo_usuario'), usua_codi bigint REFERENCES usuarios,
    usua_codi_solicita bigint, fecha_solicita timestamptz, fecha_inicio timestamptz, fecha_fin timestamptz,
    num_documentos integer DEFAULT 0, fecha_eliminado timestamptz
);
CREATE TABLE respaldo_usuario_radicado (
    resp_radi_codi bigint PRIMARY KEY DEFAULT nextval('sec_respaldo_usuario_radicado'),
    resp_codi bigint REFERENCES respaldo_usuario, radi_nume_radi numeric(20,0) REFERENCES radicado, fila varchar,
    error varchar, num_error integer DEFAULT 0, tipo integer
);
CREATE TABLE respaldo_hist_eventos (
    resp_hist_eventos bigint PRIMARY KEY DEFAULT nextval('sec_resp_hist_eventos'), resp_soli_codi bigint,
    usua_codi bigint, fecha timestamptz, accion integer, comentario varchar, estado_solicitud integer DEFAULT 0,
    estado_respaldo integer DEFAULT 0
);
