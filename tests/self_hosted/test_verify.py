"""Verify and health name exactly what is broken, each thing broken for real on an installed Quipux."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.hosts.machines import Host
from tests.self_hosted.play import Played, play
from tests.self_hosted.site import Site

INI = "/etc/php/7.4/apache2/conf.d/99-quipux.ini"
VHOST = "/etc/apache2/sites-available/quipux.conf"
TLS = "/etc/quipux/tls"
LOGIN = "UVERIFICACION"
LOGS = ("log_sesion", "log_acceso", "log")
EXPIRED = f"""
import datetime
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
key = serialization.load_pem_private_key(open("{TLS}/private_key.pem", "rb").read(), None)
old = x509.load_pem_x509_certificate(open("{TLS}/certificate.pem", "rb").read())
made = x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.subject)
made = made.public_key(key.public_key()).serial_number(1).not_valid_before(datetime.datetime(2020, 1, 1))
made = made.not_valid_after(datetime.datetime(2021, 1, 1))
for extension in old.extensions:
    made = made.add_extension(extension.value, extension.critical)
out = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
open("{TLS}/certificate.pem", "wb").write(out)
"""
# Systemd refuses a service that was started too often within seconds, which a quick machine does here.
AFRESH = "systemctl reset-failed apache2; systemctl restart apache2"


def verify(site: Site, playbook: str = "verify", **options: object) -> Played:
    return site.play(playbook, must=False, **options)  # type: ignore[arg-type]


def bad(played: Played) -> set[str]:
    """Names in the table's bad lines; the message of the end names the same."""
    names = re.findall(r'"BAD +(\w+) ', played.output)
    told = re.search(r'"msg": "(.*)"', played.output.rpartition("Demand that all is well")[2])
    assert (played.code != 0) == bool(names), played.output
    assert not names or (told and all(f"{name} (" in told[1] for name in names)), played.output
    return set(names)


def asked(played: Played) -> set[str]:
    return set(re.findall(r'"(?:ok|BAD) +(\w+) ', played.output))


def quipux(host: Host, statement: str, database: str = "quipux") -> str:
    return host.exec(f"runuser -u postgres -- psql -qAt -v ON_ERROR_STOP=1 -d {database}", statement).strip()


@contextmanager
def edited(host: Host, path: str, expression: str, restart: str = "apache2.service") -> Iterator[None]:
    """A file changed by sed for the block."""
    host.exec(f"cp -p {path} /root/kept; sed -i -E '{expression}' {path}; ! cmp -s {path} /root/kept")
    try:
        host.exec(f"systemctl reset-failed {restart}; systemctl restart {restart}")
        yield
    finally:
        host.exec(f"cp -p /root/kept {path}; systemctl reset-failed {restart}; systemctl restart {restart}")


@contextmanager
def between(host: Host, before: str, after: str) -> Iterator[None]:
    """Shell commands around the block."""
    host.exec(before)
    try:
        yield
    finally:
        host.exec(after)


def psql(statement: str, database: str = "quipux") -> str:
    return f'echo "{statement}" | runuser -u postgres -- psql -q -v ON_ERROR_STOP=1 -d {database}'


def test_everything_is_well(installed_site: Site) -> None:
    played = verify(installed_site)
    assert bad(played) == set()
    assert {"probe_login", "pdf", "document_store", "denied_paths", "default_password"} <= asked(played)
    assert played.changed == 0
    number = quipux(installed_site.db, f"SELECT usua_codi FROM usuarios WHERE usua_login = '{LOGIN}'")
    verify(installed_site)
    again = quipux(
        installed_site.db,
        f"SELECT usua_codi, usua_esta, length(usua_pasw) > 26 FROM usuarios WHERE usua_login = '{LOGIN}'",
    )
    assert again == f"{number}|0|t"
    assert quipux(installed_site.db, "SELECT count(*) FROM archivo", "quipux_bodega") == "0", "nothing stays"


def test_health_writes_nothing(installed_site: Site) -> None:
    count = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in LOGS)
    before = quipux(installed_site.db, count)
    installed_site.web.exec("mkdir -p /var/backups/quipux/20990101T000000Z")
    installed_site.web.write(
        "/var/backups/quipux/20990101T000000Z/manifest.json", json.dumps({"id": "x"}), "0600"
    )
    try:
        played = verify(installed_site, "health")
        assert bad(played) <= {"failed_units"}, "a container's own units are not ours"
        assert {"backup", "disk", "mail_spool", "repository", "certificate"} <= asked(played)
        assert "probe_login" not in asked(played)
        assert quipux(installed_site.db, count) == before
        thresholds = {
            "verification_backup_hours": -1,
            "verification_free_percent": 101,
            "verification_certificate_days": 9999,
        }
        wrong = bad(verify(installed_site, "health", extra=thresholds)) - {"failed_units"}
        assert wrong == {"backup", "disk", "certificate"}
    finally:
        installed_site.web.exec("rm -r /var/backups/quipux/20990101T000000Z")


def test_check_mode_asks_without_writing(installed_site: Site) -> None:
    played = verify(installed_site, check=True)
    assert bad(played) == set()
    assert {"probe_login", "document_store"}.isdisjoint(asked(played))


PHP = [
    ("s/^short_open_tag.*/short_open_tag = Off/", {"no_raw_php"}),
    ("s/^session.use_strict_mode.*/session.use_strict_mode = 0/", {"cookies"}),
]
APACHE = [
    ("s/SSLProtocol .*/SSLProtocol all/; s/SSLCipherSuite .*/SSLCipherSuite ALL:@SECLEVEL=0/", {"tls"}),
    (r"s/.*Strict-Transport-Security.*//", {"hsts"}),
    (r"s/cron/nothing/", {"denied_paths"}),
]


@pytest.mark.parametrize(("expression", "expected"), PHP, ids=["short-tags", "strict"])
def test_a_setting_of_php(installed_site: Site, expression: str, expected: set[str]) -> None:
    with edited(installed_site.web, INI, expression):
        assert bad(verify(installed_site)) == expected


@pytest.mark.parametrize(("expression", "expected"), APACHE, ids=["old-tls", "hsts", "deny"])
def test_a_setting_of_apache(installed_site: Site, expression: str, expected: set[str]) -> None:
    with edited(installed_site.web, VHOST, expression):
        assert bad(verify(installed_site)) == expected


def test_an_expired_certificate(installed_site: Site) -> None:
    with between(
        installed_site.web,
        f"cp -p {TLS}/certificate.pem /root/kept.pem; python3 -c '{EXPIRED}'; {AFRESH}",
        f"cp -p /root/kept.pem {TLS}/certificate.pem; {AFRESH}",
    ):
        played = verify(installed_site)
    assert bad(played) == {"certificate"}
    assert "expired" in played.output


def test_the_database_is_stopped(installed_site: Site) -> None:
    with between(
        installed_site.db,
        "systemctl stop postgresql",
        "systemctl reset-failed postgresql; systemctl start postgresql",
    ):
        played = verify(installed_site)
    assert bad(played) == {"database", "database_server"}


def test_apache_is_stopped(installed_site: Site) -> None:
    with between(
        installed_site.web,
        "systemctl stop apache2",
        "systemctl reset-failed apache2; systemctl start apache2",
    ):
        assert bad(verify(installed_site)) == {"web"}


BREAKS = {
    "gd": (
        "phpdismod -s apache2 gd; systemctl reset-failed apache2; systemctl restart apache2",
        "phpenmod -s apache2 gd; systemctl reset-failed apache2; systemctl restart apache2",
        {"captcha"},
    ),
    "html2ps": ("mv /usr/bin/html2ps /root", "mv /root/html2ps /usr/bin", {"pdf"}),
    "version": (
        "cp -p /etc/quipux/installation.json /root/kept.json; "
        """sed -i -E 's/"version": *"[^"]*"/"version": "otra"/' /etc/quipux/installation.json""",
        "cp -p /root/kept.json /etc/quipux/installation.json",
        {"version"},
    ),
    "repository": (
        psql("UPDATE indice SET esta_codi = 3 WHERE esta_codi = 2", "quipux_bodega"),
        psql("UPDATE indice SET esta_codi = 2 WHERE esta_codi = 3", "quipux_bodega"),
        {"document_store", "repository"},
    ),
    "default-password": (
        psql(
            "CREATE TABLE kept AS SELECT usua_pasw FROM usuarios WHERE usua_codi = 0; "
            "UPDATE usuarios SET usua_pasw = substr(md5('123'), 2, 26) WHERE usua_codi = 0"
        ),
        psql("UPDATE usuarios SET usua_pasw = k.usua_pasw FROM kept k WHERE usua_codi = 0; DROP TABLE kept"),
        {"default_password"},
    ),
    "mirror": (
        psql("ALTER TABLE usuarios DISABLE TRIGGER USER"),
        psql("ALTER TABLE usuarios ENABLE TRIGGER USER"),
        {"probe_login"},
    ),
    "no-contents": (
        psql("CREATE TABLE kept AS TABLE contenido; DELETE FROM contenido"),
        psql("INSERT INTO contenido SELECT * FROM kept; DROP TABLE kept"),
        {"database_page"},
    ),
}


@pytest.mark.parametrize("name", list(BREAKS))
def test_one_thing_broken(installed_site: Site, name: str) -> None:
    before, after, expected = BREAKS[name]
    with between(installed_site.web, before, after):
        assert bad(verify(installed_site)) == expected


def test_the_database_host_is_not_reached(installed_site: Site) -> None:
    site = installed_site
    lost = {"ansible_host": "127.0.0.1", "ansible_port": 1}
    app = {site.web.name: {"ansible_host": site.web.address}}
    groups = {"quipux_db": {"hosts": {"perdido": lost}}, "quipux_app": {"hosts": app}}
    inventory = site.inventory / "lost.yml"
    inventory.write_text(json.dumps({"all": {"children": groups}}))
    played = play("verify", inventory, site.vault_password_file, must=False)
    assert bad(played) == {"host"}
    assert "database_page" in asked(played), "the application is asked nevertheless"
