"""The whole path with Debian's screen reader, by keys alone: ``python -m tests.browser.heard`` keeps what it says.

What was pressed (``> …``) and, below it, every sentence that was said then, goes into ``heard.txt``, for somebody to
read; tests/deep/test_heard.py walks the path again and compares.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Page, Playwright, expect, sync_playwright

from tests.browser.orca import Orca
from tests.browser.serving import BROWSER, FLAGS, Served
from tests.browser.transcript import KEPT, Step, Transcriber, text
from tests.browser.walking import FROM_OUTSIDE, bubble, composer, enter, seek, settled, write

Heard = Callable[[str], list[str]]


class ByEar:
    """Somebody at a keyboard who hears the page; ``heard`` is told what was done, and waits for what is said to it."""

    def __init__(self, orca: Orca, page: Page, heard: Heard) -> None:
        self._orca, self.page, self.heard = orca, page, heard

    def press(self, *keys: str) -> None:
        """Each key by itself, and what follows."""
        for key in keys:
            if key in ("Return", "space"):
                settled(self.page.locator(":focus"))
            self._orca.press(key)
            self.heard(key)

    def go(self, key: str, name: str) -> None:
        """Press the key until what has that name is reached."""
        for _ in range(40):
            self._orca.press(key)
            if any(name in said for said in self.heard(key)):
                return
        raise AssertionError(f"no way to {name} by {key}")

    def write(self, text: str) -> None:
        self._orca.write(text)
        self.heard(f'"{text}"')

    def open(self, url: str) -> None:
        self._orca.write(url)
        self._orca.skip()
        self._orca.press("Return")
        self.heard("the address")


def walk(reader: ByEar, url: str, guest: Callable[[], Page]) -> None:
    """From the address to the last word; ``guest()`` is the page of one more person in the same city."""
    arrive(reader, url)
    first = guest()
    look_and_be_asked(reader, first)
    talk(reader, first)
    report(reader)
    leave(reader, guest())
    erase(reader)


def arrive(reader: ByEar, url: str) -> None:
    reader.open(url)
    reader.go("b", "Start with my city")
    reader.press("Return", "space")  # without the tick first
    reader.go("b", "Start with my city")
    reader.press("Return")
    reader.write("Lyon")
    reader.press("Down", "Return")


def look_and_be_asked(reader: ByEar, partner: Page) -> None:
    reader.go("b", "Find someone")
    enter(partner)
    reader.heard("somebody else comes")
    seek(partner)
    reader.heard("somebody asks")
    reader.press("Tab", "Return")
    expect(composer(partner)).to_be_visible()


def talk(reader: ByEar, partner: Page) -> None:
    write(partner, "Hello there")
    reader.heard("the partner writes")
    reader.write("Hello to you")
    reader.press("Return")
    expect(bubble(partner, "Hello to you")).to_be_visible()
    write(partner, "How are you?")
    reader.heard("the partner writes")
    reader.press("shift+Tab", "i", "i", "Tab")


def report(reader: ByEar) -> None:
    reader.go("shift+Tab", "Block or report")
    reader.press("Return")
    reader.go("Tab", "Report")
    reader.press("Return")
    reader.go("Tab", "Send the report")
    reader.press("Return", "space")  # without a reason first
    reader.go("Tab", "Send the report")
    reader.press("Return", "Return")


def leave(reader: ByEar, partner: Page) -> None:
    enter(partner)
    reader.go("Tab", "Find someone")
    reader.press("Return")
    partner.get_by_role("button", name="Talk", exact=True).click()
    reader.heard("the one who was asked says yes")
    reader.go("shift+Tab", "Leave")
    reader.press("Return")
    reader.go("Tab", "Leave")
    reader.press("Return")
    expect(reader.page.get_by_text("You have left this chat.")).to_be_visible()
    reader.heard("five seconds later")


def erase(reader: ByEar) -> None:
    reader.press("alt+Left", "ctrl+Home")
    reader.go("b", "More")
    reader.press("Return")
    reader.go("Tab", "Erase everything about me")
    reader.press("Return")
    reader.go("Tab", "Erase everything")
    reader.press("Return")
    expect(reader.page.get_by_role("heading", name="Everything about you is erased.")).to_be_visible()
    reader.heard("it is erased")


def browse(play: Playwright, orca: Orca) -> Page:
    """A browser with a window, which the screen reader hears; at an address outside of any known city."""
    flags = [*FLAGS, "--force-renderer-accessibility"]
    browser = play.chromium.launch(
        headless=False, executable_path=BROWSER, args=flags, env={**orca.environment, "LANGUAGE": "en_GB"}
    )
    context = browser.new_context(locale="en-GB", no_viewport=True, extra_http_headers=FROM_OUTSIDE)
    page = context.new_page()
    orca.wait(lambda: any("Address and search bar" in one for one in orca.said()))
    return page


def walked(folder: Path, kept: Sequence[Step] | None = None) -> list[Step]:
    """What is heard on the whole path; as it is kept, or AssertionError."""
    served = Served(folder / "data", "--home-city", "Lyon")
    try:
        with Orca(folder / "orca") as orca, sync_playwright() as play:
            page = browse(play, orca)
            unseen = play.chromium.launch(executable_path=BROWSER, args=FLAGS)

            def guest() -> Page:
                one = unseen.new_context(locale="en-GB").new_page()
                one.goto(served.url)
                return one

            listener = Transcriber(orca.new, orca.take, kept)
            walk(ByEar(orca, page, listener.heard), served.url, guest)
            listener.over()
            return listener.steps
    finally:
        served.stop()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        steps = walked(Path(folder))
    KEPT.write_text(text(steps), "utf-8")
    print(text(steps), end="")


if __name__ == "__main__":
    main()
