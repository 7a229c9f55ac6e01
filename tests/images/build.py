"""Images of the test hosts, made from Debian's own packages and kept in podman's storage.

    python tests/images/build.py [--stage STAGE] [SUITE...]    builds what is missing, prints the image names

Stages, each for every Debian suite; in none of them runs anything but sshd:

- ``host``: what an environment's database or application host needs; what it is for, a test says.
- ``blank``: a bare Debian from which a self-hosted installation starts.
- ``packages``: a blank one with the packages that the roles install, none of them configured.

An image is named after the hash of its recipe: a changed recipe builds a new one, an unchanged one costs
nothing.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

REPOSITORY = "localhost/quipux-test"
SUITES = ("bookworm", "bullseye")
STAGES = ("host", "blank", "packages")
TOOLS = ("podman", "runc", "mmdebstrap", "netavark", "aardvark-dns", "iptables", "nftables", "uidmap", "age")
BLANK = (
    *("systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "sudo", "ca-certificates", "iproute2"),
    # Debian's installer brings it; without it Ansible's check mode of `apt` refuses to work.
    "python3-apt",
)
PACKAGES = (
    *BLANK,
    *("locales", "tzdata"),
    *("postgresql", "postgresql-contrib", "python3-psycopg2"),
    *("apache2", "libapache2-mod-php", "php-pgsql", "php-gd", "php-xml", "php-curl", "php-zip"),
)
# What the real release makes its PDF files with; only Debian 11 runs it (PHP 7.4).
PDF_PACKAGES = {"bullseye": ("php-soap", "html2ps", "ghostscript")}
# Roles whose packages a `packages` host has. Debian 12 has no PHP 7.4: it is a database's host only.
ROLES = Path(__file__).resolve().parents[2] / "roles"
DATABASE_ROLES = ("firewall", "postgresql", "quipux_database", "backup")
WEB_ROLES = ("apache", "mail_relay", "minka_release", "pdf_service", "scheduled_jobs", "verification")
# Debian 11's updates have left the mirrors package by package; the release itself stays whole.
WITHOUT_UPDATES = {"bullseye"}
# Each host makes its own SSH host keys at its first start: an image must not hand the same to all of them.
HOST_KEYS = """[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
"""
EVERY_STAGE = (
    'rm -f "$1"/etc/ssh/ssh_host_* && : > "$1/etc/machine-id"',
    'mkdir -p "$1/etc/systemd/system/ssh.service.d" && '
    f"printf '%s' '{HOST_KEYS}' > \"$1/etc/systemd/system/ssh.service.d/host-keys.conf\"",
    'chroot "$1" systemctl mask apt-daily.timer apt-daily-upgrade.timer systemd-resolved.service '
    "systemd-timesyncd.service",
)
NOTHING_RUNS = (
    'for unit in apache2 php7.4-fpm postgresql; do test ! -e "$1/lib/systemd/system/$unit.service" '
    '|| chroot "$1" systemctl disable "$unit.service"; done',
)
CUSTOMISE = {
    "host": (
        'echo "es_EC.UTF-8 UTF-8" > "$1/etc/locale.gen" && chroot "$1" locale-gen',
        *EVERY_STAGE,
        *NOTHING_RUNS,
    ),
    "blank": EVERY_STAGE,
    "packages": (*EVERY_STAGE, *NOTHING_RUNS),
}
# Debian's installer leaves the lists of packages, too: without them Ansible's check mode knows none.
OPTIONS = dict.fromkeys(("blank", "packages"), ("--skip=cleanup/apt/lists",))


class CannotBuildError(Exception):
    """This machine cannot run test hosts; the message says why in one line."""


def image(suite: str, stage: str = "host") -> str:
    """Name of the suite's image, recipe hash included."""
    recipe = [suite, _packages(suite, stage), CUSTOMISE[stage], OPTIONS.get(stage), suite in WITHOUT_UPDATES]
    return f"{_repository(stage)}:{suite}-{hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:12]}"


def _repository(stage: str) -> str:
    return REPOSITORY if stage == "host" else f"{REPOSITORY}-{stage}"


def _packages(suite: str, stage: str) -> tuple[str, ...]:
    if stage == "host":
        return (*PACKAGES, *PDF_PACKAGES.get(suite, ()))
    if stage == "blank":
        return BLANK
    roles = (*DATABASE_ROLES, *(WEB_ROLES if suite == "bullseye" else ()))
    return (*BLANK, *sorted({package for role in roles for package in _role_packages(role)} - {*BLANK}))


def _role_packages(role: str) -> list[str]:
    """The packages that the role's defaults name."""
    defaults = ROLES / role / "defaults" / "main.yml"
    text = defaults.read_text(encoding="utf-8") if defaults.exists() else ""
    packages = (yaml.safe_load(text) or {}).get(f"{role}_packages", [])
    assert isinstance(packages, list), f"{role}_packages is no plain list"
    return packages


def _sources(suite: str) -> tuple[str, ...]:
    """What mmdebstrap installs from; nothing: its own choice, updates included."""
    if suite not in WITHOUT_UPDATES:
        return ()
    targets = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"])
    mirror = next(
        uri for uri, name in map(str.split, targets.splitlines()) if "-" not in name and "security" not in uri
    )
    return (f"deb {mirror} {suite} main",)


def ensure(suites: Iterable[str] = SUITES, stage: str = "host") -> dict[str, str]:
    """Build the images that are missing; return {suite: image}. Raises CannotBuildError."""
    install_tools()
    with _one_at_a_time():
        for suite in suites:
            if not _exists(image(suite, stage)):
                _build(suite, stage)
    return {suite: image(suite, stage) for suite in suites}


def install_tools() -> None:
    """Install podman and its helpers from Debian where they are missing. Raises CannotBuildError."""
    if os.geteuid() != 0:
        raise CannotBuildError("test hosts need root (podman with systemd inside); this user is not root")
    if not shutil.which("apt-get"):
        raise CannotBuildError("test hosts need a Debian machine; apt-get is not here")
    if all(shutil.which(tool) for tool in ("podman", "runc", "mmdebstrap", "iptables", "nft", "age-keygen")):
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *TOOLS]):
        done = subprocess.run(
            ["apt-get", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode:
            raise CannotBuildError(f"apt-get {arguments[0]} failed: {_reason(done.stderr or done.stdout)}")


def _build(suite: str, stage: str) -> None:
    name = image(suite, stage)
    print(f"Building {name} from Debian's packages", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="quipux-test-image-") as folder:
        tar = Path(folder) / f"{suite}.tar"
        options = [*OPTIONS.get(stage, ()), *(f"--customize-hook={hook}" for hook in CUSTOMISE[stage])]
        include = f"--include={','.join(_packages(suite, stage))}"
        _run(["mmdebstrap", "--variant=minbase", include, *options, suite, str(tar), *_sources(suite)])
        _run(["podman", "import", str(tar), name])
    _forget_older(suite, stage)


def _forget_older(suite: str, stage: str) -> None:
    listed = _run(["podman", "images", "--format", "{{.Repository}}:{{.Tag}}"]).split()
    for name in listed:
        if name.startswith(f"{_repository(stage)}:{suite}-") and name != image(suite, stage):
            # one that is in use stays until the next build
            subprocess.run(["podman", "rmi", name], capture_output=True, check=False)


def _exists(name: str) -> bool:
    return subprocess.run(["podman", "image", "exists", name], check=False).returncode == 0


def _run(argv: list[str]) -> str:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True)
    if done.returncode:
        raise CannotBuildError(f"{argv[0]} failed: {_reason(done.stderr)}")
    return done.stdout


def _reason(text: str) -> str:
    """The first error line of a tool's output: later ones only repeat that it failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "Error"))]
    return errors[0] if errors else (lines or ["no message"])[-1]


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / "quipux-test-images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests/images/build.py")
    parser.add_argument("--stage", choices=STAGES, default="host")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=" ".join(SUITES))
    options = parser.parse_args(arguments)
    if unknown := [suite for suite in options.suites if suite not in SUITES]:
        parser.error(f"unknown suite {unknown[0]}; type one of: {' '.join(SUITES)}")
    try:
        for name in ensure(options.suites or SUITES, options.stage).values():
            print(name)
    except CannotBuildError as problem:
        print(f"images not built: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
