<?php
echo "<p>Por seguridad no se proces&oacute; la transacci&oacute;n. <a onclick='history.go(-1);'>Regresar</a></p>";
