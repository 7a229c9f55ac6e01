<?php
header('Content-Type: text/xml; charset=utf-8');
echo '<?xml version="1.0" encoding="utf-8" ?><Connector><Error number="1" text="This connector is disabled."/></Connector>';
