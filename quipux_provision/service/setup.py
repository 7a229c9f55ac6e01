"""A new workspace, and the people who may sign in it."""

from __future__ import annotations

import shutil
from pathlib import Path

from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.store.settings import FILE_NAME

_PACKAGE = Path(__file__).resolve().parent.parent
_PRIVATE = ("outbox", "checkpoints", "secretos")


def initialise(target: Path) -> list[Path]:
    """Make a workspace in *target*: settings, requests, inventories, signers, all commented in Spanish.

    :returns: the files written, relative to *target*.
    :raises UsageError: *target* holds a workspace already, or is no folder.
    """
    if target.exists() and not target.is_dir():
        raise UsageError(
            _("{path} is not a folder").format(path=target), _("name a new folder: quipux-provision init DIR")
        )
    if (target / FILE_NAME).exists():
        raise UsageError(
            _("{path} is a workspace already").format(path=target),
            _("use it with --workspace {path}, or name another folder").format(path=target),
        )
    sources = [(_PACKAGE / "workspace_template", Path()), (inventories(), Path("inventories"))]
    written: list[Path] = []
    try:
        if not target.exists():
            target.mkdir(mode=0o700, parents=True)  # requests and the ledger hold personal data
        for source, below in sources:
            written += _copy(source, target, below)
        for name in _PRIVATE:
            (target / name).mkdir(mode=0o700, exist_ok=True)
        (target / "approvals").mkdir(exist_ok=True)
        (target / "requests").chmod(0o700)
    except OSError as error:
        raise UsageError(
            _("cannot write the workspace: {reason}").format(reason=error.strerror),
            _("name a folder that you may write"),
        ) from error
    return sorted(written)


def inventories() -> Path:
    """Return the example inventories: packed with the wheel, or at the top of a checkout."""
    packed = _PACKAGE / "inventories"
    return packed if packed.is_dir() else _PACKAGE.parent / "inventories"


def _copy(source: Path, target: Path, below: Path) -> list[Path]:
    written = []
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if not path.is_file() or relative.parts[0] in ("demo", "self_hosted"):
            continue
        # Packages do not carry hidden files well, so the template's one is stored without its dot.
        name = below / (Path(".gitignore") if relative == Path("gitignore") else relative)
        destination = target / name
        if destination.exists():
            continue
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, destination)
        written.append(name)
    return written


def own_public_key() -> Path | None:
    """Return the user's own SSH public key, ed25519 before others, or None."""
    folder = Path.home() / ".ssh"
    names = ("id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub")
    return next((folder / name for name in names if (folder / name).is_file()), None)
