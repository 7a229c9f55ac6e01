"""A good request, and a way to spoil it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from quipux_provision.domain.request import Problem, Request
from quipux_provision.store.strict_yaml import load_request

GOOD = """\
oficio:
  numero: INEJ-DE-2026-0123-O
  fecha: 2026-11-03
via: central
institucion:
  nombre: Instituto Nacional de Ejemplo
  ruc: "1769999930001"
  sigla: INEJ
  telefono: "02 2999999"
  direccion: Calle Inventada 100, Quito
administrador:
  nombres: María Fernanda
  apellidos: Ejemplo Loor
  cedula: "2405999992"
  cargo: Analista de Gestión Documental
  correo: maria.ejemplo@inej.example.gob.ec
  telefono: "02 2999999"
  celular: "0991234567"
"""
TODAY = date(2026, 11, 22)

Load = Callable[..., tuple[Request | None, list[Problem]]]


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a text (the good one, with pieces replaced) as requests/inej.yml."""

    def run(*changes: tuple[str, str], text: str | bytes = GOOD, name: str = "inej.yml"):
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return load_request(path, today=TODAY)

    return run
