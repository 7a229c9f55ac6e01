<?php
$institucionSigla = "institucionSigla";
$institucionNombre = "institucionNombre";
$banner1 = "imagenes/banner.gif";
$banner2 = "imagenes/banner.gif";
$linkBanner1 = "";
$nombreLinkBanner1 = "";
$linkBanner2 = "";
$nombreLinkBanner2 = "";
$footerText = "footerText";
?>
