"""The whole road of an institution with its own server, through the command line and a real browser.

One story, told in order: from blank hosts to an administrator who is logged in; backup, loss of the hosts,
restore on new ones; upgrade and rollback. Each test goes on where the one before stopped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.machines import Fleet
from tests.hosts.office import Applicant, Office
from tests.self_hosted.desk import PASSWORD, log_in, move_office, open_office, submit, telephone, texts
from tests.self_hosted.site import Site

SCREENSHOTS = Path(__file__).parents[1] / "output" / "self_hosted"
# What only an institution's administrator finds in the administration menu.
MENU = ("Usuarios internos", "Áreas", "Instituciones", "Numeración")


class Story:
    """What the tests of one variant share."""

    def __init__(self, fleet: Fleet, folder: Path, variant: str) -> None:
        self.fleet = fleet
        self.variant = variant
        self.site = Site.start(fleet, "blank", topology="apart", variant=variant)
        self.office: Office = open_office(self.site, folder / "oficina")
        self.applicant: Applicant | None = None

    def server(self) -> dict[str, object]:
        (found,) = self.office.must("operador", "status", "--format", "json").json()["servers"]
        return dict(found)

    def see_menu(self, picture: str, link: str = "") -> None:
        """Log in with a real browser, after setting the password if a link is given, and look at the menu."""
        assert self.applicant
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        with telephone(self.site) as page:
            if link:
                page.goto(link)
                with page.expect_popup() as opened:
                    page.get_by_role("link", name="AQUÍ").click()
                form = opened.value
                for field in ("contradrd", "contraver"):
                    form.locator(f"input[name={field}]").fill(PASSWORD)
                form.locator("input[type=submit], input[type=button][value=Aceptar]").first.click()
                form.get_by_text("exitosamente").wait_for()
            log_in(page, self.applicant.national_id)
            page.goto(f"{page.url.rsplit('/', 1)[0]}/Administracion/formAdministracion.php")
            shown = texts(page)
            page.screenshot(path=SCREENSHOTS / f"{self.variant}-{picture}.png", full_page=True)
        missing = [item for item in MENU if item not in shown]
        assert not missing, shown


@pytest.fixture(scope="module", params=["stand_in", pytest.param("real", marks=pytest.mark.real)])
def story(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Blank hosts, database and application apart, and an office."""
    if request.param == "real" and not {"QUIPUX_SQL", "QUIPUX_RELEASE"} <= set(os.environ):
        pytest.skip("the real release needs QUIPUX_SQL and QUIPUX_RELEASE")
    with Fleet() as fleet:
        yield Story(fleet, tmp_path_factory.mktemp("road"), request.param)


def test_a_plan_on_blank_hosts_lists_what_will_be_done_and_does_nothing(story: Story) -> None:
    planned = story.office.must(
        "operador", "self-hosted", "install", "--plan", "--detailed-exitcode", "--format", "json", code=10
    ).json()

    hosts = {change["host"] for change in planned["changes"]}
    assert hosts == {"bd", "web"}
    assert len(planned["changes"]) > 10
    for host in story.site.hosts.values():
        host.exec("! dpkg -s postgresql apache2 2>/dev/null; ! test -e /opt/quipux; ! test -e /etc/quipux")
    assert "servers" not in story.office.must("operador", "status").output


@pytest.mark.parametrize(
    "moment", ["quipux_database : Make the databases", "minka_release : Let the release run"]
)
def test_an_installation_is_killed(story: Story, moment: str) -> None:
    story.site.play("self_hosted", kill_at=moment)


def test_blank_hosts_become_a_quipux(story: Story) -> None:
    done = story.office.must("operador", "self-hosted", "install", "--format", "json").json()

    assert done["error"] is None
    assert all(check["ok"] for check in done["checks"])
    assert {"login_page", "probe_login", "pdf", "document_store", "denied_paths"} <= {
        check["name"] for check in done["checks"]
    }
    assert story.server()["installed"]
    assert story.server()["version"] == done["release"]["version"]


def test_a_second_installation_changes_nothing(story: Story) -> None:
    done = story.office.must("operador", "self-hosted", "install", "--format", "json").json()

    assert done["changes"] == []


def test_the_institution_is_created_and_its_administrator_sees_the_menu(story: Story) -> None:
    office = story.office
    applicant = story.applicant = submit(office)
    office.must("operador", "plan", applicant.case, "-e", "propia")
    office.must("aprobadora", "approve", applicant.case, "-e", "propia", "--yes")
    (case,) = office.must("operador", "status", applicant.case, "--format", "json").json()["cases"]
    assert case["state"] == "instalada"
    office.must("operador", "apply", applicant.case, "-e", "propia")
    (case,) = office.must("operador", "status", applicant.case, "--format", "json").json()["cases"]
    assert case["state"] == "en_produccion"

    story.see_menu("installed", link=office.link(applicant))


def test_a_backup_comes_back_on_new_hosts(story: Story) -> None:
    office = story.office
    office.must("operador", "self-hosted", "backup")
    assert story.server()["backup"]
    story.site.renew(story.fleet)
    move_office(office, story.site)
    (backup,) = (office.folder / "backups" / "propia").iterdir()
    story.site.play("self_hosted")
    given = {"restore_from": str(backup), "restore_identity": str(story.site.age_identity)}
    story.site.play("restore", extra=given, kill_at="Give the databases their names")

    done = office.must("operador", "self-hosted", "restore", "--format", "json").json()

    assert done["error"] is None
    story.see_menu("restored")


def test_an_upgrade_and_the_way_back(story: Story) -> None:
    office, site = story.office, story.site
    before = story.server()["version"]
    site.write_inventory(
        quipux_release_source=str(site.sources.next_release), quipux_release_sha256=site.sources.next_sha256
    )
    move_office(office, site)

    site.play("upgrade", kill_at="minka_release : Let the release run")
    office.must("operador", "self-hosted", "upgrade")
    after = story.server()["version"]
    assert after != before
    story.see_menu("upgraded")

    office.must("operador", "self-hosted", "rollback")
    assert story.server()["version"] == before
    story.see_menu("rolled-back")


def test_every_step_is_in_the_ledger_and_verifies(story: Story) -> None:
    story.office.must("autora", "audit", "verify")


def test_no_password_came_to_lie_outside_vault_and_outbox(story: Story) -> None:
    office = story.office
    secrets = [*story.site.secrets.passwords.values(), story.site.secrets.age_identity.splitlines()[-1]]
    kept = {
        str(path.relative_to(office.folder))
        for path in office.folder.rglob("*")
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets)
    }
    assert kept <= {"secretos/respaldos-propia.age"}


def test_uninstalling_wants_the_acronym_and_leaves_the_backups(story: Story) -> None:
    office = story.office
    refused = office.must("operador", "self-hosted", "uninstall", "--confirm", "OTRA", code=4)
    assert "to confirm it, give uninstall_confirm the institution's acronym" in refused.errors
    assert story.server()["installed"]

    office.must("operador", "self-hosted", "uninstall", "--confirm", "INEJ")
    assert story.server()["installed"] is None
    story.site.db.exec('test -n "$(ls -A /var/backups/quipux)"')
