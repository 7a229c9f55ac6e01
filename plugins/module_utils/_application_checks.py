# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What is asked of a running Quipux, one function a check.

The release answers nearly everything with status 200: only its pages' text tells. A check whose ground is
bad is not asked, so that one fault has one name.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import secrets
import ssl
import typing as t
from pathlib import Path

from ansible_collections.quipux.provision.plugins.module_utils._application_php import Php, PhpError
from ansible_collections.quipux.provision.plugins.module_utils._application_web import (
    Answer,
    Unreachable,
    Web,
    cookies_of,
    told,
)

_RAW_PHP = re.compile(r"<\?(?!xml)")
_NO_DATABASE = "paginasinConexion"
_STAY = 180 * 86400  # seconds; the least that an HSTS header should say
_OLD_TLS = ((ssl.TLSVersion.TLSv1, "TLS 1.0"), (ssl.TLSVersion.TLSv1_1, "TLS 1.1"))
_NEW_TLS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
_IMAGES = (b"GIF8", b"\x89PNG", b"\xff\xd8\xff")
# What a refused login shows.
_REFUSALS = (
    (r"cuenta ha sido bloqueada", "the account is locked after too many tries"),
    (r"Usuario o Contrase\S+a incorrectos", "the application refuses the account's password"),
    (r"se encuentra inactivo", "the application takes the account for inactive"),
    (r"restingido el acceso|restringido el acceso", "the application is closed to this kind of account"),
)


class Bad(Exception):
    """The check's answer is no. The message is the detail."""


class Application:
    """The checks of one application. Each public method gives its detail, or raises Bad."""

    def __init__(self, web: Web, php: Php, options: dict[str, t.Any]) -> None:
        self._web, self._php, self._options = web, php, options
        self._pages: dict[str, Answer] = {}

    def web(self) -> str:
        self._page("login.php")
        return str(self._options["url"])

    def no_raw_php(self) -> str:
        if _RAW_PHP.search(self._page("login.php").text):
            raise Bad("login.php shows PHP source; set short_open_tag = On")
        return "pages are run, not shown"

    def login_page(self) -> str:
        answer = self._page("login.php")
        lacking = [name for name in ("krd", "drd") if not re.search(rf"name=[\"']?{name}\b", answer.text)]
        if lacking:
            raise Bad(f"login.php (status {answer.status}) lacks the fields {' and '.join(lacking)}")
        return "form with user and password"

    def database(self) -> str:
        try:
            if self._contents():
                return "pages show what it holds"
            answer = self._page("index_frames.php")
        except Unreachable as error:
            raise Bad(f"pages that ask it give {error}") from None
        if _NO_DATABASE in answer.text or answer.status >= 500:
            raise Bad("the application cannot reach its database")
        return "the application reaches it"

    def database_page(self) -> str:
        if not self._contents():
            raise Bad("index2.php shows none of the texts of table contenido")
        return "texts of table contenido"

    def captcha(self) -> str:
        answer = self._page("js/captcha.php")
        if not answer.body.startswith(_IMAGES):
            raise Bad(f"js/captcha.php (status {answer.status}) is no image; is php-gd there?")
        return "image"

    def cookies(self) -> str:
        # A new one each time: where it is accepted once it is a session that the server knows.
        strange = secrets.token_hex(13)
        answer = self._web.ask("js/captcha.php", cookies={"PHPSESSID": strange})
        value, attributes = cookies_of(answer).get("PHPSESSID", ("", set()))
        if value in ("", strange):
            raise Bad("a session id of the browser's own making is accepted; set session.use_strict_mode = 1")
        wanted = ["httponly", *(["secure"] if self._web.tls else [])]
        lacking = [name for name in wanted if name not in attributes]
        if not attributes & {"samesite=lax", "samesite=strict"}:
            lacking.append("samesite")
        if lacking:
            raise Bad(f"the session's cookie lacks {', '.join(lacking)}")
        return "strict, " + ", ".join(sorted(attributes - {"path=/"}))

    def probe_login(self) -> str:
        probe = self._options["probe"]
        form = self._web.ask("login.php")
        cookies = {name: value for name, (value, _attributes) in cookies_of(form).items()}
        # What the form's script does: the password leaves the browser as its MD5.
        digest = hashlib.md5(probe["password"].encode()).hexdigest()  # noqa: S324
        fields = {"krd": probe["login"], "drd": digest, "Submit": "Ingresar"}
        answer = self._web.ask("login.php?acceso=login&txt_administrador=0", fields, cookies)
        cookies.update({name: value for name, (value, _attributes) in cookies_of(answer).items()})
        if "index_frames.php" not in answer.text:
            reasons = [reason for sign, reason in _REFUSALS if re.search(sign, answer.text)]
            raise Bad((reasons or [f"the login leads nowhere (status {answer.status})"])[0])
        try:
            self._find_name(probe["name"], cookies)
        finally:
            self._web.ask("cerrar_session.php", cookies=cookies)
        if probe["name"] in self._frames("index_frames.php", cookies):
            raise Bad("the session goes on after the logout")
        return "login, frames with the account's name, logout"

    def pdf(self) -> str:
        wrong = self._php.pdf(self._options["pdf_url"])
        if wrong:
            raise Bad(wrong)
        return f"made by {self._options['pdf_url']}"

    def document_store(self) -> str:
        wrong = self._php.document()
        if wrong:
            raise Bad(wrong)
        return "stored, read back, deleted"

    def denied_paths(self) -> str:
        given = []
        for path in self._options["denied"]:
            answer = self._web.ask(path)
            if answer.status not in (403, 429):  # Apache counts who asks for closed doors, too
                given.append(f"{path} ({answer.status})")
        if given:
            raise Bad(f"not denied: {', '.join(given)}")
        return f"{len(self._options['denied'])} paths"

    def certificate(self) -> str:
        days = self._web.certificate(self._options["ca_cert"] or "")
        least = self._options["certificate_days"]
        if days < least:
            raise Bad(f"the certificate ends in {int(days)} days; at least {least} are wanted")
        return f"{int(days)} days left"

    def tls(self) -> str:
        old = [name for version, name in _OLD_TLS if self._web.speaks(version)]
        if old:
            raise Bad(f"{' and '.join(old)} is accepted")
        if not any(self._web.speaks(version) for version in _NEW_TLS):
            raise Bad("neither TLS 1.2 nor TLS 1.3 is accepted")
        return "1.2 or newer only"

    def https_redirect(self) -> str:
        answer = self._web.ask("login.php", plain_port=self._options["http_port"])
        place = answer.headers.get("location", "")
        if answer.status not in (301, 302, 307, 308) or not place.startswith(f"https://{self._web.host}"):
            raise Bad(
                f"port {self._options['http_port']} answers {answer.status} and leads to {place or 'nowhere'}"
            )
        return place

    def hsts(self) -> str:
        value = self._page("login.php").headers.get("strict-transport-security", "")
        found = re.search(r"max-age=\"?([0-9]+)", value)
        if not found or int(found[1]) < _STAY:
            raise Bad(f"Strict-Transport-Security is {value or 'absent'}")
        return value

    def version(self) -> str:
        home, file = self._options["home"], self._options["installation_file"]
        said = self.release()["version"]
        current = Path(home, "current").resolve()
        if not current.is_dir():
            raise Bad(f"{home}/current leads nowhere")
        if current.name != said:
            raise Bad(f"{file} says {said}, {home}/current is {current.name}")
        return said

    def release(self) -> dict[str, str]:
        """Version and digest of the release, as it was installed. Raises Bad."""
        file = self._options["installation_file"]
        try:
            record = json.loads(Path(file).read_text(encoding="utf-8"))
            return {"version": str(record["version"]), "digest": str(record.get("digest", ""))}
        except OSError as error:
            raise Bad(f"cannot read {file}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise Bad(f"{file} names no version") from None

    def _page(self, path: str) -> Answer:
        """A page that is asked once for all checks."""
        if path not in self._pages:
            self._pages[path] = self._web.ask(path)
        return self._pages[path]

    def _contents(self) -> bool:
        """Whether index2.php shows texts of the database, not those it has for the case of none."""
        titles = re.findall(r"class=[\"']description[\"']>\s*<h2>([^<]+)", self._page("index2.php").text)
        return bool(titles) and not any("Sistema prueba" in title for title in titles)

    def _find_name(self, name: str, cookies: dict[str, str]) -> None:
        page = self._frames("index_frames.php", cookies)
        if name not in page:
            raise Bad("after the login no frame names the account")

    def _frames(self, path: str, cookies: dict[str, str]) -> str:
        """A page and its first frame, as text."""
        page = self._web.ask(path, cookies=cookies).text
        frame = re.search(r"<frame\b[^>]*\bsrc=[\"']?([^\"' >]+)", page)
        if frame:
            page += self._web.ask(frame[1], cookies=cookies).text
        return html.unescape(page)


# Each check and the one it rests on; also the order.
CHECKS: dict[str, str] = {
    "web": "",
    "no_raw_php": "web",
    "login_page": "no_raw_php",
    "database": "no_raw_php",
    "database_page": "database",
    "captcha": "no_raw_php",
    "cookies": "no_raw_php",
    "probe_login": "database",
    "pdf": "no_raw_php",
    "document_store": "database",
    "denied_paths": "web",
    "certificate": "web",
    "tls": "web",
    "https_redirect": "web",
    "hsts": "web",
    "version": "",
}
# What a check of plain HTTP, as in tests, has nothing to ask.
OF_TLS = ("certificate", "tls", "https_redirect", "hsts")
WRITING = ("probe_login", "document_store")


def run(application: Application, wanted: t.Iterable[str]) -> list[dict[str, t.Any]]:
    """Ask the wanted checks and those they rest on: [{name, ok, detail}]; a bad one tells who was not."""
    names = set(wanted)
    for name in reversed(list(CHECKS)):
        if name in names and CHECKS[name]:
            names.add(CHECKS[name])
    results: dict[str, dict[str, t.Any]] = {}
    silent: dict[str, str] = {}  # who was not asked: because of whom
    for name in (one for one in CHECKS if one in names):
        ground = CHECKS[name]
        ground = silent.get(ground, ground)
        if ground and not results[ground]["ok"]:
            silent[name] = ground
        else:
            results[name] = _ask(application, name)
    for name, result in results.items():
        unasked = [one for one, ground in silent.items() if ground == name]
        if unasked:
            result["detail"] += f"; not asked therefore: {', '.join(unasked)}"
    return list(results.values())


def _ask(application: Application, name: str) -> dict[str, t.Any]:
    try:
        return {"name": name, "ok": True, "detail": getattr(application, name)()}
    except (Bad, PhpError, Unreachable) as error:
        return {"name": name, "ok": False, "detail": str(error)}
    except OSError as error:
        return {"name": name, "ok": False, "detail": told(error)}
