"""A browser's part in opening an account and logging in; the same on stand-in and release.

What the pages do in JavaScript (MD5 of passwords, following `window.location`) is done here. It says it is a
telephone's browser, since the release leaves a desktop browser's ordinary window.
"""

from __future__ import annotations

import hashlib
import html
import http.cookiejar
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Literal

AGENT = "Mozilla/5.0 (Linux; Android 14; Mobile) quipux-tests"
SECONDS = 30
Outcome = Literal["in", "wrong", "inactive", "blocked", "reset", "no_mail", "no_database", "unknown"]

# What a login's answer shows, in the order in which to look.
_SIGNS: tuple[tuple[Outcome, str], ...] = (
    ("no_database", r"paginasinConexion\.php"),
    ("blocked", r"cuenta ha sido bloqueada"),
    ("wrong", r"Usuario o Contrase\S+a incorrectos"),
    ("inactive", r"se encuentra inactivo"),
    ("reset", r"Su cuenta ha sido activada"),
    ("no_mail", r"no tiene registrada una cuenta de correo"),
    ("in", r"window\.location\s*=\s*'index_frames\.php'"),
)


class PageError(AssertionError):
    """A page did not show what was expected of it."""


def md5(text: str) -> str:
    """What the login form sends instead of a password: 32 lower-case hexadecimal digits."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def stored(password: str) -> str:
    """What the database holds of a password: 26 characters."""
    return md5(password)[1:27]


def visible(page: str) -> str:
    """A page's text without scripts and tags."""
    page = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL | re.IGNORECASE)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


class _Fields(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "input" and names.get("name"):
            self.values[names["name"] or ""] = names.get("value") or ""


@dataclass(frozen=True)
class PasswordForm:
    """The password form that an activation link leads to."""

    url: str
    login: str
    code: str


class Browser:
    """One person's browser with its cookies. `base` is the address of the application, as in the mails."""

    def __init__(self, base: str, agent: str = AGENT) -> None:
        self.base = base.rstrip("/") + "/"
        self.cookies = http.cookiejar.CookieJar()
        # Test hosts listen on this machine only: no proxy of the environment may come between.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(self.cookies),
            # A test host's certificate is self-made, and names another host than its address.
            urllib.request.HTTPSHandler(context=ssl._create_unverified_context()),
        )
        self._opener.addheaders = [("User-Agent", agent), ("Accept-Language", "es-EC")]

    def get(self, path: str) -> str:
        """A page, by path below the base or by full address."""
        return self._ask(urllib.parse.urljoin(self.base, path), None)

    def post(self, path: str, fields: dict[str, str] | list[tuple[str, str]]) -> str:
        """The answer to a form."""
        return self._ask(urllib.parse.urljoin(self.base, path), urllib.parse.urlencode(fields).encode())

    def post_body(self, path: str, body: bytes, content_type: str) -> str:
        """The answer to a form that is already packed, as one with files is."""
        return self._ask(urllib.parse.urljoin(self.base, path), body, content_type)

    def _ask(self, url: str, body: bytes | None, content_type: str | None = None) -> str:
        request = urllib.request.Request(url, body)
        if content_type:
            request.add_header("Content-Type", content_type)
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                page = bytes(answer.read()).decode("utf-8", errors="replace")
        except urllib.error.HTTPError as error:
            with error:
                raise PageError(f"{url}: HTTP {error.code}") from error
        if re.search(r"<\?(?!xml)", page):
            raise PageError(f"{url}: shows PHP source (short_open_tag is off)")
        return page

    def open_activation(self, link: str) -> PasswordForm:
        """Open the link of an activation mail and go on to its password form."""
        page = self.get(link)
        found = re.search(r'url = "([^"]*cambiar_password\.php\?[^"]*)"', page)
        if not found:
            raise PageError(f"the activation page leads nowhere: {visible(page)[:200]}")
        url = urllib.parse.urljoin(urllib.parse.urljoin(self.base, link), found[1].replace(r"\/", "/"))
        page = self.get(url)
        fields = _Fields(page).values
        if not fields.get("krd") or not fields.get("contraold"):
            raise PageError(f"no password form: {visible(page)[:200]}")
        return PasswordForm(url, fields["krd"], fields["contraold"])

    def set_password(self, form: PasswordForm, password: str) -> None:
        """Send the password form, as its script does."""
        new = md5(password)
        fields = {"krd": form.login, "contraold": md5(form.code), "contradrd": new, "contraver": new}
        page = self.post(urllib.parse.urljoin(form.url, "cambiar_password_grabar.php"), fields)
        if "exitosamente" not in page:
            raise PageError(f"the password was not changed: {visible(page)[:200]}")

    def login(self, national_id: str, password: str) -> Outcome:
        """Send the login form; `national_id` is the cédula, without the U that account names begin with."""
        fields = _Fields(self.get("login.php")).values
        if not {"krd", "drd"} <= set(fields):
            raise PageError("login.php shows no form")
        # An empty password goes out empty: the form's script would stop it, an attacker's would not.
        drd = md5(password) if password else ""
        page = self.post("login.php?acceso=login", {"krd": national_id, "drd": drd})
        return next((outcome for outcome, sign in _SIGNS if re.search(sign, page)), "unknown")

    def logged_in(self) -> bool:
        """Whether this browser's session is (still) the account's live one."""
        page = self.get("index_frames.php")
        return "expirado" not in page and "paginasinConexion" not in page

    def admin_menu(self) -> list[str]:
        """The items of the administration menu, in order; [] without a live session."""
        page = self.get("Administracion/formAdministracion.php")
        return [html.unescape(item).strip() for item in re.findall(r">\s*\d+\.\s*([^<]+)</a>", page)]

    def trays(self) -> dict[str, str]:
        """The menu at the left: each item's name and the page it opens; {} without a live session."""
        page = self.get("correspondencia.php")
        found = re.findall(r"llamaCuerpo\('([^']*)'\)[^>]*>\s*([^<]+?)\s*<", page)
        return {html.unescape(name): html.unescape(target) for target, name in found}

    def sees_institution_selector(self) -> bool:
        """Whether the menu lets the person choose among institutions: the super administrator's mark."""
        return "Instituciones para Administrar" in self.get("Administracion/formAdministracion.php")

    def areas_menu(self) -> str:
        """The text of the areas page."""
        return visible(self.get("Administracion/dependencias/mnu_dependencias.php"))

    def logout(self) -> None:
        """End the session."""
        self.get("cerrar_session.php")


def activate_and_log_in(base: str, link: str, national_id: str, password: str) -> list[str]:
    """The whole road of a new administrator: link, password, login. Gives the administration menu."""
    browser = Browser(base)
    browser.set_password(browser.open_activation(link), password)
    outcome = browser.login(national_id, password)
    if outcome != "in" or not browser.logged_in():
        raise PageError(f"login: {outcome}")
    return browser.admin_menu()
