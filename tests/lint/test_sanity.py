"""`ansible-test sanity` over the collection as it is published.

It wants a real folder `.../ansible_collections/quipux/provision`, and downloads get-pip.py to make the
environments of its own tests; `ensurepip` does that as well, so a stand-in takes its place. Environments and
caches are kept under .cache/, so that later runs take seconds.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.packaging.building import BIN, ROOT, build_collection, copy_tree, install_collection

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
GET_PIP = """
import subprocess, sys
arguments = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
subprocess.run([sys.executable, "-m", "ensurepip", "--default-pip"], check=True)
sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", *arguments]).returncode)
"""


def test_sanity(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "tree", litter=False)
    (tmp_path / "built").mkdir()
    tarball = build_collection(tree, tmp_path / "built")
    collection = install_collection(tarball, tmp_path / "collections")

    home = ROOT / ".cache" / f"sanity-{VERSION}"
    scripts = home / ".ansible" / "test" / "cache"
    scripts.mkdir(parents=True, exist_ok=True)
    for pip in pip_versions():
        (scripts / f"get_pip_{pip.replace('.', '_')}.py").write_text(GET_PIP, encoding="utf-8")

    keep_the_way_to_the_index(home)
    finished = subprocess.run(
        [BIN / "ansible-test", "sanity", "--local", "--python", VERSION, "--color", "no"],
        cwd=collection,
        env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    said = finished.stdout + finished.stderr
    ran = set(re.findall(r"^Running sanity test \W?([a-z0-9-]+)", said, re.MULTILINE))
    assert {"compile", "import", "pep8", "pylint", "validate-modules", "yamllint"} <= ran, finished.stderr


def pip_versions() -> set[str]:
    """The versions of pip for which this ansible-test would fetch a script."""
    import ansible_test

    (folder,) = ansible_test.__path__
    text = "".join(path.read_text(encoding="utf-8") for path in (Path(folder) / "_internal").glob("*.py"))
    found = set(re.findall(r"pip['\"]?\s*[:=]+\s*['\"](\d+(?:\.\d+)+)['\"]", text))
    assert found, "ansible-test no longer says which pip it wants"
    return found


def keep_the_way_to_the_index(home: Path) -> None:
    """ansible-test passes no variables on: what the user set for pip goes into the stand-in home's file."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    settings = {
        name.rpartition(".")[2]: ast.literal_eval(value)
        for name, value in (line.split("=", 1) for line in listing.splitlines())
        if name.startswith(("global.", ":env:."))
    }
    file = home / ".config" / "pip" / "pip.conf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(0o600)
    lines = (f"{name} = {value.replace(chr(10), chr(10) + '  ')}" for name, value in settings.items())
    file.write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
