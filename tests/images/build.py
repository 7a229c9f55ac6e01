"""Images of the test hosts, made from Debian's own packages and kept in podman's storage.

    python tests/images/build.py [SUITE...]      builds what is missing, prints the image names

One image a Debian suite, with everything a database or an application host needs and none of it running: what
a host is for is decided by the test that starts it. An image is named after the hash of its recipe: a changed
recipe builds a new one, an unchanged one costs nothing.
"""

from __future__ import annotations

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

REPOSITORY = "localhost/quipux-test"
SUITES = ("bookworm", "bullseye")
TOOLS = ("podman", "runc", "mmdebstrap", "netavark", "aardvark-dns", "iptables", "nftables", "uidmap")
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "sudo", "ca-certificates", "iproute2"),
    *("locales", "tzdata"),
    *("postgresql", "postgresql-contrib", "python3-psycopg2"),
    *("apache2", "libapache2-mod-php", "php-pgsql", "php-gd", "php-xml", "php-curl", "php-zip"),
)
# What the real release makes its PDF files with; only Debian 11 runs it (PHP 7.4).
PDF_PACKAGES = {"bullseye": ("php-soap", "html2ps", "ghostscript")}
# Debian 11's updates have left the mirrors package by package; the release itself stays whole.
WITHOUT_UPDATES = {"bullseye"}
# Each host makes its own SSH host keys at its first start: an image must not hand the same to all of them.
HOST_KEYS = """[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
"""
CUSTOMISE = (
    'echo "es_EC.UTF-8 UTF-8" > "$1/etc/locale.gen" && chroot "$1" locale-gen',
    'rm -f "$1"/etc/ssh/ssh_host_* && : > "$1/etc/machine-id"',
    'mkdir -p "$1/etc/systemd/system/ssh.service.d" && '
    f"printf '%s' '{HOST_KEYS}' > \"$1/etc/systemd/system/ssh.service.d/host-keys.conf\"",
    'chroot "$1" systemctl disable apache2.service postgresql.service',
    'chroot "$1" systemctl mask apt-daily.timer apt-daily-upgrade.timer systemd-resolved.service '
    "systemd-timesyncd.service",
)


class CannotBuildError(Exception):
    """This machine cannot run test hosts; the message says why in one line."""


def image(suite: str) -> str:
    """Name of the suite's image, recipe hash included."""
    recipe = json.dumps([suite, _packages(suite), CUSTOMISE, suite in WITHOUT_UPDATES]).encode()
    return f"{REPOSITORY}:{suite}-{hashlib.sha256(recipe).hexdigest()[:12]}"


def _packages(suite: str) -> tuple[str, ...]:
    return (*PACKAGES, *PDF_PACKAGES.get(suite, ()))


def _sources(suite: str) -> tuple[str, ...]:
    """What mmdebstrap installs from; nothing: its own choice, updates included."""
    if suite not in WITHOUT_UPDATES:
        return ()
    targets = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"])
    mirror = next(
        uri for uri, name in map(str.split, targets.splitlines()) if "-" not in name and "security" not in uri
    )
    return (f"deb {mirror} {suite} main",)


def ensure(suites: Iterable[str] = SUITES) -> dict[str, str]:
    """Build the images that are missing; return {suite: image}. Raises CannotBuildError."""
    install_tools()
    with _one_at_a_time():
        for suite in suites:
            if not _exists(image(suite)):
                _build(suite)
    return {suite: image(suite) for suite in suites}


def install_tools() -> None:
    """Install podman and its helpers from Debian where they are missing. Raises CannotBuildError."""
    if os.geteuid() != 0:
        raise CannotBuildError("test hosts need root (podman with systemd inside); this user is not root")
    if not shutil.which("apt-get"):
        raise CannotBuildError("test hosts need a Debian machine; apt-get is not here")
    if all(shutil.which(tool) for tool in ("podman", "runc", "mmdebstrap", "iptables", "nft")):
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


def _build(suite: str) -> None:
    print(f"Building {image(suite)} from Debian's packages", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="quipux-test-image-") as folder:
        tar = Path(folder) / f"{suite}.tar"
        hooks = [f"--customize-hook={hook}" for hook in CUSTOMISE]
        include = f"--include={','.join(_packages(suite))}"
        _run(["mmdebstrap", "--variant=minbase", include, *hooks, suite, str(tar), *_sources(suite)])
        _run(["podman", "import", str(tar), image(suite)])
    _forget_older(suite)


def _forget_older(suite: str) -> None:
    listed = _run(["podman", "images", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY]).split()
    for name in listed:
        if name.startswith(f"{REPOSITORY}:{suite}-") and name != image(suite):
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
    unknown = [suite for suite in arguments if suite not in SUITES]
    if unknown:
        print(f"unknown suite {unknown[0]}; type one of: {' '.join(SUITES)}", file=sys.stderr)
        return 2
    try:
        for name in ensure(arguments or SUITES).values():
            print(name)
    except CannotBuildError as problem:
        print(f"images not built: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
