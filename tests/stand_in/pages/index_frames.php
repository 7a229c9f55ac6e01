<?php
require_once __DIR__ . '/biblioteca.php';
exigir_sesion();
encabezado('Bandejas');
echo '<p>' . html($_SESSION['usua_nombre']) . ' - ' . html($_SESSION['inst_nombre']) . '</p>';
echo '<a href="Administracion/formAdministracion.php">Administraci&oacute;n</a> <a href="cerrar_session.php">Salir</a>';
pie();
