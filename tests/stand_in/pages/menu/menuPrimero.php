<?php
echo crear_item_bandeja(0, 'Administraci&oacute;n', 'Administracion/formAdministracion.php');
