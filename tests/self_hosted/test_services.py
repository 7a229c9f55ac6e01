"""PDF files, mails and jobs, asked for as the release asks, and as an attacker would."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.hosts import servers
from tests.hosts.machines import Fleet, Host, HostError
from tests.self_hosted.site import Site
from tests.stand_in.database import real_folder
from tests.stand_in.mail_server import certificate

HERE = Path(__file__).parent
PLAYBOOK = HERE / "services.yml"
JOBS = (
    "cantidad_respaldos",
    "eliminar_respaldos",
    "estadisticas_menu",
    "generar_mensaje_alerta",
    "monitorear_bodega",
)
ROLES = ("pdf_service", "mail_relay", "scheduled_jobs")
PASSWORD = "clave-del-relevo-4711"
SMTP_PORT = 2465
SPOOL = "/var/spool/quipux-mail"
SECRET = "secreto-4711"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet() as fleet:
        yield fleet


@pytest.fixture(scope="module", params=["stand_in", pytest.param("real", marks=pytest.mark.real)])
def site(
    request: pytest.FixtureRequest, images: object, fleet: Fleet, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    """One host with databases, application and services."""
    if request.param == "real" and (real_folder() is None or servers.release() is None):
        pytest.skip("the real release needs its folders in the environment")
    site = Site.start(fleet, "packages", "one", request.param)
    site.write_inventory(
        quipux_smtp_host="127.0.0.1",
        quipux_smtp_port=SMTP_PORT,
        quipux_smtp_tls="tls",
        quipux_smtp_user="quipux",
        quipux_smtp_password=PASSWORD,
        quipux_smtp_ca_file="/srv/smtp/authority.pem",
    )
    folder = tmp_path_factory.mktemp("smtp")
    authority, _context = certificate(folder)
    site.web.write("/srv/smtp/authority.pem", authority.read_text())
    site.web.write("/srv/smtp/server.pem", (folder / "server.pem").read_text(), "0600")
    site.web.write("/srv/smtp/server.py", (HERE / "smtp_server.py").read_text())
    site.web.write("/root/soap.php", (HERE / "soap.php").read_text())
    site.play(PLAYBOOK)
    return site


def pdf_text(host: Host, html: str, url: str = "http://127.0.0.1:8081/html_a_pdf") -> str:
    """Text of the PDF that the service makes of a page."""
    page = f"<html><body>{html} FINAL</body></html>"
    host.exec(f"php /root/soap.php {url} > /root/made.pdf", page, timeout=150)
    assert host.exec("head -c 5 /root/made.pdf") == "%PDF-"
    return host.exec("gs -q -sDEVICE=txtwrite -o - /root/made.pdf")


def postscript(commands: str) -> str:
    """An image that is a program, without any file or network."""
    font = "/Times-Roman findfont 12 scalefont setfont 10 10 moveto"
    program = f"%!PS\n%%BoundingBox: 0 0 400 100\n{font} {commands}\n"
    return f'<img src="data:application/postscript;x=://,{quote(program)}">'


def test_pdf_holds_the_text(site: Site) -> None:
    assert "Ñandú 4711" in pdf_text(site.web, "<p>Hola <b>Ñandú 4711</b></p>")


def test_hostile_page_finds_no_network_and_no_file(site: Site) -> None:
    host = site.web
    host.exec(
        "mkdir -p /srv/www; cd /srv/www; printf 'P2 1 1 1\\n1\\n' > x.pgm; "
        "systemd-run --quiet --collect --unit=test-http --property=StandardError=file:/srv/http.log "
        "python3 -m http.server 8099 --directory /srv/www"
    )
    host.wait_for("ss -ltn | grep -q :8099")
    for address in ("127.0.0.1", host.address):
        assert "FINAL" in pdf_text(host, f'<img src="http://{address}:8099/x.pgm">')
    # The same page reaches the server where html2ps runs as the release runs it: the image above was refused.
    host.write("/tmp/page.html", '<html><body><img src="http://127.0.0.1:8099/control.pgm"></body></html>')
    host.exec("runuser -u www-data -- html2ps /tmp/page.html > /dev/null; systemctl stop test-http")
    log = host.exec("cat /srv/http.log")
    assert "/control.pgm" in log
    assert "/x.pgm" not in log
    # ghostscript runs what a document tells it to; it finds nobody's files.
    host.write("/tmp/HTML-other", SECRET)
    assert "vivo" in pdf_text(host, postscript("(vivo) show"))
    reads = "(%s) (r) file 50 string readstring pop show"
    for path in ("/tmp/HTML-other", "/etc/quipux/config.php", "/etc/passwd"):
        # A program that fails ends the page, too.
        assert SECRET not in pdf_text_or_nothing(host, postscript(reads % path))
    listed = pdf_text_or_nothing(host, postscript("(/tmp/*) {show} 200 string filenameforall"))
    assert "HTML-" not in listed
    # What html2ps itself finds where the service runs it.
    files = "cat /etc/quipux/config.php /etc/shadow 2>\\&1"  # sed takes a bare & for what it found
    look = f"id -un; ls /etc/quipux; echo var $(ls /var); {files}; cat /proc/net/dev"
    host.exec(
        "sed -e 's/^Type=.*/Type=oneshot/; /^Restart=/d' "
        "-e 's/^RuntimeDirectory=.*/&\\nRuntimeDirectoryPreserve=yes/' "
        f"-e 's#^ExecStart=.*#ExecStart=/bin/sh -c \"{look}\"#' /etc/systemd/system/quipux-pdf.service "
        "> /run/systemd/system/quipux-pdf-look.service; systemctl daemon-reload; "
        "systemctl start quipux-pdf-look.service"
    )
    seen = host.exec("journalctl -u quipux-pdf-look -o cat").splitlines()
    host.exec("rm /run/systemd/system/quipux-pdf-look.service; systemctl daemon-reload")
    assert {"quipux-pdf", "pdf"} <= set(seen)
    assert "cat: /etc/quipux/config.php: No such file or directory" in seen
    assert "cat: /etc/shadow: Permission denied" in seen
    (var,) = (line.split() for line in seen if line.startswith("var "))
    assert not {"www", "log", "spool", "backups"} & set(var)
    interfaces = [found[1] for line in seen if (found := re.match(r"\s*(\w+):\s+\d", line))]
    assert interfaces == ["lo"]


def pdf_text_or_nothing(host: Host, html: str) -> str:
    try:
        return pdf_text(host, html)
    except HostError:
        return ""


def test_page_without_end_is_ended(site: Site) -> None:
    host = site.web
    limited = "/usr/local/lib/quipux/pdf/limited"
    host.exec(
        f"cp -p {limited} /root/limited; sed -i 's/60/3/g' {limited}; systemctl restart quipux-pdf.service"
    )
    try:
        with pytest.raises(HostError):
            pdf_text(host, postscript("{} loop"))
        # The releases differ in what they answer when html2ps has run out of memory or time.
        for path in ("/dev/zero", "/proc/self/fd/1"):
            pdf_text_or_nothing(host, f'<img src="{path}">')
        host.wait_for("! pgrep -u quipux-pdf '^(gs|html2ps|perl)$'", timeout=15)
    finally:
        host.exec(f"cp -p /root/limited {limited}; systemctl restart quipux-pdf.service")
    assert "FINAL" in pdf_text(host, "otra vez")


def test_pdf_serves_one_script(site: Site) -> None:
    for path in ("html_a_pdf.wsdl", "config.php", "cliente_soap.php", "ps.conf", "", "../login.php"):
        assert http_code(site.web, f"http://127.0.0.1:8081/html_a_pdf/{path}") in (403, 404), path
    assert http_code(site.web, f"http://{site.web.address}:8081/html_a_pdf/html_a_pdf.php?wsdl") == 0


def http_code(host: Host, url: str) -> int:
    """Status that a host is answered by a URL; 0: no answer."""
    script = (
        "import sys, urllib.request, urllib.error\n"
        "opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))\n"
        "try: print(opener.open(sys.argv[1], timeout=10).status)\n"
        "except urllib.error.HTTPError as problem: print(problem.code)\n"
        "except OSError: print(0)\n"
    )
    return int(host.exec(f"python3 - {shlex.quote(url)}", script))


def send(host: Host, raw: str) -> int:
    """Hand a mail over as PHP does; the wrapper's exit code."""
    command = "runuser -u www-data -- /usr/local/lib/quipux/sendmail"
    return int(host.exec(f"code=0; {command} >&2 || code=$?; echo $code", raw))


def release_mail(
    name: str = "Ing. Pérez Ñauta, José", extra: str = "", subject: str = "Quipux: Activación de cuenta"
) -> str:
    """A mail as the release's pages and PHP's mail() make it."""
    return (
        "To: jose@inej.example.gob.ec\n"
        f"Subject: {subject}\n"
        "X-PHP-Originating-Script: 33:funciones.php\n"
        "MIME-Version: 1.0\r\nContent-type: text/html; charset=UTF-8\r\n"
        f"To: {name} <jose@inej.example.gob.ec>\r\n{extra}"
        "From: Quipux <otro@example.org>\r\n\n"
        f"<html><body>Estimado José: {'x' * 1200} CUERPO-4711</body></html>\n"
    )


@pytest.fixture
def smtp(site: Site) -> Iterator[Host]:
    """The institution's mail server, running."""
    start_smtp(site.web)
    yield site.web
    site.web.exec("systemctl stop test-smtp 2>/dev/null || true; rm -rf /srv/smtp/mails")
    site.web.exec(f"rm -f {SPOOL}/*")


def start_smtp(host: Host) -> None:
    host.exec(
        "mkdir -p /srv/smtp/mails; systemctl reset-failed test-smtp 2>/dev/null || true; "
        f"systemd-run --quiet --unit=test-smtp python3 /srv/smtp/server.py {SMTP_PORT} "
        f"/srv/smtp/server.pem /srv/smtp/mails quipux {PASSWORD}"
    )
    host.wait_for(f"ss -ltn | grep -q :{SMTP_PORT}")


def received(host: Host) -> list[tuple[str, list[str], EmailMessage]]:
    """Envelope sender, recipients and mail, of each that the server took."""
    mails = []
    for path in host.exec("ls /srv/smtp/mails").split():
        envelope, _line, content = host.exec(f"cat /srv/smtp/mails/{path}").partition("\n")
        sender, *recipients = envelope.split()
        mail = message_from_bytes(content.encode(), policy=default)
        assert isinstance(mail, EmailMessage)
        mails.append((sender, recipients, mail))
    return mails


def test_mail_leaves_clean(smtp: Host) -> None:
    assert send(smtp, release_mail()) == 0
    ((sender, recipients, mail),) = received(smtp)
    assert (sender, recipients) == ("quipux@inej.example.gob.ec", ["jose@inej.example.gob.ec"])
    (to,) = mail.get_all("To", [])
    assert str(to) == '"Ing. Pérez Ñauta, José" <jose@inej.example.gob.ec>'
    assert mail["Subject"] == "Quipux: Activación de cuenta"
    assert str(mail["From"]) == "Quipux <quipux@inej.example.gob.ec>"
    assert mail["Date"]
    assert "X-PHP-Originating-Script" not in mail
    assert mail.get_content_type() == "text/html"
    assert "Estimado José" in mail.get_content()
    raw = mail.as_bytes()
    assert raw.isascii()
    assert max(map(len, raw.splitlines())) < 998
    journal = smtp.exec("journalctl -t quipux-mail -o cat")
    assert "handed over" in journal
    for private in ("CUERPO-4711", "jose@", "Activaci", PASSWORD):
        assert private not in journal
    assert smtp.exec(f"ls -A {SPOOL}") == ""


@pytest.mark.parametrize(
    "mail",
    [
        release_mail(extra="Bcc: otro@example.org\r\n"),
        release_mail(extra="To: Otro <otro@example.org>\r\n"),
        release_mail(extra="Subject: Otro\r\n"),
        release_mail(name="José <otro@example.org>, otro"),
        release_mail(name="José <jose@inej.example.gob.ec>\r\n\r\nOtro cuerpo"),
        release_mail().replace("jose@inej.example.gob.ec", "correo@admin"),
        "sin encabezados\n",
        "",
    ],
    ids=[
        "bcc",
        "third to",
        "second subject",
        "two addresses",
        "body in header",
        "placeholder",
        "no mail",
        "empty",
    ],
)
def test_injected_mail_is_refused(smtp: Host, mail: str) -> None:
    assert send(smtp, mail) == 65
    assert received(smtp) == []
    assert smtp.exec(f"ls -A {SPOOL}") == ""


def test_mail_waits_for_the_server(smtp: Host) -> None:
    smtp.exec("systemctl stop test-smtp")
    assert send(smtp, release_mail()) == 0
    (kept,) = smtp.exec(f"stat -c '%a %U %n' {SPOOL}/*").splitlines()
    assert kept.startswith("600 www-data ")
    assert smtp.exec(f"stat -c '%a %U' {SPOOL}").strip() == "700 www-data"
    # It is not its turn before five minutes have passed; the unit tells that a mail waits.
    start_smtp(smtp)
    with pytest.raises(HostError):
        smtp.exec("systemctl start quipux-mail.service")
    assert received(smtp) == []
    smtp.exec(f"touch -d '-6 minutes' {SPOOL}/*; systemctl start quipux-mail.service")
    assert [mail["Subject"] for _sender, _to, mail in received(smtp)] == ["Quipux: Activación de cuenta"]
    assert smtp.exec(f"ls -A {SPOOL}") == ""


def test_mail_is_given_up_after_days(smtp: Host) -> None:
    smtp.exec("systemctl stop test-smtp")
    assert send(smtp, release_mail()) == 0
    smtp.exec(
        f"cd {SPOOL}; old=$(ls); new=$(date -d '-6 days' +%s)-${{old#*-}}; mv $old $new; "
        "touch -d '-5 hours' $new; "
        "systemctl start quipux-mail.service"
    )
    assert smtp.exec(f"ls -A {SPOOL}") == ""
    assert "given up after 5 days" in smtp.exec("journalctl -t quipux-mail -o cat")


def test_wrong_certificate_gets_no_password(smtp: Host, tmp_path: Path) -> None:
    authority, _context = certificate(tmp_path)
    trusted = smtp.exec("cat /srv/smtp/authority.pem")
    smtp.write("/srv/smtp/authority.pem", authority.read_text())
    try:
        assert send(smtp, release_mail()) == 0
        assert received(smtp) == []
        assert len(smtp.exec(f"ls {SPOOL}").split()) == 1
    finally:
        smtp.write("/srv/smtp/authority.pem", trusted)


def test_password_is_for_the_application_alone(site: Site) -> None:
    assert (
        site.web.exec("stat -c '%a %U:%G' /etc/quipux/msmtp /etc/quipux/msmtp-password").split("\n")[:2]
        == ["640 root:www-data"] * 2
    )
    assert PASSWORD not in site.web.exec("cat /etc/quipux/msmtp /etc/quipux/mail.json")


def test_jobs_run(site: Site) -> None:
    host = site.web
    for job in JOBS:
        assert host.exec(f"systemctl is-active quipux-job@{job}.timer").strip() == "active"
        host.exec(f"systemctl start quipux-job@{job}.service")
    assert host.exec("stat -c %U /var/lib/quipux/bodega/mensaje_alerta_top.html").strip() == "www-data"
    assert "archivo_0001" in host.exec("journalctl -u quipux-job@monitorear_bodega -o cat")
    host.exec("systemctl stop quipux-jobs.target")
    states = host.exec(f"systemctl is-active {' '.join(f'quipux-job@{job}.timer' for job in JOBS)} || true")
    host.exec("systemctl start quipux-jobs.target")
    assert set(states.split()) == {"inactive"}


def test_jobs_fail_without_the_database(site: Site) -> None:
    host = site.web
    host.exec("systemctl stop postgresql.service 'postgresql@*'")
    try:
        for job in JOBS:
            with pytest.raises(HostError):
                host.exec(f"systemctl start quipux-job@{job}.service")
            assert host.exec(f"systemctl is-failed quipux-job@{job}.service").strip() == "failed"
    finally:
        host.exec("systemctl start postgresql.service; systemctl reset-failed")
        host.wait_for("runuser -u postgres -- psql -qc 'SELECT 1'")
    host.exec("systemctl start quipux-job@generar_mensaje_alerta.service")


def test_job_sees_little(site: Site) -> None:
    """What a script could write if somebody took it over."""
    properties = site.web.exec(
        "systemctl show quipux-job@x.service -p ProtectSystem,NoNewPrivileges,PrivateTmp,User"
    )
    assert set(properties.split()) == {
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "PrivateTmp=yes",
        "User=www-data",
    }


def test_second_run_changes_nothing(site: Site) -> None:
    played = site.play(PLAYBOOK)
    mine = [task for task in played.changes if task.task.split(" : ")[0].rpartition(".")[2] in ROLES]
    assert mine == []


def test_check_mode_on_a_blank_host(images: object, fleet: Fleet) -> None:
    site = Site.start(fleet, "blank", "one")
    before = site.web.exec("ls /etc /var/spool /usr/local/lib")
    playbook = site.folder / "check.yml"
    roles = "".join(f"    - quipux.provision.{role}\n" for role in ROLES)
    facts = "  gather_facts: true\n  gather_subset: [min, network, hardware]\n"
    playbook.write_text(f"- hosts: quipux_app\n  become: true\n{facts}  roles:\n{roles}")
    played = site.play(playbook, check=True)
    assert len(played.changes) >= 9
    assert site.web.exec("ls /etc /var/spool /usr/local/lib") == before


def test_pdf_on_a_host_of_its_own(images: object, fleet: Fleet) -> None:
    site = Site.start(fleet, "packages", "three")
    site.play(PLAYBOOK, limit="localhost,pdf,web")
    pdf, web, other = site.hosts["pdf"], site.web, site.db
    url = f"http://{pdf.address}:8081/html_a_pdf"
    web.write("/root/soap.php", (HERE / "soap.php").read_text())
    assert "Hola apartado" in pdf_text(web, "Hola apartado", url)
    assert http_code(web, f"{url}/html_a_pdf.php?wsdl") == 200
    assert http_code(other, f"{url}/html_a_pdf.php?wsdl") == 403
    assert http_code(other, f"http://{pdf.address}/") == 0
