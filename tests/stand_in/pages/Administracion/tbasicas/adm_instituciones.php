<?php
// The institution of the session, as its administrator sees and changes it. Nothing is saved without an image.

require_once __DIR__ . '/../formularios.php';
exigir_administrador();

$codigo = $_SESSION['inst_codi'];
$mensaje = '';
if (campo($_POST, 'btn_accion') === 'Aceptar') {
    $logo = subido('arch_logo');
    if ($logo === '' || strpos((string) mime_content_type($logo), 'image') === false) {
        exit('El archivo no es una imagen');
    }
    if (!in_array(campo($_POST, 'txtExt'), array('png', 'jpg', ''), true)) {
        exit('Archivo con una extensi&oacute;n no permitida');
    }
    $ruta = "/bodega/logos/$codigo." . campo($_POST, 'txtExt');
    if (move_uploaded_file($logo, __DIR__ . "/../..$ruta")) {
        consulta(
            'UPDATE institucion SET inst_ruc = ?, inst_nombre = ?, inst_sigla = ?, inst_estado = 1, inst_telefono = ?,'
            . ' inst_email = ?, inst_despedida_ofi = ?, inst_logo = ? WHERE inst_codi = ?',
            array(
                limpio(campo($_POST, 'txtRuc')),
                limpio(campo($_POST, 'txtNombre')),
                limpio(strtoupper(campo($_POST, 'txtSigla'))),
                limpio(strtoupper(campo($_POST, 'txtTelefono'))),
                limpio(campo($_POST, 'txtCorreo')),
                limpio(strtoupper(campo($_POST, 'txtDespedidaOfi'))),
                $ruta,
                $codigo,
            )
        );
        $mensaje = 'Los cambios se realizaron exitosamente';
    } else {
        $mensaje = 'Error al subir el Logo de la Instituci&oacute;n';
    }
}

$institucion = fila('SELECT * FROM institucion WHERE inst_codi = ?', array($codigo));
encabezado('Administraci&oacute;n de Instituciones');
foreach (array('nombre' => 'inst_nombre', 'ruc' => 'inst_ruc', 'sigla' => 'inst_sigla', 'telefono' => 'inst_telefono') as $nombre => $columna) {
    printf('<p>%s: <span id="%s">%s</span></p>', $nombre, $nombre, $institucion === null ? '' : $institucion[$columna]);
}
if ($institucion !== null) {
    echo "<form method='post' enctype='multipart/form-data'>";
    $campos = array(
        'txtNombre' => 'inst_nombre',
        'txtRuc' => 'inst_ruc',
        'txtSigla' => 'inst_sigla',
        'txtCorreo' => 'inst_email',
        'txtTelefono' => 'inst_telefono',
        'txtDespedidaOfi' => 'inst_despedida_ofi',
    );
    foreach ($campos as $nombre => $columna) {
        entrada($nombre, $institucion[$columna]);
    }
    echo "<input type='file' name='arch_logo'><input type='hidden' name='txtExt' value=''>";
    echo "<input type='submit' name='btn_accion' value='Aceptar'></form><p>$mensaje</p>";
}
pie();
