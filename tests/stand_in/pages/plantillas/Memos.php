<?php
echo '<html><body>Plantilla de memorando</body></html>';
