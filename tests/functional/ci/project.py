"""An office as a project of GitLab: a bare repository, a protected branch, secrets, a runner."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from tests.functional.cli.attack import settings
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.environment import encrypt
from tests.hosts.office import Applicant, Office
from tests.packaging.building import build_wheel, copy_tree
from tests.stand_in.cluster import Cluster

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples" / "ci"
BRANCH = "main"
WRITER, READER = "libro", "libro_lectura"
NAMESPACES = ",".join(f"quipux-provision-{name}" for name in ("request", "run", "checkpoint"))


def git(folder: Path, *arguments: str | Path) -> str:
    """Run git as somebody whose own settings do not matter."""
    who = ("-c", "user.name=x", "-c", "user.email=x@example.gob.ec", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", folder, *who, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def pinned(folder: Path, wheel: Path) -> None:
    """Write ``requirements.txt`` with hashes: our wheel, and one that stands for what it depends on."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    name = "dependencias-1.0"
    info = f"{name}.dist-info"
    content = {
        "dependencias.pth": f"{packages}\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: dependencias\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in content.items():
        digest = urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text)}\n"
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    with zipfile.ZipFile(wheels / f"{name}-py3-none-any.whl", "w") as archive:
        for path, text in (content | {f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}).items():
            archive.writestr(path, text)
    shutil.copy(wheel, wheels)
    (folder / "requirements.txt").write_text(
        "".join(
            f"./wheels/{path.name} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
            for path in sorted(wheels.iterdir())
        )
    )


@dataclass(frozen=True)
class Job:
    """What a job of the pipeline came to."""

    code: int
    log: str
    folder: Path

    @property
    def reports(self) -> dict[str, ElementTree.Element]:
        return {
            path.stem[3:]: ElementTree.fromstring(path.read_text())
            for path in sorted((self.folder / "informe").glob("*.xml"))
        }

    def failed(self, report: str) -> dict[str, str]:
        """The cases of a report that failed, and why."""
        return {
            str(case.get("name")): str(told.get("message"))
            for case in self.reports[report].iter("testcase")
            for told in [*case.findall("failure"), *case.findall("error")]
        }

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.log}"


class Project:
    """The project, its people's office (a clone in which they sign), and its runner."""

    def __init__(
        self, folder: Path, environments: dict[str, LocalEnvironment], cluster: Cluster, wheel: Path
    ) -> None:
        self.folder = folder
        self.environments = environments
        self.origin = folder / "origin.git"
        self.keep = folder / "perdura"
        self.keep.mkdir(mode=0o700)
        self.pipeline = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())
        self._cluster = cluster
        self._jobs = 0
        training, production = environments["training"], environments["production"]
        self.office = Office(folder / "oficina", training, production, policy={"exigir_revision": False})
        self.urls = self._make_ledger()
        self._configure()
        key = self.office.key("ci")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ci", "-f", key], check=True)
        with (self.office.folder / "allowed_signers").open("a") as signers:
            signers.write(f'ci namespaces="{NAMESPACES}" {key.with_suffix(".pub").read_text()}')
        shutil.copytree(EXAMPLES, self.office.folder / "ci")
        pinned(self.office.folder / "ci", wheel)
        template = ROOT / "quipux_provision" / "workspace_template" / "gitignore"
        shutil.copy(template, self.office.folder / ".gitignore")
        (self.office.folder / "requests" / ".gitkeep").touch()
        subprocess.run(["git", "init", "-q", "--bare", "-b", BRANCH, self.origin], check=True)
        subprocess.run(["git", "init", "-q", "-b", BRANCH, self.office.folder], check=True)
        git(self.office.folder, "remote", "add", "origin", self.origin)
        self.push("La oficina")
        # Whoever may write makes the ledger; who only reads finds it there.
        self.office.must("operador", "status", environ=self.secrets("operador"))

    def _make_ledger(self) -> dict[str, str]:
        sql, place = self._cluster.sql, f"{self._cluster.host}:{self._cluster.port}/{WRITER}"
        sql("postgres", f"CREATE ROLE {WRITER} LOGIN PASSWORD 'escribe'")
        sql("postgres", f"CREATE ROLE {READER} LOGIN PASSWORD 'lee'")
        sql("postgres", f"CREATE DATABASE {WRITER} OWNER {WRITER}")
        grant = f"ALTER DEFAULT PRIVILEGES FOR ROLE {WRITER} GRANT SELECT ON TABLES TO {READER}"
        sql(WRITER, grant)
        return {
            "write": f"postgresql://{WRITER}:escribe@{place}",
            "read": f"postgresql://{READER}:lee@{place}",
        }

    def drop_ledger(self) -> None:
        self._cluster.sql("postgres", f"DROP DATABASE {WRITER} WITH (FORCE)")
        self._cluster.sql("postgres", f"DROP ROLE {WRITER}")
        self._cluster.sql("postgres", f"DROP ROLE {READER}")

    def _configure(self) -> None:
        """Secrets by variable, signers from the protected branch, an inventory that only reads."""
        training = self.environments["training"]
        reading = self.office.folder / "inventories" / "training-lectura"
        training.write_inventory(reading, quipux_db_user="quipux_ro")
        password = {"quipux_db_password": training.database.cluster.role_passwords["quipux_ro"]}
        vault = encrypt(yaml.safe_dump(password), "solo-lectura", reading)
        (reading / "group_vars" / "all" / "vault.yml").write_text(vault)
        described = yaml.safe_load((self.office.folder / "quipux-provision.yml").read_text())["environments"]
        for name, environment in described.items():
            environment["vault"] = {"env": f"QUIPUX_VAULT_{name.upper()}"}
        described["training"]["reading"] = {
            "inventory": "inventories/training-lectura",
            "vault": {"env": "QUIPUX_VAULT_TRAINING_READING"},
        }
        settings(
            self.office,
            ledger={"env": "QUIPUX_LEDGER_URL"},
            identity={"signers": f"git:origin/{BRANCH}:allowed_signers"},
            environments=described,
        )

    def secrets(self, environment: str) -> dict[str, str]:
        """The variables that the project gives to jobs of an environment, or to a person."""
        vaults = {
            f"QUIPUX_VAULT_{name.upper()}": one.vault_password for name, one in self.environments.items()
        }
        signing = {
            "QUIPUX_LEDGER_URL": self.urls["write"],
            "QUIPUX_CI_KEY": str(self.office.key("ci")),
            "QUIPUX_CI_KEEP": str(self.keep),
        }
        return {
            "revision": {
                "QUIPUX_LEDGER_URL": self.urls["read"],
                "QUIPUX_VAULT_TRAINING_READING": "solo-lectura",
            },
            "capacitacion": signing | {"QUIPUX_VAULT_TRAINING": vaults["QUIPUX_VAULT_TRAINING"]},
            "produccion": signing | {"QUIPUX_VAULT_PRODUCTION": vaults["QUIPUX_VAULT_PRODUCTION"]},
            "diario": signing | vaults,
            "operador": {"QUIPUX_LEDGER_URL": self.urls["write"]},
            "aprobadora": {"QUIPUX_LEDGER_URL": self.urls["read"]},
        }[environment]

    def push(self, text: str) -> str:
        """Bring what lies in the office into the protected branch; gives the commit."""
        git(self.office.folder, "add", "--all")
        git(self.office.folder, "commit", "-q", "-m", text)
        git(self.office.folder, "push", "-q", "origin", f"HEAD:{BRANCH}")
        return git(self.office.folder, "rev-parse", "HEAD")

    def branch(self, name: str) -> Path:
        """A clone on a new branch, to propose something from."""
        clone = self.folder / name
        subprocess.run(["git", "clone", "-q", self.origin, clone], check=True)
        git(clone, "checkout", "-q", "-b", name)
        return clone

    def propose(self, clone: Path) -> str:
        """Push everything of a branch's clone; gives the commit."""
        git(clone, "add", "--all", "--force")
        git(clone, "commit", "-q", "-m", "Propuesta")
        git(clone, "push", "-q", "origin", "HEAD")
        return git(clone, "rev-parse", "HEAD")

    def script(self, name: str) -> str:
        """The very commands of a job."""
        return "\n".join([*self.pipeline["default"]["before_script"], *self.pipeline[name]["script"]])

    def start(self, name: str, commit: str, checkout: str | None = None, **more: str) -> Running:
        """Run a job in a clone of its own, without a terminal.

        :param checkout: what an earlier job left in the folder.
        """
        self._jobs += 1
        clone = self.folder / f"trabajo-{self._jobs}"
        subprocess.run(["git", "clone", "-q", "--no-checkout", self.origin, clone], check=True)
        git(clone, "fetch", "-q", "origin", commit)
        if checkout:
            git(clone, "checkout", "-q", "--detach", checkout)
        home = self.folder / f"casa-{self._jobs}"
        home.mkdir()
        environ = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(home),
            "LANGUAGE": "en",
            "CI_DEFAULT_BRANCH": BRANCH,
            "CI_COMMIT_SHA": commit,
            **self.secrets(self.pipeline[name]["environment"]["name"]),
            **more,
        }
        return Running(self.script(name), clone, environ)

    def must(self, name: str, commit: str | None = None, *, code: int = 0, **options: Any) -> Job:
        """Run a job and expect an exit code."""
        head = commit or git(self.origin, "rev-parse", BRANCH)
        job = self.start(name, head, **options).result()
        assert job.code == code, str(job)
        return job

    def events(self) -> list[tuple[str, str | None]]:
        """Kind and case of every event."""
        return [
            (kind, case)
            for kind, case in self._cluster.sql(WRITER, 'SELECT kind, "case" FROM events ORDER BY seq')
        ]

    def approve(self, environment: str, *applicants: Applicant) -> None:
        """Let the approver sign, who may only read the ledger; her document goes into the branch."""
        names = [applicant.case for applicant in applicants]
        self.office.must(
            "aprobadora",
            *("approve", *names, "-e", environment, "--yes", "--output", "approvals"),
            environ=self.secrets("aprobadora"),
        )
        self.push(f"Aprobaciones para {environment}")

    def write(self, *applicants: Applicant) -> None:
        """Write requests that carry the hours of training."""
        for applicant in applicants:
            write_request(self.office.write(applicant))


def write_request(path: Path) -> Path:
    """Add the hours of training to a request file."""
    modules = ("bandeja_entrada", "bandeja_salida", "administracion")
    sessions = "".join(
        f"- {{modulo: {one}, horas: 4, fecha: 2026-11-04, aprobado: true}}\n" for one in modules
    )
    path.write_text(f"{path.read_text()}capacitacion:\n{sessions}")
    return path


class Running:
    """A job under way."""

    def __init__(self, script: str, folder: Path, environ: dict[str, str]) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def result(self) -> Job:
        try:
            log, _errors = self._process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise
        return Job(self._process.returncode, log, self._folder)


def make_wheel(folder: Path) -> Path:
    """Build our wheel as it would be published."""
    return build_wheel(copy_tree(folder / "tree", litter=False), folder / "dist")


def commands(text: str) -> set[str]:
    """The words after ``ci/quipux-ci`` in a pipeline."""
    return set(re.findall(r"ci/quipux-ci ([a-z-]+)", re.sub(r"(?m)^\s*#.*$", "", text)))
