"""A citizen with electronic signature who asks for an account; no two of a session are alike."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from tests.agreements import agreement
from tests.hosts.office import Applicant, Office


class Citizen(Applicant):
    """Like an applicant, but for a request by `via: ciudadano`."""

    def source(self) -> dict[str, Any]:
        """The request file's content, less the agreement."""
        return {
            "via": "ciudadano",
            "ciudadano": {
                "nombres": "Ana Lucía",
                "apellidos": "Ejemplo Chasi",
                "cedula": self.national_id,
                "cargo": "Presidenta de la Junta",
                "institucion": f"Junta Parroquial {self.acronym}",
                "titulo": "Ingeniera",
                "correo": f"ana@{self.case}.example.gob.ec",
                "telefono": "06 2999999",
                "celular": "0987654321",
                "direccion": "Barrio Inventado s/n",
                "certificado": "archivo",
            },
        }

    def write(self, office: Office, **changes: Any) -> Path:
        """Write the request file and the signed agreement beside it.

        :param changes: keys of the section `ciudadano`.
        """
        content = agreement(self.national_id)
        name = f"{self.case}.pdf.p7m"
        (office.folder / "requests" / name).write_bytes(content)
        source = self.source()
        source["ciudadano"].update(changes)
        source["acuerdo"] = {"archivo": name, "sha256": sha256(content).hexdigest()}
        path = office.folder / "requests" / f"{self.case}.yml"
        path.write_text(yaml.safe_dump(source, allow_unicode=True, default_style='"'))
        return path
