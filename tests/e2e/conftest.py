"""Fixtures of the end-to-end tests: one browser for all, a fresh context for each person, a look at each page.

Set TESTS_PICTURES to a folder to keep a picture of every page that the tests look at, wide and narrow.
"""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.e2e.looks import Looks
from tests.harness.machine import missing
from tests.harness.platform import ROOT, Platform

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A loaded machine is slow, not wrong: every wait ends as soon as what it waits for is there.
PATIENCE = 45_000
AXE = ROOT / ".assets" / "test" / "axe.min.js"

NewWindow = Callable[..., Awaitable[Page]]
Grant = Callable[[str, str, str], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one event loop, which the browser lives in."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.e2e)
            # The first one waits for the whole platform to start, and a journey is long on a loaded machine.
            item.add_marker(pytest.mark.timeout(400))
            if pytest_asyncio.is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The machine's own Chromium, without a window."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing("Chromium is not installed (Debian: apt-get install chromium)")
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.getuid() == 0 else ARGUMENTS
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=program, args=arguments)
        yield found
        await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def new_window(browser: Browser) -> AsyncIterator[NewWindow]:
    """`page = await new_window()`: an empty page of a new browser profile, as of a person with a machine of their own.

    What any page of it logs as an error (a script's failure, a breach of the content policy) fails the test.
    """
    opened: list[BrowserContext] = []
    errors: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # An answer of 4xx to a form is logged too; whether it should have come is the test's own matter. And a picture
        # opened by itself is shown by a page of the browser's own, with styles that our policy for files refuses.
        address = str(message.location.get("url", ""))
        if message.type == "error" and "Failed to load resource" not in message.text and "/materials/" not in address:
            errors.append(f"{address}: {message.text}")

    async def window(**options: Any) -> Page:
        settings = {"locale": "zh-CN", "timezone_id": "UTC", "viewport": {"width": 1280, "height": 900}}
        context = await browser.new_context(**(settings | options))
        context.set_default_timeout(PATIENCE)
        context.on("console", heard)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        opened.append(context)
        return await context.new_page()

    yield window
    for context in opened:
        await context.close()
    assert not errors, "\n".join(errors)


@pytest.fixture
def grant(platform: Platform) -> Iterator[Grant]:
    """`grant("clerk", "decide", "*")`: a role for this test only, for the platform is shared."""
    given: list[tuple[str, str, str]] = []

    def give(user: str, role: str, organisation: str) -> None:
        done = platform.tongban("staff", "grant", user, role, "--organisation", organisation)
        assert done.returncode == 0, done.stderr
        given.append((user, role, organisation))

    yield give
    for user, role, organisation in given:
        done = platform.tongban("staff", "revoke", user, role, "--organisation", organisation)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def look(request: pytest.FixtureRequest, platform: Platform) -> Iterator[Looks]:
    """`await look(page, "home")`: the page passes axe and fits a width of 360 px."""
    if not AXE.is_file():
        missing("axe-core is not installed (make setup)")
    kept = os.environ.get("TESTS_PICTURES")
    folder = Path(kept) / request.node.name if kept else None
    looks = Looks(AXE.read_text("utf-8"), folder)
    yield looks
    assert not looks.problems, "\n".join(looks.problems)
