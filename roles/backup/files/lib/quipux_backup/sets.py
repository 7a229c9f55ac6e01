"""Settings, and the folders that hold backups.

A set is a folder `<directory>/<id>` with encrypted files and a `manifest.json`. It is written as `<id>.part` and renamed when
whole, so that a folder without `.part` is always complete.
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
from contextlib import contextmanager, suppress
from pathlib import Path

SETTINGS = "/etc/quipux/backup.json"
MANIFEST = "manifest.json"
FORMAT = 1
NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z")
CHUNK = 1 << 20


class BackupError(Exception):
    """What went wrong and what to do, in one line."""


def settings(path=None):
    """The settings file's content, a dict. Raises BackupError."""
    path = path or os.environ.get("QUIPUX_BACKUP_SETTINGS", SETTINGS)
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BackupError(
            f"{path} cannot be read ({problem}); run the playbook self_hosted.yml again"
        ) from problem


@contextmanager
def exclusive(directory, wait=0.0):
    """Only one backup or restore at a time; `wait` seconds for another one to end. Raises BackupError."""
    handle = os.open(os.path.join(directory, ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
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


def whole(directory):
    """Complete sets, oldest first, as [(id, manifest)]."""
    found = []
    for folder in sorted(Path(directory).iterdir()):
        if NAME.fullmatch(folder.name) and folder.is_dir():
            with suppress(OSError, ValueError):
                found.append((folder.name, json.loads((folder / MANIFEST).read_text(encoding="utf-8"))))
    return found


def remove_dead(directory):
    """Remove what killed runs left; the caller holds the lock, so nobody is writing it."""
    for folder in Path(directory).glob("*.part"):
        shutil.rmtree(folder)


def rotate(directory, keep):
    """Remove the oldest complete sets beyond `keep`, which is at least 1; the ids removed."""
    removed = [name for name, _manifest in whole(directory)][: -max(1, keep)]
    for name in removed:
        # Renamed first: a set that is half removed must not look complete.
        dead = Path(directory, name + ".part")
        Path(directory, name).rename(dead)
        shutil.rmtree(dead)
    return removed


def size(manifest):
    return sum(file["bytes"] for part in manifest["parts"].values() for file in part["files"])


def demand_space(directory, needed):
    """Raises BackupError when the volume has fewer than `needed` bytes free."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise BackupError(
            f"{directory} has {free // CHUNK} MiB free, and this backup needs about {needed // CHUNK + 1} MiB; "
            "enlarge the volume, or lower backup_keep and remove old sets (all of them are still whole)"
        )


def sync_folder(folder):
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_manifest(folder, manifest):
    with open(os.path.join(folder, MANIFEST), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(manifest, file, indent=1, sort_keys=True)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


def digest(path):
    """SHA-256 of a file, in hexadecimal."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            found.update(chunk)
    return found.hexdigest()


def complaint(file):
    """The line of a program's error output that tells what is wrong."""
    file.seek(0)
    # age ends with a plea in brackets, pg_restore with a count.
    lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip() and line[0] != "["]
    return next((line for line in lines if "rror" in line), lines[-1] if lines else "no message").strip()


def encrypt(folder, name, recipient, feed):
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

        def collect():
            found = hashlib.sha256()
            try:
                with open(os.path.join(folder, name), "xb", opener=private) as target:
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
                f"no space left in {os.path.dirname(folder)}; enlarge the volume, or lower backup_keep and remove "
                "old sets (all of them are still whole)"
            )
        if disk:
            raise disk[0]
        if code > 0:
            raise BackupError(f"age: {complaint(errors)}; correct backup_recipient")
    if fed:
        raise fed
    return file, given


def private(path, flags):
    return os.open(path, flags, 0o600)
