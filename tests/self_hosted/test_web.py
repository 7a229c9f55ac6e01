"""Role apache on a test host: what it serves, what it refuses, how often it changes something."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.machines import Fleet
from tests.images.build import _sources
from tests.self_hosted.site import HOSTNAME, Site
from tests.self_hosted.web import PLAYBOOK, Answer, ask, role_variables

RELEASE = "/opt/quipux/releases/1"
BODEGA = "/var/lib/quipux/bodega"
FORGOTTEN = "Administracion/usuarios/cambiar_password_olvido_grabar.php"
# Pages in the places of the release's own, each of which says what it was given.
PAGES = {
    "paginaError.php": "ha expirado",
    "login.php": "<?php session_start(); echo json_encode($_SERVER);",
    "other.php": "<?php session_start(); echo 'seen';",
    "index2.php": "<?= implode('|', split(',', 'a,b')) ?>",
    "cerrar.php": "<?php session_start(); $_SESSION['krd'] = 'U';",
    FORGOTTEN: "reset",
    "Administracion/usuarios/cambiar_password_grabar.php": "set",
    "list/picture.txt": "text",
}
SECRET = "0123456789abcdef" * 2  # what a browser sends in place of a password


@pytest.fixture(scope="module")
def web(images: dict[str, dict[str, str]]) -> Iterator[Site]:
    """A host that serves a few pages of ours; the run that made it serve."""
    with Fleet() as fleet:
        site = Site.start(fleet, "packages")
        for path, content in PAGES.items():
            site.web.write(f"{RELEASE}/{path}", content)
        site.web.exec(f"ln -s releases/1 /opt/quipux/current; mkdir -p {BODEGA}/logos {BODEGA}/tmp")
        site.web.exec(f"chown -R www-data: {BODEGA}; ln -s {BODEGA} {RELEASE}/bodega")
        site.play(PLAYBOOK)
        yield site


def get(site: Site, path: str, method: str = "GET", **more: object) -> Answer:
    return ask(site.web.address, path, method, **more)  # type: ignore[arg-type]


def test_check_mode_on_a_blank_host_tells_what_it_would_do(
    images: dict[str, dict[str, str]], fleet: Fleet
) -> None:
    site = Site.start(fleet, "blank")
    played = site.play(PLAYBOOK, check=True)
    assert {"apache : Install Apache and PHP"} <= {
        task.task.removeprefix("quipux.provision.") for task in played.changes
    }
    assert site.web.exec("ls /etc/apache2 /etc/quipux 2>/dev/null || echo none").strip() == "none"


def test_a_second_run_changes_nothing(web: Site) -> None:
    assert web.play(PLAYBOOK).changed == 0


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"apache_php_version": "8.2"}, "PHP 7.4 only"),
        ({"quipux_password_reset": "open"}, "0 networks"),
        ({"quipux_password_reset": "open", "quipux_password_reset_networks": ["here"]}, "not addresses"),
        ({"quipux_hostname": "two words"}, "not a host name"),
        ({"quipux_tls_certificate": "/nonexistent/certificate.pem"}, "no file on this machine"),
    ],
    ids=["php", "reset", "networks", "name", "certificate"],
)
def test_refused_before_anything_changes(web: Site, variables: dict[str, object], says: str) -> None:
    played = web.play(PLAYBOOK, extra=variables, must=False)
    assert played.code == 2
    assert says in " ".join(played.output.split())
    assert played.changed == 0


def test_http_leads_to_https_by_the_public_name(web: Site) -> None:
    answer = get(web, "/login.php?a=b", tls=False, headers={"Host": "other.example.com"})
    assert (answer.status, answer.headers["location"]) == (301, f"https://{HOSTNAME}/login.php?a=b")


def test_headers(web: Site) -> None:
    headers = get(web, "/login.php").headers
    assert headers["server"] == "Apache"
    assert "x-powered-by" not in headers
    assert int(headers["strict-transport-security"].removeprefix("max-age=")) >= 31536000
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert get(web, "/absent.php").headers["strict-transport-security"]


def test_session_cookies(web: Site) -> None:
    (cookie,) = get(web, "/login.php").cookies
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax"} <= attributes
    chosen = get(web, "/login.php", headers={"Cookie": "PHPSESSID=10o0o0o1oUADMIN"})
    assert "10o0o0o1oUADMIN" not in chosen.cookies[0], "a name that somebody guessed was taken"


def test_split_works_again(web: Site) -> None:
    assert get(web, "/index2.php").body == "a|b"


def test_nobody_chooses_his_address(web: Site) -> None:
    said = get(web, "/login.php", headers={"X-Forwarded-For": "203.0.113.9", "Client-IP": "203.0.113.9"})
    assert "203.0.113.9" not in said.body


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "TRACE", "PROPFIND"])
def test_methods(web: Site, method: str) -> None:
    assert get(web, "/login.php", method).status == 405


def test_pages_need_a_session(web: Site) -> None:
    assert get(web, "/other.php").body == "ha expirado"
    assert get(web, "/other.php/login.php").body == "ha expirado"
    assert get(web, "/other.php", headers={"Cookie": "PHPSESSID=abc"}).body == "ha expirado"
    session = "0123456789abcdef0123456789"
    web.web.write(f"/var/lib/php/sessions/sess_{session}", 'krd|s:1:"U";', "0600", "www-data:")
    assert get(web, "/other.php", headers={"Cookie": f"PHPSESSID={session}"}).body == "seen"


def test_nothing_lists_folders(web: Site) -> None:
    answer = get(web, "/list/")
    assert answer.status in (403, 404)
    assert "picture" not in answer.body
    assert get(web, "/server-status").status in (403, 404)


@pytest.mark.parametrize("entry", role_variables()["apache_denied"], ids=lambda entry: entry["probe"])
def test_denied(web: Site, entry: dict[str, str]) -> None:
    """403 whether the file is there or not, so a missing one proves it, too."""
    for path in (entry["probe"], entry["probe"].replace("/", "//", 1), f"/.{entry['probe']}"):
        assert get(web, path).status == 403, path
    assert get(web, entry["probe"], "POST", body="").status == 403


@pytest.mark.parametrize("folder", ["logos", "tmp", "logos/deep"])
def test_uploads_are_never_run(web: Site, folder: str) -> None:
    for name in ("up.php", "up.phtml", "up.php.png", "up.PHP"):
        web.web.write(f"{BODEGA}/{folder}/{name}", "<?php echo 6 * 7;")
        assert "42" not in get(web, f"/bodega/{folder}/{name}").body
    web.web.write(f"{BODEGA}/logos/1.png", "picture")
    assert get(web, "/bodega/logos/1.png").body == "picture"


def test_a_page_behind_the_link_of_uploads_is_not_run_without_the_rule_either(web: Site) -> None:
    """The engine is off in the folder itself, whatever the rules on addresses say."""
    site = "/etc/apache2/sites-available/quipux.conf"
    web.web.exec(f"sed -i.bak 's/Require all denied$/Require all granted/' {site}; systemctl reload apache2")
    try:
        web.web.write(f"{BODEGA}/tmp/up.php", "<?php echo 6 * 7;")
        assert "6 * 7" in get(web, "/bodega/tmp/up.php").body
    finally:
        web.web.exec(f"mv {site}.bak {site}; systemctl reload apache2")


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        (ssl.TLSVersion.TLSv1, False),
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_versions(web: Site, version: ssl.TLSVersion, taken: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection((web.web.address, 443), timeout=10) as plain:
        if taken:
            with context.wrap_socket(plain) as secure:
                assert secure.version()
        else:
            with pytest.raises(ssl.SSLError, match="alert protocol version"):
                context.wrap_socket(plain)


def test_an_empty_old_password_sets_no_new_one(web: Site) -> None:
    page = "/Administracion/usuarios/cambiar_password_grabar.php"
    for old in ("", "contraold=&", "contraold[]=&", "contraold=short&"):
        answer = get(web, page, "POST", body=f"{old}krd=U2405999992&contradrd={SECRET}&contraver={SECRET}")
        assert answer.status == 403, old
    assert get(web, page, "POST", body=f"krd=U2405999992&contraold={SECRET}&contradrd={SECRET}").body == "set"


def test_password_reset_opens_to_named_networks_and_only_so_often(web: Site) -> None:
    def reset(text: str = "txt_login=2405999992&txt_captcha=abcd") -> Answer:
        return get(web, f"/{FORGOTTEN}", "POST", body=text)

    assert reset().status == 403
    ours = web.web.exec(
        "ip route | awk '/^default/{print $3}'"
    ).strip()  # where this machine's requests come from
    more = {"quipux_password_reset": "open", "apache_password_reset_limit": {"requests": 4, "seconds": 600}}
    try:
        web.play(PLAYBOOK, extra={**more, "quipux_password_reset_networks": ["192.0.2.0/24"]})
        assert reset().status == 403
        web.play(PLAYBOOK, extra={**more, "quipux_password_reset_networks": [f"{ours}/32"]})
        assert reset("txt_login=%25&txt_captcha=abcd").status == 403, "a pattern that matches everybody"
        assert reset("txt_login=2405999992&txt_captcha=").status == 403, "no picture was shown"
        answers = [reset().status for _ in range(6)]
        assert answers[0] == 200
        assert answers[-1] == 429
        assert get(web, "/login.php").status == 200, "only the reset pages are limited"
    finally:
        web.play(PLAYBOOK)
    assert reset().status == 403


def test_a_trusted_proxy_is_believed(web: Site) -> None:
    ours = web.web.exec("ip route | awk '/^default/{print $3}'").strip()
    try:
        web.play(PLAYBOOK, extra={"quipux_trusted_proxies": [ours]})
        said = get(web, "/login.php", headers={"X-Forwarded-For": "203.0.113.9"}).body
        assert '"REMOTE_ADDR":"203.0.113.9"' in said
        assert "HTTP_X_FORWARDED_FOR" not in said
    finally:
        web.play(PLAYBOOK)


def test_a_certificate_near_its_end_is_renewed(web: Site) -> None:
    def served() -> str:
        return ssl.get_server_certificate((web.web.address, 443))

    before = served()
    assert f"DNS:{HOSTNAME}" in web.web.exec(
        "openssl x509 -in /etc/quipux/tls/certificate.pem -noout -ext subjectAltName"
    )
    assert web.web.exec("stat -c %a /etc/quipux/tls/private_key.pem").strip() == "600"
    # The same certificate counts as near its end when its whole life is to be left.
    web.play(PLAYBOOK, extra={"apache_tls_renew_days": 826})
    assert served() != before


def test_an_own_certificate(web: Site, tmp_path: Path) -> None:
    for name in ("one", "two"):
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
                *("-nodes", "-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.pem"),
                *("-days", "30", "-subj", f"/CN={HOSTNAME}"),
            ],
            check=True,
            capture_output=True,
        )
    own = {"quipux_tls_certificate": str(tmp_path / "one.pem")}
    wrong = web.play(PLAYBOOK, extra={**own, "quipux_tls_private_key": str(tmp_path / "two.key")}, must=False)
    assert (wrong.code, wrong.changed) == (2, 0)
    assert "belongs to the key" in " ".join(wrong.output.split())
    key = tmp_path / "one.key"
    right = web.play(PLAYBOOK, extra={**own, "quipux_tls_private_key": str(key)}, diff=True)
    assert ssl.get_server_certificate((web.web.address, 443)) == (tmp_path / "one.pem").read_text()
    assert key.read_text().splitlines()[1] not in right.output
    # Without the variables: it lacks the name as browsers read it, so a self-made one takes its place.
    web.play(PLAYBOOK)
    assert ssl.get_server_certificate((web.web.address, 443)) != (tmp_path / "one.pem").read_text()


@pytest.mark.full
def test_debian_12_takes_only_php_from_the_added_suite(
    images: dict[str, dict[str, str]], fleet: Fleet
) -> None:
    site = Site.start(fleet, "blank", suite="bookworm")
    refused = site.play(PLAYBOOK, must=False)
    assert (refused.code, refused.changed) == (2, 0)
    assert "Debian 12 has no PHP 7.4" in " ".join(refused.output.split())
    ((_, mirror, suite, component),) = (line.split() for line in _sources("bullseye"))
    source = {"uris": [mirror], "suites": [suite], "components": [component]}
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    site.write_inventory(quipux_php_suite={**source, "signed_by": keyring})
    site.web.write(f"{RELEASE}/login.php", "<?= PHP_VERSION ?>")
    site.web.exec("ln -s releases/1 /opt/quipux/current")
    assert site.play(PLAYBOOK, check=True).changed
    site.play(PLAYBOOK)
    assert site.play(PLAYBOOK).changed == 0
    assert get(site, "/login.php").body.startswith("7.4.")
    installed = site.web.exec("dpkg-query -W -f '${Package} ${Version}\\n'").split("\n")
    foreign = set()
    for package, version in (line.split() for line in installed if line):
        lines = site.web.exec(f"apt-cache madison {package}").splitlines()
        origins = {line.split("|")[2].split()[1] for line in lines if line.split("|")[1].strip() == version}
        if origins and all(origin.startswith(f"{suite}/") for origin in origins):
            foreign.add(package)
    # Two libraries that PHP 7.4 was built with and that Debian 12 has in newer versions only.
    mine = {"libapache2-mod-php7.4", "php-common", "libssl1.1", "libffi7"}
    assert {name for name in foreign if not name.startswith("php7.4-")} == mine
    assert {"php7.4-cli", "php7.4-pgsql", "php7.4-soap"} <= foreign
    assert not [name for name in (line.split()[0] for line in installed if line) if name.startswith("php8")]
