"""The pages about an institution's own server say what roles, playbooks and driver do."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import yaml

from quipux_provision.cli.parser import build_parser
from tests.functional.docs.pages import ROOT, blocks, inline, table
from tests.functional.docs.test_pages import verbs

ENGLISH = {name: ROOT / "docs" / f"self-hosting{name}.md" for name in ("", "-operations", "-security")}
SPANISH = {
    english: ROOT / "docs" / "es" / f"servidor-propio{spanish}.md"
    for english, spanish in {"": "", "-operations": "-operacion", "-security": "-seguridad"}.items()
}
PAGES = [*ENGLISH.values(), *SPANISH.values()]
CODE = ("roles/**/*.yml", "roles/**/*.py", "roles/**/*.j2", "playbooks/*.yml", "plugins/**/*.py")


@cache
def code() -> str:
    """What the code says, texts that go over several lines put together."""
    files = [path for pattern in CODE for path in sorted(ROOT.glob(pattern))]
    texts = [re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8")) for path in files]
    return re.sub(r"\s+", " ", "\n".join(texts))


def typed(page: Path) -> list[str]:
    return [command.text for block in blocks(page) for command in block]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_shown_are_such_as_the_programs_take(page: Path) -> None:
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    for line in typed(page):
        for command in line.split(" && "):
            words = shlex.split(command)
            if words[0] == "quipux-provision":
                build_parser().parse_args(words[1:])  # ends with what it does not take
            for name in re.findall(r"quipux\.provision\.(\w+)", command):
                assert name in playbooks, command


@pytest.mark.parametrize("name", ENGLISH)
def test_both_languages_show_the_same_commands(name: str) -> None:
    assert typed(ENGLISH[name]) == typed(SPANISH[name])


@pytest.mark.parametrize("pages", [ENGLISH, SPANISH], ids=["en", "es"])
def test_every_verb_is_shown(pages: dict[str, Path]) -> None:
    shown = " ".join(part for page in pages.values() for part in [*inline(page), *typed(page)])
    found = [verb for verb, _parser in verbs(build_parser()) if verb.startswith("self-hosted ")]
    assert len(found) > 8
    assert [verb for verb in found if f"quipux-provision {verb}" not in shown] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_named_are_known(page: Path) -> None:
    known = code() + "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "inventories" / "self_hosted").rglob("main.yml")
    )
    named = set(
        re.findall(
            r"\b(?:quipux|upgrade|uninstall|backup|restore)_[a-z0-9_]*[a-z0-9]\b", page.read_text("utf-8")
        )
    )
    assert len(named) > 2
    assert [name for name in sorted(named) if not re.search(rf"\b{name}\b", known)] == []


OPERATIONS = [
    (ENGLISH["-operations"], "Message", "Check that is bad"),
    (SPANISH["-operations"], "Mensaje", "Comprobación que falla"),
]


@pytest.mark.parametrize(("page", "messages", "checks"), OPERATIONS, ids=["en", "es"])
def test_faults_explained_are_those_of_the_code(page: Path, messages: str, checks: str) -> None:
    texts = explained(page, messages)
    assert [text for text in texts if text not in code()] == []
    assert len(texts) > 20
    asked = {row[0].strip("`") for row in table(ROOT / "roles/verification/README.md", "Check")}
    assert set(explained(page, checks)) - asked == set()


def test_both_languages_explain_the_same_faults() -> None:
    english, spanish = ([explained(page, heading) for heading in headings] for page, *headings in OPERATIONS)
    assert english == spanish


def explained(page: Path, heading: str) -> list[str]:
    return [row[0].strip("`") for row in table(page, heading)]


def test_closed_addresses_are_those_of_the_role() -> None:
    variables = yaml.safe_load((ROOT / "roles/apache/vars/main.yml").read_text(encoding="utf-8"))
    expected = [[f"`{item['probe']}`", item["why"]] for item in variables["apache_denied"]]
    written = "\n".join(f"| {' | '.join(row)} |" for row in expected)
    assert table(ENGLISH["-security"], "Probe") == expected, f"the table should be:\n{written}"
    spanish = table(SPANISH["-security"], "Prueba")
    assert [row[0] for row in spanish] == [row[0] for row in expected]
