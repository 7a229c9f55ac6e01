"""Delivery to a real server: TLS, login, and one clear error for each way it can fail."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from quipux_provision.outreach.mail import Attachment, MailFailed, SmtpSettings, check, compose, deliver
from tests.stand_in.mail_server import HANG_UP, MailServer, certificate
from tests.unit.outreach.test_mail import LINK, MAIL, SENDER, WORKBOOK

ROOT = Path(__file__).resolve().parents[3]
USER, PASSWORD = "quipux@example.gob.ec", "canario-7f3c9e"


@pytest.fixture
def tls(tmp_path, monkeypatch):
    """Return the server's context; its authority is one of the system's for this test."""
    authority, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    return context


def settings(server, security="starttls", **changes):
    return replace(SmtpSettings(server.host, server.port, security, USER, timeout=10), **changes)


@contextmanager
def server_process(**options: Any) -> Iterator[SimpleNamespace]:
    """Run the mail server as a process of its own."""
    command = [sys.executable, "-m", "tests.stand_in.mail_server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        try:
            process.stdin.write(json.dumps(options) + "\n")
            process.stdin.flush()
            yield SimpleNamespace(host="127.0.0.1", port=int(process.stdout.readline()))
        finally:
            process.stdin.close()
            assert process.wait(timeout=20) == 0


def failure(smtp, password=PASSWORD, message=None):
    with pytest.raises(MailFailed) as caught:
        deliver(message or compose(MAIL, SENDER), smtp, password)
    error = caught.value
    told = f"{error!r} {error} {error.hint} {error.__context__!r} {error.__cause__!r}"
    assert PASSWORD not in told
    assert LINK not in told
    assert MAIL.recipient_email not in told
    assert error.hint
    assert "\n" not in error.message
    return error


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_message_arrives_whole_over_tls_with_login(security, tls):
    message = compose(MAIL, SENDER)
    raw = message.as_bytes()
    before = datetime.now(UTC)
    with MailServer(security=security, context=tls, login=(USER, PASSWORD)) as server:
        delivery = deliver(message, settings(server, security), PASSWORD)
        assert server.recipients == [MAIL.recipient_email]
        assert [m["Message-ID"] for m in server.messages] == [message["Message-ID"]]
        assert server.raw == [raw]
    assert delivery.accepted_at.tzinfo is UTC
    assert before <= delivery.accepted_at <= datetime.now(UTC)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_workbook_arrives_whole_at_a_server_of_its_own(security, tls, tmp_path):
    message = compose(MAIL, SENDER, attachments=[WORKBOOK])
    options = {"security": security, "certificate": str(tmp_path / "server.pem"), "login": [USER, PASSWORD]}
    with server_process(folder=str(tmp_path), **options) as server:
        assert failure(settings(server, security), "wrong", message).reason == "auth"
        deliver(message, settings(server, security), PASSWORD)
    assert [path.name for path in tmp_path.glob("*.eml")] == ["1.eml"]
    raw = (tmp_path / "1.eml").read_bytes()
    assert raw == message.as_bytes()
    (part,) = message_from_bytes(raw, policy=default).iter_attachments()
    assert part.get_content() == WORKBOOK.content


def test_a_server_that_drops_a_large_message_in_its_middle_gets_it_again(tls, tmp_path):
    large = Attachment("plantilla.xlsx", os.urandom(6_000_000), WORKBOOK.media_type)
    message = compose(MAIL, SENDER, attachments=[large], message_id="ab" * 16)
    options = {
        "folder": str(tmp_path),
        "security": "starttls",
        "certificate": str(tmp_path / "server.pem"),
        "login": [USER, PASSWORD],
    }
    with server_process(answers={"DATA": HANG_UP}, **options) as server:
        error = failure(settings(server), message=message)
    assert error.reason == "disconnected"
    assert "again" in error.hint
    assert not list(tmp_path.glob("*.eml"))
    with server_process(**options) as server:
        deliver(message, settings(server), PASSWORD)
    arrived = message_from_bytes((tmp_path / "1.eml").read_bytes(), policy=default)
    assert arrived["Message-ID"] == message["Message-ID"]
    assert next(arrived.iter_attachments()).get_content() == large.content


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_takes_longer_than_the_timeout(command, tls):
    options = {"security": "starttls", "context": tls, "login": (USER, PASSWORD)}
    with MailServer(pauses={command: 60}, **options) as server:
        assert failure(settings(server, timeout=0.5)).reason in {"timeout", "disconnected"}
        assert server.raw == []


def test_a_slow_server_is_waited_for(tls):
    pauses = {"MAIL": 0.2, "RCPT": 0.2, "DATA": 0.2}
    with MailServer(security="starttls", context=tls, login=(USER, PASSWORD), pauses=pauses) as server:
        deliver(compose(MAIL, SENDER), settings(server), PASSWORD)
        assert len(server.raw) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_check_logs_in_and_sends_nothing(security, tls):
    with MailServer(security=security, context=tls, login=(USER, PASSWORD)) as server:
        check(settings(server, security), PASSWORD, SENDER)
        with pytest.raises(MailFailed) as caught:
            check(settings(server, security), "wrong", SENDER)
        assert caught.value.reason == "auth"
        assert server.raw == []
    with pytest.raises(MailFailed) as caught:
        check(settings(server, security), PASSWORD, SENDER)
    assert caught.value.reason == "connect"


def test_a_dot_alone_does_not_end_the_message(tls):
    mail = replace(MAIL, institution_name=".", support=".")
    with MailServer(security="tls", context=tls) as server:
        deliver(compose(mail, SENDER), settings(server, "tls", user=None))
        assert "caso inej" in " ".join(server.messages[0].get_body(("plain",)).get_content().split())


def test_after_acceptance_nothing_undoes_it(tls):
    with MailServer(security="tls", context=tls, answers={"QUIT": HANG_UP}) as server:
        assert deliver(compose(MAIL, SENDER), settings(server, "tls", user=None)).accepted_at
        assert len(server.raw) == 1


def test_the_demonstration_needs_no_encryption_on_this_machine():
    with MailServer() as server:
        deliver(compose(MAIL, SENDER), settings(server, "none", user=None, demo=True))
        assert len(server.raw) == 1


@pytest.mark.parametrize(
    ("security", "host", "demo"),
    [
        ("none", "127.0.0.1", False),
        ("none", "192.0.2.1", True),
        ("NONE", "127.0.0.1", True),
        ("", "127.0.0.1", True),
    ],
)
def test_no_encryption_elsewhere(security, host, demo):
    with MailServer() as server:
        error = failure(settings(server, security, host=host, demo=demo))
        assert error.reason == "settings"
        assert server.raw == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_an_unknown_authority(security, tmp_path):
    _authority, context = certificate(tmp_path)
    with MailServer(security=security, context=context, login=(USER, PASSWORD)) as server:
        error = failure(settings(server, security))
        assert error.reason == "tls"
        assert "certificate" in error.message
        assert server.raw == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_another_host(security, tmp_path, monkeypatch):
    authority, context = certificate(tmp_path, "mail.other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with MailServer(security=security, context=context) as server:
        assert failure(settings(server, security)).reason == "tls"
        assert server.raw == []


def test_a_server_without_starttls_gets_neither_login_nor_mail():
    with MailServer(login=(USER, PASSWORD)) as server:
        assert failure(settings(server)).reason == "unsupported"
        assert server.raw == []


def test_tls_spoken_to_a_plain_port(tls):
    with MailServer() as server:
        assert failure(settings(server, "tls")).reason == "tls"


@pytest.mark.parametrize("password", ["wrong", None, "contraseña"])
def test_a_refused_login(password, tls):
    with MailServer(security="starttls", context=tls, login=(USER, PASSWORD)) as server:
        error = failure(settings(server), password)
        assert error.reason == "auth"
        assert server.raw == []


@pytest.mark.parametrize(
    ("answers", "reason", "code"),
    [
        ({"MAIL": "550 5.7.1 not you"}, "sender", "550 5.7.1"),
        ({"RCPT": f"550 5.1.1 <{MAIL.recipient_email}> unknown"}, "recipient", "550 5.1.1"),
        ({"RCPT": "451 come back later"}, "recipient", "451"),
        ({"DATA": f"554 5.7.1 blocked: {LINK}"}, "data", "554 5.7.1"),
        ({"DATA": HANG_UP}, "disconnected", ""),
    ],
)
def test_a_refused_message_is_told_by_number_only(answers, reason, code, tls):
    with MailServer(security="starttls", context=tls, login=(USER, PASSWORD), answers=answers) as server:
        error = failure(settings(server))
        assert error.reason == reason
        assert code in error.message
        assert server.raw == []


def test_nobody_listens():
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        error = failure(SmtpSettings("127.0.0.1", free.getsockname()[1], "starttls", USER))
        assert error.reason == "connect"
        assert f"127.0.0.1:{free.getsockname()[1]}" in error.message


def test_a_host_name_that_cannot_be_one():
    error = failure(SmtpSettings("correo..example.gob.ec", 587, "starttls", USER, timeout=5))
    assert error.reason == "connect"
    assert "correo..example.gob.ec:587" in error.message


@pytest.mark.parametrize("greeting", [b"", b"554 no service\r\n", b"nonsense\r\n", None])
def test_a_server_that_is_none(greeting):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def answer():
            connection, _address = listener.accept()
            with closing(connection):
                if greeting is None:
                    released.wait(10)  # says nothing while the client waits
                else:
                    connection.sendall(greeting)

        released = threading.Event()
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            smtp = SmtpSettings("127.0.0.1", listener.getsockname()[1], "starttls", USER, timeout=0.5)
            reason = failure(smtp).reason
        finally:
            released.set()
            thread.join()
    expected = {b"": "disconnected", b"554 no service\r\n": "protocol", None: "timeout"}
    assert reason == expected.get(greeting, "protocol")
