"""Settings, and the folders that hold backups.

A set is a folder `<directory>/<id>` with encrypted files and a `manifest.json`. It is written as `<id>.part`
and renamed when whole, so that a folder without `.part` is always complete.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

SETTINGS = "/etc/quipux/backup.json"
MANIFEST = "manifest.json"
FORMAT = 1
NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z")
CHUNK = 1 << 20
Settings = dict[str, Any]
Manifest = dict[str, Any]


class BackupError(Exception):
    """What went wrong and what to do, in one line."""


def settings(path: str | None = None) -> dict[str, Any]:
    """The settings file's content, a dict. Raises BackupError."""
    path = path or os.environ.get("QUIPUX_BACKUP_SETTINGS", SETTINGS)
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BackupError(
            f"{path} cannot be read ({problem}); run the playbook self_hosted.yml again"
        ) from problem


@contextmanager
def exclusive(directory: str, wait: float = 0.0) -> Iterator[None]:
    """Only one backup or restore at a time; `wait` seconds for another one to end. Raises BackupError."""
    handle = os.open(Path(directory, ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        stopper = threading.Event()
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as problem:
                if wait <= 0:
                    raise BackupError(
                        "another backup or restore is running on this host; wait until it has ended"
                    ) from problem
                stopper.wait(1)
                wait -= 1
        yield
    finally:
        os.close(handle)


def whole(directory: str) -> list[tuple[str, Manifest]]:
    """Complete sets as [(id, manifest)], in the order they were made in; the timer's id may be older."""
    found = []
    for folder in sorted(Path(directory).iterdir()):
        if NAME.fullmatch(folder.name) and folder.is_dir():
            with suppress(OSError, ValueError):
                found.append((folder.name, json.loads((folder / MANIFEST).read_text(encoding="utf-8"))))
    return sorted(found, key=lambda one: one[1]["made_at"])


def remove_dead(directory: str) -> None:
    """Remove what killed runs left; the caller holds the lock, so nobody is writing it."""
    for folder in Path(directory).glob("*.part"):
        shutil.rmtree(folder)


def rotate(directory: str, keep: int) -> list[str]:
    """Remove the oldest complete sets beyond `keep`, which is at least 1; the ids removed."""
    removed = [name for name, _manifest in whole(directory)][: -max(1, keep)]
    for name in removed:
        # Renamed first: a set that is half removed must not look complete.
        dead = Path(directory, name + ".part")
        Path(directory, name).rename(dead)
        shutil.rmtree(dead)
    return removed


def size(manifest: dict[str, Any]) -> int:
    return sum(file["bytes"] for part in manifest["parts"].values() for file in part["files"])


def demand_space(directory: str | Path, needed: int) -> None:
    """Raises BackupError when the volume has fewer than `needed` bytes free."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise BackupError(
            f"{directory} has {free // CHUNK} MiB free and this backup needs {needed // CHUNK + 1} MiB; "
            "enlarge the volume, or lower backup_keep and remove old sets (all of them are still whole)"
        )


def sync_folder(folder: str | Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    with Path(folder, MANIFEST).open("w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(manifest, file, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


def complaint(file: IO[bytes]) -> str:
    """The line of a program's error output that tells what is wrong."""
    file.seek(0)
    # age ends with a plea in brackets, pg_restore with a count.
    lines = [
        line for line in file.read().decode(errors="replace").splitlines() if line.strip() and line[0] != "["
    ]
    return next((line for line in lines if "rror" in line), lines[-1] if lines else "no message").strip()


def encrypt(
    folder: Path, name: str, recipient: str, feed: Callable[[IO[bytes]], Any]
) -> tuple[dict[str, Any], Any]:
    """Write `folder/name` with what `feed(pipe)` writes, encrypted on the way: nothing plain reaches a disk.

    Gives ({name, bytes, sha256}, what feed gave). Raises BackupError, and what feed raises.
    """
    recipients = [argument for key in recipient.split() for argument in ("-r", key)]
    file = {"name": name, "bytes": 0, "sha256": ""}
    disk = []
    given = fed = None
    with tempfile.TemporaryFile() as errors:
        age = subprocess.Popen(
            ["age", *recipients], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )

        def collect() -> None:
            found = hashlib.sha256()
            try:
                with open(Path(folder, name), "xb", opener=private) as target:
                    for chunk in iter(lambda: age.stdout.read(CHUNK), b""):
                        target.write(chunk)
                        found.update(chunk)
                        file["bytes"] += len(chunk)
                    target.flush()
                    os.fsync(target.fileno())
                file["sha256"] = found.hexdigest()
            except OSError as problem:
                disk.append(problem)
                age.kill()

        collector = threading.Thread(target=collect)
        collector.start()
        try:
            given = feed(age.stdin)
        except BaseException as problem:
            fed = problem
            if not isinstance(problem, BrokenPipeError):
                age.kill()  # what it holds is not whole
        with suppress(BrokenPipeError):
            age.stdin.close()
        collector.join()
        code = age.wait()
        age.stdout.close()
        if disk and disk[0].errno == errno.ENOSPC:
            raise BackupError(
                f"no space left in {folder.parent}; enlarge the volume, or lower backup_keep and remove "
                "old sets (all of them are still whole)"
            )
        if disk:
            raise disk[0]
        if code > 0:
            raise BackupError(f"age: {complaint(errors)}; correct backup_recipient")
    if fed:
        raise fed
    return file, given


@contextmanager
def decrypted(folder: str, name: str, identity: bytes, target: int) -> Iterator[Any]:
    """Decrypt a file into `target`, or as the block's pipe. The identity goes through a pipe."""
    reading, writing = os.pipe()
    os.write(writing, identity)
    os.close(writing)
    with tempfile.TemporaryFile() as errors:
        try:
            age = subprocess.Popen(
                ["age", "-d", "-i", f"/proc/self/fd/{reading}", str(Path(folder, name))],
                stdin=subprocess.DEVNULL, stdout=target, stderr=errors, pass_fds=(reading,),
            )  # fmt: skip
        finally:
            os.close(reading)
        broken: BackupError | None = None
        try:
            yield age.stdout
        except BackupError as problem:
            broken = problem
        finally:
            if age.stdout:
                age.stdout.close()
            code = age.wait()
        if code > 0:
            what = complaint(errors)
            if "no identity matched" in what:
                raise BackupError(
                    "the identity is not the one this backup was made for; give the right restore_identity"
                )
            if "pipe" not in what:
                raise BackupError(f"{name} cannot be decrypted ({what}); choose another set")
        if broken:
            raise broken


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
