<?php
require_once __DIR__ . '/biblioteca.php';
encabezado('Sistema de Gesti&oacute;n Documental');
echo '<a href="login.php">Ingresar al sistema</a>';
pie();
