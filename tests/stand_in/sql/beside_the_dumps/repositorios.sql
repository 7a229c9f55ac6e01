-- Notas sobre los repositorios; esto no es un script.
select indi_codi, nombre_tabla from indice where esta_codi = 2
CREATE TABLE archivo_0001 (arch_codi bigint, archivo varchar);
ALTER TABLE archivo_0001 OWNER TO postgres;
/* el espacio de cada uno:

  CREATE TABLESPACE documentos_1 OWNER postgres LOCATION '/var/lib/pgsql/data/documentos_1';
