"""A whole installation on one blank host: the playbook, and a plain shell script that reaches the same state.

Both start from the same image of a bare Debian 11, one after the other, both fetch packages and carry the
stand-in release over SSH, and the same verify.yml must pass on both. What verify.yml says nothing about
(files, rights, units, packages, the databases' definitions) is compared, too, and differences are shown.
"""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.hosts.machines import Fleet
from tests.self_hosted.site import Site

HERE = Path(__file__).resolve().parent
ROLES = HERE.parent / "roles"
SCRIPT = HERE / "install.sh"
STATIC = (
    "firewall",
    "mail_relay",
    "minka_release",
    "scheduled_jobs",
    "backup",
)  # roles whose files/ it copies
TARGET = "/root/quipux"
STATE = HERE / "end_state.sh"


class UnableError(Exception):
    """There are no test hosts on this machine; the message says why in one line."""


def _options(site: Site) -> list[str]:
    return [
        *("-i", str(site.key), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"),
        *(
            "-o",
            f"UserKnownHostsFile={site.inventory / 'known_hosts'}",
            "-o",
            "GlobalKnownHostsFile=/dev/null",
        ),
        *("-o", "StrictHostKeyChecking=yes", f"root@{site.web.address}"),
    ]


@dataclass
class Measured:
    """Seconds of each run."""

    script: list[float] = field(default_factory=list)
    playbook: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    verify: list[float] = field(default_factory=list)  # contained in `playbook` and `again`, not in `script`
    differences: list[str] = field(default_factory=list)

    def note(self, what: str, seconds: float) -> None:
        """Keep a time, and tell it with the load that it was measured under."""
        getattr(self, what).append(seconds)
        print(f"  {what}: {seconds:.1f} s, load {os.getloadavg()[0]:.1f}", flush=True)

    def medians(self) -> dict[str, float]:
        """Of script, playbook, again, verify."""
        return {
            name: statistics.median(getattr(self, name)) for name in ("script", "playbook", "again", "verify")
        }


def demand_hosts() -> None:
    """UnableError unless test hosts can be started here."""
    lacking = [tool for tool in ("podman", "runc", "ssh", "age-keygen") if shutil.which(tool) is None]
    if lacking:
        raise UnableError(f"{', '.join(lacking)} not found")
    if os.geteuid() != 0:
        raise UnableError("only root can start the hosts")


def measure(runs: int) -> Measured:
    """Install *runs* times in either way. Raises UnableError; AssertionError: not a whole installation."""
    demand_hosts()
    measured = Measured()
    for _ in range(runs):
        with Fleet() as fleet:
            site = _blank(fleet)
            measured.note("script", run_script(site))
            measured.note("verify", site.play("verify").seconds)
            by_script = state(site)
        with Fleet() as fleet:
            site = _blank(fleet)
            measured.note("playbook", site.play("self_hosted").seconds)
            site.play("verify")
            by_playbook = state(site)
            again = site.play("self_hosted")
            measured.note("again", again.seconds)
            assert again.changed == 0, f"the second run changed {again.changes}"
        measured.differences = compare(by_script, by_playbook)
    return measured


def _blank(fleet: Fleet) -> Site:
    site = Site.start(fleet, stage="blank", variant="stand_in")
    # The image's lists of packages may be of today: either way fetches them anew, as on any host.
    site.web.exec(
        "touch -d '2 days ago' /var/lib/apt/lists; rm -f /var/lib/apt/periodic/update-success-stamp"
    )
    return site


def run_script(site: Site) -> float:
    """Carry the script and what it needs to the host and run it; seconds."""
    with tempfile.TemporaryDirectory(prefix="quipux-bench-script-") as name:
        folder = Path(name)
        settings = folder / "settings"
        settings.touch(0o600)
        settings.write_text(
            "".join(f"{key}={shlex.quote(value)}\n" for key, value in _settings(site).items())
        )
        started = time.monotonic()
        shutil.copy(SCRIPT, folder)
        shutil.copy(site.sources.release, folder / "release.tar.gz")
        shutil.copy(site.sources.sql, folder / "sql.tar.gz")
        for role in STATIC:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROLES / role / "files", folder / "files" / role, ignore=ignore)
        packed = subprocess.run(["tar", "-c", "-C", name, "."], capture_output=True, check=True).stdout
        unpack = f"install -d -m 0700 {TARGET} && tar -x --no-same-owner -C {TARGET}"
        command = f"{unpack} && exec sh {TARGET}/install.sh {TARGET}/settings"
        done = subprocess.run(
            ["ssh", *_options(site), f"{command} {TARGET}/settings"],
            input=packed,
            capture_output=True,
            check=False,
        )
        seconds = time.monotonic() - started
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0, f"install.sh ended with {done.returncode}\n{said}"
    return seconds


def _settings(site: Site) -> dict[str, str]:
    """What install.sh calls by its own names."""
    plain = yaml.safe_load((site.inventory / "group_vars" / "all" / "main.yml").read_text())
    names = {
        "INSTITUTION": "quipux_institution",
        "PUBLIC_NAME": "quipux_hostname",
        "RELEASE_SHA256": "quipux_release_sha256",
        "SQL_SHA256": "quipux_sql_sha256",
        "MAIL_FROM": "quipux_mail_from",
        "SUPPORT_MAIL": "quipux_support_mail",
        "ADMIN_MAIL": "quipux_admin_mail",
        "ADMIN_EMAIL": "quipux_admin_email",
        "SMTP_HOST": "quipux_smtp_host",
        "SMTP_PORT": "quipux_smtp_port",
        "BACKUP_RECIPIENT": "quipux_backup_recipient",
        "BACKUP_KEEP": "quipux_backup_keep",
    }
    secret = {
        "APP_DB_PASSWORD": "quipux_app_db_password",
        "DB_PASSWORD": "quipux_db_password",
        "DB_READ_ONLY_PASSWORD": "quipux_db_read_only_password",
        "ADMIN_PASSWORD": "quipux_admin_password",
    }
    return {key: str(plain[name]) for key, name in names.items()} | {
        key: site.secrets.passwords[name] for key, name in secret.items()
    }


def state(site: Site) -> list[str]:
    """What end_state.sh tells of the host, without the site's own secrets."""
    told = site.web.exec(STATE.read_text(encoding="utf-8"))
    for name, value in {**site.secrets.passwords, "recipient": site.secrets.recipient}.items():
        told = told.replace(value, f"<{name}>")
    return sorted(set(told.splitlines()))


def compare(by_script: list[str], by_playbook: list[str]) -> list[str]:
    """Lines that only one of both has, marked - (the script's host) and + (the playbook's)."""
    lines = difflib.unified_diff(by_script, by_playbook, "script", "playbook", n=0, lineterm="")
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
