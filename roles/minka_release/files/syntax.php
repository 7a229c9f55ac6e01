<?php
// Tells the syntax errors of the pages of a release, all in one process.
$bad = 0;
foreach (glob("{$argv[1]}/{,Administracion/,html_a_pdf/,include/db/}*.php", GLOB_BRACE) as $page) {
    if (is_link($page)) {
        continue;
    }
    try {
        token_get_all(file_get_contents($page), TOKEN_PARSE);
    } catch (ParseError $error) {
        $bad++;
        fwrite(STDERR, substr($page, strlen($argv[1]) + 1) . ':' . $error->getLine() . ': ' . $error->getMessage() . "\n");
    }
}
exit($bad ? 1 : 0);
