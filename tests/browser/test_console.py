"""The host's console in a browser: from a report to the closed case by keys alone, readable in both themes and on a
phone, with nothing that its policy refuses."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from citychat.adapters.sqlite import Database, SqliteHistory
from citychat.cases import Desk, Sanctions
from citychat.ports import Report
from citychat.rules import DAY_MS, notice_id
from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.walking import axe, enter, meet, picture, report, write
from tests.support.made_cases import make_case
from tests.support.patience import PATIENCE_S
from tests.support.server_process import citychat
from tests.support.stopwatch import Stopwatch
from tests.support.stores import real_ms

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DESK: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 360, "height": 740}
HOUR_MS, FIVE_MINUTES_S = 3_600_000, 300
SAID = "I know where you live"
DONE = ["close", "warn", "read", "show", "show"]  # the newest first
OF_CASES = tuple(f"cases/{10 * letter}" for letter in "ABE")
PAGES = ("", "cases", "cases?all", *OF_CASES, "paused", "house", "trail")


async def kept(data: Path) -> None:
    """Four cases, three of them on one guest, who is kept out by one that is closed, and objects; and a notice."""
    now = real_ms()
    async with Database(data / "citychat.db") as database, SqliteHistory(database) as history:
        await make_case(history, "AAAAAAAAAA", now - 60 * HOUR_MS, reason="spam", text="buy my watches")
        await make_case(history, "BBBBBBBBBB", now - 5 * HOUR_MS, note="\u202ehe said it twice\n" * 3, text="x" * 2_000)
        await make_case(history, "CCCCCCCCCC", now - 3 * HOUR_MS, reporter="cleo")
        await make_case(history, "DDDDDDDDDD", now - 2 * HOUR_MS, reason="threat", accused="dan", reporter="ben")
        words = "Where: the chat of Monday\nFrom: Ada, ada@example.org\nSomebody sells what is stolen."
        await history.reports.add(Report("EEEEEEEEEE", notice_id("EEEEEEEEEE"), "", "", "other", words, now, ()))
        on, desk = datetime.fromtimestamp(now / 1_000, UTC), partial(print)
        await Sanctions(history, "host", on, desk).pause("AAAAAAAAAA", 7 * DAY_MS, "5", "selling", network=False)
        await history.guests.keep_objection("ben", "It was not me.\nReally.", now)
        await Desk(history, "host", on, desk).close(["AAAAAAAAAA"], "acted", "5", "sells watches")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    data = tmp_path / "data"
    with ThreadPoolExecutor(1) as beside:  # the loop of Playwright runs in this thread
        beside.submit(lambda: asyncio.run(kept(data))).result()
    one = Served(data, "--home-city", "Lyon", "--console", "0")
    yield one
    if one.process.poll() is None:
        one.stop()


def link(served: Served) -> str:
    """What ``citychat console`` prints first."""
    command = citychat("console", "--data", str(served.data))
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    return done.stdout.splitlines()[0]


class Keyboard:
    """The keyboard of somebody without a mouse who reads every page, by a stopwatch."""

    def __init__(self, page: Page) -> None:
        self.page, self.watch = page, Stopwatch()
        self._wire = page.context.new_cdp_session(page)

    def press(self, key: str) -> None:
        self.watch.presses()
        self.page.keyboard.press(key)

    def types(self, text: str) -> None:
        self.watch.types(text)
        self.page.keyboard.type(text)

    def shortcut(self, letter: str) -> None:
        """Alt and a key, with the text that a real keyboard tells: Chromium finds access keys by that."""
        self.watch.presses(2)
        one = {"modifiers": 1, "key": letter, "text": letter, "unmodifiedText": letter}
        self._wire.send("Input.dispatchKeyEvent", {"type": "keyDown", **one})
        self._wire.send("Input.dispatchKeyEvent", {"type": "keyUp", **one})

    def press_until(self, key: str, name: str) -> None:
        """Press a key until what is called that has the focus."""
        for _ in range(60):
            self.press(key)
            here = self.page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).textContent")
            if str(here).strip().startswith(name):
                return
        raise AssertionError(f"{name} is not reached by {key}")

    def go(self, name: str) -> None:
        """Tab to what is called that, and press it."""
        self.press_until("Tab", name)
        self.press("Enter")

    def reads(self, heading: str) -> None:
        """Wait for the page with that heading, read all of it, and wonder what to do."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        self.watch.reads(self.page.locator("body").inner_text())
        self.watch.thinks()


def come_in(page: Page) -> None:
    page.get_by_role("button", name="Open the console").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Status")


def test_from_a_report_to_the_closed_case_by_keys_alone(person: Person, served: Served) -> None:
    a, b = person(), person()
    enter(a)
    enter(b)
    meet(a, b)
    write(b, SAID)
    expect(a.locator(".bubble")).to_have_count(1)
    code = re.findall(r"[A-Z0-9]{10}", report(a))[0]

    host = Keyboard(person(url=link(served), viewport=DESK))
    host.reads("Come in")
    host.press("Enter")  # "Open the console" has the focus
    host.reads("Status")
    host.shortcut("2")
    host.reads("Cases that wait")
    host.go("Read the first one")
    host.reads("Threat or danger")
    host.shortcut("n")  # the older threat is first
    expect(host.page).to_have_url(re.compile(code))
    host.reads("Threat or danger")
    expect(host.page.get_by_text(SAID)).to_have_count(0)
    host.shortcut("t")
    expect(host.page.get_by_text(SAID)).to_be_visible()
    host.reads("Threat or danger")
    host.press_until("Tab", "No action")
    host.press_until("ArrowDown", "Warn the guest")
    host.press_until("Tab", "The rule that was broken")
    host.types("3: No threats")
    host.go("Close it, and the next one")
    expect(host.page.get_by_role("status")).to_contain_text(f"{code}: acted, rule 3, deleted on ")
    passed_s = host.watch.passed_s
    expect(host.page).not_to_have_url(re.compile(code))
    host.reads("Spam, money or selling")
    host.shortcut("5")
    expect(host.page.locator(".trail li", has_text=code).locator("strong")).to_have_text(DONE)
    assert passed_s < FIVE_MINUTES_S, "for somebody who has never read the docs"
    print(f"from the link to the closed case: {passed_s:.0f} s of reading and pressing")


def test_every_page_can_be_read_in_both_themes_and_on_a_phone(person: Person, served: Served) -> None:
    page = person(url=link(served))
    look(page, "enter")
    come_in(page)
    site = page.url
    for at in PAGES:
        page.goto(site + at)
        look(page, at.replace("/", "-").replace("?", "-") or "status")
    page.goto(f"{site}cases/BBBBBBBBBB")
    page.get_by_text("What the reporter says").click()
    page.get_by_role("button", name="Show the text").click()
    expect(page.get_by_text("x" * 2_000)).to_be_visible()
    look(page, "read")


def look(page: Page, name: str) -> None:
    """Look at a page of the console with the eyes of an axe, on a desk and on a phone, by day and by night."""
    for where, size in (("desk", DESK), ("phone", PHONE)):
        page.set_viewport_size(size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            axe(page, f"{name} {where} {scheme}")
            picture(page, f"console-{name}-{where}-{scheme}")
        wide: list[int] = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], f"{name} is wider than a {where}"
