"""An institution of the real release with its administrator and staff, made step by step in its pages."""

from __future__ import annotations

import re
import secrets
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from quipux_provision.outreach.activation import activation_link, code_hash, new_code
from tests.hosts.environment import Environment, ansible, password_file
from tests.hosts.office import Applicant
from tests.hosts.servers import BODEGA, MAIL
from tests.real.aiq import HEAD, NORMAL, Aiq, Person
from tests.real.documents import Staff
from tests.real.papers import letterhead, logo
from tests.stand_in.http_client import PageError

CITY = "Azogues"
PASSWORD = "clave2026"
# Permissions of the kinds of staff; whoever heads an area may sign (19).
WRITER, CHIEF, DESK = [27, 21], [19, 27, 29, 21, 9], [28, 13, 16, 5, 15, 21, 19]
ADMINISTRATOR = [12, 36, 32, 16, 18, 1, 31, 21, 29, 27, 19]


class Parametrised:
    """One institution. Each step is done when it is first asked for, with the steps that it needs."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self.environment = environment
        self.database = environment.database
        self.applicant = Applicant.invent()
        self._folder = folder
        self._browsers: dict[int, Staff] = {}

    @cached_property
    def ids(self) -> tuple[int, int, int]:
        """Institution, root area and administrator, provisioned with the collection's playbook."""
        request = self._folder / f"{self.applicant.case}.yml"
        text = yaml.safe_dump(self.applicant.source(), allow_unicode=True, default_style='"')
        request.write_text(text.replace('"2026-11-03"', "2026-11-03"))  # the one value that is no text
        self.play("provision", provision_requests=[str(request)])
        institution, area, user = self.row(
            "SELECT inst_codi, depe_codi, usua_codi FROM usuarios WHERE usua_login = %s",
            f"U{self.applicant.national_id}",
        )
        return institution, area, user

    def play(self, playbook: str, **variables: object) -> str:
        """Run a playbook of the collection; gives what it printed."""
        folder = self._folder / f"{self.applicant.case}-{playbook}-{secrets.token_hex(4)}"
        inventory = self.environment.write_inventory(folder)
        extra = folder / "extra.yml"
        extra.write_text(yaml.safe_dump(variables))
        with password_file(self.environment.vault_password, inventory) as password:
            options = ["--inventory", f"{inventory}/hosts.yml", "--vault-password-file", str(password)]
            command = ["ansible-playbook", f"quipux.provision.{playbook}", *options]
            return ansible([*command, "--extra-vars", f"@{extra}"]).stdout

    def rows(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        return self.database.sql(text, values)

    def row(self, text: str, *values: object) -> tuple[Any, ...]:
        (only,) = self.rows(text, *values)
        return only

    def files(self, folder: str) -> list[str]:
        """Files of a folder of the bodega, `name size`."""
        command = f"find {BODEGA}/{folder} -type f -printf '%f %s\\n'"
        return sorted(self.environment.application_host.exec(command).splitlines())

    @property
    def institution(self) -> int:
        return self.ids[0]

    @property
    def root(self) -> int:
        return self.ids[1]

    @cached_property
    def aiq(self) -> Aiq:
        """The administrator, logged in. A playbook without a driver carries no activation: it is put here."""
        code = new_code()
        user = self.ids[2]
        self.database.sql("UPDATE usuarios SET usua_pasw = %s WHERE usua_codi = %s", (code_hash(code), user))
        national_id = self.applicant.national_id
        return self._enter(activation_link(self.environment.url, national_id, code, demo=True), national_id)

    def _enter(self, link: str, national_id: str) -> Staff:
        """Open an activation link, choose a password, log in."""
        browser = Staff(self.environment.url)
        browser.set_password(browser.open_activation(link), PASSWORD)
        outcome = browser.login(national_id, PASSWORD)
        if outcome != "in":
            raise PageError(f"login after the activation: {outcome}")
        return browser

    def found(self, name: str, acronym: str, template: bytes | None = None) -> int:
        """Have the administrator make an area below the root; gives its id."""
        self.aiq.create_area(name, acronym, self.root, CITY, template)
        (area,) = self.row(
            "SELECT depe_codi FROM dependencia WHERE inst_codi = %s AND dep_sigla = %s",
            self.institution,
            acronym,
        )
        return int(area)

    @cached_property
    def areas(self) -> dict[str, int]:
        """Ids of two areas with letterheads, DIR and SEC; the root area gets one too."""
        self.aiq.edit_area(self.root, letterhead())
        return {
            "DIR": self.found("Dirección de Ejemplo", "DIR", letterhead()),
            "SEC": self.found("Secretaría de Ejemplo", "SEC", letterhead()),
        }

    def hire(
        self, names: str, area: int, permissions: list[int], profile: int = NORMAL
    ) -> tuple[int, Person]:
        """Have the administrator make an account; gives usua_codi too."""
        who = Applicant.invent()
        initials = "".join(word[0] for word in names.split())[:5].lower()
        email = f"{names.split(maxsplit=1)[0].lower()}@{who.case}.example.gob.ec"
        person = Person(who.national_id, names, "Ejemplo Ñúñez", "Analista de Ejemplo", email, initials)
        return self.aiq.create_user(person, area, CITY, permissions, profile), person

    @cached_property
    def staff(self) -> dict[str, int]:
        """usua_codi of the head and a writer of DIR, the registry desk in SEC, the second administrator."""
        wanted = {
            "head": ("Ana", self.areas["DIR"], CHIEF, HEAD),
            "writer": ("Rosa", self.areas["DIR"], WRITER, NORMAL),
            "desk": ("Luis", self.areas["SEC"], DESK, HEAD),
            "deputy": ("Pedro", self.root, ADMINISTRATOR, HEAD),
        }
        made = {}
        for role, (names, area, permissions, profile) in wanted.items():
            made[role], _ = self.hire(names, area, permissions, profile)
        return made

    def browser(self, role: str) -> Staff:
        """Somebody of the staff, logged in with the link that the release mailed."""
        user = self.staff[role]
        if user not in self._browsers:
            national_id, email = self.row(
                "SELECT usua_cedula, usua_email FROM usuarios WHERE usua_codi = %s", user
            )
            mails = self.environment.application_host.exec(f"grep -lr 'To: {email}' {MAIL} | xargs cat")
            found = re.search(r"usuarionuevo\.php\?[^'<\s]+", mails)
            if not found:
                raise PageError(f"no activation link in the mails to {email}")
            self._browsers[user] = self._enter(found[0], national_id)
        return self._browsers[user]

    @cached_property
    def logo(self) -> bytes:
        """The logo that came with the institution's data."""
        picture = logo()
        self.aiq.edit_institution(picture, txtCorreo="info@inst.example.gob.ec", txtDespedidaOfi="Saludos")
        return picture

    @cached_property
    def shared_tray(self) -> tuple[int, int]:
        """The head who shares, and with whom."""
        head, writer = self.staff["head"], self.staff["writer"]
        self.aiq.share_tray(head, writer, self.areas["DIR"])
        return head, writer

    @cached_property
    def mailing_list(self) -> list[int]:
        """Its members."""
        members = [self.staff["head"], self.staff["writer"]]
        self.aiq.create_list("Directivos", members)
        return members

    @cached_property
    def folders(self) -> tuple[int, int]:
        """A virtual folder of DIR and the one in it."""
        area = self.areas["DIR"]
        self.aiq.organise_folders(area, ["SERIE", "EXPEDIENTE"])
        newest = "SELECT max(trd_codi) FROM trd WHERE depe_codi = %s"
        self.aiq.create_folder(area, "Correspondencia")
        (top,) = self.row(newest, area)
        self.aiq.create_folder(area, "Oficios", top)
        return top, self.row(newest, area)[0]

    @cached_property
    def places(self) -> tuple[int, int]:
        """A building and a shelf in it, in the archive of the root area, which is the AIQ's own."""
        self.aiq.organise_archive(self.root, ["EDIFICIO", "ESTANTE"])
        newest = "SELECT max(arch_codi) FROM archivo WHERE depe_codi = %s"
        self.aiq.create_place("Matriz", "M")
        (building,) = self.row(newest, self.root)
        self.aiq.create_place("Estante 1", "E1", building, lowest=True)
        return building, self.row(newest, self.root)[0]

    @cached_property
    def citizen(self) -> int:
        """ciu_codigo of somebody outside, entered by the registry desk."""
        who = Applicant.invent()
        email = f"carla@{who.case}.example.org"
        person = Person(who.national_id, "Carla", "Ciudadana Ejemplo", "Vecina", email, "cc")
        (city,) = self.row("SELECT min(id) FROM ciudad WHERE nombre = %s", CITY)
        self.browser("desk").create_citizen(person, city)
        (number,) = self.row("SELECT ciu_codigo FROM ciudadano WHERE ciu_cedula = %s", who.national_id)
        return int(number)
