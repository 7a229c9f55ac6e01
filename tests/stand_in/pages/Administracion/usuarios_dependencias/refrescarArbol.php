<?
require_once __DIR__ . '/../../biblioteca.php';
if (campo($_POST, 'depe_codi_tmp') !== '') {
    $areas = split(',', campo($_POST, 'depe_codi_tmp'));
    echo '<ul><li>' . implode('</li><li>', array_map('intval', $areas)) . '</li></ul>';
}
