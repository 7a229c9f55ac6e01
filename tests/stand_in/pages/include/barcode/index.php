<?php
echo 'codigo de barras: ' . htmlspecialchars(isset($_GET['barcode']) ? $_GET['barcode'] : '');
