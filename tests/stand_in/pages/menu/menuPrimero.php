<?php
echo "<a href='Administracion/formAdministracion.php'>Administraci&oacute;n</a>";
