<?php
echo json_encode(array('clase' => 'JSON'));
