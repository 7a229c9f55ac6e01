"""What the pages say is what the code knows: links, verbs, settings, fields, events, exit codes."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

import pytest

from quipux_provision import errors, i18n
from quipux_provision.cli import main
from quipux_provision.cli.parser import build_parser
from quipux_provision.domain import kinds
from quipux_provision.domain.activities import ESTADOS, in_menu_order
from quipux_provision.domain.field_types import Listing, Scalar, Section
from quipux_provision.domain.fields import (
    ADOPTED_REQUEST,
    CHANGE_REQUEST,
    CITIZEN_REQUEST,
    INSTITUTION_REQUEST,
)
from quipux_provision.domain.policy import LIMITS, SWITCHES, Policy
from quipux_provision.domain.review import VERDICTS
from quipux_provision.errors import ProvisionError
from quipux_provision.outreach.workbook_model import FILLED_IN
from quipux_provision.service.drift import DRIFT_FOUND
from quipux_provision.store.settings import SettingsError, load_settings
from tests.functional.docs.pages import GUIDE, README, README_ES, ROOT, blocks, inline, pages, table

DOCS = ROOT / "docs"
REQUESTS, SETTINGS, CASES = (DOCS / "es" / f"{name}.md" for name in ("solicitud", "configuracion", "casos"))
WORKBOOK = DOCS / "es" / "plantilla.md"
LEDGER = DOCS / "reference" / "ledger.md"
OTHER_CODES = {0, 10}  # what no error has: done, and changes pending


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?://|mailto:", target):
            continue
        name, _hash, anchor = unquote(target).partition("#")
        found = (page.parent / name).resolve() if name else page
        if not found.exists() or (anchor and found.suffix == ".md" and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text(encoding="utf-8"))
        waiting += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert {str(page) for page in pages()} - {str(page) for page in seen} == set()


def verbs(
    parser: argparse.ArgumentParser, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every verb with its action: `approve`, `approvals import`."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield " ".join(above), parser
    for name, child in (item for action in below for item in action.choices.items()):
        yield from verbs(child, (*above, name))


def test_every_verb_is_documented_and_no_other() -> None:
    """Each with whether it signs: such verbs take a key."""
    rows = {name.strip("`"): signs for name, _about, signs in table(CASES, "Orden")}
    assert rows == {
        name: "sí" if "--key" in parser._option_string_actions else "no"
        for name, parser in verbs(build_parser())
    }


def test_commands_in_running_text_are_such_as_the_program_takes() -> None:
    found = [
        (page, text) for page in pages() for text in inline(page) if text.startswith("quipux-provision ")
    ]
    assert len(found) > 5
    for page, text in found:
        words = shlex.split(text)[1:]
        if " ".join(words) in dict(verbs(build_parser())):
            continue  # a verb named, not a command shown
        try:
            build_parser().parse_args(words)
        except SystemExit as ended:
            if ended.code != 0:  # 0: --help
                pytest.fail(f"{page.relative_to(ROOT)}: {text}")


def all_errors(kind: type[ProvisionError] = ProvisionError) -> set[type[ProvisionError]]:
    return {kind}.union(*(all_errors(below) for below in kind.__subclasses__()))


@pytest.mark.parametrize(("page", "heading"), [(README, "Code"), (README_ES, "Código")])
def test_exit_codes_are_those_of_the_code(page: Path, heading: str) -> None:
    ours = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type)} | OTHER_CODES
    ours |= {kind.exit_code for kind in all_errors()} | {DRIFT_FOUND}
    rows = [int(row[0]) for row in table(page, heading)]
    assert rows == sorted(ours)
    epilog = {int(code) for code in re.findall(r"\b(\d+) ", build_parser().epilog or "")}
    assert epilog == ours - {1}
    assert {
        int(code) for code in re.findall(r"(?<![\w.])(\d+) ", main.__doc__.split("Exit codes:")[1])
    } == ours


def test_the_guide_says_what_to_do_with_every_error() -> None:
    rows = {int(row[0]) for row in table(GUIDE, "Código")}
    assert rows == {int(row[0]) for row in table(README_ES, "Código")} - OTHER_CODES


SECTIONS = {
    "": "x: 1",
    "ledger": "ledger: {url: sqlite:///ledger.db, x: 1}",
    "identity": "identity: {x: 1}",
    "environments.AMBIENTE": "environments: {training: {x: 1}}",
    "environments.AMBIENTE.reading": "environments: {training: {reading: {x: 1}}}",
    "mail": "mail: {x: 1}",
    "policy": "policy: {x: 1}",
}


def known_settings(folder: Path) -> set[str]:
    """Every key that settings may have, as the program itself names them to somebody who errs."""
    i18n.activate("en")
    known = set()
    for section, text in SECTIONS.items():
        (folder / "quipux-provision.yml").write_text(text + "\n", encoding="utf-8")
        with pytest.raises(SettingsError) as refused:
            load_settings(folder, environ={})
        hint = re.search(r"use: (.+)$", refused.value.message, re.MULTILINE)
        assert hint, refused.value.message
        known |= {f"{section}.{key}".strip(".") for key in hint[1].split(", ")}
    return known - {"ledger", "identity", "environments", "mail", "policy"}


def test_settings_documented_are_those_known(tmp_path: Path) -> None:
    documented = {row[0].strip("`") for row in table(SETTINGS, "Clave")}
    known = known_settings(tmp_path) | {"ledger"}
    assert documented == known


def test_policy_documented_has_the_defaults_of_the_code() -> None:
    defaults = {row[0].strip("`"): row[1].strip("`") for row in table(SETTINGS, "Clave")}
    policy = Policy()
    for key, field in {**{key: limits[0] for key, limits in LIMITS.items()}, **SWITCHES}.items():
        assert defaults[f"policy.{key}"] == str(getattr(policy, field)).lower()
    assert defaults["policy.avisos_dias"] == str(list(policy.reminder_days))
    assert defaults["policy.zona"] == policy.zone


def request_rows(
    section: Section, above: str = "", optional: str = "", only: tuple[str, ...] = ()
) -> Iterator[list[str]]:
    """A table of a request's fields, from the one table that loader and schema read."""
    for key, child in section.fields.items():
        if only and key not in only:
            continue
        name = f"{above}{key}"
        if isinstance(child, Section):
            yield from request_rows(child, f"{name}.", optional or ("" if child.required else name))
        elif isinstance(child, Listing):
            yield from request_rows(child.item, f"{name}[].", name)
        else:
            yield request_row(name, child, optional)


def request_row(name: str, field: Scalar, optional: str) -> list[str]:
    needed = (f"sí, si hay `{optional}`" if optional else "sí") if field.required else "no"
    about = field.about
    if field.choices:
        about += f" Valores: {', '.join(f'`{choice}`' for choice in field.choices)}."
    if field.default:
        about += f" Por defecto, `{field.default}`."
    return [f"`{name}`", needed, str(field.limit or ""), about]


@pytest.mark.parametrize(
    ("heading", "section", "only"),
    [
        ("Campo", INSTITUTION_REQUEST, ()),
        ("Campo del ciudadano", CITIZEN_REQUEST, ("ciudadano", "acuerdo")),
        ("Campo del cambio", CHANGE_REQUEST, ("cambio",)),
        ("Campo de la adopción", ADOPTED_REQUEST, ("adopcion",)),
    ],
)
def test_request_fields_documented_are_those_of_the_loader(
    heading: str, section: Section, only: tuple[str, ...]
) -> None:
    expected = list(request_rows(section, only=only))
    written = "\n".join(f"| {' | '.join(row)} |" for row in expected)
    assert table(REQUESTS, heading) == expected, f"the table should be:\n{written}"


def constants(module: Mapping[str, object]) -> set[str]:
    """Kinds of event: the constants with a dot in their value."""
    return {
        text
        for name, text in module.items()
        if name.isupper() and isinstance(text, str) and re.fullmatch(r"[a-z]+\.[a-z_]+", text)
    }


def test_ledger_events_documented_are_those_of_the_code() -> None:
    assert {row[0].strip("`") for row in table(LEDGER, "Kind")} == constants(vars(kinds))


def test_states_documented_are_those_of_the_code() -> None:
    states = set(kinds.STATES)
    assert {row[0].strip("`") for row in table(CASES, "Estado")} == states


def test_activities_documented_are_those_of_the_workbook() -> None:
    expected = [[one.id, one.group, one.where, one.text, one.weight] for one in in_menu_order()]
    written = "\n".join(f"| {' | '.join(row)} |" for row in expected)
    assert table(WORKBOOK, "Id") == expected, f"the table should be:\n{written}"
    assert [row[0] for row in table(WORKBOOK, "Columna")] == list(FILLED_IN)
    assert set(ESTADOS) <= set(inline(WORKBOOK))


def test_the_guide_knows_every_verdict_of_a_review() -> None:
    found = [row[0].strip("*").replace(" ", "_") for row in table(GUIDE, "Resultado")]
    assert found == list(VERDICTS)


def test_the_guide_s_days_only_go_forward() -> None:
    days = [command.day for block in blocks(GUIDE) for command in block]
    assert days == sorted(days)
    assert days[-1] > Policy().retention_days


def test_guide_and_readmes_show_commands() -> None:
    assert all(blocks(page) for page in (README, README_ES, GUIDE))
