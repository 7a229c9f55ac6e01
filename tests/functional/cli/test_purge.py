"""The end of a case's papers: what we wrote goes, the rest is named, no act is written over."""

from __future__ import annotations

from tests.functional.cli.desk import clock
from tests.hosts.office import Applicant, Office

_YEARS_LATER = clock("+1830d")


def test_purge_takes_our_own_copies_and_names_the_others(office: Office) -> None:
    gone, other = Applicant.invent(), Applicant.invent()
    for one in (gone, other):
        office.must("autora", "submit", office.write(one))
    office.must("operador", "withdraw", gone.case, "--reason", "x")
    outbox = office.folder / "outbox"
    outbox.mkdir(mode=0o700, exist_ok=True)
    # Of a case whose name begins alike; only the mail itself tells whose it is.
    like = f"{gone.case}-2"
    mails = {case: outbox / f"{case}-training-20261104T150000.000000Z.eml" for case in (gone.case, like)}
    for case, path in mails.items():
        path.write_text(f"X-Quipux-Provision-Case: {case}\nSubject: Activación\n\nkrd=1\n")
    office.must("operador", "board")
    dossier, certificate = (
        office.folder / name for name in (f"expediente-{gone.case}.zip", f"certificado-{gone.case}.html")
    )
    office.must("operador", "export", gone.case, "--output", dossier)
    certificate.write_text("<!DOCTYPE html>")

    words = ("purge", gone.case, "--reason", "plazo", "--yes", "--format", "json")
    told = office.must("operador", *words, environ=_YEARS_LATER).json()
    page = f"board/caso-{gone.case}.html"
    assert told["deleted"] != []
    assert told["removed"] == [f"outbox/{mails[gone.case].name}"]
    for left in (dossier.name, certificate.name, f"requests/{gone.case}.yml"):
        assert left in told["unreachable"]
    assert (mails[gone.case].exists(), mails[like].exists()) == (False, True)
    assert "se eliminaron" in (office.folder / page).read_text()
    again = office.must("operador", *words, environ=_YEARS_LATER).json()
    assert (again["deleted"], again["removed"]) == ([], [])
    assert dossier.exists()


def test_an_act_is_not_written_over(office: Office) -> None:
    applicant = Applicant.invent()
    office.must("autora", "submit", office.write(applicant))
    office.must("operador", "withdraw", applicant.case, "--reason", "x")
    dossier = office.folder / "acto.zip"
    export = ("export", applicant.case, "--output", dossier)
    office.must("operador", *export)
    before = dossier.read_bytes()
    assert "is there already" in office.must("operador", *export, code=2).errors
    office.must("operador", "purge", applicant.case, "--reason", "plazo", "--yes", environ=_YEARS_LATER)
    elsewhere = office.folder / "despues.zip"
    refused = office.must(
        "operador", "export", applicant.case, "--output", elsewhere, code=5, environ=_YEARS_LATER
    )
    assert "purged" in refused.errors
    assert dossier.read_bytes() == before
    assert not elsewhere.exists()
