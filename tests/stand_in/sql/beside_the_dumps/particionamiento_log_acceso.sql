REGISTRO DE ACCESOS: una tabla por año
create table log_acceso2014 (check (extract(year from fecha) = 2014)) inherits (log_acceso);

CREATE OR REPLACE FUNCTION repartir_log_acceso() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF extract(year FROM NEW.fecha) = 2014 THEN
        INSERT INTO log_acceso2014 VALUES (NEW.*);
    ELSE
        RAISE EXCEPTION 'falta la tabla de registro de este año';
    END IF;
    RETURN NULL;
END $$;
ALTER FUNCTION repartir_log_acceso() OWNER TO postgres;

luego el disparador
DROP TRIGGER repartir ON log_acceso;
CREATE TRIGGER repartir BEFORE INSERT ON log_acceso FOR EACH ROW EXECUTE PROCEDURE repartir_log_acceso();
