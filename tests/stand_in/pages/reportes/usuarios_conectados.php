<?php
$ruta_raiz = "..";
include_once "$ruta_raiz/include/db/ConnectionHandler.php";
$db = new ConnectionHandler($ruta_raiz);
$rs = $db->query("select coalesce(i.inst_nombre, '') as institucion, count(*) as usuarios from usuarios_sesion s
    join usuarios u using (usua_codi) left join institucion i on i.inst_codi = coalesce(u.inst_codi, 1)
    where usua_fech_sesion >= now() - interval '2 hours' and usua_sesion not like 'FIN%' group by 1 order by 2 desc");
echo "<html><body><table>";
while ($rs && !$rs->EOF) {
    echo "<tr><td>{$rs->fields['INSTITUCION']}</td><td>{$rs->fields['USUARIOS']}</td></tr>";
    $rs->MoveNext();
}
echo "</table></body></html>";
