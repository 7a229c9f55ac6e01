<?php
// Says whether both databases of the release's config.php answer: the scripts themselves end with 0 without them, and
// one of them replaces the page of statistics by an empty one.
include '../config.php';
foreach (array('' => 'transactional', '_bodega' => 'document') as $suffix => $name) {
    list($host, $port) = explode(':', ${"servidor$suffix"} . ':5432');
    $values = array(
        'host' => $host, 'port' => $port, 'dbname' => ${"db$suffix"},
        'user' => ${"usuario$suffix"}, 'password' => ${"contrasena$suffix"},
    );
    $parts = array('connect_timeout=10');
    foreach ($values as $key => $value) {
        $parts[] = "$key='" . addcslashes($value, "'\\") . "'";
    }
    if (!@pg_connect(implode(' ', $parts), PGSQL_CONNECT_FORCE_NEW)) {
        echo "the $name database does not answer\n";
        exit(1);
    }
}
