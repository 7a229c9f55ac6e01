"""What PHP's mail() of Quipux is handed to: cleans one mail, keeps it, gives it to msmtp.

    sendmail            reads a mail from standard input
    sendmail --retry    gives kept mails to msmtp again, those whose turn it is

The release names the recipient twice, writes names and subjects as raw UTF-8 and sets no envelope sender. A
mail leaves here with one To, MIME-encoded headers and the configured sender; one with headers that the
release never writes was made by an injection and is refused. A mail lies in the spool before it is handed
over, so none is lost; it is tried again after the time that it has waited so far, at least five minutes and
at most four hours. Logs name the mail by its number, never what is in it.

Settings: /etc/quipux/mail.json {sender, msmtp, spool, days}. Exit codes as in sysexits.h: 0 taken (handed
over or kept), 65 refused, 75 could not even be kept; of --retry 75 while mails wait.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import subprocess
import sys
import syslog
import time
from collections.abc import Iterator
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from pathlib import Path

SETTINGS = Path("/etc/quipux/mail.json")
REFUSED, CANNOT_KEEP = 65, 75
WRITTEN_BY_RELEASE = {"to", "subject", "mime-version", "content-type", "from", "x-php-originating-script"}
HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)\Z", re.DOTALL)
# The domain has a dot: the release writes to a placeholder without one, too.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SHORTEST_WAIT, LONGEST_WAIT, DAY = 300, 4 * 3600, 86400  # seconds
MSMTP_TIMEOUT = 60  # seconds; msmtp itself gives a silent server less
LONGEST_MAIL = 30 * 1024 * 1024  # bytes


class RefusedError(Exception):
    """The mail is not one that the release writes; the message says why without quoting it."""


def clean(raw: bytes, sender: str) -> EmailMessage:
    """The mail as it may leave, made from what PHP wrote. Raises RefusedError."""
    head, _blank, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    headers = _headers(_text(head))
    (to, *repeated), (subject,), (source,) = headers["to"], headers["subject"], headers["from"]
    recipients = [address.strip() for address in to.split(",")]
    if not all(ADDRESS.fullmatch(address) for address in recipients):
        raise RefusedError("a recipient is no address")
    name = _name(repeated, recipients) if repeated else ""
    if "charset=utf-8" not in headers["content-type"][0].lower().replace('"', ""):
        raise RefusedError("another content than the release's")

    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(_plain(source.partition("<")[0]), addr_spec=sender)
    mail["To"] = [Address(name if len(recipients) == 1 else "", addr_spec=one) for one in recipients]
    mail["Subject"] = _plain(subject)
    mail["Date"] = formatdate(localtime=True)
    mail["Message-ID"] = f"<{secrets.token_hex(16)}@{sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    kind = "html" if headers["content-type"][0].lower().startswith("text/html") else "plain"
    mail.set_content(_text(body), subtype=kind, charset="utf-8", cte="base64")
    return mail


def _headers(head: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in re.sub(r"\n[ \t]+", " ", head).split("\n"):
        match = HEADER.match(line)
        if not match or match[1].lower() not in WRITTEN_BY_RELEASE:
            raise RefusedError("a header that the release never writes")
        found.setdefault(match[1].lower(), []).append(match[2].strip())
    once = {name: len(found.get(name, [])) for name in ("subject", "from", "mime-version", "content-type")}
    if set(once.values()) != {1} or not 1 <= len(found.get("to", [])) <= 2:
        raise RefusedError("headers missing or repeated")
    return found


def _name(repeated: list[str], recipients: list[str]) -> str:
    """The name that the second To gives the recipient."""
    match = re.fullmatch(r"([^<>]*)<([^<>]*)>", repeated[0])
    named = [address.strip() for address in (match[2] if match else repeated[0]).split(",")]
    if [one.lower() for one in named] != [one.lower() for one in recipients]:
        raise RefusedError("a second recipient")
    return _plain(match[1]) if match else ""


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _plain(text: str) -> str:
    return " ".join(CONTROL.sub(" ", text).split())


def keep(mail: EmailMessage, spool: Path) -> Path:
    """Write the mail into the spool, whole or not at all."""
    path = spool / f"{int(time.time())}-{secrets.token_hex(6)}.eml"
    part = path.with_suffix(".part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(mail.as_bytes())
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    return path


@contextlib.contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether this process is the only one with the mail, which is still there."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield path.exists()


def hand_over(path: Path, settings: dict[str, object]) -> bool:
    """Give a kept mail to msmtp and forget it; whether that went well. msmtp reads the recipients from it."""
    command = ["/usr/bin/msmtp", f"--file={settings['msmtp']}", f"--from={settings['sender']}"]
    command.append("--read-recipients")
    os.utime(path)
    with path.open("rb") as mail:
        try:
            done = subprocess.run(
                command,
                stdin=mail,
                capture_output=True,
                check=False,
                timeout=MSMTP_TIMEOUT,
                env={"LC_ALL": "C"},
            )
            code, said = done.returncode, done.stderr.decode(errors="replace")
        except subprocess.TimeoutExpired:
            code, said = CANNOT_KEEP, "msmtp took too long"
        except OSError as problem:
            code, said = CANNOT_KEEP, f"msmtp does not start: {problem.strerror}"
    if code == 0:
        path.unlink()
        syslog.syslog(syslog.LOG_INFO, f"{path.stem}: handed over")
        return True
    # The server's words may quote addresses.
    reason = re.sub(r"\S+@\S+", "<address>", _plain(said))[:300]
    syslog.syslog(syslog.LOG_WARNING, f"{path.stem}: kept, not handed over ({code}): {reason}")
    return False


def retry(settings: dict[str, object]) -> int:
    """Try the kept mails whose turn it is, oldest first; give up those that are too old."""
    spool, waiting = Path(str(settings["spool"])), 0
    longest = float(str(settings["days"])) * DAY
    for path in sorted(spool.glob("*.eml")):
        with alone(path) as mine:
            if not mine:
                continue
            born, tried, now = float(path.name.partition("-")[0]), path.stat().st_mtime, time.time()
            due = now - tried >= min(max(tried - born, SHORTEST_WAIT), LONGEST_WAIT)
            if due and hand_over(path, settings):
                continue
            if now - born > longest:
                path.unlink()
                syslog.syslog(syslog.LOG_ERR, f"{path.stem}: given up after {settings['days']} days")
                continue
            waiting += 1
    for part in spool.glob("*.part"):
        if time.time() - part.stat().st_mtime > DAY:
            part.unlink()
    if waiting:
        sys.stderr.write(f"{waiting} mails wait in {spool}\n")
    return CANNOT_KEEP if waiting else 0


def take(settings: dict[str, object]) -> int:
    """One mail from standard input."""
    raw = sys.stdin.buffer.read(LONGEST_MAIL + 1)
    try:
        if len(raw) > LONGEST_MAIL:
            raise RefusedError("larger than 30 MB")
        mail = clean(raw, str(settings["sender"]))
    except (RefusedError, ValueError, IndexError) as problem:
        reason = problem if isinstance(problem, RefusedError) else "headers that cannot be written"
        syslog.syslog(syslog.LOG_ERR, f"mail refused: {reason}")
        return REFUSED
    try:
        path = keep(mail, Path(str(settings["spool"])))
    except OSError as problem:
        syslog.syslog(syslog.LOG_ERR, f"mail lost, cannot be kept: {problem.strerror}")
        return CANNOT_KEEP
    with alone(path) as mine:
        if mine:
            hand_over(path, settings)
    return 0


def main() -> int:
    """Do as the module says; gives the exit code."""
    os.umask(0o077)
    syslog.openlog("quipux-mail", syslog.LOG_PID, syslog.LOG_MAIL)
    try:
        settings = json.loads(SETTINGS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        syslog.syslog(syslog.LOG_ERR, f"no mail is taken: {SETTINGS} cannot be read")
        return CANNOT_KEEP
    return retry(settings) if "--retry" in sys.argv[1:] else take(settings)


if __name__ == "__main__":
    sys.exit(main())
