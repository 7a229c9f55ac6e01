"""The playbook citizen as plain `ansible-playbook` runs it: number, file, database, and a kill in between."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.functional.modules import test_playbook
from tests.functional.modules.citizens import AGREEMENT, citizen
from tests.functional.modules.conftest import CEDULA, CODE_HASH, Quipux
from tests.functional.modules.test_playbook import Plays, unsafe


@pytest.fixture
def plays(quipux: Quipux, tmp_path: Path) -> Plays:
    made = Plays(quipux, tmp_path)
    (tmp_path / "acuerdo.pdf.p7m").write_bytes(AGREEMENT)
    return made


def variables(*items: dict[str, Any]) -> dict[str, Any]:
    return {"provision_items": unsafe([{"agreement_path": "acuerdo.pdf.p7m", **item} for item in items])}


def placed(plays: Plays) -> list[bytes]:
    return [path.read_bytes() for path in plays.bodega.rglob("*") if path.is_file()]


def test_the_fours_and_the_approval(plays: Plays) -> None:
    before = plays.quipux.dump()
    planned = plays.run("citizen", variables(citizen()), "--check", "--diff")
    assert planned.returncode == 0, planned.stdout
    assert "+request.state: sent" in planned.stdout
    assert plays.quipux.dump() == before
    assert placed(plays) == []
    done = plays.run("citizen", variables(citizen()))
    assert done.returncode == 0, done.stdout
    assert placed(plays) == [AGREEMENT]
    for wanted in (citizen(), citizen(state="approved"), citizen(state="approved")):
        changes = (wanted["state"] == "approved") and not plays.quipux.value(
            "SELECT count(*) FROM usuarios WHERE usua_cedula = %s", (CEDULA,)
        )
        for options in (("--check",), ()):
            again = plays.run("citizen", variables(wanted), *options)
            assert again.returncode == 0, again.stdout
            assert plays.recap(again.stdout, "db1")["changed"] == changes
            assert plays.recap(again.stdout, "app1")["changed"] == 0
    assert plays.quipux.value("SELECT inst_codi FROM usuario WHERE usua_cedula = %s", (CEDULA,)) == 1


def test_a_wrong_file_is_named_and_the_others_are_done(plays: Plays) -> None:
    (plays.folder / "otro.p7m").write_bytes(b"another")
    wrong = {**citizen("wrong", national_id="2405999984"), "agreement_path": "otro.p7m"}
    missing = {**citizen("missing", national_id="2405999976"), "agreement_path": "none.p7m"}
    done = plays.run("citizen", variables(wrong, missing, citizen()))
    assert done.returncode != 0
    assert "wrong: otro.p7m is not the agreement of its digest" in done.stdout
    assert "missing: cannot read the agreement none.p7m" in done.stdout
    assert plays.quipux.sql("SELECT ciu_cedula FROM ciudadano") == [(CEDULA,)]
    assert placed(plays) == [AGREEMENT]


def test_hostile_values_stay_text_and_secrets_stay_secret(plays: Plays) -> None:
    payload = "{{ lookup('pipe', 'touch PWNED') }}{% set x = 1 %}'); DROP TABLE log; --"
    wanted = citizen(
        organisation=payload,
        address=payload,
        activation={"hash": CODE_HASH},
        binding={"environment": payload, "hosts": [payload]},
        previous={"organisation": payload + "x"},
    )
    done = plays.run("citizen", variables(wanted), "-vvv", "--diff")
    assert done.returncode == 0, done.stdout
    assert not (plays.folder / "PWNED").exists()
    row = plays.quipux.row("usuario", "usua_login = %s", (f"U{CEDULA}",))
    assert (row["inst_nombre"], row["usua_pasw"]) == (payload.replace("'", "′"), CODE_HASH)
    output = done.stdout + done.stderr
    assert CODE_HASH not in output
    assert plays.password not in output
    assert "an agreement that somebody" not in output


def test_killed_between_the_number_and_the_end(plays: Plays, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it was when it died, the next run ends with one citizen, one request, one file."""

    def killed(*arguments: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        for name in ("capture_output", "text", "check"):
            options.pop(name)
        process = subprocess.Popen(
            *arguments,
            **options,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + 120
        reserved = "SELECT count(*) FROM solicitud_firma_ciudadano"
        while not plays.quipux.value(reserved) and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return subprocess.CompletedProcess([], -signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(test_playbook.subprocess, "run", killed)
        plays.run("citizen", variables(citizen()))
    assert plays.quipux.value("SELECT count(*) FROM ciudadano") == 0
    done = plays.run("citizen", variables(citizen()))
    assert done.returncode == 0, done.stdout
    assert plays.quipux.sql("SELECT sol_estado FROM solicitud_firma_ciudadano") == [(2,)]
    assert plays.quipux.value("SELECT count(*) FROM ciudadano") == 1
    assert placed(plays) == [AGREEMENT]


def test_one_host_without_its_bodega_holds_the_request_back(plays: Plays) -> None:
    path = plays.folder / "inventory.yml"
    text = path.read_text().replace("app2: {}", f"app2: {{quipux_bodega: {plays.folder / 'nowhere'}}}")
    path.write_text(text)
    done = plays.run("citizen", variables(citizen()))
    assert done.returncode != 0
    assert "did not confirm the agreement" in done.stdout
    assert plays.quipux.value("SELECT count(*) FROM ciudadano") == 0


def test_nothing_to_provision(plays: Plays) -> None:
    done = plays.run("citizen", {})
    assert done.returncode != 0
    assert "Give provision_items" in done.stdout
