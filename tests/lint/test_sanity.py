"""`ansible-test sanity` over the collection as it is published.

It wants a real folder `.../ansible_collections/quipux/provision`, and downloads get-pip.py to make the
environments of its own tests; `ensurepip` does that as well, so a stand-in takes its place. Environments and
caches are kept under .cache/, so that later runs take seconds.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.packaging.building import BIN, ROOT, build_collection, copy_tree, install_collection

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
CACHE = ROOT / ".cache" / f"sanity-{VERSION}"
GET_PIP = """
import ensurepip, runpy, sys
arguments = sys.argv[1:]
ensurepip.bootstrap(default_pip=True)
sys.argv = ["pip", "install", *(a for a in arguments if a not in ("--no-setuptools", "--no-wheel"))]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def test_sanity(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "tree", litter=False)
    (tmp_path / "built").mkdir()
    tarball = build_collection(tree, tmp_path / "built")
    shutil.rmtree(CACHE / "collections", ignore_errors=True)
    (CACHE / "collections").mkdir(parents=True)
    collection = install_collection(tarball, CACHE / "collections")

    home = CACHE / "home"
    scripts = home / ".ansible" / "test" / "cache"
    scripts.mkdir(parents=True, exist_ok=True)
    for pip in pip_versions():
        (scripts / f"get_pip_{pip.replace('.', '_')}.py").write_text(GET_PIP, encoding="utf-8")

    finished = subprocess.run(
        [BIN / "ansible-test", "sanity", "--local", "--python", VERSION, "--color", "no", "-v"],
        cwd=collection,
        env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", **pip_settings()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    said = finished.stdout + finished.stderr
    ran = set(re.findall(r"^Running sanity test \W?([a-z-]+)", said, re.MULTILINE))
    assert {"compile", "import", "pep8", "pylint", "validate-modules", "yamllint"} <= ran, finished.stderr


def pip_versions() -> set[str]:
    """The versions of pip for which this ansible-test would fetch a script."""
    import ansible_test

    (folder,) = ansible_test.__path__
    text = "".join(path.read_text(encoding="utf-8") for path in (Path(folder) / "_internal").glob("*.py"))
    found = set(re.findall(r"pip['\"]?\s*[:=]+\s*['\"](\d+(?:\.\d+)+)['\"]", text))
    assert found, "ansible-test no longer says which pip it wants"
    return found


def pip_settings() -> dict[str, str]:
    """The user's own way to a package index; the rest of the environment stays outside."""
    settings = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT"))}
    own = Path.home() / ".config" / "pip" / "pip.conf"
    if own.exists():
        settings.setdefault("PIP_CONFIG_FILE", str(own))
    return settings
