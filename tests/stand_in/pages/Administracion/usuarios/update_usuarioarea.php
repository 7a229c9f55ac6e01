<?php
// What the areas page asks for in passing: heads and shared trays. It answers nothing and checks nothing.

require_once __DIR__ . '/../../biblioteca.php';
exigir_sesion();

list($usuario, $jefe) = array_map('intval', explode(',', campo($_POST, 'data') . ',,'));
switch (campo($_POST, '__action')) {
    case 'grabar_jefe':
        consulta('UPDATE usuarios SET cargo_tipo = 1 WHERE usua_codi = ?', array($usuario));
        break;
    case 'elimina_jefe_area':
        consulta('UPDATE usuarios SET cargo_tipo = 0 WHERE usua_codi = ?', array($usuario));
        consulta('DELETE FROM bandeja_compartida WHERE usua_codi_jefe = ?', array($usuario));
        break;
    case 'compartirUsuarioBandeja':
        consulta(
            'INSERT INTO bandeja_compartida (usua_codi_jefe, usua_codi, ban_com_fecha) VALUES (?, ?, CURRENT_DATE)',
            array($jefe, $usuario)
        );
        break;
    case 'elim_compartirUsuarioBandeja':
        consulta('DELETE FROM bandeja_compartida WHERE ban_com_codi = ?', array($usuario));
        break;
}
