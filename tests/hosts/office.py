"""A small office: a workspace with its people, and the real command line to work in it."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import yaml

PEOPLE = ("autora", "operador", "aprobadora", "ejecutor")
PROGRAM = Path(sys.executable).with_name("quipux-provision")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Result:
    """What a call of the command line came to."""

    code: int
    output: str
    errors: str

    def json(self) -> Any:
        return json.loads(self.output)

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.output}\n{self.errors}"


@dataclass(frozen=True)
class Applicant:
    """The case of one invented institution; no two of a session are alike."""

    case: str
    ruc: str
    acronym: str
    national_id: str

    @classmethod
    def invent(cls) -> Applicant:
        number = next(_numbers)
        return cls(f"inst-{number}", _ruc(number), f"INST{number}", _cedula(number))

    def source(self) -> dict[str, Any]:
        """The request file's content."""
        return {
            "oficio": {"numero": f"{self.acronym}-DE-2026-0001-O", "fecha": "2026-11-03"},
            "via": "central",
            "institucion": {
                "nombre": f"Instituto de Ejemplo {self.acronym}",
                "ruc": self.ruc,
                "sigla": self.acronym,
                "telefono": "02 2999999",
                "direccion": "Calle Inventada 100, Quito",
                "ciudad": "Azogues",
            },
            "administrador": {
                "nombres": "María Fernanda",
                "apellidos": "Ejemplo Ñúñez",
                "cedula": self.national_id,
                "cargo": "Analista de Gestión Documental",
                "correo": f"maria@{self.case}.example.gob.ec",
                "telefono": "02 2999999",
                "extension": "1234",
                "celular": "0991234567",
            },
        }


VIAS = {"capacitacion": ["central"], "produccion": ["central", "ciudadano"], "propia": ["autoalojada"]}
# An office that asks neither for hours of training nor for a review: most tests are about the spine.
SPINE = {"exigir_capacitacion": False, "exigir_revision": False}


class Place(Protocol):
    """An environment as an office needs it: what the settings say of it, and who writes its inventory."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def vault_password(self) -> str: ...

    def write_inventory(self, folder: Path, **options: Any) -> Path: ...


class Office:
    """A workspace in `folder` for its environments; mails go to its outbox.

    :param policy: the settings' section; {} is the official process.
    """

    def __init__(self, folder: Path, *environments: Place, policy: Mapping[str, Any] = SPINE) -> None:
        self.folder = folder
        self.policy = dict(policy)
        self.environments = environments
        (folder / "requests").mkdir(parents=True)
        (folder / "secretos").mkdir(mode=0o700)
        signers = []
        for person in PEOPLE:
            key = self.key(person)
            key.parent.mkdir(mode=0o700, exist_ok=True)
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", key]
            subprocess.run(command, check=True)
            signers.append(f"{person} {key.with_suffix('.pub').read_text()}")
        (folder / "allowed_signers").write_text("".join(signers))
        for environment in self.environments:
            self.describe(environment)
        (folder / "quipux-provision.yml").write_text(yaml.safe_dump(self._settings()))

    def describe(self, environment: Place, **options: Any) -> Path:
        """Write an environment's inventory (again); gives its folder."""
        folder = self.folder / "inventories" / environment.name
        if folder.exists():
            subprocess.run(["rm", "-r", folder], check=True)
        environment.write_inventory(folder, **options)
        vault = self.folder / "secretos" / environment.name
        vault.touch(0o600)
        vault.write_text(environment.vault_password)
        return folder

    def _settings(self) -> dict[str, Any]:
        return {
            "identity": {"signers": "allowed_signers"},
            "environments": {
                environment.name: {
                    "kind": environment.kind,
                    "vias": VIAS[environment.kind],
                    "inventory": f"inventories/{environment.name}",
                    "url": environment.url,
                    "vault": {"file": f"secretos/{environment.name}"},
                    "demo": environment.url.startswith("http:"),
                }
                for environment in self.environments
            },
            "mail": {"sender": "Quipux <quipux@example.gob.ec>", "support": "soporte@example.gob.ec"},
            "policy": self.policy,
        }

    def use_reader(self, environment: str, inventory: Path) -> None:
        """Let what only reads run on *inventory*, which has the environment's vault password."""
        path = self.folder / "quipux-provision.yml"
        settings = yaml.safe_load(path.read_text())
        found = settings["environments"][environment]
        place = str(inventory.relative_to(self.folder))
        found["reading"] = {"inventory": place, "vault": dict(found["vault"])}
        path.write_text(yaml.safe_dump(settings))

    def today(self) -> str:
        """The day in Ecuador."""
        return datetime.now(ZoneInfo("America/Guayaquil")).date().isoformat()

    def key(self, person: str) -> Path:
        return self.folder.parent / "llaves" / person

    def write(self, applicant: Applicant) -> Path:
        """Write the request file of an applicant."""
        path = self.folder / "requests" / f"{applicant.case}.yml"
        text = yaml.safe_dump(applicant.source(), allow_unicode=True, default_style='"')
        path.write_text(text.replace('"2026-11-03"', "2026-11-03"))  # the one value that is no text
        return path

    def run(
        self,
        person: str,
        *arguments: str | Path,
        folder: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Result:
        """Call the command line as a person, in another folder or with more in its environment if told so."""
        done = subprocess.run(
            [PROGRAM, "--lang", "en", *arguments],
            cwd=folder or self.folder,
            env={**os.environ, "QUIPUX_PROVISION_KEY": str(self.key(person)), **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def must(self, person: str, *arguments: str | Path, code: int = 0, **options: Any) -> Result:
        """Call the command line and expect an exit code; options are those of `run`."""
        result = self.run(person, *arguments, **options)
        assert result.code == code, f"{' '.join(map(str, arguments))}: {result}"
        return result

    def approved(self, applicant: Applicant, environment: str = "training") -> None:
        """Bring a new applicant to where `apply` (or `promote`) is the next step."""
        if environment == "training":
            self.must("autora", "submit", self.write(applicant))
        self.must("operador", "plan", applicant.case, "--environment", environment)
        self.must("aprobadora", "approve", applicant.case, "--environment", environment, "--yes")

    def link(self, applicant: Applicant) -> str:
        """The activation link of the newest mail about an applicant's case that has one."""
        mails = (self.folder / "outbox").glob(f"*{applicant.case}*.eml")
        for mail in sorted(mails, key=lambda path: path.stat().st_mtime_ns, reverse=True):
            body = message_from_bytes(mail.read_bytes(), policy=policy.default).get_body(("plain",))
            assert body is not None
            found = re.search(r"https?://\S+usuarionuevo\.php\?\S+", body.get_content())
            if found:
                return found[0]
        raise AssertionError("no link in the outbox")


def _ruc(number: int) -> str:
    """A public body's RUC with a valid check digit, of a number that is nobody's."""
    for digits in itertools.count(99000 - number * 7, -1):
        body = f"176{digits:05d}"
        rest = sum(int(d) * w for d, w in zip(body, (3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
        if rest != 1:
            return f"{body}{(11 - rest) % 11}0001"
    raise AssertionError


def _cedula(number: int) -> str:
    """A cédula with a valid check digit, of a number that is nobody's."""
    body = f"2405{99900 - number:05d}"
    total = 0
    for position, digit in enumerate(body):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{body}{-total % 10}"
