# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: PTH100, PTH110, PTH111, PTH112, PTH113, PTH118, PTH119, PTH123, PTH202 (paths are text here, as os has them)

"""PRIVATE. Where an archive comes from: an address, a path, or a commit of a git repository."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import socket
import subprocess
import typing as t
import urllib.error
import urllib.request
from urllib.parse import urlsplit, urlunsplit

from ansible_collections.quipux.provision.plugins.module_utils._archive import (
    ASK_ANEW,
    CHUNK,
    ArchiveError,
    file_sha256,
    refuse_page,
)

GIT_SCHEMES = ("git+https://", "git+ssh://", "git+file://")
CHECK_SOURCE = "correct the source, or download the archive yourself and give its path"


class Pin(t.NamedTuple):
    """What the content must be: `kind` sha256 or commit, and its value in lower case."""

    kind: str
    value: str


def pinned(source: str, sha256: str, commit: str) -> Pin:
    """The one pin that fits the source. Raises ArchiveError."""
    git = is_git(source)
    kind, value, other = ("commit", commit, sha256) if git else ("sha256", sha256, commit)
    if other and not value:
        wrong = "a checksum cannot pin a git repository" if git else "a commit cannot pin an archive"
        raise ArchiveError(wrong, f"give {kind} instead")
    if other:
        raise ArchiveError("both a checksum and a commit are given", f"give {kind} only")
    if not value:
        raise ArchiveError(
            f"{_shown(source)} is not pinned",
            "give the commit, all of its 40 digits"
            if git
            else "give the SHA-256 that its publisher or your own review tells",
        )
    lengths = "(?:[0-9a-f]{40}|[0-9a-f]{64})" if git else "[0-9a-f]{64}"
    if not re.fullmatch(lengths, value.lower()):
        raise ArchiveError(
            f"{kind} is not whole", f"give all of its {'40' if git else '64'} hexadecimal digits"
        )
    return Pin(kind, value.lower())


def is_git(source: str) -> bool:
    """Whether the source is a git repository, by its form or by what lies there."""
    if source.startswith("git+") or (
        source.endswith(".git") and "://" not in source and not os.path.isfile(source)
    ):
        return True
    return os.path.exists(os.path.join(source, ".git")) or (
        os.path.isdir(os.path.join(source, "objects")) and os.path.isfile(os.path.join(source, "HEAD"))
    )


def told(source: str) -> str:
    """The source as records may keep it: no query, no folders of the control node."""
    return _shown(source) if "://" in source else os.path.basename(source.rstrip("/"))


def still_there(source: str, pin: Pin) -> bool:
    """A file that was exchanged is refused; addresses are not asked again for what the pin names."""
    path = os.path.expanduser(source.removeprefix("file://"))
    return pin.kind == "commit" or "://" in path or (os.path.isfile(path) and file_sha256(path) == pin.value)


def take(source: str, target: str, *, pin: Pin, limit: int, timeout: int, git: str) -> None:
    """Bring the source's archive to the file `target`, and compare it with the pin. Raises ArchiveError."""
    if pin.kind == "commit":
        _take_commit(source, target, pin.value, limit, timeout, git)
        return
    if "://" in source and not source.startswith("file://"):
        found = _download(source, target, limit, timeout)
    else:
        found = _copy(source.removeprefix("file://"), target, limit)
    if found != pin.value:
        raise ArchiveError(
            f"the SHA-256 of {_shown(source)} is {found}, not {pin.value}",
            f"do not use this file unless its publisher tells that checksum; {ASK_ANEW}",
        )


def _shown(source: str) -> str:
    if "://" not in source:
        return source
    parts = urlsplit(source)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _copy(source: str, target: str, limit: int) -> str:
    path = os.path.expanduser(source)
    if not os.path.isfile(path):
        raise ArchiveError(f"no file {path}", CHECK_SOURCE)
    with open(path, "rb") as file:
        return _store(file, target, limit)


def _store(stream: t.Any, target: str, limit: int, expected: int | None = None) -> str:
    """Write the stream to the file; gives its SHA-256."""
    whole, size = hashlib.sha256(), 0
    with open(target, "wb") as file:
        while chunk := stream.read(CHUNK):
            if not size:
                refuse_page(chunk)
            size += len(chunk)
            if size > limit:
                raise ArchiveError(f"the archive is larger than {limit} bytes", CHECK_SOURCE)
            whole.update(chunk)
            file.write(chunk)
    if not size:
        raise ArchiveError("the file is empty", ASK_ANEW)
    if expected is not None and size != expected:
        raise ArchiveError(f"the download ended after {size} of {expected} bytes", "try again")
    return whole.hexdigest()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to anything else."""

    def redirect_request(
        self, req: t.Any, fp: t.Any, code: int, msg: str, headers: t.Any, newurl: str
    ) -> t.Any:
        schemes = (urlsplit(req.full_url).scheme, urlsplit(newurl).scheme)
        if schemes[1] not in ("http", "https") or schemes == ("https", "http"):
            raise ArchiveError(
                f"{_shown(req.full_url)} redirects from {schemes[0]} to {schemes[1]}", CHECK_SOURCE
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(source: str, target: str, limit: int, timeout: int) -> str:
    parts = urlsplit(source)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ArchiveError(
            f"{_shown(source)} is no address of an archive",
            "give http://, https://, file://, git+https:// or a path",
        )
    if parts.password or "@" in parts.netloc:
        raise ArchiveError(
            "the address carries a user or password", "download the archive yourself and give its path"
        )
    request = urllib.request.Request(  # noqa: S310  # http and https only, see above
        source, headers={"User-Agent": "quipux-provision", "Accept-Encoding": "identity"}
    )
    try:
        with urllib.request.build_opener(_Redirects).open(request, timeout=timeout) as answer:
            length = answer.headers.get("Content-Length", "")
            return _store(answer, target, limit, int(length) if length.isdigit() else None)
    except urllib.error.HTTPError as error:
        error.close()
        raise ArchiveError(f"{_shown(source)} answers with HTTP {error.code}", CHECK_SOURCE) from error
    except socket.timeout as error:
        raise ArchiveError(
            f"{_shown(source)} did not answer within {timeout} s", f"try again; else {CHECK_SOURCE}"
        ) from error
    except http.client.IncompleteRead as error:
        raise ArchiveError("the download ended too early", "try again") from error
    except (urllib.error.URLError, OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, socket.timeout):
            raise ArchiveError(
                f"{_shown(source)} did not answer within {timeout} s", f"try again; else {CHECK_SOURCE}"
            ) from error
        raise ArchiveError(
            f"{_shown(source)} cannot be fetched: {_line(str(reason))}", CHECK_SOURCE
        ) from error


def _take_commit(source: str, target: str, commit: str, limit: int, timeout: int, git: str) -> None:
    url = source[4:] if source.startswith(GIT_SCHEMES) else os.path.abspath(os.path.expanduser(source))
    if source.startswith("git+") and not source.startswith(GIT_SCHEMES):
        raise ArchiveError(
            f"{_shown(source)} is no address of a git repository",
            f"start it with {', '.join(GIT_SCHEMES)}, or give a path",
        )
    if urlsplit(url).password:
        raise ArchiveError(
            "the address carries a password", "clone the repository yourself and give its path"
        )
    if not os.path.isdir(git):
        _git(["init", "-q", "--bare", git], timeout, "")
    if not _has(git, commit, timeout):
        try:
            _git(["-C", git, "fetch", "-q", "--no-tags", "--depth=1", "--", url, commit], timeout, url)
        except ArchiveError:
            # Not every server gives a commit by its number alone.
            _git(["-C", git, "fetch", "-q", "--", url, "+refs/*:refs/fetched/*"], timeout, url)
    if not _has(git, commit, timeout):
        raise ArchiveError(f"{_shown(url)} has no commit {commit}", "correct the commit or the source")
    with open(target, "wb") as file:
        _git(["-C", git, "archive", "--format=tar", commit], timeout, url, file)
    if os.path.getsize(target) > limit * 4:  # it is not compressed
        raise ArchiveError(f"the commit is larger than {limit * 4} bytes", CHECK_SOURCE)


def _has(git: str, commit: str, timeout: int) -> bool:
    try:
        return _git(["-C", git, "cat-file", "-t", commit], timeout, "").strip() == "commit"
    except ArchiveError:
        return False


def _git(arguments: list[str], timeout: int, url: str, output: t.IO[bytes] | None = None) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "https:ssh:file",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
        "LC_ALL": "C.UTF-8",
    }
    try:
        done = subprocess.run(
            ["git", "-c", "core.attributesFile=/dev/null", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout * 10,
            check=False,
        )
    except FileNotFoundError as error:
        raise ArchiveError(
            "git is not installed on the control node", "install git, or give an archive"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ArchiveError(
            f"git got no answer of {_shown(url)} in time", f"try again; else {CHECK_SOURCE}"
        ) from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        reason = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1])
        raise ArchiveError(f"git cannot take {_shown(url)}: {_line(reason)}", CHECK_SOURCE)
    return (done.stdout or b"").decode(errors="replace")


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
