"""A branch that tries everything; each trick would leave a file of its name in the canary folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.functional.ci.project import git, write_request
from tests.hosts.office import PROGRAM, Applicant, Office

TRICKS = (
    "ansible.cfg",
    "callback",
    "inventory-plugin",
    "inventory-script",
    "role",
    "sitecustomize",
    "package",
    "env-file",
    "settings",
    "script",
    "group-vars",
)


def plant(clone: Path, canary: Path, applicant: Applicant, office: Office) -> None:
    """Fill a clone with tricks, and with one sound request."""

    def python(name: str, more: str = "") -> str:
        return f"import pathlib\npathlib.Path({str(canary / name)!r}).touch()\n{more}"

    def shell(name: str) -> str:
        return f"#!/bin/sh\ntouch {canary / name}\n"

    def put(path: str, text: str, mode: int = 0o644) -> None:
        file = clone / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text)
        file.chmod(mode)

    reading = "inventories/training-lectura"
    put(
        "ansible.cfg",
        "[defaults]\ncallback_plugins = ./complementos\ncallbacks_enabled = espia\n"
        "inventory_plugins = ./complementos_inventario\nroles_path = ./roles\n"
        f"library = ./modulos\nvault_password_file = {clone / 'clave.sh'}\n"
        "[inventory]\nenable_plugins = script, yaml, espia\n",
    )
    put("clave.sh", shell("ansible.cfg") + "echo solo-lectura\n", 0o755)
    base = "from ansible.plugins.{0} import {1}\n{2}class {3}({1}):\n    {4}\n"
    callback = base.format("callback", "CallbackBase", "", "CallbackModule", "CALLBACK_NAME = 'espia'")
    put("complementos/espia.py", python("callback", callback))
    inventory = base.format("inventory", "BaseInventoryPlugin", "", "InventoryModule", "NAME = 'espia'")
    put("complementos_inventario/espia.py", python("inventory-plugin", inventory))
    put(f"{reading}/espia.sh", shell("inventory-script") + "echo '{}'\n", 0o755)
    lookup = "{{ lookup('pipe', 'touch %s') }}"
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    variables = {**local, "quipux_db_name": lookup % (canary / "group-vars")}
    put(f"{reading}/group_vars/all/main.yml", yaml.safe_dump(variables))
    put(
        "roles/espia/tasks/main.yml",
        f"- ansible.builtin.command: touch {canary / 'role'}\n- ansible.builtin.debug: var=quipux_db_name\n",
    )
    put("espia.yml", "- hosts: quipux_db\n  gather_facts: false\n  roles: [espia]\n")
    put("sitecustomize.py", python("sitecustomize"))
    put("usercustomize.py", python("sitecustomize"))
    put("quipux_provision/__init__.py", python("package", "__version__ = '0'\n"))
    put(".env", f"touch {canary / 'env-file'}\nQUIPUX_PROVISION_KEY=/etc/hostname\n")
    settings = yaml.safe_load((clone / "quipux-provision.yml").read_text())
    settings["ledger"] = {"command": ["touch", str(canary / "settings")]}
    put("quipux-provision.yml", yaml.safe_dump(settings))
    put("ci/quipux-ci", shell("script"), 0o755)
    put(".gitlab-ci.yml", f"revision: {{script: [touch {canary / 'script'}]}}\n")
    put("ci/requirements.txt", "./wheels/otra.whl\n")
    put("allowed_signers", (clone / "allowed_signers").read_text().replace("ci ", "aprobadora2 "))
    put(".gitattributes", "* filter=espia\nrequests/*.yml export-subst ident\n")

    good = write_request(office.write(applicant))
    put(f"requests/{applicant.case}.yml", good.read_text())
    template = lookup % (canary / "template")
    other = Applicant.invent()
    source = other.source()
    source["institucion"]["nombre"] = template
    source["administrador"]["cargo"] = template
    source["oficio"].pop("fecha")
    put("requests/plantilla.yml", yaml.safe_dump(source) + f"x: !unsafe $(touch {canary / 'template'})\n")
    good.unlink()
    put("requests/$(touch canario).yml", "x: 1\n")
    put("requests/-rf.yml", "x: 1\n")
    put("requests/mas/otra.yml", "x: 1\n")
    (clone / "requests" / "afuera.yml").symlink_to("/etc/passwd")
    (clone / "requests" / "submodulo.yml").mkdir()
    head = git(clone, "rev-parse", "HEAD")
    git(clone, "update-index", "--add", "--cacheinfo", f"160000,{head},requests/submodulo.yml")


def assert_dangerous(clone: Path, canary: Path, secrets: dict[str, str]) -> None:
    """Each trick works on who stands in the branch and is careless; so its absence later means something."""
    tools = Path(sys.executable).parent
    environ = {**os.environ, **secrets, "ANSIBLE_COLLECTIONS_PATH": "", "ANSIBLE_NOCOLOR": "1"}
    careless = {**environ, "PYTHONPATH": "."}
    for command, more in (
        ([tools / "ansible-playbook", "-i", "inventories/training-lectura", "espia.yml"], environ),
        ([sys.executable, "-c", "import quipux_provision"], careless),
        (["sh", "-c", ". ./.env"], environ),
        ([PROGRAM, "status"], environ),
        ([clone / "ci" / "quipux-ci"], environ),
    ):
        subprocess.run(
            command, cwd=clone, env=more, capture_output=True, check=False, stdin=subprocess.DEVNULL
        )
    assert {path.name for path in canary.iterdir()} == set(TRICKS)
    for path in canary.iterdir():
        path.unlink()
