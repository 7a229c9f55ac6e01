"""An institution of the real release with its administrator and staff, made step by step in its pages."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import yaml

from quipux_provision.outreach.activation import activation_link, code_hash, new_code
from tests.hosts.environment import Environment, ansible, password_file
from tests.hosts.office import Applicant
from tests.hosts.servers import MAIL
from tests.real.aiq import HEAD, NORMAL, Aiq, Person
from tests.real.documents import Staff
from tests.real.papers import letterhead
from tests.stand_in.http_client import PageError

CITY = "Azogues"
PASSWORD = "clave2026"
WRITER, DESK, ADMINISTRATOR = [27, 21], [28, 13, 16, 5, 15, 21], [12, 36, 32, 16, 18, 1, 31, 21, 29, 27]
CHIEF = [19, 27, 29, 21, 9]


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
        variables = self._folder / "variables.yml"
        variables.write_text(yaml.safe_dump({"provision_requests": [str(request)]}))
        inventory = self.environment.write_inventory(self._folder / "inventory")
        with password_file(self.environment.vault_password, inventory) as password:
            options = ["--inventory", f"{inventory}/hosts.yml", "--vault-password-file", str(password)]
            extra = ["--extra-vars", f"@{variables}"]
            ansible(["ansible-playbook", "quipux.provision.provision", *options, *extra])
        (row,) = self.database.sql(
            "SELECT inst_codi, depe_codi, usua_codi FROM usuarios WHERE usua_login = %s",
            (f"U{self.applicant.national_id}",),
        )
        institution, area, user = row
        return institution, area, user

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

    @cached_property
    def areas(self) -> dict[str, int]:
        """Ids of two areas by acronym: DIR with a letterhead, SEC."""
        self.aiq.create_area("Dirección de Ejemplo", "DIR", self.root, CITY, letterhead())
        self.aiq.create_area("Secretaría de Ejemplo", "SEC", self.root, CITY)
        rows = self.database.sql(
            "SELECT dep_sigla, depe_codi FROM dependencia WHERE inst_codi = %s", (self.institution,)
        )
        return dict(rows)

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
            ((national_id, email),) = self.database.sql(
                "SELECT usua_cedula, usua_email FROM usuarios WHERE usua_codi = %s", (user,)
            )
            mails = self.environment.application_host.exec(f"grep -lr 'To: {email}' {MAIL} | xargs cat")
            found = re.search(r"usuarionuevo\.php\?[^'<\s]+", mails)
            if not found:
                raise PageError(f"no activation link in the mails to {email}")
            self._browsers[user] = self._enter(found[0], national_id)
        return self._browsers[user]

    @cached_property
    def citizen(self) -> int:
        """ciu_codigo of somebody outside, entered by the registry desk."""
        who = Applicant.invent()
        email = f"carla@{who.case}.example.org"
        person = Person(who.national_id, "Carla", "Ciudadana Ejemplo", "Vecina", email, "cc")
        ((city,),) = self.database.sql("SELECT min(id) FROM ciudad WHERE nombre = %s", (CITY,))
        self.browser("desk").create_citizen(person, city)
        ((number,),) = self.database.sql(
            "SELECT ciu_codigo FROM ciudadano WHERE ciu_cedula = %s", (who.national_id,)
        )
        return int(number)
