-- What a new installation holds before its first institution.
INSERT INTO tipo_certificado (tipo_cert_codi, descripcion)
VALUES (0, 'Ninguno'), (1, 'Dispositivo'), (2, 'Archivo p12'), (3, 'Huella');

INSERT INTO estado VALUES
    (0, 'Archivado'), (1, 'En elaboración'), (2, 'En trámite'), (3, 'Original no enviado'), (4, 'Electrónico no enviado'),
    (5, 'Manual no enviado'), (6, 'Enviado'), (7, 'Eliminado'), (8, 'Eliminado del todo'), (9, 'Pendiente de ciudadano');

INSERT INTO tiporad (trad_codigo, trad_descr, trad_tipo, trad_inst_codi, trad_abreviatura) VALUES
    (1, 'Oficio', 'S', 0, 'O'), (2, 'Externo', 'E', 0, 'E'), (3, 'Memorando', 'S', 0, 'M'), (4, 'Circular', 'S', 0, 'C'),
    (5, 'Acuerdo', 'S', 0, 'A'), (6, 'Nota', 'S', 0, 'N'), (7, 'Carta Ciudadano', 'S', 1, NULL),
    (8, 'Resolución', 'S', 0, 'R'), (9, 'Providencia', 'S', 0, 'P');

-- A few of the forms of address, and the trays of staff, by the numbers and names that they are known by.
INSERT INTO titulo (tit_codi, tit_nombre, tit_abreviatura) VALUES
    (1, 'Señor Abogado', 'Sr. Abg.'), (2, 'Señor Ingeniero', 'Sr. Ing.'), (7, 'Señor Doctor', 'Sr. Dr.'),
    (11, 'Señora Doctora', 'Sra. Dra.'), (12, 'Señora Ingeniera', 'Sra. Ing.'), (32, 'Señorita', 'Srta.'),
    (34, 'Señora', 'Sra.'), (249, 'Señor', 'Sr.');
INSERT INTO carpeta (carp_codi, carp_nombre, carp_orden) VALUES
    (1, 'En Elaboración', 1), (2, 'Recibidos', 2), (6, 'Eliminados', 3), (7, 'No Enviados', 4), (8, 'Enviados', 5),
    (12, 'Reasignados', 6), (10, 'Archivados', 7), (13, 'Informados', 8), (14, 'Compartida', 9), (15, 'Tareas Recibidas', 10),
    (16, 'Tareas Enviadas', 11);

INSERT INTO contenido_tipo VALUES (1, 'Index', 'Implantación'), (2, 'Index', 'Procedimientos'), (3, 'Index', 'Soporte');
INSERT INTO contenido (cont_codi, cont_tipo_codi, descripcion, texto, fecha_crea) VALUES
    (1, 1, 'Bienvenida', '<p>Base de pruebas, no es un sistema en uso.</p>', now());

-- estado 0: never shown, yet in force when somebody holds it. perfil 5: the super administrator's.
INSERT INTO permiso (id_permiso, orden, nombre, estado, perfil, descripcion)
SELECT id, id, nombre, estado, perfil, descripcion FROM (VALUES
    (1, 'usua_admin_archivo', 1, 4, 'Archivo físico'),
    (2, 'usua_perm_archivo', 1, 1, 'Uso del archivo'),
    (3, 'usua_perm_consulta', 1, 1, 'Consulta de documentos'),
    (4, 'perm_acti_accion', 1, 0, 'Acciones sobre documentos'),
    (5, 'ver_todos_docu', 1, 3, 'Bandeja de entrada'),
    (6, 'perm_recibir_externo', 1, 2, 'Recepción de externos'),
    (7, 'perm_7', 0, 0, NULL), (8, 'perm_8', 0, 0, NULL),
    (9, 'perm_recibir_ciudadano', 1, 2, 'Recepción de ciudadanos'),
    (10, 'perm_tramitar_docs_ciudadano', 1, 3, 'Trámite de ciudadanos'),
    (11, 'perm_11', 0, 0, NULL),
    (12, 'usua_admin_sistema', 1, 4, 'Menú de administración'),
    (13, 'usua_perm_digitalizar', 1, 3, 'Digitalización'),
    (14, 'perm_validar_ciudadano', 1, 5, 'Revisión de datos de ciudadanos'),
    (15, 'usua_perm_impresion', 1, 1, 'Impresión'),
    (16, 'usua_perm_ciudadano', 1, 3, 'Registro de ciudadanos'),
    (17, 'usua_perm_estadistica', 1, 2, 'Reportes'),
    (18, 'usua_perm_trd', 1, 4, 'Carpetas virtuales'),
    (19, 'firma_digital', 1, 2, 'Firma electrónica'),
    (20, 'perm_20', 0, 0, NULL),
    (21, 'usua_perm_notifica', 1, 0, 'Avisos por correo'),
    (22, 'usua_perm_redireccionar_edicion', 1, 1, 'Ir a la edición'),
    (23, 'usua_perm_mostrar_documento', 1, 2, 'Vista directa'),
    (24, 'perm_24', 0, 5, NULL),
    (25, 'usua_perm_backup', 0, 0, 'Pedir respaldos'),
    (26, 'perm_saltar_organico_funcional', 1, 2, 'Fuera del orgánico'),
    (27, 'usua_prad_tp1', 1, 0, 'Documentos de salida'),
    (28, 'usua_prad_tp2', 1, 3, 'Documentos de entrada'),
    (29, 'usua_publico', 1, 1, 'Visible desde otras áreas'),
    (30, 'admin_institucion', 0, 0, 'Instituciones'),
    (31, 'usua_perm_email_all', 1, 4, 'Informar a todos'),
    (32, 'usua_perm_listas', 1, 4, 'Listas'),
    (33, 'perm_aprobar_respaldo', 0, 4, 'Aprobar respaldos'),
    (34, 'perm_34', 0, 5, NULL),
    (35, 'perm_actualizar_sistema', 0, 5, 'Mantenimiento'),
    (36, 'perm_admin_institucional', 1, 4, 'Todas las áreas')
) AS lista (id, nombre, estado, perfil, descripcion);

-- Institution 1 and area 1 are where citizens live; real institutions start at 3.
INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado)
VALUES (1, '0000000000000', 'Ciudadanos', 'CIUDADANO', 1);
INSERT INTO dependencia (depe_codi, depe_nomb, depe_codi_padre, dep_sigla, dep_central, depe_estado, inst_codi,
    depe_plantilla, depe_pie1, inst_adscrita)
VALUES (1, 'Ciudadanos', 1, 'CIU', 1, 1, 1, 1, '0', 1);

-- The super administrator: account 0, no institution, the well-known first password.
INSERT INTO usuarios (usua_codi, usua_login, usua_cedula, usua_pasw, usua_nomb, usua_apellido, usua_cargo, usua_tipo, usua_obs)
VALUES (0, 'UADMINISTRADOR', '0000000000', substr(md5('123'), 2, 26), 'Super', 'Administrador', 'Administrador del Sistema', 1,
    '');
INSERT INTO permiso_usuario SELECT id, 0 FROM unnest(ARRAY[1, 2, 3, 12, 16, 18, 21, 30, 32, 33, 35, 36]) AS id;

-- What the history of a document tells by number. The release's own words are not copied.
INSERT INTO sgd_ttr_transaccion VALUES
    (0, '-'), (1, 'Registro recuperado'), (2, 'Registrar'), (7, 'Quitar informado'), (8, 'Informar a otros'), (9, 'Pasar a otra persona'),
    (10, 'Administración'), (11, 'Modificar'), (12, 'Contestar'), (13, 'Guardar en archivo'), (14, 'Poner en agenda'),
    (15, 'Quitar de agenda'), (16, 'Borrar'), (17, 'Recuperar borrado'), (18, 'Envío por el sistema'), (19, 'Envío a mano'),
    (20, 'Pedir envío a mano'), (21, 'Comentar'), (22, 'Digitalizar documento'), (23, 'Devolver'), (24, 'Imagen de fax'),
    (25, 'Sacar del archivo'), (26, 'Asociar'), (27, 'Quitar asociación'), (28, 'Dirigir a otro'), (29, 'Digitalizar anexo'),
    (30, 'Registro masivo'), (31, 'Borrar anexo'), (32, 'Poner en carpeta'), (33, 'Quitar de carpeta'), (35, 'Revertir firma'),
    (36, 'Quitar generado'), (37, 'Respuesta con firma electrónica'), (38, 'Respuesta con firma a mano'), (39, 'Pedir firma'),
    (40, 'Firma electrónica'), (41, 'Quitar pedido de firma'), (42, 'Imagen como documento'), (50, 'Tarea asignada'),
    (51, 'Tarea finalizada'), (52, 'Tarea cancelada'), (53, 'Tarea comentada'), (54, 'Tarea reabierta'), (55, 'Tarea editada'),
    (56, 'Avance de tarea'), (57, 'Otro dueño de tarea'), (58, 'Respuesta de tarea'), (59, 'Tarea de inactivo'),
    (63, 'Archivo central cambiado'), (64, 'Ingreso a archivo central'), (65, 'Firmar y enviar el documento'), (66, 'Adjuntar'),
    (67, 'Contestar a todos'), (69, 'Envío físico'), (70, 'Sobre'), (71, 'Respaldo pedido'), (72, 'Respaldo enviado'),
    (73, 'Respaldo aprobado'), (74, 'Respaldo negado'), (75, 'Respaldo en curso'), (76, 'Respaldo parado'), (77, 'Respaldo hecho'),
    (78, 'Respaldo borrado'), (79, 'Pedido borrado'), (80, 'Respaldo en calendario'), (81, 'Pedido cambiado'), (82, 'Copia'),
    (83, 'Recuperar lo pasado'), (84, 'Metadatos'), (85, 'Descarga'), (86, 'Pedido de descarga'), (87, 'Borrado automático'),
    (88, 'En carpeta');

INSERT INTO anexos_tipo (anex_tipo_codi, anex_tipo_ext, anex_tipo_desc) VALUES
    (1, 'doc', 'Texto'), (2, 'xls', 'Hoja'), (3, 'ppt', 'Láminas'), (4, 'tif', 'Imagen'), (5, 'jpg', 'Imagen'), (6, 'gif', 'Imagen'),
    (7, 'pdf', 'PDF'), (8, 'txt', 'Texto plano'), (9, 'zip', 'Comprimido'), (17, 'png', 'Imagen'), (18, 'p7m', 'Firmado');

-- The trees' first nodes, their own parents.
INSERT INTO trd (trd_codi, trd_padre) VALUES (0, 0);
INSERT INTO archivo (arch_codi, arch_padre) VALUES (0, 0);
