"""What people do on the page, step by step."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.support.patience import PATIENCE_S

FROM_OUTSIDE = {"X-Forwarded-For": "203.0.113.7"}  # as a proxy on this machine would say it
PAGE_MS = 120_000  # what a page does takes it a second, and ten on a tenth of a core
# What has only just come is deaf for a while, and colours on their way are no colours to measure
# (looked at again and again: Chromium never settles the promise of one that ended while it was out of sight)
STILL = """new Promise((still) => {
    const moves = ({ effect, playState }) => playState === "running" && effect.getComputedTiming().endTime !== Infinity;
    const look = () => (document.getAnimations().some(moves) ? setTimeout(look, 20) : still());
    look();
})"""
expect.set_options(timeout=PAGE_MS)


def enter(page: Page, *, position: bool = False) -> None:
    """From the start screen to Ready: two presses."""
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start with my position" if position else "Start with my city").click()
    expect(page.get_by_role("button", name="Find someone")).to_be_visible()


def choose(page: Page, city: str = "Lyon") -> None:
    """On "Which city are you in?": the first city of that name, by keyboard."""
    page.get_by_role("combobox").fill(city)
    expect(page.get_by_role("option").first).to_contain_text(city)
    page.get_by_role("combobox").press("Enter")


def enter_from_outside(page: Page) -> None:
    """As ``enter``, for somebody whose address (``FROM_OUTSIDE``) says nothing about a city."""
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start with my city").click()
    choose(page)
    expect(page.get_by_role("button", name="Find someone")).to_be_visible()


def seek(page: Page) -> None:
    page.get_by_role("button", name="Find someone").click()


def meet(a: Page, b: Page) -> None:
    """One looks, the other is asked and says yes."""
    seek(a)
    b.get_by_role("button", name="Talk", exact=True).click()
    for page in (a, b):
        expect(composer(page)).to_be_visible()


def together(a: Page, b: Page) -> tuple[Page, Page]:
    """Both come in, the first one looks, and they talk."""
    enter(a)
    enter(b)
    meet(a, b)
    return a, b


def report(page: Page) -> str:
    """Report the partner for a threat; what is told then."""
    page.get_by_role("button", name="Block or report").click()
    page.get_by_role("button", name="Report", exact=True).click()
    page.get_by_role("radio", name="Threat or danger").check()
    page.get_by_role("button", name="Send the report").click()
    return page.get_by_text("Thank you. Your code is").inner_text()


class Cable:
    """The way of a page's next WebSockets to the server."""

    def __init__(self, page: Page) -> None:
        self._is_cut, self._ends = False, list[WebSocketRoute]()
        page.route_web_socket("**/socket.io/**", self._link)

    def _link(self, page_side: WebSocketRoute) -> None:
        if self._is_cut:
            page_side.close()
        else:
            self._ends += [page_side, page_side.connect_to_server()]

    def cut(self) -> None:
        self._is_cut = True
        while self._ends:
            self._ends.pop().close()

    def mend(self) -> None:
        self._is_cut = False


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Write a message")


def write(page: Page, text: str) -> None:
    composer(page).fill(text)
    composer(page).press("Enter")


def bubble(page: Page, text: str, *, exact: bool = False) -> Locator:
    """A message on the screen; for some seconds its text also stands where screen readers hear it."""
    return page.locator(".log").get_by_text(text, exact=exact)


def shown(page: Page) -> list[str]:
    """All texts on the screen, in order, with who said them."""
    texts: list[str] = page.locator(".bubble").evaluate_all("(all) => all.map((b) => b.textContent)")
    return texts


def until(happened: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Wait for something no locator can wait for."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def settled(one: Locator) -> Locator:
    """A button that is no longer deaf, as whoever presses keys finds it, or does not scroll until it can be pressed."""
    until(lambda: one.evaluate("(e) => e.getAnimations().length") == 0)
    return one


def picture(page: Page, name: str) -> None:
    """Keep what it looks like where CITYCHAT_TEST_PICTURES says, for people to look at."""
    if folder := os.environ.get("CITYCHAT_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled", full_page=True)


def axe(page: Page, where: str) -> None:
    page.evaluate(STILL)
    found = Axe().run(page).response["violations"]
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found] == [], where
