<?php
// The database as the pages see it: rows with upper-case names, errors noted and gone on from.

defined('ADODB_FETCH_ASSOC') || define('ADODB_FETCH_ASSOC', 2);

class Registros
{
    public $EOF = true;
    public $fields = array();
    private $filas = array();

    public function __construct($filas)
    {
        $this->filas = $filas;
        $this->MoveNext();
    }

    public function MoveNext()
    {
        $fila = array_shift($this->filas);
        $this->EOF = $fila === null;
        $this->fields = $fila === null ? array() : array_change_key_case($fila, CASE_UPPER);
    }
}

class Conexion
{
    public $_connectionID = false;
    public $sysTimeStamp = 'now()';
    public $sysDate = 'current_date';

    public function Connect($servidor, $usuario, $contrasena, $base)
    {
        list($maquina, $puerto) = explode(':', $servidor . ':5432');
        $partes = array('host' => $maquina, 'port' => $puerto, 'user' => $usuario, 'password' => $contrasena, 'dbname' => $base);
        $fuente = '';
        foreach ($partes as $nombre => $valor) {
            $fuente .= " $nombre='" . addcslashes((string) $valor, "'\\") . "'";
        }
        $this->_connectionID = @pg_connect($fuente, PGSQL_CONNECT_FORCE_NEW);
        return (bool) $this->_connectionID;
    }

    public function SetFetchMode($modo)
    {
    }

    public function Execute($sql)
    {
        $resultado = $this->_connectionID ? @pg_query($this->_connectionID, $sql) : false;
        if ($resultado === false) {
            error_log('sql: ' . ($this->_connectionID ? pg_last_error($this->_connectionID) : 'sin base de datos'));
            return false;
        }
        return new Registros(pg_fetch_all($resultado) ?: array());
    }

    public function query($sql)
    {
        return $this->Execute($sql);
    }

    public function qstr($texto)
    {
        return "'" . str_replace("'", "''", (string) $texto) . "'";
    }

    /** Updates the row with this key or, if there is none, inserts one; values are SQL. */
    public function Replace($tabla, $valores, $clave = '', ...$resto)
    {
        $valores = array_change_key_case($valores);
        $clave = strtolower($clave);
        if ($clave !== '' && isset($valores[$clave])) {
            $cambios = array();
            foreach ($valores as $nombre => $valor) {
                $cambios[] = "$nombre = $valor";
            }
            $donde = "$clave = {$valores[$clave]}";
            $rs = $this->Execute("UPDATE $tabla SET " . implode(', ', $cambios) . " WHERE $donde RETURNING 1");
            if ($rs && !$rs->EOF) {
                return 1;
            }
        }
        $columnas = implode(', ', array_keys($valores));
        return $this->Execute("INSERT INTO $tabla ($columnas) VALUES (" . implode(', ', $valores) . ')') ? 2 : 0;
    }
}
