<?php
// A connection to the main database, or to the one whose settings carry a name ("bodega"). Others are for replicas: without
// them the main one answers.

require_once __DIR__ . '/../../biblioteca.php';
require_once __DIR__ . '/../../adodb/adodb.inc.php';

class ConnectionHandler
{
    public $conn;
    public $driver = 'postgres';
    public $rutaRaiz;

    public function __construct($ruta_raiz, $servidor_bdd = '')
    {
        $this->rutaRaiz = $ruta_raiz;
        if (is_file("$ruta_raiz/config.php")) {
            include "$ruta_raiz/config.php"; // at every connection: a configuration may not define anything twice
        } else {
            extract(configuracion());
        }
        $cual = !empty($replicacion) || $servidor_bdd === 'bodega' ? trim($servidor_bdd) : '';
        $cual = $cual === '' ? '' : "_$cual";
        $this->conn = new Conexion();
        $this->conn->Connect(${"servidor$cual"}, ${"usuario$cual"}, ${"contrasena$cual"}, ${"db$cual"});
        if (!$this->conn->_connectionID && $cual !== '') {
            $this->conn->Connect($servidor, $usuario, $contrasena, $db);
        }
        $rs = $this->conn->Execute('select now() as fecha1, now()::date as fecha2');
        if ($rs && !$rs->EOF) {
            $this->conn->sysTimeStamp = "('" . $rs->fields['FECHA1'] . "'::timestamp)";
            $this->conn->sysDate = "'" . $rs->fields['FECHA2'] . "'::date";
        }
    }

    public function query($sql)
    {
        return $this->conn->Execute($sql);
    }
}
