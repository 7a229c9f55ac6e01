"""Measure the whole, side by side, and write ``results.json``: {name, value, unit, baseline, ratio} a row.

``baseline`` names the row that ``value`` is compared with, and ``ratio`` says how: for ``X-vs-floor`` it is
how many times the floor's time X takes, for ``list-100-vs-runs`` how many times faster one run over a list is
than a run each. ``apply`` times are without the mails, which have rows of their own. ``self-hosted-install``
is a whole installation by the playbook: how many times a plain shell script's time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks import floor, install  # noqa: E402
from benchmarks.invented import write_requests  # noqa: E402
from benchmarks.office import BINARIES, Office  # noqa: E402
from benchmarks.relay import Relay  # noqa: E402
from quipux_provision.store.ledger import Ledger  # noqa: E402
from tests.stand_in.cluster import Cluster  # noqa: E402
from tests.stand_in.mail_server import MailServer  # noqa: E402

ROUND_TRIP = 0.05
SIZES = (1, 10, 100, 1000)
RUNS = 10
INSTALLATIONS = 1
LIST = 100
DRIFT = 2000
# What PostgreSQL does by itself, and so a real server: the tests' clusters do without fsync.
SERVER = {"fsync": "on", "synchronous_commit": "on", "log_statement": "none"}
AIMS: dict[str, tuple[str, str, float]] = {  # row: which of its figures, at most or at least, how much
    "apply-1000-vs-floor": ("ratio", "<=", 3.0),
    "list-100-vs-runs": ("ratio", ">=", 50.0),
    "cli-over-playbook-1": ("value", "<=", 0.6),
    "help": ("value", "<=", 0.3),
    "self-hosted-install": ("ratio", "<=", 1.5),
    "self-hosted-again": ("ratio", "<=", 0.4),
}
GROUPS = ("start", "validate", "single", "sizes", "line", "drift", "self-hosted")


class Bench:
    """Collects rows; each group of measurements is a method.

    :param sizes: how many institutions.
    :param runs: how many runs of one case each, and how many whole installations; None: RUNS, INSTALLATIONS.
    :param length: how many cases in the list that is compared with these runs.
    """

    def __init__(
        self,
        office: Office,
        sizes: Sequence[int] = SIZES,
        runs: int | None = None,
        length: int = LIST,
    ) -> None:
        self.office = office
        self._sizes = sizes
        self._runs = runs or RUNS
        self._installations = runs or INSTALLATIONS
        self._list = length
        self.rows: list[dict[str, Any]] = []

    def row(
        self,
        name: str,
        value: float,
        baseline: str | None = None,
        ratio: float | None = None,
        unit: str = "s",
    ) -> None:
        """Note a figure, and show it."""
        rounded = None if ratio is None else round(ratio, 2)
        self.rows.append(
            {"name": name, "value": round(value, 3), "unit": unit, "baseline": baseline, "ratio": rounded}
        )
        compared = "" if ratio is None else f"  {ratio:8.2f} x {baseline}"
        print(f"{name:28} {value:9.3f} {unit}{compared}", flush=True)

    def load(self, when: str) -> None:
        """How busy the machine is: above its number of processors, all figures but ratios say little."""
        self.row(f"load-{when}", os.getloadavg()[0], unit="processes")

    def start(self) -> None:
        """Start of the program."""
        times = [self.office.run(BINARIES / "quipux-provision", "--help") for _ in range(7)]
        self.row("help", statistics.median(times))

    def validate(self) -> None:
        """Check of 1,000 request files."""
        folder = self.office.place()
        files = [folder / f"{case}.yml" for case in write_requests(folder, 1000)]
        self.row("validate-1000", self.office.run(BINARIES / "quipux-provision", "validate", *files))

    def sizes(self) -> None:
        """The program, the bare playbook and the floor over ever more institutions."""
        for total in self._sizes:
            self._compare(total, f"{total}")

    def line(self) -> None:
        """The same over a line with a round trip of 50 ms between the modules and the database."""
        with Relay(self.office.cluster.host, self.office.cluster.port, ROUND_TRIP) as relay:
            for total in (1, 100):
                self._compare(total, f"{total}-50ms", relay.port)

    def _compare(self, total: int, label: str, port: int | None = None) -> None:
        office = self.office
        with office.database(port) as name:
            workspace, cases = office.workspace(total)
            with office.cluster.connection(name) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT txid_current()")
                before = int(cursor.fetchall()[0][0])
            whole = office.cli(workspace, "apply", *cases, *self._as_operator())
            mails = self._mail_seconds(workspace)
            again = office.cli(workspace, "apply", *cases, *self._as_operator())
            with office.cluster.connection(name) as connection:
                rows = floor.capture(connection, before)
        if len(rows) != total:
            raise RuntimeError(f"{len(rows)} transactions wrote {total} institutions")
        file = office.place() / "rows.json"
        file.write_text(json.dumps(rows, default=str))
        floors = []
        for _ in range(3):
            with office.database(port):
                floors.append(office.run(sys.executable, HERE / "floor.py", file))
        lowest = statistics.median(floors)
        with office.database(port):
            office.inventory(workspace / "inventory")
            plain = office.playbook(workspace, cases)
            plain_again = office.playbook(workspace, cases)
        self.row(f"floor-{label}", lowest)
        self.row(f"playbook-{label}-vs-floor", plain, f"floor-{label}", plain / lowest)
        self.row(f"apply-{label}-vs-floor", whole - mails, f"floor-{label}", (whole - mails) / lowest)
        self.row(
            f"playbook-{label}-unchanged", plain_again, f"playbook-{label}-vs-floor", plain_again / plain
        )
        self.row(f"apply-{label}-unchanged", again, f"apply-{label}-vs-floor", again / (whole - mails))
        self.row(f"mail-{label}", mails, f"apply-{label}-vs-floor", mails / (whole - mails))

    def single(self) -> None:
        """What the program adds to the bare playbook for one case; one run each against one over a list."""
        office, times = self.office, self._runs
        added, runs = [], []
        with office.database():
            workspace, cases = office.workspace(times)
            ours = office.server
            with office.database():
                inventory = office.inventory(office.place() / "inventory")
                theirs = office.server
                for case in cases:  # in turn, so that what else the machine does hits both alike
                    with office.reaching(theirs):
                        runs.append(office.playbook(workspace, [case], inventory))
                    with office.reaching(ours):
                        added.append(office.cli(workspace, "apply", case, *self._as_operator()) - runs[-1])
        self.row("run-1", statistics.median(runs))
        self.row("cli-over-playbook-1", statistics.median(added), "run-1")
        folder = office.place()
        cases = write_requests(folder / "requests", self._list)
        with office.database():
            office.inventory(folder / "inventory")
            together = office.playbook(folder, cases)
        each = statistics.mean(runs) * self._list
        self.row(f"runs-{self._list}", each)
        self.row(f"list-{self._list}-vs-runs", together, f"runs-{self._list}", each / together)

    def drift(self) -> None:
        """A look for drift over one institution and over thousands, and plain reading of the same tables."""
        office = self.office
        for total in (1, DRIFT):
            with office.database() as name:
                workspace, cases = office.workspace(total)
                office.cli(workspace, "apply", *cases, *self._as_operator())
                healed = "UPDATE usuarios SET usua_pasw = repeat('c', 26) WHERE usua_codi = 0"
                office.cluster.sql(name, healed)
                whole, floors = [], []
                for _ in range(3):  # in turn, so that what else the machine does hits both alike
                    whole.append(office.cli(workspace, "drift", "--environment", "training"))
                    floors.append(office.run(sys.executable, HERE / "reading.py"))
            looked, lowest = statistics.median(whole), statistics.median(floors)
            self.row(f"drift-floor-{total}", lowest)
            self.row(f"drift-{total}-vs-floor", looked, f"drift-floor-{total}", looked / lowest)

    def self_hosted(self) -> None:
        """A whole installation by the playbook, and by a shell script; then the playbook again."""
        try:
            install.demand_hosts()
        except install.UnableError as error:
            print(f"skipped: self-hosted rows, {error}", flush=True)
            return
        self.load("self-hosted")
        measured = install.measure(self._installations)
        for line in measured.differences:
            print(f"the hosts differ: {line}", flush=True)
        times = measured.medians()
        script, whole, again = times["script"], times["playbook"], times["again"]
        self.row("self-hosted-script", script)
        self.row("self-hosted-install", whole, "self-hosted-script", whole / script)
        self.row("self-hosted-again", again, "self-hosted-install", again / whole)
        self.row("self-hosted-verify", times["verify"])

    @staticmethod
    def _as_operator() -> tuple[str, ...]:
        return ("--environment", "training", "--key", "omar.operador")

    @staticmethod
    def _mail_seconds(workspace: Path) -> float:
        """From the moment the run was recorded to that of the last mail."""
        events = Ledger.open("sqlite:///ledger.db", workspace).events()
        applied = _latest([event.time for event in events if event.kind == "run.applied"])
        sent = [event.time for event in events if event.kind == "mail.sent"]
        return (_latest(sent) - applied).total_seconds()


def _latest(times: list[datetime]) -> datetime:
    if not times:
        raise RuntimeError("the ledger lacks the run or its mails")
    return max(times)


def reached(rows: list[dict[str, Any]]) -> list[str]:
    """One line for each aim that was measured: reached or missed, and the figure."""
    lines = []
    for row in rows:
        if row["name"] in AIMS:
            figure, sign, limit = AIMS[row["name"]]
            good = row[figure] <= limit if sign == "<=" else row[figure] >= limit
            lines.append(
                f"{'reached' if good else 'MISSED'} {row['name']}: {figure} {row[figure]} ({sign} {limit})"
            )
    return lines


def merged(before: list[dict[str, Any]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """*before* with the *rows* of a part measured anew; the load of a part is not the load of the whole."""
    whole = {row["name"]: row for row in before}
    for row in rows:
        if row["name"] not in whole or row["name"] not in ("load-before", "load-after"):
            whole[row["name"]] = row
    return list(whole.values())


def main() -> None:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=GROUPS,
        help="measure this group only, leave other rows of the output as they are; may be repeated",
    )
    parser.add_argument("--size", action="append", type=int, help="institutions; may be repeated")
    parser.add_argument(
        "--runs", type=int, help=f"runs of one case each ({RUNS}), whole installations ({INSTALLATIONS})"
    )
    parser.add_argument("--list", type=int, default=LIST, help="cases in one run, compared with a run each")
    parser.add_argument("--output", type=Path, default=HERE / "results.json")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="quipux-bench-") as folder,
        Cluster.start(settings=SERVER) as cluster,
        MailServer() as mail,
    ):
        bench = Bench(Office(Path(folder), cluster, mail), options.size or SIZES, options.runs, options.list)
        bench.load("before")
        for group in options.only or GROUPS:
            measure: Callable[[], None] = getattr(bench, group.replace("-", "_"))
            measure()
        bench.load("after")
    rows = bench.rows
    if options.only and options.output.exists():
        rows = merged(json.loads(options.output.read_text(encoding="utf-8")), rows)
    options.output.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print("\n".join(reached(bench.rows)))
    print(f"written: {options.output}")


if __name__ == "__main__":
    main()
