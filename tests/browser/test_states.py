"""Every state of the page, the same ones as in the pictures: with large text, zoomed, from right to left, in a language
that is longer than all of ours, with other colours, and as axe sees it."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from citychat.catalogue import SENTENCES
from citychat.languages import direction, words
from citychat.model import ALIAS_ANIMALS, ALIAS_COLOURS
from tests.browser.conftest import Person
from tests.browser.screens import PARTS, Eye
from tests.browser.serving import Served
from tests.browser.walking import STILL, enter, meet, write

LOOK, PSEUDO = (Path(__file__).with_name(name).read_text("utf-8") for name in ("look.js", "pseudo.js"))
PHONE, DESKTOP = ViewportSize(width=360, height=740), ViewportSize(width=1440, height=900)
ZOOMED = ViewportSize(width=180, height=370)  # what 200 % leave of the phone
LARGE = (1.3, 1.5, 1.75, 2.0)
TEXT_PX = 16
WIDEST = f"{max(ALIAS_COLOURS, key=len)} {max(ALIAS_ANIMALS, key=len)}"
TONGUES = {
    code: {
        "code": code,
        "direction": direction(code),
        "sentences": [[english, words(code).plain(name)] for name, english, one in SENTENCES.values() if not one],
    }
    for code in ("de", "ar")
}
MOVING = "document.getAnimations().map((one) => one.animationName).filter((name) => name !== 'settle')"


class Inspector(Eye):
    """In the camera's place."""

    def __init__(self) -> None:
        self.wrong: list[str] = []

    def take(self, name: str, page: Page) -> None:
        page.evaluate(STILL)
        page.evaluate(LOOK)
        page.evaluate(f"{{ {PSEUDO} }}")
        alias = page.evaluate("look.rename", WIDEST)  # which chat had a long one was up to chance
        self._sizes(name, page)
        self._in_pseudo(name, page)
        self._in_tongues(name, page)
        page.evaluate("look.rename", alias)
        self._colours(name, page)

    def _sizes(self, name: str, page: Page) -> None:
        font = page.context.new_cdp_session(page)
        for part in (1.0, *LARGE):
            font.send("Page.setFontSizes", {"fontSizes": {"standard": round(TEXT_PX * part)}})
            self._look(f"{name}, text {part:.0%}", page, "outside", "broken", "unreachable", "cramped")
        font.send("Page.setFontSizes", {"fontSizes": {"standard": TEXT_PX}})
        page.set_viewport_size(ZOOMED)
        self._look(f"{name}, zoom 200%", page, "outside", "broken", "unreachable", "cramped")
        for size in (DESKTOP, PHONE):
            page.set_viewport_size(size)
            self._look(f"{name}, {size['width']} px", page, "outside", "unmirrored")
        self._look(name, page, "mute")

    def _in_pseudo(self, name: str, page: Page) -> None:
        page.evaluate(STILL)  # what a wider window does not draw has only just come back
        if not page.evaluate("pseudo.speak()"):
            self.wrong.append(f"{name}: says nothing")
        self._look(f"{name}, in pseudo", page, "outside", "broken", "unreachable", "cramped")
        page.evaluate("pseudo.stop()")

    def _in_tongues(self, name: str, page: Page) -> None:
        """In those of ours that need most room, where there is least: twice the text on a phone, and on a desktop."""
        font = page.context.new_cdp_session(page)
        for code, tongue in TONGUES.items():
            page.evaluate("(tongue) => pseudo.speak(tongue)", tongue)
            font.send("Page.setFontSizes", {"fontSizes": {"standard": 2 * TEXT_PX}})
            self._look(f"{name}, in {code}, text 200%", page, "outside", "broken", "unreachable", "cramped")
            font.send("Page.setFontSizes", {"fontSizes": {"standard": TEXT_PX}})
            for size in (DESKTOP, PHONE):
                page.set_viewport_size(size)
                page.evaluate(STILL)
                self._look(f"{name}, in {code}, {size['width']} px", page, "outside", "unreachable")
            page.evaluate("pseudo.stop()")

    def _look(self, where: str, page: Page, *measures: str) -> None:
        for measure in measures:
            self.wrong += [f"{where}: {told}" for told in page.evaluate(f"look.{measure}()")]

    def _colours(self, name: str, page: Page) -> None:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.wrong += [f"{name}: moves: {told}" for told in page.evaluate(MOVING)]
        if page.locator("noscript p").is_visible():
            return  # axe would wait for ever where no script may
        self._axe(f"{name}, light", Axe().run(page).response["violations"])
        for scheme, contrast in (("dark", "no-preference"), ("dark", "more"), ("light", "more")):
            page.emulate_media(color_scheme=scheme, contrast=contrast)  # type: ignore[arg-type]
            rule = "color-contrast-enhanced" if contrast == "more" else "color-contrast"
            found = page.evaluate("(rule) => axe.run(document, { runOnly: [rule] })", rule)
            self._axe(f"{name}, {scheme}, contrast {contrast}", found["violations"])
        page.emulate_media(color_scheme="null", contrast="null", reduced_motion="null")

    def _axe(self, where: str, violations: list[dict[str, Any]]) -> None:
        for one in violations:
            self.wrong.append(f"{where}: {one['id']}: {[node['html'][:120] for node in one['nodes']]}")


@pytest.mark.parametrize("part", PARTS)
def test_every_state_holds(browser: Browser, served: Served, part: str) -> None:
    eye = Inspector()
    PARTS[part](eye, browser, served.url)
    assert eye.wrong == []


def test_under_colours_of_the_guests_own_a_line_says_what_a_colour_said(person: Person) -> None:
    a, b = person(forced_colors="active"), person()
    enter(a)
    enter(b)
    knob, track = (
        f"getComputedStyle(document.querySelector('[role=switch]'), '{part}').backgroundColor"
        for part in ("::before", "")
    )
    assert a.evaluate(knob) != a.evaluate(track)
    a.get_by_role("switch", name="Others may ask me").uncheck()
    assert a.evaluate(knob) != a.evaluate(track)
    a.get_by_role("switch", name="Others may ask me").check()
    meet(b, a)
    line = "(e) => { const style = getComputedStyle(e); return [style.borderTopStyle, style.outlineStyle]; }"
    write(a, "mine")
    assert a.locator(".bubble").evaluate(line) == ["solid", "none"]
    assert a.get_by_role("button", name="Send").evaluate(line) == ["solid", "none"]
    a.get_by_role("button", name="Block or report").click()
    a.get_by_role("button", name="Report", exact=True).click()
    a.get_by_role("radio").first.check()
    assert a.locator(".choice").first.evaluate(line) == ["solid", "solid"]
    assert a.locator(".choice").last.evaluate(line) == ["solid", "none"]
