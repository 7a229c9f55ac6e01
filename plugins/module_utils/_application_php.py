# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The release's own PHP, run as the web server's user: its PDF client, its document store."""

from __future__ import annotations

import base64
import binascii
import json
import os
import pwd
import re
import secrets
import subprocess
import typing as t
import zlib

_MARK = "quipux-provision:"  # the release prints warnings of its own around our line
# Values come on stdin, one line with the answer goes out.
_BEFORE = "$in = json_decode(stream_get_contents(STDIN), true); chdir($in['release']); error_reporting(0);"
_AFTER = f'echo "\\n{_MARK}" . json_encode($out) . "\\n";'
_PDF = """
include 'html_a_pdf/cliente_soap.php';
$out = array('pdf' => base64_encode(ws_generar_pdf($in['html'], '', $in['url'])));
"""
# What is stored is deleted again; the functions swallow their errors, log_archivo has them.
_STORE = """
$ruta_raiz = '.';
include 'config.php';
include 'include/db/ConnectionHandler.php';
$db = new ConnectionHandler($ruta_raiz, 'bodega');
$out = array('number' => 0, 'content' => '', 'deleted' => false);
$out['connected'] = (bool) $db->conn->_connectionID;
if ($out['connected']) {
    $db->conn->SetFetchMode(ADODB_FETCH_ASSOC);
    $rs = $db->query("select func_grabar_archivo(E'{$in['name']}', E'{$in['content']}') as arch_codi");
    $out['number'] = $number = $rs && !$rs->EOF ? 0 + $rs->fields['ARCH_CODI'] : 0;
}
if ($out['number'] > 0) {
    $rs = $db->query("select func_recuperar_archivo($number) as archivo");
    $out['content'] = $rs && !$rs->EOF ? $rs->fields['ARCHIVO'] : '';
    $rs = $db->query("select i.nombre_tabla from archivo a join indice i on i.indi_codi = a.indi_codi
        where a.arch_codi = $number");
    $table = $rs && !$rs->EOF ? $rs->fields['NOMBRE_TABLA'] : '';
    if (preg_match('/^[a-z0-9_]+$/', $table)) {
        $db->query("delete from $table where arch_codi = $number");
        $db->query("delete from log_tiempo_guardar where arch_codi = $number");
        $out['deleted'] = (bool) $db->query("delete from archivo where arch_codi = $number");
    }
}
"""


class PhpError(Exception):
    """PHP did not come to an end. The message says how."""


class Php:
    """PHP's command line, as the web server's user, on the release in folder `release`."""

    def __init__(self, executable: str, release: str, user: str, timeout: float) -> None:
        self._command = [executable, "-d", "short_open_tag=1", "-d", "display_errors=0", "-d", "log_errors=0"]
        self._release, self._user, self._timeout = release, user, timeout

    def pdf(self, url: str) -> str:
        """What is wrong with a PDF made by the service at `url`, "" if nothing. Raises PhpError."""
        word = f"verificacion{secrets.token_hex(4)}"
        answer = self._run(_PDF, url=url, html=f"<html><body><p>{word}</p></body></html>")
        try:
            content = base64.b64decode(answer["pdf"], validate=True)
        except (binascii.Error, ValueError):
            content = b""
        if not content.startswith(b"%PDF"):
            return f"the service at {url} makes no PDF"
        return "" if word in text_of(content) else "the PDF lacks its text"

    def document(self) -> str:
        """What is wrong with storing a document and reading it back, "" if nothing. Raises PhpError."""
        content = base64.b64encode(secrets.token_bytes(30000)).decode()
        answer = self._run(_STORE, name="verificacion.txt", content=content)
        if not answer["connected"]:
            return "the application cannot reach the document database"
        if not answer["number"]:
            return "the document was not stored; is a repository active and not full?"
        if answer["content"] != content:
            return f"document {answer['number']} was stored but not read back"
        return "" if answer["deleted"] else f"document {answer['number']} of this check could not be deleted"

    def _run(self, script: str, **values: str) -> dict[str, t.Any]:
        values["release"] = self._release
        try:
            done = subprocess.run(
                [*self._command, "-r", f"{_BEFORE}\n{script}\n{_AFTER}"],
                input=json.dumps(values).encode(),
                capture_output=True,
                timeout=self._timeout,
                cwd="/",
                check=False,
                **self._identity(),
            )
        except subprocess.TimeoutExpired:
            raise PhpError(f"PHP did not end within {self._timeout:g} s") from None
        except OSError as error:
            raise PhpError(f"cannot run {self._command[0]}: {error.strerror}") from None
        for line in done.stdout.decode("utf-8", "replace").splitlines():
            if line.startswith(_MARK):
                return dict(json.loads(line[len(_MARK) :]))
        raise PhpError(f"PHP ended with code {done.returncode} before it answered")

    def _identity(self) -> dict[str, t.Any]:
        """Who runs it: nobody but root can choose."""
        if os.geteuid() != 0 or not self._user:
            return {}
        try:
            entry = pwd.getpwnam(self._user)
        except KeyError:
            raise PhpError(f"no user {self._user} on this host") from None
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def text_of(pdf: bytes) -> str:
    """The texts that a PDF's pages show, for fonts that keep ASCII; enough to find a word."""
    found = []
    for start in re.finditer(rb"stream\r?\n", pdf):
        try:
            content = zlib.decompressobj().decompress(pdf[start.end() :], 1 << 22)
        except zlib.error:
            continue
        for shown in re.finditer(rb"\[((?:[^\]\\]|\\.)*)\]\s*TJ|(\((?:[^)\\]|\\.)*\))\s*Tj", content):
            pieces = re.findall(rb"\(((?:[^)\\]|\\.)*)\)", shown[1] or shown[2])
            found.append(b"".join(pieces).decode("latin-1"))
    return "\n".join(found)
