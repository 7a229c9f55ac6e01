<?php
$cuerpoAcu = 'Texto del acuerdo.';
