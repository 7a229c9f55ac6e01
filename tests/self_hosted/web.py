"""A client of the public web site that trusts its self-made certificate."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.hosts.machines import Host
from tests.stand_in.http_client import Browser

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = Path(__file__).with_name("web.yml")
CRAWL = Path(__file__).with_name("crawl.py")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Answer:
    """What the site answered; names of headers are lower-case, cookies are whole header values."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    body: str


def trusting() -> ssl.SSLContext:
    """A context that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ask(
    address: str,
    path: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
    *,
    tls: bool = True,
) -> Answer:
    """One request from this machine."""
    connection: http.client.HTTPConnection
    if tls:
        connection = http.client.HTTPSConnection(address, context=trusting(), timeout=30)
    else:
        connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request(method, path, body, {**(FORM if body is not None else {}), **(headers or {})})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", errors="replace")
        cookies = answer.headers.get_all("Set-Cookie") or []
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, cookies, text)
    finally:
        connection.close()


def crawl(host: Host, base: str, requests: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Ask for many pages from a test host; see crawl.py."""
    host.write("/root/crawl.py", CRAWL.read_text(encoding="utf-8"))
    order = json.dumps({"base": base, "requests": list(requests)})
    answers: list[dict[str, Any]] = json.loads(host.exec("python3 /root/crawl.py", order, timeout=600))
    return answers


def browser(base: str) -> Browser:
    """A person's browser that has accepted the certificate."""
    made = Browser(base)
    made._opener.add_handler(urllib.request.HTTPSHandler(context=trusting()))
    return made


def role_variables() -> dict[str, Any]:
    """What the role knows besides its settings."""
    text = (ROOT / "roles" / "apache" / "vars" / "main.yml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded
