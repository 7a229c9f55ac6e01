<?php
require_once __DIR__ . '/../interconexion/generar_pdf.php';
