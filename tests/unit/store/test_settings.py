"""The settings file: strict, every problem with its place, no secret in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from quipux_provision.domain.policy import LIMITS, SWITCHES, Policy
from quipux_provision.errors import UsageError
from quipux_provision.store.ledger import Ledger
from quipux_provision.store.secrets import SecretRef
from quipux_provision.store.settings import (
    FILE_NAME,
    Environment,
    Identity,
    MailSettings,
    Reading,
    Settings,
    SettingsError,
    find_workspace,
    load_settings,
)
from tests.unit.store.support import Place

GOOD = """\
ledger: sqlite:///registro.db
identity:
  key: ~/.ssh/id_ed25519
  signers: git:origin/main:allowed_signers
  strict_signers: true
mail:
  host: smtp.example.gob.ec
  security: tls
  user: quipux
  password: {env: SMTP_PASSWORD}
  sender: "Quipux <quipux@example.gob.ec>"
  support: soporte@example.gob.ec
  operator: "Mesa de ayuda <mesa@example.gob.ec>"
  timeout: 5
environments:
  training:
    kind: capacitacion
    inventory: inventories/training
    url: https://capacitacion.example.gob.ec/
  production:
    kind: produccion
    vias: [central, ciudadano]
    inventory: /srv/inventories/production
    url: https://quipux.example.gob.ec:8443/quipux
    default_city: Azogues
    vault: {command: [pass, show, vault]}
    mail: {sender: produccion@example.gob.ec}
    reading: {inventory: inventories/production-reading, vault: {env: READING}}
policy:
  vigencia_aprobacion: 3
  lock_ttl: 5
  exigir_capacitacion: false
  horas_capacitacion: 16
  exigir_revision: false
  plazo_dias: 10
  zona: Pacific/Galapagos
  avisos_dias: [0, 5]
  suspension_desactiva: false
  dias_fin_capacitacion: 0
  anticipacion_cambio: 10
  retencion_dias: 365
"""


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def load(folder: Path, text: str) -> Settings:
    (folder / FILE_NAME).write_text(text)
    return load_settings(folder)


def problems(folder: Path, text: str) -> list[str]:
    """Return the problems without the file's name."""
    with pytest.raises(SettingsError) as refused:
        load(folder, text)
    assert refused.value.exit_code == 2
    lines = refused.value.message.splitlines()
    assert all(line.startswith(f"{folder / FILE_NAME}:") for line in lines)
    return [line.removeprefix(f"{folder / FILE_NAME}:") for line in lines]


def environment(**changes: str) -> str:
    values = {"kind": "capacitacion", "inventory": "inv", "url": "https://q.example.gob.ec", **changes}
    return "environments:\n  training:\n" + "".join(f"    {k}: {v}\n" for k, v in values.items() if v)


def test_everything_is_read(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD)
    assert settings.workspace == tmp_path
    assert settings.ledger_url == "sqlite:///registro.db"
    key = Path("~/.ssh/id_ed25519").expanduser()
    assert settings.identity == Identity(key, "git:origin/main:allowed_signers", strict_signers=True)
    assert settings.mail == MailSettings(
        host="smtp.example.gob.ec",
        port=465,
        security="tls",
        user="quipux",
        password=SecretRef(env="SMTP_PASSWORD"),
        sender="Quipux <quipux@example.gob.ec>",
        support="soporte@example.gob.ec",
        operator="mesa@example.gob.ec",
        timeout=5,
    )
    assert settings.environments["training"] == Environment(
        name="training",
        kind="capacitacion",
        routes=("central",),
        inventory=tmp_path / "inventories/training",
        url="https://capacitacion.example.gob.ec",
    )
    production = settings.environments["production"]
    assert production.routes == ("central", "ciudadano")
    assert production.inventory == Path("/srv/inventories/production")
    assert production.vault == SecretRef(command=("pass", "show", "vault"))
    assert production.mail is not None
    assert (production.mail.host, production.mail.security) == (None, "starttls")
    assert (production.mail.operator, production.mail.timeout) == ("produccion@example.gob.ec", 30)
    assert production.reading == Reading(
        tmp_path / "inventories/production-reading", SecretRef(env="READING")
    )
    assert settings.policy == Policy(
        approval_days=3,
        activation_hours=72,
        lock_ttl_minutes=5,
        training_gate=False,
        training_hours=16,
        review_gate=False,
        window_days=10,
        zone="Pacific/Galapagos",
        reminder_days=(5, 0),
        suspension_deactivates=False,
        training_end_days=0,
        change_notice_days=10,
        retention_days=365,
    )


def test_the_official_values_are_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, environment() + "policy: {}\n").policy == Policy()
    assert load(tmp_path, environment() + "policy: {plazo_dias: 1}\n").policy.reminder_days == (1, 0)
    assert load(tmp_path, environment() + "policy: {avisos_dias: []}\n").policy.reminder_days == ()


def test_a_new_workspace_has_the_official_values() -> None:
    from importlib.resources import files

    template = files("quipux_provision") / "workspace_template" / FILE_NAME
    settings = load_settings(Path(str(template)).parent)
    assert settings.policy == Policy()
    written = set(yaml.safe_load(template.read_text("utf-8"))["policy"])
    assert written == {*LIMITS, *SWITCHES, "zona", "avisos_dias"}


def test_little_is_needed(tmp_path: Path) -> None:
    settings = load(tmp_path, environment())
    assert settings.ledger_url == "sqlite:///ledger.db"
    assert settings.identity == Identity(None, "allowed_signers")
    assert settings.mail is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("colour: blue\n", "1:1: colour is not a known setting"),
        ("identity: {colour: blue}\n", "1:12: identity.colour is not a known setting"),
        ("policy: {}\npolicy: {}\n", "2:1: policy stands twice"),
        ("policy: &x {}\nmail: *x\n", "1:9: has an anchor"),
        ("policy: !!python/object:os.system {}\n", "1:9: has a tag"),
        ("policy: {}\n---\npolicy: {}\n", "2:1: begins a second document"),
        ("policy: {lock_ttl: 0}\n", "1:20: policy.lock_ttl: must be a whole number from 1 to 1440"),
        ("policy: {lock_ttl: '5'}\n", "1:20: policy.lock_ttl: must be a whole number"),
        (
            "policy: {vigencia_aprobacion: 8}\n",
            "1:31: policy.vigencia_aprobacion: must be a whole number from 1",
        ),
        ("policy: {exigir_revision: 'no'}\n", "1:27: policy.exigir_revision: must be true or false"),
        ("policy: {zona: Quito}\n", "1:16: policy.zona: is not a known time zone"),
        ("policy: {zona: ../../etc/passwd}\n", "1:16: policy.zona: is not a known time zone"),
        ("policy: {zona: America}\n", "1:16: policy.zona: is not a known time zone"),
        (
            "policy: {avisos_dias: 2}\n",
            "policy.avisos_dias: must be a list of different whole numbers from 0",
        ),
        ("policy: {avisos_dias: [2, 2]}\n", "policy.avisos_dias: must be a list of different"),
        ("policy: {avisos_dias: [8]}\n", "whole numbers from 0 to 7"),
        ("policy: {plazo_dias: 3, avisos_dias: [4]}\n", "whole numbers from 0 to 3"),
        ("policy: {avisos_dias: ['2']}\n", "policy.avisos_dias: must be a list of different"),
        (environment(reading="{vault: {env: A}}"), "environments.training.reading.inventory: is missing"),
        (environment(mail="{sender: a@b.ec, operator: nadie}"), "mail.operator: must be an e-mail address"),
        (environment(mail="{sender: a@b.ec, timeout: 0}"), "mail.timeout: must be a whole number from 1"),
        ("- a\n", "1:1: the file must be a mapping"),
        ("a: [\n", "is no YAML"),
        ("1: a\n", "1:1: a key must be text"),
        ("identity: rosa\n", "1:11: identity: must be a mapping"),
        ("identity: {strict_signers: 'yes'}\n", "1:28: identity.strict_signers: must be true or false"),
        ("identity: {key: 10}\n", "1:17: identity.key: must be one line of text"),
        ("ledger: mysql://h/x\n", "1:9: ledger: is not the URL of a ledger"),
        (environment(kind="demo"), "3:11: environments.training.kind: is not a known value"),
        (environment(kind=""), "environments.training.kind: is missing"),
        (environment(url=""), "environments.training.url: is missing"),
        (environment(inventory=""), "environments.training.inventory: is missing"),
        (
            environment(url="http://q.example.gob.ec"),
            "5:10: environments.training.url: must be an https address",
        ),
        (environment(url="https://u:p@q.example.gob.ec"), "must be an https address"),
        (environment(url="https://q.example.gob.ec/?x=1"), "must be an https address"),
        (environment(url="ftp://q.example.gob.ec", demo="true"), "must be an https address"),
        (environment(vias="[central, otra]"), "environments.training.vias: is not a known value"),
        (environment(vias="central"), "environments.training.vias: must be a list of texts"),
        ("environments: {Training: {}}\n", "environments.Training: is not a good name"),
        ("environments: {training: }\n", "environments.training: is empty"),
        (
            environment(mail="{sender: nobody}"),
            "environments.training.mail.sender: must be an e-mail address",
        ),
        (
            environment(mail="{sender: a@b.ec, security: none}"),
            "none is for environments with demo: true only",
        ),
        (environment() + "mail: {sender: a@b.ec, security: none}\n", "mail.security: none is for"),
        (
            environment(mail="{sender: a@b.ec, user: x}"),
            "environments.training.mail.user: goes with password",
        ),
        (environment(mail="{sender: a@b.ec, port: 70000}"), "mail.port: must be a whole number"),
        (
            environment(vault="{env: A, file: b}"),
            "environments.training.vault: must name a secret in exactly one",
        ),
        (environment(vault="{colour: b}"), "environments.training.vault.colour is not a known setting"),
    ],
)
def test_a_problem_is_told_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    assert any(problem in line for line in problems(tmp_path, text)), problems(tmp_path, text)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, "colour: blue\nidentity: {key: 10}\npolicy: {lock_ttl: 0}\n")
    assert [line.split(":")[0] for line in found] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "text",
    [
        "ledger: postgresql://ana:hunter2@db/ledger\n",
        "ledger: postgresql://db/ledger?password=hunter2\n",
        "ledger: {url: 'postgresql://ana@db/ledger', password: hunter2}\n",
        "mail: {sender: a@b.ec, user: x, password: hunter2}\n",
        environment(vault="hunter2"),
        environment(vault="[hunter2]"),
    ],
)
def test_a_literal_secret_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    found = "\n".join(problems(tmp_path, text))
    assert "must not stand in the settings" in found
    assert "{env: NAME}" in found
    assert "hunter2" not in found


def test_two_environments_must_not_share_an_inventory(tmp_path: Path) -> None:
    text = GOOD.replace("/srv/inventories/production", "inventories/../inventories/training/")
    assert any("is the inventory of training already" in line for line in problems(tmp_path, text))
    text = GOOD.replace("inventories/production-reading", "inventories/training")
    assert any(
        "production.reading: is the inventory of training" in line for line in problems(tmp_path, text)
    )


def test_http_and_plain_mail_are_for_demonstrations(tmp_path: Path) -> None:
    mail = "{sender: a@b.ec, security: none, host: 127.0.0.1, port: 2525}"
    text = environment(url="http://127.0.0.1:8080", demo="true", mail=mail) + f"mail: {mail}\n"
    assert load(tmp_path, text).environments["training"].url == "http://127.0.0.1:8080"
    assert problems(tmp_path, text.replace("demo: true", "demo: false"))


def test_the_users_own_key_wins_over_the_workspaces(tmp_path: Path) -> None:
    own = tmp_path / "config/quipux-provision/settings.yml"
    own.parent.mkdir(parents=True)
    own.write_text("identity: {key: /home/ana/.ssh/id_ed25519}\n")
    settings = load(tmp_path, GOOD)
    assert settings.identity.key == Path("/home/ana/.ssh/id_ed25519")
    assert settings.identity.signers == "git:origin/main:allowed_signers"
    own.write_text("identity: {signers: mine}\n")
    with pytest.raises(SettingsError, match=r"settings\.yml:1:12: identity\.signers is not a known setting"):
        load(tmp_path, GOOD)


def test_the_workspace_is_the_nearest_folder_upwards(tmp_path: Path) -> None:
    deep = tmp_path / "requests/2026"
    deep.mkdir(parents=True)
    with pytest.raises(UsageError, match=r"no quipux-provision\.yml") as refused:
        find_workspace(deep)
    assert "init" in refused.value.hint
    (tmp_path / FILE_NAME).write_text("")
    assert find_workspace(deep) == tmp_path
    (tmp_path / "requests" / FILE_NAME).write_text("")
    assert find_workspace(deep) == tmp_path / "requests"


def test_settings_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        load_settings(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="UTF-8"):
        load_settings(tmp_path)


def test_a_ledger_opens_with_a_password_by_reference(
    postgresql: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER", postgresql.password or "")
    folder = postgresql.workspace
    split = load(folder, f"ledger: {{url: '{postgresql.url}', password: {{env: LEDGER}}}}\n")
    first = Ledger.from_settings(split)
    scheme, rest = postgresql.url.split("//")
    user, host = rest.split("@")
    monkeypatch.setenv("WHOLE", f"{scheme}//{user}:{postgresql.password}@{host}")
    whole = load(folder, "ledger: {env: WHOLE}\n")
    assert Ledger.from_settings(whole).ledger_id == first.ledger_id
