"""The official training: three modules, twelve hours, each module passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Key of the request -> name on paper.
MODULES = {
    "bandeja_entrada": "Bandeja de entrada",
    "bandeja_salida": "Bandeja de salida",
    "administracion": "Administración",
}
PUBLIC = ("modulo", "horas", "fecha", "aprobado")

Session = Mapping[str, Any]  # modulo, horas, fecha (ISO), aprobado, and instructor where it was told


def merged(recorded: Iterable[Session], added: Iterable[Session]) -> list[dict[str, Any]]:
    """Return the sessions in order of date; an added one replaces that of the same module and day."""
    found = {(one["modulo"], one["fecha"]): dict(one) for one in (*recorded, *added)}
    return sorted(found.values(), key=lambda one: (one["fecha"], one["modulo"]))


def hours(sessions: Iterable[Session]) -> float:
    """Return the hours of all modules together; a session that was not passed counts none."""
    return float(sum(one["horas"] for one in sessions if one["aprobado"]))


def missing(sessions: Iterable[Session], required: float) -> list[str]:
    """Return what is still missing, in the request's own words: modules, and ``horas``.

    A module is passed when its newest session was.
    """
    newest = {one["modulo"]: one for one in merged(sessions, ())}
    lacking = [module for module in MODULES if not newest.get(module, {}).get("aprobado")]
    return [*lacking, "horas"] if hours(sessions) < required else lacking
