<?php
// The image of the password page, a GIF whatever its header says; made with gd.

session_start();
$texto = '';
while (strlen($texto) < 4) {
    $texto .= substr('abcdefghijkmnopqrstuvwxyz2345678', random_int(0, 31), 1);
}
$_SESSION['captcha'] = $texto;
$imagen = imagecreate(100, 30);
imagecolorallocate($imagen, 230, 230, 230);
imagestring($imagen, 5, 16, 7, implode(' ', str_split($texto)), imagecolorallocate($imagen, 0, 0, 0));
header('Content-type: image/jpg');
imagegif($imagen);
