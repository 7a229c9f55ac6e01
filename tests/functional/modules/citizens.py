"""Citizens for tests: an item, an agreement, and the road number -> file -> database without Ansible."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from tests.functional.modules.conftest import CEDULA, Quipux, run_module

AGREEMENT = b"0\x80 an agreement that somebody signed \x00\xff"
SHA = hashlib.sha256(AGREEMENT).hexdigest()


def citizen(case: str = "fundacion", **changes: Any) -> dict[str, Any]:
    """An item as the driver gives it; None removes a key."""
    made = {
        "case": case,
        "state": "requested",
        "given_names": "María Fernanda",
        "surnames": "de la Torre Ejemplo",
        "national_id": CEDULA,
        "position": "Presidenta",
        "title": "Ingeniera",
        "organisation": "Fundación de Ejemplo",
        "email": "presidencia@fundacion.example.org",
        "phone": "022999999",
        "mobile": "0991234567",
        "address": "Calle Inventada 100, Quito",
        "city": "Azogues",
        "certificate": "file",
        "agreement_sha256": SHA,
        **changes,
    }
    return {key: value for key, value in made.items() if value is not None}


class Office:
    """A database and a bodega, and what the playbook does with them."""

    def __init__(self, quipux: Quipux, folder: Path, module: str = "citizen") -> None:
        self.quipux = quipux
        self.module = module
        self.bodega = folder / "bodega"
        self.bodega.mkdir(exist_ok=True)

    def number(self, item: dict[str, Any], check: bool = False, **options: Any) -> dict[str, Any]:
        """Reserve."""
        name = self.module + "_number"
        answer = self.quipux.call(name, items=[item], _ansible_check_mode=check, **options)
        assert "numbers" in answer, answer
        return dict(answer["numbers"][0])

    def store(
        self, item: dict[str, Any], number: dict[str, Any], content: bytes = AGREEMENT, check: bool = False
    ) -> dict[str, Any]:
        """Put the file there, or demand it."""
        entry = {"case": item["case"], "citizen": number["citizen"], "sha256": item["agreement_sha256"]}
        if number["file"] == "place":
            entry["content_base64"] = base64.b64encode(content).decode()
        answer = run_module(
            "citizen_storage",
            {"bodega": str(self.bodega), "items": [entry], "_ansible_check_mode": check},
        )
        assert "files" in answer, answer
        return dict(answer["files"][0])

    def stored(self, item: dict[str, Any], content: bytes = AGREEMENT) -> dict[str, Any]:
        """The item with its evidence, once number and file are there."""
        number = self.number(item)
        if number["error"] or not number["file"]:
            return item
        file = self.store(item, number, content)
        if file["error"]:
            return {**item, "stored": {"error": file["error"]}}
        return {**item, "stored": {"citizen": file["citizen"], "sha256": file["sha256"]}}

    def plan(self, item: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Check mode."""
        return self.quipux.one(item, check=True, module=self.module, **options)

    def run(self, item: dict[str, Any], content: bytes = AGREEMENT, **options: Any) -> dict[str, Any]:
        """All three steps; the result of the last one."""
        return self.quipux.one(self.stored(item, content), module=self.module, **options)

    def done(self, item: dict[str, Any], status: str = "ok", **options: Any) -> dict[str, Any]:
        """The same, which must go well."""
        result = self.run(item, **options)
        assert (result["status"], result["error"]) == (status, None), result
        return result

    def files(self) -> set[str]:
        """Whatever lies in the bodega."""
        return {str(path.relative_to(self.bodega)) for path in self.bodega.rglob("*") if path.is_file()}
