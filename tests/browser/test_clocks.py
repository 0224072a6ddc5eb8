"""Whatever is done to the clock of a machine, what its page says of times is true. Days and hours are the reader's."""

import re
import sqlite3
import time
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.walking import bubble, composer, enter, meet, together, write

HOUR_S = 3_600
SHIFTS_S = [-2, -60, -HOUR_S, 3 * HOUR_S, 25 * HOUR_S, 0]  # the last: put right by 25 h
FEW_MINUTES = re.compile("^(Just went away|Away for [1-9] minutes?), what you write waits 24 hours$")
READERS = {"de-DE": "22:25", "fr-FR": "22:25", "pl-PL": "22:25", "en-GB": "22:25", "en-US": "10:25 PM"}


def set_clock(page: Page, shift_s: int) -> None:
    page.clock.set_system_time(time.time() + shift_s)


def age_s(page: Page) -> float:
    """How old the newest message says it is."""
    told = page.locator("time").last.get_attribute("datetime")
    assert told
    return time.time() - datetime.fromisoformat(told).timestamp()


def test_ticks_absence_times_and_talk_again_are_true_whatever_the_clock(person: Person, served: Served) -> None:
    a, b = person(), person()
    for page in (a, b):
        page.clock.install()
        page.reload()
        enter(page)
    meet(a, b)
    b.goto("about:blank")
    expect(a.locator(".presence")).to_have_text(FEW_MINUTES)
    for shift_s in SHIFTS_S:
        set_clock(a, shift_s)
        write(a, f"clock {shift_s}")
        expect(a.locator(".message").last).to_contain_text("Kept by the server")
        assert abs(age_s(a)) < 600
        for _ in range(2):  # what is late by now is asked for, and then given up
            a.clock.fast_forward(12_000)
            expect(a.locator(".presence")).to_have_text(FEW_MINUTES)
            expect(a.get_by_text("Not delivered")).to_be_hidden()
    b.goto(served.url)
    expect(a.get_by_text("Delivered", exact=True)).to_be_visible()
    for shift_s in SHIFTS_S:
        for page in (a, b):
            set_clock(page, shift_s)
        for writer, reader in ((a, b), (b, a)):
            write(writer, f"talking {shift_s}")
            expect(writer.locator(".message").last).to_contain_text("Delivered")
            assert abs(age_s(reader)) < 600
        expect(a.locator(".who").get_by_text("here", exact=True)).to_be_visible()
    set_clock(a, 25 * HOUR_S)
    b.get_by_role("button", name="Leave").click()
    b.get_by_role("dialog").get_by_role("button", name="Leave").click()
    for page in (b, a):
        page.get_by_role("button", name="Talk again").click()
    for page in (a, b):
        expect(composer(page)).to_be_visible()


def test_a_day_stands_between_messages_of_different_days_and_hours_are_the_readers(
    person: Person, served: Served
) -> None:
    a, b = together(person(), person())
    for number in range(4):
        write(b, f"message {number}")
        expect(bubble(a, f"message {number}")).to_be_visible()
    expect(a.locator(".day")).to_have_count(4)
    expect(a.locator(".day:visible")).to_have_count(0)  # all of today
    b.get_by_role("button", name="Leave").click()
    b.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(a.get_by_role("button", name="Talk again")).to_be_visible()
    a.evaluate("localStorage.setItem('citychat.language', 'en')")  # the hours are the reader's whatever the page speaks
    kept = a.context.storage_state()
    a.close()  # the guest's newest page is the one that stays
    assert served.stop() == 0
    evening = datetime.now(UTC).replace(hour=22, minute=25) - timedelta(days=3)
    store = sqlite3.connect(served.data / "citychat.db")
    with store:
        for number, after in enumerate((0, 0, 1, 2), start=1):
            at_ms = int((evening + timedelta(days=after)).timestamp() * 1000)
            store.execute("UPDATE messages SET at = ? WHERE n = ?", (at_ms, number))
    store.close()
    served.start()
    for reader, hour in READERS.items():
        page = person(storage_state=kept, locale=reader, timezone_id="UTC")
        page.get_by_role("button", name="My chats").click()
        page.get_by_text(re.compile(", deleted ")).click()
        expect(bubble(page, "message 3")).to_be_visible()
        assert [" ".join(told.split()) for told in page.locator("time").all_inner_texts()] == [hour] * 3
        days = page.locator(".day:visible").all_inner_texts()
        assert [re.findall(r"\d+", day) for day in days] == [[str((evening + timedelta(n)).day)] for n in range(3)]
        page.close()
