"""The office of an institution that has its own server, and the people's browsers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.chromium import chromium
from tests.hosts.office import Applicant, Office
from tests.self_hosted.site import HOSTNAME, Site
from tests.stand_in.http_client import AGENT

ENVIRONMENT = "propia"
PASSWORD = "clave2026"


@dataclass(frozen=True)
class Own:
    """A site as an environment of the settings."""

    site: Site
    name: str = ENVIRONMENT
    kind: str = "propia"
    url: str = f"https://{HOSTNAME}"

    @property
    def vault_password(self) -> str:
        return self.site.secrets.vault

    def write_inventory(self, folder: Path, **options: Any) -> Path:
        """Copy the site's inventory."""
        return Path(shutil.copytree(self.site.inventory, folder))


def open_office(site: Site, folder: Path) -> Office:
    """A workspace whose one environment is the site."""
    office = Office(folder, Own(site))
    identity = folder / "secretos" / f"respaldos-{ENVIRONMENT}.age"
    identity.touch(0o600)
    identity.write_text(site.secrets.age_identity)
    return office


def move_office(office: Office, site: Site) -> None:
    """Let the office work on another site from now on, as after the loss of its host."""
    shutil.rmtree(office.folder / "inventories" / ENVIRONMENT)
    office.environments = (Own(site),)
    office.describe(Own(site))


def submit(office: Office) -> Applicant:
    """A new request of the institution itself."""
    applicant = Applicant.invent()
    path = office.write(applicant)
    path.write_text(path.read_text().replace('"via": "central"', '"via": "autoalojada"'))
    office.must("autora", "submit", path)
    return applicant


@contextmanager
def telephone(site: Site) -> Iterator[Page]:
    """A real browser that says it is a telephone's, since the release leaves a desktop's ordinary window."""
    address = f"--host-resolver-rules=MAP {HOSTNAME} {site.web.address}"
    with chromium(address, "--ignore-certificate-errors") as browser:
        context = browser.new_context(
            user_agent=AGENT, viewport={"width": 1000, "height": 800}, ignore_https_errors=True
        )
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        yield page
        context.close()


def texts(page: Page) -> str:
    """All the text that the page shows, its frames included."""
    return "\n".join(
        frame.locator("body").inner_text() for frame in page.frames if frame.locator("body").count()
    )


def log_in(page: Page, national_id: str, password: str = PASSWORD) -> None:
    """Fill the login form in and send it, as a person does."""
    page.goto(f"https://{HOSTNAME}/login.php")
    page.locator("input[name=krd]").fill(national_id)
    page.locator("input[type=password]").first.fill(password)
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
