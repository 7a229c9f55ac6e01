"""Debian's Chromium, installed where it is missing, and driven by Playwright.

Playwright's own browsers are never downloaded: what is tested is the browser that a Debian user has.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

from playwright.sync_api import Browser, Page, sync_playwright

AXE = "axe_playwright_python"  # carries axe-core, pinned with it
# A container gives little shared memory; root may not use the sandbox; nothing is looked up on the network.
OPTIONS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


class CannotInstallError(Exception):
    """This machine has no Chromium and cannot get one; the message says why in one line."""


def executable() -> str:
    """Path of Chromium, installed first where it is missing. Raises CannotInstallError."""
    install("chromium", "chromium", "fonts-dejavu-core", "fonts-liberation")
    found = shutil.which("chromium")
    if not found:
        raise CannotInstallError("the package chromium is installed, but the program is not in PATH")
    return found


def install(program: str, *packages: str) -> None:
    """Install Debian packages unless *program* is there. Raises CannotInstallError."""
    if shutil.which(program):
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise CannotInstallError(f"{program} is missing; install it as root: apt-get install {packages[0]}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise CannotInstallError(f"apt-get {arguments[0]} failed: {lines[-1] if lines else 'no reason'}")


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """A headless Chromium, with more options if given. Raises CannotInstallError."""
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=[*OPTIONS, *more])
        try:
            yield browser
        finally:
            browser.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong on the page, WCAG 2.2 AA and its best practices; a line each."""
    page.evaluate((resources.files(AXE) / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations', 'incomplete']})")
    assert found["passes"], "axe-core checked nothing"
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
