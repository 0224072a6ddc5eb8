"""A stranger's first minute in a new city, at the meeting hour and outside it: ``python -m tests.browser.first_minute``
takes its pictures into docs/screens/, for docs/first-minute.md.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.screens import FOLDER, BrowserProfile, Camera, Eye, Scheme
from tests.browser.serving import BROWSER, FLAGS, Served
from tests.browser.walking import FROM_OUTSIDE, bubble, composer, seek, until, write
from tests.support.server_process import OURS

LYON, LYON_ZONE = "2996944", ZoneInfo("Europe/Paris")
IN_LYON = {"timezone_id": "Europe/Paris", "extra_http_headers": FROM_OUTSIDE}
TAKEN: tuple[tuple[str, Scheme], ...] = (("phone", "light"), ("desktop", "dark"))


def hours_in(minutes: int, lasting: int = 60) -> str:
    """An hour of Lyon that begins so many minutes from now, as a host writes it."""
    begin = datetime.now(LYON_ZONE) + timedelta(minutes=minutes)
    return f"{begin:%a %H:%M}-{begin + timedelta(minutes=lasting):%H:%M}"


@contextmanager
def city(*flags: str, program: Sequence[str] = OURS) -> Iterator[Served]:
    """A server for Lyon."""
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "data", "--home-city", "Lyon", *flags, program=program)
        try:
            yield served
        finally:
            served.stop()


def start(page: Page) -> None:
    """From the start screen on, up to where a link's city is proposed, or Ready."""
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start with my city").click()


def arrive(browser: Browser, served: Served) -> BrowserProfile:
    """Somebody of Lyon who has opened the link that others share."""
    one = BrowserProfile(browser, f"{served.url}/#city={LYON}", **IN_LYON)
    one.open()
    expect(one.page.get_by_role("checkbox")).to_be_visible()
    return one


def code_is_drawn(page: Page) -> bool:
    return bool(page.evaluate("document.querySelector('.qr')?.naturalWidth > 0"))


def outside_the_hour(eye: Eye, browser: Browser) -> None:
    with city("--meeting-hours", hours_in(2 * 24 * 60)) as served:
        one = arrive(browser, served)
        page = one.page
        eye.take("70-outside-arrive", page)
        start(page)
        expect(page.get_by_role("button", name="I am in Lyon")).to_be_visible()
        eye.take("71-outside-city", page)
        page.get_by_role("button", name="I am in Lyon").click()
        expect(page.get_by_role("button", name="Find someone")).to_be_visible()
        eye.take("72-outside-ready", page)
        seek(page)
        expect(page.get_by_role("button", name="Show a QR code")).to_be_visible()
        page.get_by_role("button", name="Show a QR code").click()
        until(lambda: code_is_drawn(page))
        eye.take("73-outside-alone", page)
        one.context.close()


def at_the_hour(eye: Eye, browser: Browser) -> None:
    with city("--meeting-hours", hours_in(-10)) as served:
        here, stranger = arrive(browser, served), arrive(browser, served)
        eye.take("75-hour-arrive", stranger.page)
        for one in (here, stranger):
            start(one.page)
            one.page.get_by_role("button", name="I am in Lyon").click()
        expect(stranger.page.get_by_text("A few people are free")).to_be_visible()
        eye.take("76-hour-ready", stranger.page)
        seek(stranger.page)
        here.page.get_by_role("button", name="Talk", exact=True).click()
        expect(composer(stranger.page)).to_be_visible()
        expect(stranger.page.get_by_text("To begin with:")).to_be_visible()
        eye.take("77-hour-talk", stranger.page)
        write(here.page, "Hello! Good question. You first, or me?")
        expect(bubble(stranger.page, "Good question")).to_be_visible()
        eye.take("78-hour-answer", stranger.page)
        for one in (here, stranger):
            one.context.close()


def in_quiet_hours(eye: Eye, browser: Browser) -> None:
    with city("--quiet-hours", hours_in(-10)) as served:
        one = arrive(browser, served)
        eye.take("79-quiet-arrive", one.page)
        start(one.page)
        one.page.get_by_role("button", name="I am in Lyon").click()
        expect(one.page.locator(".notice")).to_contain_text("Quiet hours: until")
        eye.take("80-quiet-ready", one.page)
        one.context.close()


STORY = {"outside": outside_the_hour, "hour": at_the_hour, "quiet": in_quiet_hours}


def main() -> None:
    camera = Camera(FOLDER, TAKEN)
    with sync_playwright() as play, play.chromium.launch(executable_path=BROWSER, args=FLAGS) as browser:
        for tell in STORY.values():
            tell(camera, browser)


if __name__ == "__main__":
    main()
