"""A board over cases in every state, and a Chromium to look at it with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from quipux_provision.service.board import write_board
from tests.browser.chromium import CannotInstallError, chromium
from tests.browser.stories import office

OUTPUT = Path(__file__).with_name("output")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; where it can't be had the tests are skipped, in CI they fail."""
    try:
        with chromium() as browser:
            yield browser
    except CannotInstallError as problem:
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(f"may not be skipped in CI: {problem}", pytrace=False)
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the board."""
    workspace = office(tmp_path_factory.mktemp("oficina") / "oficina").write()
    return Path(write_board(workspace)["index"]).parent


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page in a desktop's window."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()
