"""Images of hosts on which the application runs: made by the playbook itself, named after what made them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import tempfile
from contextlib import suppress
from pathlib import Path

from quipux_provision.ansible.collection import collection_digest
from tests.hosts.machines import Fleet, HostError, podman
from tests.images.build import REPOSITORY, ensure, image
from tests.self_hosted.play import ROOT
from tests.self_hosted.site import LABEL, TOPOLOGIES, VARIABLES, Site, sources

INSTALLED = f"{REPOSITORY}-installed"
SERVICES = "apache2.service postgresql.service 'postgresql@*.service'"


def installed_images(
    variant: str = "stand_in", topology: str = "one", suite: str = "bullseye"
) -> dict[str, str]:
    """Make the images that are missing; return {host of the inventory: image}, for `Site.start`."""
    hosts = sorted(set(TOPOLOGIES[topology].values()))
    kind = f"{variant}-{topology}-{suite}".replace("_", "-")
    digest = _digest(variant, suite)
    names = {host: f"{INSTALLED}:{kind}-{host}-{digest}" for host in hosts}
    with (Path(tempfile.gettempdir()) / "quipux-test-installed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not set(names.values()) <= _known():
            ensure((suite,), "packages")
            _make(names, variant, topology, suite)
            _forget_older(kind, digest)
    return names


def _make(names: dict[str, str], variant: str, topology: str, suite: str) -> None:
    with Fleet() as fleet:
        site = Site.start(fleet, "packages", topology, variant, suite)
        site.play("self_hosted")
        for name, host in site.hosts.items():
            # At rest, so that the next start is not a recovery.
            host.exec(f"for unit in {SERVICES}; do systemctl stop $unit 2>/dev/null || true; done; sync")
            change = f"LABEL {LABEL}={site.secrets.label()}"
            podman("commit", "--quiet", "--change", change, host.container, names[name], timeout=600)


def _digest(variant: str, suite: str) -> str:
    """Everything that an installation is made of, in twelve digits."""
    archives = sources(variant)
    inventory = (ROOT / "inventories" / "self_hosted" / "group_vars" / "all" / "main.yml").read_text()
    recipe = [
        *(collection_digest(), archives.release_sha256, archives.sql_sha256),
        *(image(suite, "packages"), inventory, VARIABLES),
    ]
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]


def _known() -> set[str]:
    return set(podman("images", "--format", "{{.Repository}}:{{.Tag}}").split())


def _forget_older(kind: str, digest: str) -> None:
    for name in _known():
        if name.startswith(f"{INSTALLED}:{kind}-") and not name.endswith(digest):
            with suppress(HostError):  # in use
                podman("rmi", name)
