"""What stands in the documentation: its pages, its commands, its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
README, README_ES = ROOT / "README.md", ROOT / "README.es.md"
GUIDE = ROOT / "docs" / "es" / "operador.md"

_FENCE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DAY = re.compile(r"^#+ .*\(día (\d+)\)$", re.MULTILINE)
_PROMPT = re.compile(r"^(?P<who>[a-z]*)\$ (?P<text>.+?)(?:  +# (?P<code>\d+)\b.*)?$")


@dataclass(frozen=True)
class Command:
    """A line that somebody types; the comment `# 5: why` after it says that it exits with 5.

    :ivar day: how many days after the first one, as the heading above says: `... (día 8)`.
    """

    who: str
    text: str
    code: int
    place: str
    day: int = 0


def pages() -> list[Path]:
    """Every page that we wrote."""
    return sorted([README, README_ES, *(ROOT / "docs").rglob("*.md"), *(ROOT / "roles").glob("*/README.md")])


def blocks(page: Path) -> list[list[Command]]:
    """The `console` blocks of a page. Every line of one is a command."""
    text = page.read_text(encoding="utf-8")
    return [list(_commands(page, text, match)) for match in _FENCE.finditer(text)]


def _commands(page: Path, text: str, match: re.Match[str]) -> Iterator[Command]:
    first = text.count("\n", 0, match.start(1)) + 1
    days = _DAY.findall(text, 0, match.start())
    day = int(days[-1]) if days else 0
    for number, line in enumerate(match[1].splitlines(), start=first):
        place = f"{page.relative_to(ROOT)}:{number}"
        found = _PROMPT.match(line)
        assert found, f"{place}: a line of a console block starts with a prompt: {line}"
        yield Command(found["who"], found["text"].rstrip(), int(found["code"] or 0), place, day)


def inline(page: Path) -> list[str]:
    """What stands `between backticks`, outside fenced blocks."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


def table(page: Path, heading: str) -> list[list[str]]:
    """The rows (without header) of the first table whose header starts with *heading*."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line.strip("|"))
        rows.append([cell.strip().replace("\\|", "|") for cell in cells])
    return rows
