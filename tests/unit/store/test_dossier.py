"""A dossier is verified without its ledger; whatever somebody does to it is found."""

from __future__ import annotations

import io
import json
import random
import shutil
import stat
import subprocess
import warnings
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from quipux_provision.domain.canonical import canonical_json
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.store import checkpoints, dossier, plain_zip, signers
from quipux_provision.store.signatures import DOSSIER, RUN, sign
from quipux_provision.store.signers import AllowedSigners
from tests.unit.store.road import PHOTO, WORKBOOK, Road, example, official
from tests.unit.store.support import Office, Place, make_key
from tests.unit.store.test_audit import tamper

Members = dict[str, bytes]


def export(road: Road, name: str = "inej.zip", signer: str = "luis") -> tuple[Path, dict[str, Any]]:
    path, office = road.place.workspace / name, road.office
    case = name.removesuffix(".zip")
    manifest = dossier.write(
        path, road.ledger, office.signers, case, office.signer(signer), road.place.workspace
    )
    return path, manifest


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, people: dict[str, Path]) -> Path:
    """The folder with a finished ledger and the dossier of one of its cases."""
    folder = tmp_path_factory.mktemp("exported")
    for name, key in people.items():
        signers.add(folder / "allowed_signers", name, key.with_name(f"{name}.pub").read_text())
    road = official(Place("sqlite:///ledger.db", folder), Office(folder, dict(people)))
    checkpoints.write(road.ledger, road.office.signer("luis"), folder)
    export(road)
    return folder


@pytest.fixture
def sound(exported: Path, office: Office) -> Path:
    """A copy of that dossier, to do harm to, without the ledger."""
    shutil.copy(exported / "allowed_signers", office.folder / "allowed_signers")
    return Path(shutil.copy(exported / "inej.zip", office.folder / "inej.zip"))


def found(path: Path, trusted: AllowedSigners | None) -> list[tuple[str, int | None]]:
    return [(f.code, f.seq) for f in dossier.verify(path, trusted) if f.severity == "error"]


def remake(path: Path, change: Callable[[Members], object], key: Path, *, namespace: str = DOSSIER) -> None:
    """Change members and sign a fitting manifest anew with *key*."""
    members = plain_zip.unpack(path.read_bytes())
    manifest = json.loads(members.pop("manifest.json"))
    members.pop("manifest.json.sig")
    change(members)
    if lines := members["chain.jsonl"].splitlines():
        last = json.loads(lines[-1])
        manifest |= {"count": len(lines), "head": last if isinstance(last, str) else last["hash"]}
    manifest["members"] = {
        name: {"sha256": sha256(data).hexdigest(), "size": len(data)} for name, data in members.items()
    }
    signed = canonical_json(manifest)
    members |= {"manifest.json": signed, "manifest.json.sig": sign(key, namespace, signed).encode()}
    path.write_bytes(plain_zip.pack(members))


def chain(members: Members, change: Callable[[list[Any]], object]) -> None:
    lines = [json.loads(line) for line in members["chain.jsonl"].splitlines()]
    change(lines)
    members["chain.jsonl"] = b"".join(canonical_json(line) + b"\n" for line in lines)


def number(members: Members, kind: str) -> int:
    """The number of the first event of that kind."""
    lines = [json.loads(line) for line in members["chain.jsonl"].splitlines()]
    return next(line["seq"] for line in lines if isinstance(line, dict) and line["kind"] == kind)


def test_a_dossier_holds_the_case_and_verifies(place: Place, office: Office) -> None:
    road = official(place, office)
    point = checkpoints.write(road.ledger, office.signer("luis"), office.folder)
    path, manifest = export(road)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert dossier.verify(path, office.signers) == []
    assert [(f.code, f.severity) for f in dossier.verify(path)] == [("dossier_signers", "notice")]
    events = road.ledger.events()
    assert (manifest["count"], manifest["head"]) == (len(events), events[-1].hash)
    members = plain_zip.unpack(path.read_bytes())
    assert set(manifest["members"]) == set(members) - {"manifest.json", "manifest.json.sig"}
    request = json.loads(members["personal/00000003-case.submitted.json"])
    assert request["data"]["request"] == example().source
    assert members[f"files/{WORKBOOK.sha256}.xlsx"] == WORKBOOK.content
    assert members[f"files/{PHOTO.sha256}.png"] == PHOTO.content
    assert members[f"checkpoints/{point.name}"] == point.read_bytes()
    assert members["allowed_signers"] == office.signers.content
    decisions = [name for name in members if name.startswith("approvals/")]
    assert (
        sorted(name.split("-")[0] for name in decisions)
        == ["approvals/production"] * 2 + ["approvals/training"] * 2
    )
    assert b"mail.sent" in members["chain.jsonl"]


def test_of_other_cases_it_holds_only_hashes(sound: Path) -> None:
    members = plain_zip.unpack(sound.read_bytes())
    for line in map(json.loads, members["chain.jsonl"].splitlines()):
        if isinstance(line, dict):
            assert line["case"] in (None, "inej")
            assert "otro" not in str(line["data"])
    assert not [name for name in members if "withdrawn" in name or "returned" in name]


def test_anybody_can_check_it_with_openssh(sound: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(sound) as archive:
        archive.extractall(tmp_path / "out")
    out = tmp_path / "out"
    for name, namespace, who in [
        ("manifest.json", DOSSIER, "luis"),
        (
            next((out / "approvals").glob("production-*.json")).relative_to(out),
            "quipux-provision-approval",
            "ana",
        ),
    ]:
        command = ["ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", who, "-n", namespace]
        data = (out / name).read_bytes()
        done = subprocess.run([*command, "-s", f"{name}.sig"], cwd=out, input=data, check=False)
        assert done.returncode == 0


def test_the_same_case_gives_the_same_bytes(sqlite: Place, office: Office) -> None:
    road = Road(sqlite, office)
    road.submit("inej")
    path = export(road)[0]
    one = path.read_bytes()
    path.unlink()
    assert export(road)[0].read_bytes() == one
    assert b"1980" not in one


def test_its_bytes_are_the_same_with_every_python() -> None:
    packed = plain_zip.pack({"b/c.json": b"{}", "a": b""})
    assert sha256(packed).hexdigest() == "aea90df79f8f8ac21306fd34ce044afa27c0990adbbd64073b8bef16ce287a1c"
    assert plain_zip.unpack(packed) == {"a": b"", "b/c.json": b"{}"}


def test_one_byte_changed_is_found_wherever_it_is(sound: Path, office: Office) -> None:
    data, trusted = sound.read_bytes(), office.signers
    places = {*range(60), *range(len(data) - 200, len(data)), *random.Random(7).sample(range(len(data)), 300)}
    for at in sorted(places):
        sound.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert found(sound, trusted) == [("dossier_damaged", None)], at


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-1], lambda data: data + b"\n", lambda data: b"\n" + data, lambda _data: b""],
)
def test_more_or_fewer_bytes_are_found(sound: Path, office: Office, change: Callable[[bytes], bytes]) -> None:
    sound.write_bytes(change(sound.read_bytes()))
    assert found(sound, office.signers) == [("dossier_damaged", None)]


def test_a_member_changed_under_the_old_manifest_is_found(sound: Path, office: Office) -> None:
    members = plain_zip.unpack(sound.read_bytes())
    sound.write_bytes(plain_zip.pack({**members, "LEEME.txt": b"otra cosa"}))
    assert found(sound, office.signers) == [("dossier_damaged", None)]


def test_another_signer_is_found(sound: Path, office: Office, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "mallory")
    remake(sound, lambda _members: None, stranger)
    assert found(sound, office.signers) == [("signature_invalid", None)]


def test_a_signature_for_another_use_is_found(sound: Path, office: Office) -> None:
    remake(sound, lambda _members: None, office.keys["luis"], namespace=RUN)
    assert found(sound, office.signers) == [("signature_invalid", None)]


def test_whoever_may_not_sign_dossiers_is_found(sound: Path, office: Office) -> None:
    trusted = office.signers
    may = 'luis namespaces="quipux-provision-run,quipux-provision-checkpoint" '
    text = trusted.content.decode().replace("luis ", may, 1)
    assert found(sound, AllowedSigners.parse(text.encode(), "x")) == [("signature_invalid", None)]


def test_signers_of_ones_own_help_nobody(sound: Path, office: Office, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "mallory")
    own = b"mallory " + stranger.with_name("mallory.pub").read_bytes()
    remake(sound, lambda members: members.update(allowed_signers=own), stranger)
    assert ("signature_invalid", None) in found(sound, office.signers)
    assert ("signature_invalid", 3) in found(sound, None), "the case's own steps were signed by others"


def test_an_event_cut_out_is_found(sound: Path, office: Office) -> None:
    def cut(members: Members) -> None:
        seq = number(members, "mail.sent")
        chain(members, lambda lines: lines.pop(seq - 1))

    remake(sound, cut, office.keys["luis"])
    assert found(sound, office.signers) == [("dossier_damaged", None)]


@pytest.mark.parametrize(
    ("kind", "code"),
    [("mail.sent", "unfounded"), ("run.started", "run_missing"), ("report.received", "unfounded")],
)
def test_an_event_hidden_as_another_cases_is_found(sound: Path, office: Office, kind: str, code: str) -> None:
    def hide(members: Members) -> None:
        seq = number(members, kind)
        chain(members, lambda lines: lines.__setitem__(seq - 1, lines[seq - 1]["hash"]))
        members.pop(f"personal/{seq:08d}-{kind}.json", None)

    remake(sound, hide, office.keys["luis"])
    assert code in [code for code, _seq in found(sound, office.signers)]


def test_an_event_rewritten_is_found(sound: Path, office: Office) -> None:
    def rewrite(members: Members) -> None:
        seq = number(members, "mail.sent")
        chain(members, lambda lines: lines[seq - 1].update(kind="mail.failed"))

    remake(sound, rewrite, office.keys["luis"])
    assert {code for code, _seq in found(sound, office.signers)} == {"changed", "unfounded"}


def test_an_event_put_in_is_found(sound: Path, office: Office) -> None:
    def put(members: Members) -> None:
        seq = number(members, "mail.sent")

        def change(lines: list[Any]) -> None:
            lines.insert(seq, {**lines[seq - 1], "seq": seq + 1})
            for place, line in enumerate(lines[seq + 1 :], seq + 2):
                if isinstance(line, dict):
                    line["seq"] = place
                    name = f"personal/{place - 1:08d}-{line['kind']}.json"
                    if name in members:
                        members[f"personal/{place:08d}-{line['kind']}.json"] = members[name]

        chain(members, change)

    remake(sound, put, office.keys["luis"])
    assert found(sound, office.signers) != []


def test_a_later_link_that_does_not_fit_is_found(sound: Path, office: Office) -> None:
    def swap(members: Members) -> None:
        def change(lines: list[Any]) -> None:
            at = next(i for i, line in enumerate(lines) if isinstance(line, str))
            after = next(i for i in range(at, len(lines)) if isinstance(lines[i], dict))
            lines[after - 1] = "0" * 64

        chain(members, change)

    remake(sound, swap, office.keys["luis"])
    assert "removed" in [code for code, _seq in found(sound, office.signers)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda members, name: members.update({name: b"PK otro"}), "file_changed"),
        (lambda members, name: members.pop(name), "file_missing"),
        (lambda members, name: members.update({f"files/{'0' * 64}.bin": b"x"}), "file_changed"),
        (lambda members, name: members.update({f"{name}.bin": b"x"}), "dossier_damaged"),
    ],
)
def test_a_changed_file_is_found(
    sound: Path, office: Office, change: Callable[[Members, str], object], expected: str
) -> None:
    name = f"files/{WORKBOOK.sha256}.xlsx"
    remake(sound, lambda members: change(members, name), office.keys["luis"])
    assert {code for code, _seq in found(sound, office.signers)} == {expected}


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("case.submitted", lambda data: data.replace(b"Ejemplo", b"Otraaaa"), "personal_changed"),
        ("case.submitted", lambda data: data.replace(b'"salt":"', b'"salt":"0'), "personal_changed"),
        ("review.recorded", lambda data: data.replace(b"no_verificable", b"cumple"), "personal_changed"),
        ("case.submitted", lambda _data: None, "personal_missing"),
        ("case.submitted", lambda _data: b"[]", "dossier_damaged"),
        ("case.submitted", lambda data: data + b"\n", "dossier_damaged"),
    ],
)
def test_changed_personal_data_is_found(
    sound: Path, office: Office, kind: str, change: Callable[[bytes], bytes | None], expected: str
) -> None:
    def rewrite(members: Members) -> None:
        name = f"personal/{number(members, kind):08d}-{kind}.json"
        data = change(members.pop(name))
        members |= {name: data} if data is not None else {}

    remake(sound, rewrite, office.keys["luis"])
    assert expected in [code for code, _seq in found(sound, office.signers)]


@pytest.mark.parametrize("name", ["approvals", "checkpoints"])
@pytest.mark.parametrize("what", ["changed", "removed", "added"])
def test_a_changed_decision_or_checkpoint_is_found(sound: Path, office: Office, name: str, what: str) -> None:
    def rewrite(members: Members) -> None:
        one = next(key for key in sorted(members) if key.startswith(f"{name}/") and key.endswith(".json"))
        data = members.pop(one)
        if what == "changed":
            members[one] = data.replace(b'"', b"'", 1)
        elif what == "added":
            members |= {one: data, f"{name}/zz.json": data}

    remake(sound, rewrite, office.keys["luis"])
    changed = name == "checkpoints" and what == "changed"
    assert found(sound, office.signers) == [("checkpoint_invalid" if changed else "dossier_damaged", None)]


def test_a_checkpoint_that_knows_better_is_found(sound: Path, office: Office) -> None:
    def rewrite(members: Members) -> None:
        name = next(key for key in members if key.startswith("checkpoints/") and key.endswith(".json"))
        point = json.loads(members[name])
        members[name] = canonical_json({**point, "head": "0" * 64})
        members[f"{name}.sig"] = sign(
            office.keys["ana"], "quipux-provision-checkpoint", members[name]
        ).encode()

    remake(sound, rewrite, office.keys["luis"])
    assert [code for code, _seq in found(sound, office.signers)] == ["rewritten"]


def test_a_purged_case_still_has_a_dossier(sqlite: Place, office: Office) -> None:
    road = official(sqlite, office)
    road.purge("inej")
    path, manifest = export(road)
    assert dossier.verify(path, office.signers) == []
    kept = [name for name in manifest["members"] if name.startswith(("personal/", "files/"))]
    assert kept
    assert all("decision.received" in name for name in kept), "what was decided is nobody's personal data"


def test_a_dossier_of_nobody_and_of_a_damaged_ledger_are_refused(sqlite: Place, office: Office) -> None:
    road = Road(sqlite, office)
    road.submit("inej")
    with pytest.raises(UsageError, match="no case otro"):
        export(road, "otro.zip")
    tamper(sqlite, "UPDATE events SET actor = 'ana' WHERE seq = 2")
    with pytest.raises(GateClosed, match="event 2 was changed"):
        export(road)
    assert not (sqlite.workspace / "inej.zip").exists()


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        dossier.verify(tmp_path / "nothing.zip")


def hostile(kind: str) -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w") as archive:
        warnings.simplefilter("ignore")
        if kind == "bomb":
            archive.writestr("manifest.json", bytes(50_000_000), zipfile.ZIP_DEFLATED, 9)
        elif kind == "traversal":
            archive.writestr("../../etc/passwd", b"x")
        elif kind == "absolute":
            archive.writestr("/etc/passwd", b"x")
        elif kind == "duplicate":
            archive.writestr("manifest.json", b"{}")
            archive.writestr("manifest.json", b"[]")
        elif kind == "folder":
            archive.writestr("files/", b"")
        elif kind == "many":
            for one in range(10_001):
                archive.writestr(f"files/{one}", b"")
        elif kind == "foreign":
            archive.writestr("hola.txt", b"hola")
    return target.getvalue()


@pytest.mark.parametrize(
    "kind", ["bomb", "traversal", "absolute", "duplicate", "folder", "many", "foreign", "empty"]
)
def test_hostile_files_are_refused(office: Office, kind: str) -> None:
    path = office.folder / "hostile.zip"
    path.write_bytes(hostile(kind))
    assert found(path, office.signers) == [("dossier_damaged", None)]
    assert found(path, None) == [("dossier_damaged", None)]


def test_sizes_that_lie_are_refused(sound: Path, office: Office) -> None:
    data = bytearray(sound.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (2**31).to_bytes(4, "little")
    sound.write_bytes(data)
    assert found(sound, office.signers) == [("dossier_damaged", None)]


@pytest.mark.parametrize(
    "line",
    [
        [],
        {},
        7,
        None,
        {"kind": ["run.started"]},
        {"data": {"cases": 7}},
        {"data": []},
        {"seq": "3"},
        {"time": 3},
        {"case": 3},
        {"data": {"refs": 1, "files": 2}, "kind": "case.purged"},
    ],
)
def test_hostile_events_are_refused_in_words(sound: Path, office: Office, line: object) -> None:
    def rewrite(members: Members) -> None:
        seq = number(members, "mail.sent")

        def change(lines: list[Any]) -> None:
            lines[seq - 1] = {**lines[seq - 1], **line} if line and isinstance(line, dict) else line

        chain(members, change)

    remake(sound, rewrite, office.keys["luis"])
    assert found(sound, office.signers)
    assert found(sound, None)


@pytest.mark.parametrize("text", [b"", b"{}", b"[" * 100_000, b'{"format":1}', b"\xff", b"null"])
def test_hostile_manifests_are_refused_in_words(sound: Path, office: Office, text: bytes) -> None:
    members = plain_zip.unpack(sound.read_bytes())
    sound.write_bytes(plain_zip.pack({**members, "manifest.json": text}))
    assert found(sound, office.signers) == [("dossier_damaged", None)]
