"""What people do on the page, step by step."""

import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.support.patience import PATIENCE_S

FROM_OUTSIDE = {"X-Forwarded-For": "203.0.113.7"}  # as a proxy on this machine would say it
PAGE_MS = 120_000  # what a page does takes it a second, and ten on a tenth of a core
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


def composer(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Write a message")


def write(page: Page, text: str) -> None:
    composer(page).fill(text)
    composer(page).press("Enter")


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
