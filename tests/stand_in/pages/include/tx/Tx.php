<?php
class Tx
{
    public $db;

    public function __construct($db)
    {
        $this->db = $db;
    }
}
