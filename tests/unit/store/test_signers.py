"""The allowed_signers file: one person, one name; one key, one person."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from quipux_provision.errors import UsageError
from quipux_provision.store import signers
from quipux_provision.store.signatures import APPROVAL, RUN
from quipux_provision.store.signers import AllowedSigners, is_what_the_remote_has
from tests.unit.store.support import Office, make_key


@pytest.fixture
def rosa(people: dict[str, Path]) -> str:
    return people["rosa"].with_name("rosa.pub").read_text().strip()


@pytest.fixture
def luis(people: dict[str, Path]) -> str:
    return people["luis"].with_name("luis.pub").read_text().strip()


def parse(text: str) -> AllowedSigners:
    return AllowedSigners.parse(text.encode(), "allowed_signers")


def test_a_file_is_read(rosa: str, luis: str) -> None:
    text = f'# oficina\n\nrosa {rosa}\n  ci namespaces="{RUN},x-*",valid-after="20260101Z" {luis}\n'
    found = parse(text)
    assert found.principals == ("rosa", "ci")
    assert found.sha256 == hashlib.sha256(text.encode()).hexdigest()
    one, two = found.signers
    assert (one.namespaces, one.comment) == ((), "rosa")
    assert (two.namespaces, two.valid_after, two.valid_before) == ((RUN, "x-*"), "20260101Z", None)
    assert found.principal_of(two.key) == "ci"
    assert found.may("rosa", APPROVAL)
    assert found.may("ci", RUN)
    assert found.may("ci", "x-y")
    assert not found.may("ci", APPROVAL)
    assert not found.may("nobody", RUN)


def test_one_person_may_have_several_keys(rosa: str, luis: str) -> None:
    found = parse(f"rosa {rosa}\nrosa {luis}\n")
    assert found.principals == ("rosa",)
    assert len(found.keys_of("rosa")) == 2


def test_an_excluded_namespace_stays_excluded(rosa: str) -> None:
    found = parse(f'ci namespaces="*,!{APPROVAL}" {rosa}\n')
    assert found.may("ci", RUN)
    assert not found.may("ci", APPROVAL)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("luis KEY", "already rosa's"),
        ("rosa KEY", "stands twice"),
        ("rosa,luis OTHER", "one person is one name"),
        ('"rosa" OTHER', "one person is one name"),
        ("*@example.gob.ec OTHER", "patterns"),
        ("ros? OTHER", "patterns"),
        ("!rosa OTHER", "patterns"),
        ("maría OTHER", "without accents"),
        ("-oProxyCommand=x OTHER", "a name is letters"),
        ("luis\tOTHER", "a name is letters"),
        ("luis cert-authority OTHER", "certificate authorities"),
        ('luis CERT-AUTHORITY,namespaces="x" OTHER', "certificate authorities"),
        ("luis verify-required OTHER", "verify-required is not accepted"),
        ('luis namespaces="" OTHER', "list of names"),
        ('luis namespaces="a",namespaces="b" OTHER', "not accepted"),
        ('luis valid-after="tomorrow" OTHER', "is a date"),
        ("luis ssh-dss AAAAB3NzaC1kc3MAAAAA", "ssh-dss"),
        ("luis ssh-ed25519 AAAA====", "damaged"),
        ("luis ssh-ed25519 AAAA", "too early"),
        ("luis", "one line with an OpenSSH public key"),
        ("luis ecdsa-sha2-nistp256 RAW", "says ecdsa-sha2-nistp256 and is ssh-ed25519"),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused_with_its_place(
    rosa: str, luis: str, line: str, reason: str
) -> None:
    raw = rosa.split()[1]
    bad = line.replace("OTHER", luis).replace("KEY", rosa).replace("RAW", raw)
    with pytest.raises(UsageError, match=reason) as refused:
        parse(f"rosa {rosa}\n{bad}\n")
    assert refused.value.message.startswith("allowed_signers:2: ")
    assert "\n" not in refused.value.message


def test_a_short_rsa_key_is_refused(tmp_path: Path) -> None:
    public = make_key(tmp_path / "short", "rsa", "-b", "1024").with_name("short.pub").read_text()
    with pytest.raises(UsageError, match="1024 bits"):
        parse(f"rosa {public}")


def test_the_file_must_be_text_and_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        AllowedSigners.parse(b"\xff\xfe", "allowed_signers")
    with pytest.raises(UsageError, match="cannot read") as refused:
        AllowedSigners.load("allowed_signers", tmp_path)
    assert "signers add" in refused.value.hint


def test_people_are_added(tmp_path: Path, rosa: str, luis: str) -> None:
    path = tmp_path / "allowed_signers"
    signers.add(path, "rosa", rosa)
    assert stat.S_IMODE(path.stat().st_mode) & 0o022 == 0
    path.write_text("# nota\n" + path.read_text().removesuffix("\n"))
    added = signers.add(path, "ci", luis, [RUN])
    assert (added.principal, added.namespaces) == ("ci", (RUN,))
    assert path.read_text().startswith("# nota\nrosa ssh-ed25519 ")
    assert AllowedSigners.load("allowed_signers", tmp_path).principals == ("rosa", "ci")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("luis", "ROSA"),
        ("rosa", "ROSA"),
        ("lu is", "LUIS"),
        ("l*", "LUIS"),
        ("", "LUIS"),
        ("luis", "LUIS\nmallory LUIS"),
        ("luis", "-----BEGIN OPENSSH PRIVATE KEY-----"),
        ("luis", "ssh-ed25519"),
    ],
)
def test_a_bad_addition_changes_nothing(tmp_path: Path, rosa: str, luis: str, name: str, key: str) -> None:
    path = tmp_path / "allowed_signers"
    signers.add(path, "rosa", rosa)
    before = path.read_bytes()
    with pytest.raises(UsageError):
        signers.add(path, name, key.replace("ROSA", rosa).replace("LUIS", luis))
    assert path.read_bytes() == before


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.gob.ec", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_the_file_of_a_protected_branch_is_read(office: Office, tmp_path: Path) -> None:
    source, workspace = tmp_path / "source", tmp_path / "workspace"
    source.mkdir()
    git(tmp_path, "init", "-q", "-b", "main", str(source))
    (source / "allowed_signers").write_bytes((office.folder / "allowed_signers").read_bytes())
    git(source, "add", "allowed_signers")
    git(source, "commit", "-q", "-m", "signers")
    git(tmp_path, "clone", "-q", str(source), str(workspace))
    found = AllowedSigners.load("git:origin/main:allowed_signers", workspace)
    assert found.content == office.signers.content
    assert found.source == "git:origin/main:allowed_signers"
    # What lies in the work tree, or in local names that look alike, does not count.
    (workspace / "allowed_signers").write_text("")
    git(workspace, "commit", "-q", "-am", "mine")
    git(workspace, "tag", "origin/main")
    git(workspace, "branch", "origin/main")
    assert AllowedSigners.load("git:origin/main:allowed_signers", workspace).content == found.content


def test_a_branch_moved_by_hand_is_not_what_the_remote_has(tmp_path: Path) -> None:
    spec, source, workspace = "git:origin/main:allowed_signers", tmp_path / "source", tmp_path / "workspace"
    source.mkdir()
    git(tmp_path, "init", "-q", "-b", "main", str(source))
    (source / "allowed_signers").write_text("")
    git(source, "add", "allowed_signers")
    git(source, "commit", "-q", "-m", "signers")
    git(tmp_path, "clone", "-q", str(source), str(workspace))
    assert is_what_the_remote_has(spec, workspace) is True
    (workspace / "allowed_signers").write_text("# mine\n")
    git(workspace, "commit", "-q", "-am", "mine")
    git(workspace, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert is_what_the_remote_has(spec, workspace) is False
    source.rename(tmp_path / "gone")
    assert is_what_the_remote_has(spec, workspace) is None


@pytest.mark.parametrize(
    "spec",
    [
        "git:",
        "git:origin",
        "git:origin/main",
        "git:--upload-pack=x/main:y",
        "git:origin/../x:y",
        "git:o/m:nothing",
    ],
)
def test_a_branch_that_is_none_is_refused(tmp_path: Path, spec: str) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(UsageError, match="git"):
        AllowedSigners.load(spec, tmp_path)


@pytest.fixture
def ordinary_user() -> Iterator[None]:
    """The superuser can write everything, so the test runs as somebody else."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    yield
    os.seteuid(me)


@pytest.mark.usefixtures("ordinary_user")
def test_a_file_of_others_is_not_writable() -> None:
    assert not signers.writable_by_me(Path("/etc/passwd"))


def test_a_file_of_mine_is_writable(tmp_path: Path) -> None:
    (tmp_path / "allowed_signers").write_text("")
    assert signers.writable_by_me(tmp_path / "allowed_signers")
