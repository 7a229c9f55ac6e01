"""The argument list of ``ansible-playbook``. It holds paths only: no value of a request, no secret."""

from __future__ import annotations

from pathlib import Path


def build_args(
    playbook: str,
    inventory: Path,
    vars_file: Path,
    *,
    check: bool = False,
    vault_password_file: Path | None = None,
    verbosity: int = 0,
) -> list[str]:
    """Return the arguments after the program's name. Pure: touches no file, reads no environment.

    :param playbook: name (``quipux.provision.provision``) or path of the playbook.
    :param verbosity: number of ``v``; 0 leaves the option out.
    """
    args = ["--inventory", str(inventory), "--extra-vars", f"@{vars_file}"]
    if vault_password_file:
        args += ["--vault-password-file", str(vault_password_file)]
    if check:
        args.append("--check")
    if verbosity:
        args.append("-" + "v" * verbosity)
    return [*args, playbook]
