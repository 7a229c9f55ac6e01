"""The board as files: what the verb writes, what it leaves alone, what nobody may read in it."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.quipux.provision.plugins.module_utils._drift import SEVERITIES

from quipux_provision.domain import kinds
from quipux_provision.outreach.board import Countdown, words
from quipux_provision.outreach.board.charts import countdown_marks
from quipux_provision.outreach.board.words import happening
from quipux_provision.service.board import gather, write_board
from tests.browser.stories import CEDULA, EMAIL, MOBILE, NOW, Registry, office, story

PROGRAM = Path(sys.executable).with_name("quipux-provision")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with cases in every state; not to be changed."""
    folder = tmp_path_factory.mktemp("hecha") / "oficina"
    office(folder).write().ledger.close()
    return folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "oficina"))


def board(
    folder: Path, *arguments: str | Path, before: Callable[[], Any] | None = None
) -> subprocess.CompletedProcess[str]:
    """Call the verb."""
    return subprocess.run(
        [PROGRAM, "--lang", "en", "board", *arguments],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
        preexec_fn=before,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_verb_writes_a_page_for_each_case_that_only_its_owner_reads(workspace: Path) -> None:
    done = board(workspace, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["cases"] == 17
    folder = Path(told["index"]).parent
    assert folder == workspace / "board"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert len(list(folder.glob("caso-*.html"))) == 17
    assert [path.name for path in workspace.iterdir() if path.name.endswith(".board")] == []


def test_the_text_form_says_where_and_how_many_are_late(workspace: Path, tmp_path: Path) -> None:
    done = board(workspace, "--output", tmp_path / "new" / "site")
    assert done.stdout.startswith("board of 17 cases, ")
    assert done.stdout.endswith(f": {tmp_path / 'new' / 'site' / 'index.html'}\n")


def test_the_same_ledger_at_the_same_time_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    workspace = Registry(made).open()
    write_board(workspace, tmp_path / "one")
    write_board(Registry(made).open(), tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_no_personal_data_stands_in_it(made: Path, tmp_path: Path) -> None:
    write_board(Registry(made).open(), tmp_path / "site")
    texts = "".join(data.decode() for data in contents(tmp_path / "site").values())
    hidden = (CEDULA, EMAIL, "maria.ejemplo", MOBILE, "0991234567", "022999999", "María", "Loor", "Docente")
    # Free texts may name anybody: reasons and the workbook's remarks.
    for secret in (*hidden, "Juan Nombrado", "Fusión"):
        assert secret not in texts
    for masked in ("24******92", "m***@inej.example.gob.ec", "09******67", "M. F. E. L.", "E. D. P."):
        assert masked in texts


def test_drift_stands_on_the_index_and_at_the_case(made: Path, tmp_path: Path) -> None:
    write_board(Registry(made).open(), tmp_path / "site")
    index = (tmp_path / "site" / "index.html").read_text()
    for text in (
        "production: 3 errores, 2 avisos",
        "training: 0 errores, 0 avisos",
        '<a href="caso-senaj.html#desviacion">senaj</a>',
        "Instituciones que nadie creó por esta vía",
        "El superadministrador conserva la contraseña publicada",
    ):
        assert text in index
    marked = (tmp_path / "site" / "caso-senaj.html").read_text()
    assert "Permisos que nadie de una institución puede tener" in marked
    assert ">Desviado</a>" in marked
    warned = (tmp_path / "site" / "caso-copej.html").read_text()
    assert "Sin AIQ de respaldo" in warned
    assert ">Desviado</a>" not in warned
    assert "Nada: está como se entregó." in warned  # in training
    assert 'id="desviacion"' not in (tmp_path / "site" / "caso-recej.html").read_text()


def test_the_board_has_words_for_every_finding() -> None:
    assert set(words.DRIFT) == set(SEVERITIES)


def test_an_old_board_is_replaced_as_a_whole(workspace: Path) -> None:
    assert board(workspace).returncode == 0
    (workspace / "board" / "caso-gone.html").write_text("of a ledger that was")
    assert board(workspace).returncode == 0
    assert "caso-gone.html" not in contents(workspace / "board")


@pytest.mark.parametrize("name", ["notas.txt", "index.html", "caso-mia.html"])
def test_a_folder_of_somebody_else_is_left_alone(workspace: Path, tmp_path: Path, name: str) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / name).write_text("mine")
    done = board(workspace, "--output", mine)
    assert done.returncode == 2
    assert done.stderr == (
        f"ERROR: {mine} holds something else than a board\nHINT:  name a new or empty folder: --output DIR\n"
    )
    assert contents(mine) == {name: b"mine"}


def test_a_board_with_a_foreign_file_in_it_is_left_alone(workspace: Path) -> None:
    board(workspace)
    (workspace / "board" / "notas.txt").write_text("mine")
    before = contents(workspace / "board")
    assert board(workspace).returncode == 2
    assert contents(workspace / "board") == before


def test_a_file_in_its_place_is_left_alone(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert board(workspace, "--output", tmp_path / "file").returncode == 2
    assert board(workspace, "--output", tmp_path / "file" / "below").returncode == 2
    assert (tmp_path / "file").read_text() == "mine"


def test_a_run_that_cannot_write_leaves_the_board_as_it_was(workspace: Path) -> None:
    board(workspace)
    before = contents(workspace / "board")

    def full_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    done = board(workspace, before=full_disk)
    assert done.returncode == 2
    assert done.stderr.startswith("ERROR: cannot write the board to ")
    assert done.stderr.count("\n") == 2
    assert contents(workspace / "board") == before
    assert [path.name for path in workspace.iterdir() if path.name.endswith(".board")] == []


def test_two_at_once_write_one_after_the_other(workspace: Path) -> None:
    board(workspace)
    running = [
        subprocess.Popen([PROGRAM, "board"], cwd=workspace, stdout=subprocess.DEVNULL) for _ in range(4)
    ]
    assert [process.wait(120) for process in running] == [0, 0, 0, 0]
    assert len(contents(workspace / "board")) == 18
    assert [path.name for path in workspace.iterdir() if path.name.endswith(".board")] == []


def test_what_a_run_that_died_left_is_removed(workspace: Path) -> None:
    left = workspace / ".board-abcd1234.board"
    left.mkdir()
    (left / "index.html").write_text("half")
    assert board(workspace).returncode == 0
    assert not left.exists()


def test_days_count_only_while_they_run(workspace: Path) -> None:
    cases = {page.case: page for page in gather(Registry(workspace).open()).cases}
    shown = {(page.state, page.countdown.reported_at is None) for page in cases.values() if page.countdown}
    assert {state for state, running in shown if running} == {kinds.EN_CAPACITACION, kinds.OBSERVADA}
    assert {state for state, running in shown if not running} == {kinds.INFORMADA, kinds.REVISADA}
    assert cases["susej"].countdown is None


def test_a_purged_case_keeps_its_history(workspace: Path) -> None:
    opened = Registry(workspace).open()
    opened.ledger._clock = opened.now  # the ledger refuses a clock that is earlier than its newest event
    opened.ledger.purge("inej", actor="olga.operadora", reason="retención")
    write_board(Registry(workspace).open())
    page = (workspace / "board" / "caso-inej.html").read_text()
    assert "se eliminaron" in page
    assert "Instituto Nacional" not in page
    assert "Solicitud recibida, ronda 1" in page


def test_an_empty_ledger_has_a_board(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "oficina")
    index = Path(write_board(registry.write())["index"])
    assert "Todavía no hay casos" in index.read_text()


def test_the_workspace_keeps_it_out_of_git(workspace: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=workspace, check=True)
    assert board(workspace).returncode == 0
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    listed = subprocess.run(command, cwd=workspace, check=True, capture_output=True)
    assert b"board/" not in listed.stdout


@pytest.mark.parametrize("case", ["../../etc/x", "a/b", "index", "ñandú", "A" * 300, "con", "."])
def test_file_names_are_safe_whatever_a_case_is_called(tmp_path: Path, case: str) -> None:
    registry = Registry(tmp_path / "oficina")
    story(registry, case[:63], "Instituto de Ejemplo", 2).submit()
    folder = Path(write_board(registry.write())["index"]).parent
    (page,) = folder.glob("caso-*.html")
    assert sorted(contents(folder)) == [page.name, "index.html"]
    assert page.name.isascii()
    assert f'href="{page.name}"' in (folder / "index.html").read_text()


class Links(HTMLParser):
    """The ids of a page and where its links lead."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if identifier := values.get("id"):
            self.ids.append(identifier)
        if tag == "a":
            self.targets.append(values["href"] or "")


def test_every_link_leads_somewhere(site: Path) -> None:
    pages = {path.name: Links(path) for path in site.iterdir()}
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids))
        for target in page.targets:
            file, _hash, anchor = target.partition("#")
            assert not anchor or anchor in pages[file or name].ids, f"{name}: {target}"
            assert (file or name) in pages


@pytest.mark.parametrize(
    ("total", "left", "kinds_of_marks"),
    [
        (7, 7, ["left"] * 7),
        (7, 5, ["spent"] * 2 + ["left"] * 5),
        (7, 1, ["spent"] * 6 + ["last"]),
        (7, 0, ["spent"] * 7 + ["last"]),  # the half of a day
        (7, -3, ["late"] * 7),
        (60, 15, ["spent", "left"]),
        (60, -1, ["late", "left"]),
    ],
)
def test_days_left_as_marks(total: int, left: int, kinds_of_marks: list[str]) -> None:
    marks = countdown_marks(Countdown(1, NOW, NOW, total, left))
    assert [mark.kind for mark in marks] == kinds_of_marks
    assert all(mark.x + mark.width <= 140.1 for mark in marks)
    if total == 60:
        assert marks[1].width == pytest.approx(140 * max(left, 0) / 60)


def test_every_kind_of_event_is_told_in_spanish() -> None:
    everything = {
        "via": "central",
        "round": 1,
        "hours": 12.5,
        "complete": True,
        "decision": "approve",
        "pending": True,
        "code": "unreachable",
        "reason": "handed_over",
        "outcome": "expired",
        "declared": True,
        "failed": ["A1"],
        "key": "recordatorio:1:2",
        "order": "retire",
    }
    of_no_case = {
        *(kinds.LEDGER_CREATED, kinds.BOUND, kinds.REBOUND, kinds.SIGNERS_CHANGED),
        *(kinds.SERVER_STARTED, kinds.SERVER_ENDED, kinds.DRIFT_RECORDED),
    }
    words = {value for name, value in vars(kinds).items() if name.isupper() and "." in value} - of_no_case
    told = {kind: happening(kind, everything, "martes") for kind in words}
    assert len(told) > 25
    assert [kind for kind, text in told.items() if kind in text or not text[0].isupper()] == []
