"""Real hosts for the tests: podman containers with systemd as PID 1, reached by SSH with pinned host keys."""

from __future__ import annotations

import json
import secrets
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType

START_TIMEOUT = 60.0  # seconds until systemd and sshd answer; about 4 on an idle machine


class HostError(Exception):
    """A command on a test host, or podman itself, failed; the message holds its error text."""


def podman(*arguments: str, stdin: bytes | None = None, timeout: float = 120) -> str:
    """Run podman, give its output. Raises HostError."""
    done = subprocess.run(
        ["podman", *arguments], input=stdin or b"", capture_output=True, check=False, timeout=timeout
    )
    if done.returncode:
        raise HostError(f"podman {' '.join(arguments[:3])}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode(errors="replace")


class Host:
    """One started container. `exec` is the test's own way in, past SSH: to prepare a host, to look at it."""

    def __init__(self, name: str, container: str, network: str) -> None:
        self.name = name
        self.container = container
        self._network = network
        self.address = ""

    def wait_until_up(self) -> None:
        """Wait for sshd and the address. Raises HostError."""
        inspected = json.loads(podman("inspect", self.container))[0]
        self.address = inspected["NetworkSettings"]["Networks"][self._network]["IPAddress"]
        self.wait_for("systemctl is-active ssh.service")

    def wait_for(self, command: str, timeout: float = START_TIMEOUT) -> None:
        """Repeat a shell command until it succeeds. Raises HostError with its last error."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.exec(command)
                return
            except HostError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def exec(self, command: str, stdin: str | bytes | None = None, timeout: float = 120) -> str:
        """Run a shell command as root inside. Raises HostError."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        return podman("exec", "-i", self.container, "sh", "-ec", command, stdin=data, timeout=timeout)

    def write(self, path: str, content: str, mode: str = "0644", owner: str = "root:root") -> None:
        """Write a file inside, folders included."""
        self.exec(
            f"mkdir -p '{Path(path).parent}'; umask 077; cat > '{path}'; "
            f"chmod {mode} '{path}'; chown {owner} '{path}'",
            content,
        )

    def copy_tree(self, source: Path, target: str) -> None:
        """Copy a folder's content to a folder inside, owned by root, modes kept readable."""

        def readable(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            member.mode = 0o755 if member.isdir() else 0o644
            return None if "/.git/" in f"/{member.name}/" else member

        packed = BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(source, arcname=".", filter=readable)
        self.exec(f"mkdir -p '{target}'; tar -x -C '{target}' -f -", packed.getvalue())

    def host_key(self) -> str:
        """The ed25519 host key, `type base64`, read inside and not from the network."""
        return " ".join(self.exec("cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2])

    def authorise(self, public_key: str, user: str = "root") -> None:
        """Let a key log in; a user other than root is made, with sudo."""
        home = "/root" if user == "root" else f"/home/{user}"
        if user != "root":
            self.exec(f"id {user} >/dev/null 2>&1 || useradd -m -s /bin/bash {user}; usermod -p '*' {user}")
            self.write(f"/etc/sudoers.d/{user}", f"{user} ALL=(ALL) NOPASSWD: ALL\n", "0440")
        self.write(f"{home}/.ssh/authorized_keys", public_key, "0600", f"{user}:")
        self.exec(f"chown {user}: {home}/.ssh; chmod 700 {home}/.ssh")

    def restart(self) -> None:
        """Start the host again, as after a power cut. Its address may be another one. Raises HostError."""
        podman("restart", "-t", "0", self.container)
        self.wait_until_up()

    @contextmanager
    def without_ssh(self) -> Iterator[None]:
        """The host refuses SSH for the time of the block; what else it serves goes on."""
        self.exec("systemctl stop ssh.service")
        try:
            yield
        finally:
            self.exec("systemctl start ssh.service")
            self.wait_for("systemctl is-active ssh.service")

    @contextmanager
    def with_another_key(self) -> Iterator[None]:
        """The host shows another host key for the time of the block, as a machine in its place would."""
        keys = "/etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub"
        self.exec(
            f"mkdir -p /root/keys; mv {keys} /root/keys; ssh-keygen -q -A; systemctl restart ssh.service"
        )
        try:
            yield
        finally:
            self.exec("rm /etc/ssh/ssh_host_*_key*; mv /root/keys/* /etc/ssh; systemctl restart ssh.service")
            self.wait_for("systemctl is-active ssh.service")


class Fleet:
    """A network of its own and the hosts on it; all of it gone when the block ends."""

    def __init__(self) -> None:
        self.tag = secrets.token_hex(4)
        self.network = f"quipux-test-{self.tag}"
        self.hosts: list[Host] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def folder(self) -> Path:
        """A folder for what belongs to these hosts: keys, inventories."""
        assert self._folder is not None, "only while the fleet is"
        return Path(self._folder.name)

    @property
    def gateway(self) -> str:
        """The address from which this machine reaches the hosts."""
        (network,) = json.loads(podman("network", "inspect", self.network))
        return str(network["subnets"][0]["gateway"])

    def __enter__(self) -> Fleet:
        podman("network", "create", self.network)
        self._folder = tempfile.TemporaryDirectory(prefix=f"{self.network}-", ignore_cleanup_errors=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        containers = [host.container for host in self.hosts]
        if containers:
            # Killed rather than stopped: podman fails on a container that ends while it waits for it.
            with suppress(HostError):
                podman("kill", *containers)
            podman("rm", "-f", "-v", "-t", "0", *containers)
        podman("network", "rm", "-f", self.network)
        if self._folder:
            self._folder.cleanup()

    def start(
        self,
        images: dict[str, str],
        *,
        capabilities: tuple[str, ...] = (),
        small: Mapping[str, str] | None = None,
    ) -> dict[str, Host]:
        """Start hosts {name: image}, all at once, and wait until every one takes SSH.

        *capabilities*: what podman adds for each, such as NET_ADMIN for a firewall. *small*: {folder: size},
        file systems of their own for these folders, such as "20m", for a test that fills one.
        """
        options = [f"--cap-add={name}" for name in capabilities]
        options += [f"--tmpfs={path}:rw,size={size},mode=0755" for path, size in (small or {}).items()]
        started = {name: self._run(name, image, options) for name, image in images.items()}
        for host in started.values():
            host.wait_until_up()
        return started

    def _run(self, name: str, image: str, options: list[str]) -> Host:
        container = f"quipux-test-{self.tag}-{name}"
        host = Host(name, container, self.network)
        # crun fails on hybrid cgroups and systemd on the default ulimits of some machines.
        limits = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")
        self.hosts.append(host)
        podman(
            *("--runtime", "runc", "run", "-d", "--name", container, "--hostname", name, *limits, *options),
            *("--systemd=always", f"--network={self.network}", image, "/sbin/init"),
        )
        return host
