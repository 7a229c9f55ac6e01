<?php
// What the server's disks hold, to everybody.
exec('df -h', $lineas);
echo '<table><tr><td>' . implode('</td></tr><tr><td>', array_map('htmlspecialchars', $lineas)) . '</td></tr></table>';
