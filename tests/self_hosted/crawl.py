"""Asks a web server for many pages without logging in; runs on a test host, by its own Python (3.9).

Reads {base, requests: [[method, path]...]} from standard input, writes a list of
{method, path, status, location, body}.
`body` is text, cut to its first 20000 characters. A request that gets no answer has status 0.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from typing import Any

AT_ONCE = 4
SECONDS = 60
SHOWN = 20000  # characters


def ask(base: str, method: str, path: str) -> dict[str, Any]:
    """One request, with no cookie."""
    where = urllib.parse.urlsplit(base)
    context = ssl._create_unverified_context()  # a test host's certificate is self-made
    connection = http.client.HTTPSConnection(where.netloc, context=context, timeout=SECONDS)
    headers = {"User-Agent": "Mozilla/5.0 (Linux; Android 14; Mobile) quipux-tests"}
    if method == "POST":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, urllib.parse.quote(path), b"" if method == "POST" else None, headers)
        answer = connection.getresponse()
        status, location = answer.status, answer.getheader("Location") or ""
        body = answer.read().decode("utf-8", errors="replace")[:SHOWN]
    except (OSError, http.client.HTTPException) as problem:
        status, location, body = 0, "", f"{type(problem).__name__}: {problem}"
    finally:
        connection.close()
    return {"method": method, "path": path, "status": status, "location": location, "body": body}


def main() -> None:
    order = json.load(sys.stdin)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda request: ask(order["base"], *request), order["requests"]))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
