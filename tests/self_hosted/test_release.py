"""Role minka_release and the playbooks upgrade and rollback, on a host with Apache and PHP."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from tests.hosts.machines import Fleet, Host
from tests.self_hosted.site import Site
from tests.stand_in.archives import NEXT_MARK, PAGES, TOP, members, sha256, write

PLAY = Path(__file__).with_name("release.yml")
# There is no database here: the login page tells what the release does.
ALONE = {"upgrade_without_backup": True, "upgrade_with_verification": False}
LOGIN = (
    "import ssl,urllib.request as r;"
    "c=ssl.create_default_context();c.check_hostname=False;c.verify_mode=ssl.CERT_NONE;"
    "q=r.Request('https://127.0.0.1/login.php',headers={'Host':'quipux.inej.example.gob.ec'});"
    "print(r.urlopen(q,context=c).read().decode('utf-8','replace'))"
)


def state(host: Host) -> dict[str, object]:
    """What runs, what is there, what is recorded."""
    script = (
        "cd /opt/quipux; basename $(readlink current); basename $(readlink previous || echo none);"
        "ls releases | tr '\\n' ' '; echo; cat /etc/quipux/installation.json"
    )
    current, previous, releases, record = host.exec(script).split("\n", 3)
    return {
        "current": current,
        "previous": previous,
        "releases": set(releases.split()),
        "recorded": json.loads(record)["version"],
    }


def login_page(host: Host) -> str:
    return host.exec(f"python3 -c {shlex.quote(LOGIN)}")


def take(site: Site, archive: Path) -> str:
    """Name an archive as the release to install; gives its version."""
    digest = sha256(archive)
    site.write_inventory(quipux_release_source=str(archive), quipux_release_sha256=digest)
    return digest[:12]


def test_refused_before_anything_changes(packages_site: Site) -> None:
    site = packages_site
    before = site.web.exec("find /opt /etc /var/lib /var/cache -xdev | sort | sha256sum")
    cases = [
        ({"quipux_accept_discontinued": False}, "set quipux_accept_discontinued to true"),
        ({"quipux_release_sha256": ""}, "is not pinned"),
        ({"quipux_release_sha256": "0" * 64}, "the SHA-256 of"),
        ({"quipux_app_db_password": "corta"}, "quipux_app_db_password is missing, is shorter"),
    ]
    for values, expected in cases:
        played = site.play(PLAY, extra=values, must=False)
        assert played.code != 0
        assert expected in played.output
        assert not played.changes
    without = {
        name: b"" if name == "descargar_contenidos.php" else data for name, data in members(PAGES).items()
    }
    take(site, write(site.folder / "without.tar.gz", TOP, without))
    played = site.play(PLAY, must=False)
    assert "lacks security fixes of 2021 (white_list)" in played.output
    assert not played.changes
    assert site.web.exec("find /opt /etc /var/lib /var/cache -xdev | sort | sha256sum") == before
    site.play(PLAY, extra={"quipux_accept_missing_fixes": "Sólo para una prueba"})
    record = json.loads(site.web.exec("cat /etc/quipux/installation.json"))
    assert record["accepted"] == {"discontinued": True, "missing_fixes": "Sólo para una prueba"}


def test_a_release_on_its_way(packages_site: Site) -> None:
    """Installed, installed again, upgraded, upgraded to one that does not work, rolled back."""
    _whole_way(packages_site)


@pytest.mark.real
@pytest.mark.full
def test_the_real_release_on_its_way(fleet: Fleet, images: dict[str, dict[str, str]]) -> None:
    if not os.environ.get("QUIPUX_RELEASE"):
        pytest.skip("the real release needs QUIPUX_RELEASE=FOLDER")
    assert images
    _whole_way(Site.start(fleet, "packages", variant="real"))


def _whole_way(site: Site) -> None:
    host, apache = site.web, {"with_apache": True}
    first = site.sources.release_sha256[:12]
    planned = site.play(PLAY, check=True)
    assert planned.changed
    assert host.exec("ls /opt") == ""
    site.play(PLAY, extra=apache)
    assert site.play(PLAY).changed == 0
    assert state(host) == {"current": first, "previous": "none", "releases": {first}, "recorded": first}
    assert "krd" in login_page(host)
    _assert_modes(host)
    _assert_configured(host)

    second = take(site, site.sources.next_release)
    assert site.play("upgrade", extra=ALONE, check=True).changed
    assert state(host)["releases"] == {first}
    site.play("upgrade", extra=ALONE)
    after = {"current": second, "previous": first, "releases": {first, second}, "recorded": second}
    assert state(host) == after

    # Judged good, it stays, whatever an upgrade to it finds later. A run that died unjudged goes back.
    nowhere = {**ALONE, "minka_release_check_url": "https://127.0.0.1:1/"}
    for mark, left in (("rm -f trial", second), (f"ln -s releases/{second} trial", first)):
        host.exec(f"cd /opt/quipux && {mark}")
        failed = site.play("upgrade", extra=nowhere, must=False)
        assert failed.code != 0
        assert f"release {left} runs as before" in failed.output
        assert state(host)["current"] == left
        assert host.exec("ls /opt/quipux/trial 2>/dev/null || :") == ""
    site.play("upgrade", extra=ALONE)
    assert site.play("upgrade", extra=ALONE).changed == 0
    assert state(host) == after

    # PHP can't read the one: it is never switched to. The other reads well and fails: it is switched back.
    pages = members(PAGES)
    for name, page in (("unreadable", b"<?php if ("), ("broken", b"<?php missing_function();")):
        version = take(site, write(site.folder / f"{name}.tar.gz", TOP, pages | {"login.php": page}))
        failed = site.play("upgrade", extra=ALONE, must=False)
        assert failed.code != 0
        assert f"Release {version} did not work" in failed.output
        assert f"release {second} runs as before" in failed.output
        assert state(host) | {"releases": ""} == after | {"releases": ""}
        assert "krd" in login_page(host)

    # The same name for another content.
    refused = site.play("upgrade", extra={**ALONE, "quipux_release_version": second}, must=False)
    assert refused.code != 0
    assert "holds another content" in refused.output
    assert state(host) | {"releases": ""} == after | {"releases": ""}

    site.play("rollback")
    assert state(host) | {"releases": ""} == {
        "current": first,
        "previous": second,
        "releases": "",
        "recorded": first,
    }
    assert NEXT_MARK not in host.exec("cat /opt/quipux/current/README.md")
    site.play("rollback")
    assert state(host)["current"] == second


def _assert_modes(host: Host) -> None:
    assert host.exec("find /opt/quipux /etc/quipux -xdev ! -type l -perm /022") == ""
    assert host.exec("find /opt/quipux ! -user root") == ""
    assert host.exec("stat -c '%a %U:%G' /etc/quipux/config.php").strip() == "640 root:www-data"
    assert (
        host.exec(
            "runuser -u www-data -- sh -c 'touch /opt/quipux/current/x || touch /etc/quipux/x' 2>&1 || :"
        )
        != ""
    )
    assert host.exec("ls /opt/quipux/current/x /etc/quipux/x 2>/dev/null || :") == ""
    host.exec("cd /opt/quipux/current/bodega/tmp && runuser -u www-data touch x && runuser -u www-data rm x")


def _assert_configured(host: Host) -> None:
    """What pages see: our values over the release's own."""
    names = "$nombre_servidor, $FILE_LOCAL, $db, $usuario, $usuario_busqueda, $appID"
    script = f'include "config.php"; echo json_encode([{names}]);'
    found = host.exec(
        f"cd /opt/quipux/current && runuser -u www-data -- php -d short_open_tag=1 -r {shlex.quote(script)}"
    )
    assert json.loads(found) == [
        "https://quipux.inej.example.gob.ec",
        "localEcuador.php",
        "quipux",
        "quipux_app",
        "",
        "inej",
    ]
