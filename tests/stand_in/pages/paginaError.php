<?php
require_once __DIR__ . '/biblioteca.php';
sesion_expirada();
