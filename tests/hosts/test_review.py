"""The review of what was really done in the real release: its verdicts are the truth."""

from __future__ import annotations

import re

from tests.hosts.conftest import REAL_RELEASE
from tests.real.paperwork import Paperwork
from tests.real.parametrised import WRITER, Parametrised

pytestmark = REAL_RELEASE

# What holds of an institution that was only provisioned, since nothing is wrong yet.
AT_ONCE = {"B2", "B3", "B4", "C2", "C3", "C5", "C6", "C7", "D1", "D6", "E1"}


def verdicts(world: Parametrised) -> dict[str, str]:
    """Verdict of each activity, of the playbook run with the role that can only read."""
    applicant = world.applicant
    item = {
        "case": applicant.case,
        "ruc": applicant.ruc,
        "name": applicant.source()["institucion"]["nombre"],
        "acronym": applicant.acronym,
        "phone": "022999999",
        "national_id": applicant.national_id,
        "since": "2026-01-01T00:00:00Z",
    }
    said = world.play("review", review_items=[item])
    found = dict(re.findall(r"\b([A-F]\d) +(cumple|no_cumple|no_verificable) ", said))
    assert len(found) == 32, said
    return found


def test_a_provisioned_institution(another: Parametrised):
    assert another.ids
    found = verdicts(another)
    assert {name for name, verdict in found.items() if verdict == "cumple"} == AT_ONCE
    assert "no_verificable" not in found.values()


def test_the_tray_that_a_subrogation_shares_is_not_the_administrators_doing(another: Parametrised):
    area, deputy = another.areas["SEC"], another.hire("Diana", another.areas["SEC"], WRITER)[0]
    another.aiq.subrogate(another.staff["desk"], deputy, area, "2026-11-03", "2026-12-03")
    shared = "SELECT usua_codi FROM bandeja_compartida WHERE usua_codi_jefe = %s"
    assert len(another.rows(shared, another.staff["desk"])) == 1
    found = verdicts(another)
    assert (found["F3"], found["F4"]) == ("cumple", "no_cumple")


def test_an_institution_whose_administrator_did_everything(world: Paperwork):
    steps = (world.logo, world.areas, world.staff, world.shared_tray, world.mailing_list, world.folders)
    papers = (world.places, world.memo, world.oficio, world.waiting, world.signed, world.handled)
    assert all(steps)
    assert all(papers)
    absent, deputy = world.staff["head"], world.hire("Diana", world.areas["DIR"], WRITER)[0]
    world.aiq.subrogate(absent, deputy, world.areas["DIR"], "2026-11-03", "2026-12-03")
    # Also while somebody stands in: the second account has the person's number and somebody else's rights.
    assert set(verdicts(world).values()) == {"cumple"}
    (second,) = world.row("SELECT max(usua_subrogante) FROM usuarios_subrogacion")
    world.aiq.end_subrogation(absent, second)
    assert set(verdicts(world).values()) == {"cumple"}
