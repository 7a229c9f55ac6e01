"""Invented institutions by the thousand: high, unlikely numbers with valid check digits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

_TEMPLATE = """\
oficio:
  numero: {sigla}-DE-2026-{number:04d}-O
  fecha: 2026-11-03
  firmante: {{nombre: Rosa Ejemplo, cargo: Directora Ejecutiva}}
via: central
institucion:
  nombre: Instituto Inventado Número {number}
  ruc: "{ruc}"
  sigla: {sigla}
  telefono: "02 2999999"
  direccion: Calle Inventada {number}, Quito
administrador:
  nombres: María Fernanda
  apellidos: Ejemplo Loor
  cedula: "{cedula}"
  cargo: Analista de Gestión Documental
  correo: maria.ejemplo@{case}.example.gob.ec
  telefono: "02 2999999"
  extension: "1234"
  celular: "0991234567"
"""


def taxpayers() -> Iterator[str]:
    """RUCs of the public kind (third digit 6), downwards from the highest."""
    for number in count(99999, -1):
        digits = f"176{number:05d}"
        rest = (
            sum(int(digit) * weight for digit, weight in zip(digits, (3, 2, 7, 6, 5, 4, 3, 2), strict=True))
            % 11
        )
        if rest != 1:
            yield f"{digits}{(11 - rest) % 11}0001"


def citizens() -> Iterator[str]:
    """Cédulas of province 24, downwards from the highest."""
    for number in count(599999, -1):
        digits = [int(digit) for digit in f"240{number:06d}"]
        doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[::2])
        yield "".join(map(str, digits)) + str(-(sum(doubled) + sum(digits[1::2])) % 10)


def write_requests(folder: Path, total: int) -> list[str]:
    """Write *total* request files into *folder* and return the names of their cases."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = []
    for number, ruc, cedula in zip(range(1, total + 1), taxpayers(), citizens(), strict=False):
        case = f"b{number:04d}"
        text = _TEMPLATE.format(number=number, ruc=ruc, cedula=cedula, case=case, sigla=case.upper())
        (folder / f"{case}.yml").write_text(text, encoding="utf-8")
        cases.append(case)
    return cases
