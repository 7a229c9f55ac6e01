"""Module release_archive: sources, pins, and archives that somebody made to do harm."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import stat
import subprocess
import tarfile
import threading
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.modules.conftest import run_module
from tests.stand_in.archives import PAGES, TOP, archives, members, write

Add = Callable[[tarfile.TarFile], None]


@pytest.fixture(scope="module")
def release() -> dict[str, bytes]:
    return members(PAGES)


@pytest.fixture
def good(tmp_path: Path, release: dict[str, bytes]) -> Path:
    return write(tmp_path / "release.tar.gz", TOP, release)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(tmp_path: Path, source: Path | str, *, check: bool = False, **options: Any) -> dict[str, Any]:
    if isinstance(source, Path) and not {"sha256", "commit"} & set(options):
        options["sha256"] = sha256(source)
    given = {"source": str(source), "cache": str(tmp_path / "cache"), "_ansible_check_mode": check, **options}
    return run_module("release_archive", given)


def refused(tmp_path: Path, source: Path | str, expected: str, **options: Any) -> None:
    """The answer says what and what to do, in one line; the cache holds nothing."""
    answer = run(tmp_path, source, **options)
    assert answer.get("failed"), answer
    assert expected in answer["msg"]
    assert answer["msg"].endswith(f"; {answer['hint']}")
    assert "\n" not in answer["msg"]
    assert "Traceback" not in str(answer)
    cache = tmp_path / "cache"
    assert not cache.exists() or not list(cache.iterdir())


def hostile(path: Path, release: dict[str, bytes], *more: Add) -> Path:
    """A whole release, and what the test adds."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in release.items():
            file(f"{TOP}/{name}", data)(archive)
        for add in more:
            add(archive)
    return path


def file(name: str, data: bytes = b"x", mode: int = 0o644, **attributes: Any) -> Add:
    def add(archive: tarfile.TarFile) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), mode
        for attribute, value in attributes.items():
            setattr(member, attribute, value)
        if member.type != tarfile.REGTYPE:
            member.size = 0
        archive.addfile(member, io.BytesIO(data))

    return add


def test_a_release_is_described_and_packed_anew(tmp_path: Path, good: Path) -> None:
    planned = run(tmp_path, good, check=True)
    assert planned["changed"]
    assert not (tmp_path / "cache").exists()
    made = run(tmp_path, good)
    assert made["changed"]
    assert made["digest"] == planned["digest"]
    assert made["fixes"] == {"white_list": True, "int_cast": True}
    assert (made["php"], made["discontinued"], made["problems"]) == ("7.4", True, [])
    assert made["version"] == sha256(good)[:12]
    assert made["origin"] == good.name
    with tarfile.open(made["path"]) as archive:
        found = archive.getmembers()
    assert {oct(member.mode) for member in found if member.isfile()} == {"0o644"}
    assert {(member.uid, member.uname) for member in found} == {(0, "")}
    assert "login.php" in {member.name for member in found}
    assert not run(tmp_path, good)["changed"]


def test_a_spoiled_cache_is_made_anew(tmp_path: Path, good: Path) -> None:
    first = run(tmp_path, good)
    Path(first["path"]).write_bytes(b"spoiled")
    again = run(tmp_path, good)
    assert again["changed"]
    assert again["sha256"] == sha256(Path(first["path"]))


def test_every_form_and_a_commit_have_one_digest(
    tmp_path: Path, release: dict[str, bytes], good: Path
) -> None:
    digests = {run(tmp_path, good)["digest"]}
    for ending in ("tar", "tar.bz2", "tar.xz"):
        path = tmp_path / f"release.{ending}"
        with tarfile.open(path, f"w:{ending.rpartition('.')[2].replace('tar', '')}") as archive:
            for name, data in release.items():
                file(name, data)(archive)
        digests.add(run(tmp_path, path)["digest"])
    zipped = tmp_path / "release.zip"
    with zipfile.ZipFile(zipped, "w") as made:
        for name, data in release.items():
            made.writestr(f"other-name/{name}", data)
    digests.add(run(tmp_path, zipped)["digest"])
    repository, commit = git_repository(tmp_path / "repository", release)
    for source in (str(repository), f"git+file://{repository}"):
        digests.add(run(tmp_path, source, commit=commit)["digest"])
    assert len(digests) == 1


def git_repository(folder: Path, files: dict[str, bytes]) -> tuple[Path, str]:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    git = ["git", "-C", str(folder), "-c", "user.name=Prueba", "-c", "user.email=prueba@inej.example.gob.ec"]
    for command in (["init", "-q"], ["add", "-fA"], ["commit", "-q", "-m", "release"]):
        subprocess.run([*git, *command], check=True)
    return folder, subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_pins(tmp_path: Path, good: Path, release: dict[str, bytes]) -> None:
    repository, commit = git_repository(tmp_path / "repository", release)
    refused(tmp_path, good, "is not pinned", sha256="")
    refused(tmp_path, good, "not whole", sha256="abc")
    refused(tmp_path, good, f"is {sha256(good)}, not {'0' * 64}", sha256="0" * 64)
    refused(tmp_path, good, "a commit cannot pin an archive", commit=commit)
    refused(tmp_path, good, "both a checksum and a commit", commit=commit, sha256=sha256(good))
    refused(tmp_path, str(repository), "is not pinned")
    refused(tmp_path, str(repository), "a checksum cannot pin", sha256="0" * 64)
    refused(tmp_path, str(repository), "not whole", commit=commit[:12])
    refused(tmp_path, str(repository), "has no commit", commit="0" * 40)
    refused(tmp_path, tmp_path / "nothing", "no file", sha256="0" * 64)
    refused(tmp_path, "", "no source is given", sha256="0" * 64)
    refused(tmp_path, good, "cannot name a version", version="../x")
    refused(tmp_path, "git+http://git.example.gob.ec/q.git", "is no address of a git", commit=commit)


def test_an_exchanged_file_is_refused_though_the_cache_knows_its_pin(tmp_path: Path, good: Path) -> None:
    pin = sha256(good)
    assert run(tmp_path, good)["changed"]
    good.write_bytes(good.read_bytes() + b"x")
    answer = run(tmp_path, good, sha256=pin)
    assert answer["failed"]
    assert f"not {pin}" in answer["msg"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b"\n<!DOCTYPE html><html><title>Sign in</title></html>", "a web page"),
        (b"no archive at all", "that is no archive"),
        (b"PK\x03\x04nothing", "damaged"),
    ],
)
def test_no_archives(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "release.tar.gz"
    path.write_bytes(content)
    refused(tmp_path, path, expected)


def test_truncated_archives(tmp_path: Path, good: Path, release: dict[str, bytes]) -> None:
    whole = good.read_bytes()
    for length in (len(whole) // 2, len(whole) - 4):
        good.write_bytes(whole[:length])
        refused(tmp_path, good, "ends too early")
    plain = tmp_path / "release.tar"
    with tarfile.open(plain, "w") as archive:
        for name, data in release.items():
            file(name, data)(archive)
        end = archive.offset  # where the last member ends: only the closing blocks are missing
    plain.write_bytes(plain.read_bytes()[:end])
    refused(tmp_path, plain, "ends too early")


NFD = unicodedata.normalize("NFD", "pañol.txt")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([file("/etc/cron.d/x")], "outside of itself"),
        ([file(f"{TOP}/../../x")], "outside of itself"),
        ([file("C:/x")], "outside of itself"),
        ([file(f"{TOP}/link", type=tarfile.SYMTYPE, linkname="/etc/passwd")], "a link"),
        ([file(f"{TOP}/link", type=tarfile.SYMTYPE, linkname="login.php")], "a link"),
        ([file(f"{TOP}/link", type=tarfile.LNKTYPE, linkname="/etc/passwd")], "a link"),
        ([file(f"{TOP}/null", type=tarfile.CHRTYPE)], "a special file"),
        ([file(f"{TOP}/pipe", type=tarfile.FIFOTYPE)], "a special file"),
        ([file(f"{TOP}/su", mode=0o4755)], "setuid"),
        ([file(f"{TOP}/login.php")], "a name twice"),
        ([file(f"{TOP}/login.php/x")], "needs a folder"),
        ([file(f"{TOP}/LOGIN.php")], "taken for one"),
        ([file(f"{TOP}/Cron/x.txt")], "taken for one"),
        ([file(f"{TOP}/pañol.txt"), file(f"{TOP}/{NFD}")], "taken for one"),
        ([file(f"{TOP}/a\nb.php")], "hide something"),
        ([file(f"{TOP}/a\\b.php")], "hide something"),
        ([file(f"{TOP}/gp\u202ephp.jpg")], "hide something"),
        ([file(f"{TOP}/{'n' * 300}")], "too long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_archives(tmp_path: Path, release: dict[str, bytes], more: list[Add], expected: str) -> None:
    refused(tmp_path, hostile(tmp_path / "hostile.tar.gz", release, *more), expected)


def test_case_alone_is_allowed_in_texts(tmp_path: Path, release: dict[str, bytes]) -> None:
    """The real release has a readme.txt beside a README.TXT."""
    twins = [file(f"{TOP}/readme.txt"), file(f"{TOP}/README.TXT")]
    assert not run(tmp_path, hostile(tmp_path / "twins.tar.gz", release, *twins)).get("failed")


def test_bombs(tmp_path: Path, release: dict[str, bytes]) -> None:
    bomb = hostile(tmp_path / "bomb.tar.gz", release, file(f"{TOP}/zeros", bytes(30 << 20)))
    refused(tmp_path, bomb, "more than is allowed", max_size=1 << 20)
    refused(tmp_path, bomb, "more than is allowed", max_files=10)
    refused(tmp_path, bomb, "larger than 1000 bytes", max_archive=1000)
    zipped = tmp_path / "bomb.zip"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(30 << 20))
    refused(tmp_path, zipped, "more than is allowed", max_size=1 << 20)


def test_hostile_zips(tmp_path: Path) -> None:
    for number, (name, mode, expected) in enumerate(
        [
            ("../x", stat.S_IFREG | 0o644, "outside of itself"),
            ("x", stat.S_IFLNK | 0o777, "a link or special file"),
            ("x", stat.S_IFREG | 0o4755, "setuid"),
        ]
    ):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            member = zipfile.ZipInfo(name)
            member.create_system, member.external_attr = 3, mode << 16
            archive.writestr(member, "x")
        refused(tmp_path, path, expected)


def test_what_is_no_release(tmp_path: Path, release: dict[str, bytes]) -> None:
    lacking = {name: data for name, data in release.items() if name != "login.php"}
    refused(tmp_path, write(tmp_path / "1.tar.gz", TOP, lacking), "no release")
    lacking = {name: data for name, data in release.items() if not name.startswith("cron/")}
    refused(tmp_path, write(tmp_path / "2.tar.gz", TOP, lacking), "lacks cron/")
    twice = {f"{folder}/{name}": data for folder in "ab" for name, data in release.items()}
    refused(tmp_path, write(tmp_path / "3.tar.gz", TOP, twice), "2 releases")


def test_the_installations_own_is_left_out(tmp_path: Path, release: dict[str, bytes], good: Path) -> None:
    own = {"config.php": b"<?php $contrasena = 'ajena';", "bodega/logos/3.png": b"x", ".git/config": b"x"}
    answer = run(tmp_path, write(tmp_path / "used.tar.gz", TOP, release | own))
    assert answer["digest"] == run(tmp_path, good)["digest"]
    assert answer["problems"] == [
        "left out, being another installation's own: bodega/logos/3.png, config.php (2 files)"
    ]


def test_the_fixes_are_code_not_comments(tmp_path: Path, release: dict[str, bytes]) -> None:
    made = archives(tmp_path / "without", "without_fixes")
    assert run(tmp_path, made.release)["fixes"] == {"white_list": False, "int_cast": False}
    commented = dict(release)
    for name in ("descargar_contenidos.php", "backup/backup_usuarios_eliminar.php"):
        lines = release[name].decode().splitlines()
        commented[name] = "\n".join(
            f"// {line}" if "white_list" in line or "(int)" in line else line for line in lines
        ).encode()
    path = write(tmp_path / "commented.tar.gz", TOP, commented)
    assert run(tmp_path, path)["fixes"] == {"white_list": False, "int_cast": False}


def test_dumps(tmp_path: Path) -> None:
    made = archives(tmp_path / "made")
    answer = run(tmp_path, made.sql, purpose="sql")
    with tarfile.open(answer["path"]) as archive:
        assert archive.getnames() == ["quipux.sql", "quipux_bodega.sql"]
    dump = b"CREATE TABLE x ();"
    for number, (files, expected) in enumerate(
        [
            ({"a/quipux.sql": dump}, "lacks quipux_bodega.sql"),
            ({"quipux_bodega.sql": dump, "a/quipux.sql": dump, "b/quipux.sql": dump}, "2 times"),
            ({"quipux_bodega.sql": b"", "quipux.sql": dump}, "makes no tables"),
        ]
    ):
        refused(
            tmp_path / str(number), write(tmp_path / f"{number}.tar.gz", "x", files), expected, purpose="sql"
        )


class Answers(http.server.BaseHTTPRequestHandler):
    """/good, /page, /gone, /cut, /slow, /away (to https) and /home (to /good)."""

    release = b""
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body, status, headers = self.release, 200, {}
        if self.path == "/page":
            body = b"<html>Sign in</html>"
        elif self.path == "/gone":
            body, status = b"gone", 404
        elif self.path == "/slow":
            self.server.slow.wait(30)  # type: ignore[attr-defined]
            return
        elif self.path in ("/away", "/home"):
            status, body = 302, b""
            headers["Location"] = "ftp://archivos.example.gob.ec/x" if self.path == "/away" else "/good"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + (10 if self.path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server(good: Path) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Handler", (Answers,), {"release": good.read_bytes(), "asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        serving.slow = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=functools.partial(serving.serve_forever, poll_interval=0.05))
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}", asked
        serving.slow.set()  # type: ignore[attr-defined]
        serving.shutdown()
        thread.join()


def test_addresses(tmp_path: Path, good: Path, server: tuple[str, list[str]]) -> None:
    url, asked = server
    pin = sha256(good)
    refused(tmp_path, f"{url}/good", "is not pinned")
    refused(tmp_path, f"{url}/good", "not " + "0" * 64, sha256="0" * 64)
    refused(tmp_path, f"{url}/page", "a web page", sha256=pin)
    refused(tmp_path, f"{url}/gone", "HTTP 404", sha256=pin)
    refused(tmp_path, f"{url}/cut", "ended", sha256=pin)
    refused(tmp_path, f"{url}/slow", "did not answer within 1 s", sha256=pin, timeout=1)
    refused(tmp_path, f"{url}/away", "redirects from http to ftp", sha256=pin)
    refused(tmp_path, url.replace("//", "//user:word@") + "/good", "carries a user", sha256=pin)
    refused(tmp_path, "ftp://127.0.0.1/good", "is no address", sha256=pin)
    answer = run(tmp_path, f"{url}/home?token=hidden", sha256=pin)
    assert answer["changed"]
    assert answer["origin"] == f"{url}/home"
    count = len(asked)
    assert not run(tmp_path, f"{url}/home", sha256=pin)["changed"]
    assert len(asked) == count  # the pin is in the cache
    by_file = run(tmp_path, f"file://{good}", sha256=pin)
    assert not by_file["changed"]
    assert by_file["digest"] == answer["digest"]


def test_no_redirect_leaves_https() -> None:
    from ansible_collections.quipux.provision.plugins.module_utils import _archive, _archive_sources

    class Request:
        full_url = "https://archivos.example.gob.ec/x"

    with pytest.raises(_archive.ArchiveError, match="redirects from https to http"):
        _archive_sources._Redirects().redirect_request(
            Request(), None, 302, "", None, "http://archivos.example.gob.ec/x"
        )
