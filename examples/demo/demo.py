"""The official process on one machine, with the real program: three invented institutions, their two weeks.

``make demo`` runs it. It needs neither root, nor a system service, nor a container; it stops what it starts,
and leaves the workspace ``.demo/`` behind. The program's clock is moved from outside of it (libfaketime).
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence

import in_production
import in_training
from screen import Clock, DemoError, expect, quipux, states, tell, title
from stage import (
    CASES,
    OPERATOR,
    PEOPLE,
    ROOT,
    WORKSPACE,
    Stage,
    edit_settings,
    make_inventories,
    make_people,
    make_workspace,
    servers,
)

END = {"inej": "en_produccion", "afic": "observada", "ocej": "suspendida"}


def set_up() -> None:
    """Make the workspace with the program itself."""
    title("A workspace, and three people who may sign")
    make_workspace()
    Clock.set(14, "09:00")
    quipux("init", ".", quiet=True)
    make_people()
    for person in PEOPLE:
        tell(f"{person.name} {person.does}")
        quipux("signers", "add", person.name, f"{person.key}.pub")


def look_back() -> None:
    """Tell where each case stands; prove that the ledger is whole; paper and board."""
    title("Today: where each case stands, and who must act next")
    Clock.release()
    quipux("status")
    expect(states() == END, f"the cases end as they should: {END}")

    title("Proof: the ledger is whole, a case's dossier is verified by itself, and a forged one is found out")
    quipux("audit", "verify")
    quipux("export", "inej", by=OPERATOR)
    quipux("audit", "verify", "expediente-inej.zip")
    forged = bytearray((WORKSPACE / "expediente-inej.zip").read_bytes())
    forged[len(forged) // 2] ^= 1
    (WORKSPACE / "recibidos" / "falsificado.zip").write_bytes(forged)
    quipux("audit", "verify", "recibidos/falsificado.zip", exit_code=5)

    title("The board, for people who do not type commands")
    quipux("board")
    expect((WORKSPACE / "board" / "index.html").is_file(), "the board is written")


def report(stage: Stage, seconds: float) -> None:
    """Say where everything lies."""
    title(f"Done in {seconds:.0f} seconds")
    place = WORKSPACE.relative_to(ROOT)
    print(f"Workspace     {place}/  (settings, requests, approvals, checkpoints, ledger.db)")
    print(f"Keys          {place}/llaves/  of {', '.join(person.name for person in PEOPLE)}; throw-away")
    print(f"Files         {place}/quipux/*/bodega/  what an application server would hold")
    print(f"Workbooks     {place}/recibidos/  as their administrators filled them in")
    print(f"Papers        {place}/certificado-inej.html  {place}/expediente-inej.zip")
    print(f"Mails sent    {place}/correo/")
    for number, message in enumerate(stage.mail.messages, start=1):
        print(f"  {number}.eml  {message['To']}\n         {message['Subject']}")
    print("The databases and the mail catcher are stopped. The story ended today: from here on the clock is")
    print("yours, so that the days that are left for afic go by. Look around:")
    print(f"  .venv/bin/quipux-provision --workspace {place} status --format json")
    print(f"  .venv/bin/quipux-provision --workspace {place} history inej")
    print(f"The board     {place}/board/index.html")


def main(arguments: Sequence[str]) -> int:
    """Play the whole story."""
    expect(not arguments, "demo.py takes no arguments")
    start = time.monotonic()
    set_up()
    with servers() as stage:
        edit_settings(stage)
        make_inventories(stage)
        in_training.take_in()
        in_training.train(stage)
        in_training.open_accounts(stage)
        in_training.work_and_report(stage)
        in_training.remind(stage)
        in_training.begin_later(stage)
        in_production.review(stage)
        in_production.refuse(stage)
        in_production.promote(stage)
        in_training.suspend(stage)
        in_training.give_back(stage)
    look_back()  # needs none of the servers
    report(stage, time.monotonic() - start)
    return 0


if __name__ == "__main__":
    assert set(END) == set(CASES)
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))  # so that the servers stop
    try:
        sys.exit(main(sys.argv[1:]))
    except (DemoError, RuntimeError) as error:
        print(f"\nERROR: the demonstration stopped: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
