"""Modules run as Ansible runs them on a target: a Python process that gets JSON; here, on both layouts."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import VARIANTS
from tests.stand_in.cluster import Cluster
from tests.stand_in.database import REAL_VARIABLE, Database, load, real_folder

ROOT = Path(__file__).resolve().parents[3]
RUC, CEDULA, CODE_HASH = "1769999930001", "2405999992", "0123456789abcdef0123456789"


def run_module(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the module answers."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "plugins" / "modules" / f"{name}.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={"PYTHONPATH": str(ROOT / ".collections"), "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def item(case: str = "inej", **changes: Any) -> dict[str, Any]:
    """An item as the driver gives it; `administrator__email=...` reaches inside, None removes."""
    made: dict[str, Any] = {
        "case": case,
        "ruc": RUC,
        "name": "Instituto Nacional de Ejemplo",
        "acronym": "INEJ",
        "phone": "022999999",
        "address": "Calle Inventada 100, Quito",
        "city": "Azogues",
        "administrator": {
            "given_names": "María Fernanda",
            "surnames": "Ejemplo Loor",
            "national_id": CEDULA,
            "position": "Analista de Gestión Documental",
            "email": "maria.ejemplo@inej.example.gob.ec",
            "phone": "022999999 ext. 1234",
            "mobile": "0991234567",
        },
    }
    for key, value in changes.items():
        *path, last = key.split("__")
        target = made
        for step in path:
            target = target[step]
        target[last] = value
    return made


def numbered(number: int, **changes: Any) -> dict[str, Any]:
    """One of many items that share nothing."""
    return item(
        f"case-{number}",
        **{
            "ruc": f"17{number:08d}001",
            "acronym": f"E{number}",
            "name": f"Instituto {number}",
            "administrator__national_id": f"24{number:08d}",
            **changes,
        },
    )


def previous(of: dict[str, Any]) -> dict[str, Any]:
    """The driver's `previous` after it applied this item."""
    taken = copy.deepcopy(of)
    person = taken.pop("administrator")
    return {"institution": taken, "administrator": person}


@dataclass
class Quipux:
    """A Quipux database of one test, and the modules on it."""

    database: Database

    def call(self, module: str, *, user: str = "quipux_prov", **arguments: Any) -> dict[str, Any]:
        cluster = self.database.cluster
        connection = {
            "login_host": cluster.host,
            "login_port": cluster.port,
            "login_user": user,
            "login_password": cluster.role_passwords[user],
            "login_db": self.database.name,
        }
        return run_module(module, {**connection, **arguments})

    def run(
        self, *items: dict[str, Any], check: bool = False, module: str = "institution", **arguments: Any
    ) -> Any:
        """Results of the items."""
        answer = self.call(module, items=list(items), _ansible_check_mode=check, **arguments)
        assert "items" in answer, answer
        return answer["items"]

    def one(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """The result of one item."""
        (result,) = self.run(*arguments, **options)
        return dict(result)

    def sql(self, text: str, values: Any = None) -> list[tuple[Any, ...]]:
        return self.database.sql(text, values)

    def value(self, text: str, values: Any = None) -> Any:
        return self.sql(text, values)[0][0]

    def row(self, table: str, where: str, values: Any = None) -> dict[str, Any]:
        """The one row as a mapping."""
        rows = self.sql(f"SELECT row_to_json(x) FROM {table} x WHERE {where}", values)
        assert len(rows) == 1, rows
        return dict(rows[0][0])

    def dump(self) -> dict[str, Any]:
        """All rows of all tables, and the sequences' states."""
        names = self.sql(
            "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace AND "
            "relkind IN ('r', 'S')"
        )
        return {
            name: self.sql(
                f'SELECT {"last_value, is_called" if kind == "S" else "x::text"} FROM "{name}" x ORDER BY 1'
            )
            for name, kind in names
        }

    def app_insert_user(self, **columns: Any) -> int:
        """A row as the web pages would leave it; gives its number."""
        row = {
            "usua_nomb": "Otra",
            "usua_apellido": "Persona",
            "usua_cargo": "Técnica",
            "usua_cargo_cabecera": "Técnica",
            "usua_email": "otra@example.gob.ec",
            "usua_telefono": "022888888",
            "usua_celular": "",
            "ciu_codi": 49,
            "usua_esta": 1,
            "usua_nuevo": 1,
            "tipo_identificacion": 0,
            "usua_tipo_certificado": 0,
            **columns,
        }
        row.setdefault("usua_login", f"U{row['usua_cedula']}")
        names = ", ".join(row)
        return int(
            self.value(
                f"INSERT INTO usuarios ({names}) VALUES ({', '.join(['%s'] * len(row))}) RETURNING usua_codi",
                tuple(row.values()),
            )
        )


@pytest.fixture
def quipux(variant: str, cluster: Cluster) -> Iterator[Quipux]:
    """A fresh database with our roles in it."""
    database = load(cluster, "quipux_modules", variant, roles=True)
    yield Quipux(database)
    database.drop()


@pytest.fixture(scope="module", params=VARIANTS)
def shared(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Quipux]:
    """One database for the tests of a file that only look."""
    if request.param == "real" and real_folder() is None:
        pytest.skip(f"the real layout needs {REAL_VARIABLE}=FOLDER (SCRIPTBD of a Quipux release)")
    database = load(cluster, "quipux_modules_shared", request.param, roles=True)
    yield Quipux(database)
    database.drop()
