"""Real pages in Chromium against the real server.

A page that logs an error (a refused script, a missing file, an exception) fails its test; so does one that says
something twice to a screen reader.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser.serving import BROWSER, FLAGS, Served
from tests.browser.walking import PAGE_MS

LYON = {"latitude": 45.7578, "longitude": 4.832}
# Chromium's words for a link that ends, which tests do to it; the second: something was sent before it had heard of it.
# The third: a test's own certificate is waved through for the page, and never for its worker
OF_THE_NETWORK = (
    "WebSocket connection to", "WebSocket is already in CLOSING or CLOSED state",
    "An SSL certificate error occurred when fetching the script",
)  # fmt: skip
SAID_ONCE = Path(__file__).with_name("said_once.js")
Person = Callable[..., Page]


@pytest.hookimpl(trylast=True)  # pytest itself reorders by fixtures
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps an event loop running, beside which no asyncio test can start one."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    one = Served(tmp_path / "data", "--home-city", "Lyon")
    yield one
    if one.process.poll() is None:
        one.stop()


@pytest.fixture
def server(served: Served) -> str:
    return served.url


@pytest.fixture(scope="session")
def base_url() -> None:
    """In place of the plugin's own, which warns under this version of pytest; nobody asks for it."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": BROWSER, "args": FLAGS, "timeout": PAGE_MS}


@pytest.fixture
def complaints() -> list[str]:
    """What pages said on their consoles and must not have; a test may clear what it provoked."""
    return []


@pytest.fixture
def person(browser: Browser, server: str, complaints: list[str]) -> Iterator[Person]:
    """Call it for a page of a new person, at the start screen: ``person(url=..., position=True, ...)``."""
    contexts = []

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in OF_THE_NETWORK):
            complaints.append(message.text)

    def new(*, url: str = "", position: bool = False, **options: Any) -> Page:
        options = {"viewport": {"width": 360, "height": 740}, "locale": "en-GB"} | options
        if position:
            options |= {"permissions": ["geolocation"], "geolocation": LYON}
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PAGE_MS)
        context.add_init_script(path=SAID_ONCE)
        page = context.new_page()
        page.on("console", console)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url or server)
        return page

    yield new
    for context in contexts:
        context.close()
    assert complaints == []
