"""A city that is not empty: meeting hours and quiet hours, the link with a city, sharing, the first question."""

import re
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Person
from tests.browser.first_minute import LYON, LYON_ZONE, STORY, city, code_is_drawn, hours_in
from tests.browser.test_states import Inspector
from tests.browser.walking import FROM_OUTSIDE, axe, choose, enter, enter_from_outside, meet, seek, until
from tests.support.moved_clock import set_clock

SHIFTED = "{ const real = Date.now; Date.now = () => real() + 25 * 3_600_000; }"
IN_PARIS = "2988507"


@pytest.mark.parametrize("part", STORY)
def test_every_step_of_a_first_minute_holds(browser: Browser, part: str) -> None:
    eye = Inspector()
    STORY[part](eye, browser)
    assert eye.wrong == []


@pytest.mark.parametrize("minutes", [2 * 24 * 60, -10], ids=["outside", "at the hour"])
def test_both_ways_in_are_on_the_first_screen_of_a_small_phone(person: Person, minutes: int) -> None:
    with city("--meeting-hours", hours_in(minutes)) as served:
        page = person(url=served.url, viewport={"width": 360, "height": 640}, timezone_id="Europe/Paris")
        box = page.get_by_role("button", name="Start with my city").bounding_box()
        assert box is not None and box["y"] + box["height"] <= 640
        expect(page.locator(".hour")).to_be_visible()
        axe(page, "arrive")
        page.goto("about:blank")


def minutes_left(page: Page) -> int:
    found = re.search(r"in (\d+) minutes", page.locator(".hour").inner_text())
    return int(found[1]) if found else 0


def test_the_countdown_is_the_servers_whatever_the_clock_of_the_machine(person: Person) -> None:
    with city("--meeting-hours", hours_in(90)) as served:
        page = person(url=served.url)
        page.context.add_init_script(SHIFTED)
        page.reload()
        assert 60 <= minutes_left(page) <= 90
        page.goto("about:blank")


def test_the_countdown_goes_by_the_minute_and_only_the_beginning_of_the_hour_is_read_out(person: Person) -> None:
    with city("--meeting-hours", hours_in(90)) as served:
        page = person(url=served.url)
        page.clock.install()
        page.reload()
        left = minutes_left(page)
        assert 60 <= left <= 90
        page.clock.fast_forward("30:00")
        until(lambda: minutes_left(page) <= left - 30)
        line = page.locator(".hour [aria-live]")
        expect(line).to_be_empty()
        page.clock.fast_forward("01:02:00")
        expect(line).to_have_text(re.compile("^It is the meeting hour, until "))
        page.goto("about:blank")


def test_who_is_elsewhere_reads_the_hour_by_both_clocks_and_who_is_here_by_one(person: Person) -> None:
    with city("--meeting-hours", "Thu 20:00-21:00") as served:
        far, near = person(url=served.url, timezone_id="America/New_York"), person(
            url=served.url, timezone_id="Europe/Berlin"
        )  # fmt: skip
        expect(far.locator(".hour")).to_contain_text("Thursday, 20:00–21:00 in Lyon")
        expect(far.locator(".hour")).to_contain_text(re.compile("Where you are that is Thursday, 1[45]:00–1[56]:00"))
        expect(near.locator(".hour")).to_contain_text("Meeting hour: Thursday, 20:00–21:00, ")
        american = person(url=served.url, timezone_id="Europe/Paris", locale="en-US")
        expect(american.locator(".hour")).to_contain_text(re.compile(r"8:00\s–\s9:00\sPM"))
        calendar = far.request.get(f"{served.url}/meeting.ics")
        assert "RRULE:FREQ=WEEKLY;BYDAY=TH" in calendar.text()
        enter(near)
        expect(near.get_by_role("link", name="Put it in my calendar")).to_be_visible()
        for page in (far, near, american):
            page.goto("about:blank")


def test_quiet_hours_end_a_search_and_the_page_opens_by_itself(person: Person, tmp_path: Path) -> None:
    ahead_s = 60 - time.time() % 60  # to the first second of a minute: a whole one is left to look in
    set_clock(tmp_path / "clock", ahead_s)
    begin = datetime.now(LYON_ZONE) + timedelta(seconds=ahead_s, minutes=1)
    hours = f"{begin:%H:%M}-{begin + timedelta(minutes=1):%H:%M}"
    moved = ("tests.support.moved_clock", str(tmp_path / "clock"))
    with city("--quiet-hours", hours, program=moved) as served:
        page = person(url=served.url, timezone_id="Europe/Paris")
        expect(page.locator(".hour")).to_contain_text("Quiet hours begin in ")
        enter(page)
        seek(page)
        expect(page.locator(".notice")).to_contain_text("Quiet hours: until")
        expect(page.get_by_role("button", name="Stop looking")).to_have_count(0)
        expect(page.get_by_role("button", name="Find someone")).to_be_visible()
        page.goto("about:blank")


def test_a_link_with_a_city_proposes_it_and_the_guest_decides(person: Person, server: str) -> None:
    page = person(url=f"{server}/#city={IN_PARIS}", extra_http_headers=FROM_OUTSIDE)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start with my city").click()
    expect(page.get_by_text("This page was shared with you for Paris, France.")).to_be_visible()
    assert "#" not in page.url
    choose(page)
    expect(page.get_by_role("heading", name="Lyon")).to_be_visible()
    page.evaluate(f"location.hash = '#city={IN_PARIS}'")
    page.get_by_role("button", name="I am in Paris").click()
    expect(page.get_by_role("heading", name="Paris")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Find someone")).to_be_visible()
    assert page.get_by_text("shared with you").count() == 0


@pytest.mark.parametrize("named", ["1", "Lyon", "", "2996944x", "99999999999999", "<b>"])
def test_a_link_with_no_city_of_ours_changes_nothing(person: Person, server: str, named: str) -> None:
    page = person(url=f"{server}/#city={named}", extra_http_headers=FROM_OUTSIDE)
    enter_from_outside(page)
    expect(page.get_by_role("heading", name="Lyon")).to_be_visible()
    page.evaluate(f"location.hash = '#city={named}'")
    seek(page)
    expect(page.get_by_role("button", name="Stop looking")).to_be_visible()
    assert "#" not in page.url


def test_on_the_hosts_own_network_a_link_proposes_nothing(person: Person, server: str) -> None:
    page = person(url=f"{server}/#city={IN_PARIS}")
    enter(page)
    expect(page.get_by_role("heading", name="Lyon")).to_be_visible()


def test_what_is_shared_is_for_the_city_by_the_phones_own_ways_or_the_clipboard(person: Person, server: str) -> None:
    page = person(extra_http_headers=FROM_OUTSIDE, permissions=["clipboard-read", "clipboard-write"])
    enter_from_outside(page)
    seek(page)
    page.evaluate("delete Navigator.prototype.share")
    page.get_by_role("button", name="Share this page").click()
    expect(page.get_by_text("The address is copied.")).to_be_visible()
    text, url = "Talk with someone in Lyon. No account, no name.", f"{server}/#city={LYON}"
    assert page.evaluate("navigator.clipboard.readText()") == f"{text}\n{url}"
    page.evaluate("navigator.share = async (shared) => { window.shared = shared; }")
    page.get_by_role("button", name="Share this page").click()
    until(lambda: bool(page.evaluate("window.shared")))
    assert page.evaluate("window.shared") == {"title": "CityChat", "text": text, "url": url}
    page.get_by_role("button", name="Show a QR code").click()
    expect(page.get_by_role("img", name=f"QR code of {url}")).to_be_visible()
    until(lambda: code_is_drawn(page))


def question(page: Page) -> str:
    shown = page.locator("#question")
    expect(shown).to_have_text(re.compile(r"^To begin with: .+\?$"))
    return shown.inner_text()


def test_both_see_the_same_first_question_and_each_can_switch_it_off(person: Person) -> None:
    a, b = person(), person()
    enter(a)
    enter(b)
    meet(a, b)
    assert question(a) == question(b)
    a.reload()
    assert question(a) == question(b)
    assert a.get_by_role("textbox", name="Write a message").get_attribute("aria-describedby") == "question"
    a.get_by_role("button", name="Back").click()
    a.get_by_role("button", name="More").click()
    a.get_by_role("switch", name="Show a first question").uncheck()
    a.get_by_role("dialog").get_by_role("button", name="Close").click()
    a.get_by_role("main").get_by_role("button").nth(1).click()
    expect(a.get_by_role("textbox", name="Write a message")).to_be_visible()
    expect(a.locator("#question")).to_be_hidden()
    expect(b.locator("#question")).to_be_visible()


def test_the_hosts_own_questions_replace_ours_and_a_host_can_show_none(person: Person) -> None:
    with city() as served:
        (served.data / "questions.txt").write_text("Tea, or coffee?\n")
        served.stop()
        served.start()
        a, b = person(url=served.url), person(url=served.url)
        enter(a)
        enter(b)
        meet(a, b)
        assert question(a) == question(b) == "To begin with: Tea, or coffee?"
        for page in (a, b):
            page.goto("about:blank")
    with city("--first-question", "no") as served:
        a, b = person(url=served.url), person(url=served.url)
        enter(a)
        enter(b)
        meet(a, b)
        expect(a.locator("#question")).to_be_hidden()
        a.get_by_role("button", name="Back").click()
        a.get_by_role("button", name="More").click()
        expect(a.get_by_role("switch", name="Show when I am typing")).to_be_visible()
        assert a.get_by_role("switch", name="Show a first question").count() == 0
        for page in (a, b):
            page.goto("about:blank")
