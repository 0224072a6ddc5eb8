"""A site's own name, colour and logo as a browser shows them, in both themes, with nothing that its policy refuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.walking import axe, composer, enter, meet, picture, write

GREEN: dict[Literal["light", "dark"], str] = {"light": "rgb(11, 110, 79)", "dark": "rgb(133, 182, 167)"}
LOGO = """<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 32" width="64" height="32">
  <defs><linearGradient id="sky"><stop offset="0" style="stop-color:#0b6e4f"/><stop offset="1" stop-color="#7fd1ae"/>
  </linearGradient></defs>
  <rect width="64" height="32" rx="8" fill="url(#sky)"/>
  <path style="fill:#fff" d="M12 8h8v16h-8zM28 8h8v16h-8zM44 8h8v16h-8z"/>
</svg>"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "logo.svg").write_text(LOGO, "utf-8")
    one = Served(tmp_path / "data", "--home-city", "Lyon", "--name", "Lyon parle", "--accent", "#0b6e4f")
    yield one
    if one.process.poll() is None:
        one.stop()


def ground(element: Locator) -> str:
    return str(element.evaluate("(element) => getComputedStyle(element).backgroundColor"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_name_colour_and_logo_are_on_every_screen_and_can_be_read(
    person: Person, scheme: Literal["light", "dark"]
) -> None:
    a, b = person(color_scheme=scheme), person(color_scheme=scheme, viewport={"width": 1440, "height": 900})
    for page, where in ((a, "phone"), (b, "desktop")):
        expect(page).to_have_title("Lyon parle")
        expect(page.locator("#bar .mark")).to_have_text("Lyon parle")
        mark = page.locator("#bar .mark-logo")
        assert mark.evaluate("(image) => image.decode().then(() => image.naturalWidth / image.naturalHeight)") == 2
        box = mark.bounding_box()
        assert box is not None and round(box["width"] / box["height"], 1) == 2
        assert ground(page.get_by_role("button", name="Start with my position")) == GREEN[scheme]
        axe(page, where)
        picture(page, f"arrive-{where}-{scheme}")
        enter(page)
        assert ground(page.get_by_role("button", name="Find someone")) == GREEN[scheme]
        axe(page, where)
        picture(page, f"ready-{where}-{scheme}")
    meet(a, b)
    write(a, "Hello from the other side of the street")
    expect(b.locator(".bubble")).to_have_count(1)
    expect(b.locator(".rail .mark")).to_have_text("Lyon parle")
    composer(b).fill("Hello")
    assert ground(b.locator(".send")) == GREEN[scheme]
    expect(b).to_have_title(f"{b.locator('.who h1').inner_text()} · Lyon parle")
    for page, where in ((a, "phone"), (b, "desktop")):
        axe(page, where)
        picture(page, f"talk-{where}-{scheme}")


def test_the_hosts_texts_the_manifest_and_the_logo_alone_are_shown_as_they_should(
    person: Person, browser: Browser, server: str
) -> None:
    page = person(url=f"{server}/rules")
    for at in ("rules", "privacy", "imprint"):
        page.goto(f"{server}/{at}")
        expect(page.locator(".mark")).to_have_text("Lyon parle")
        expect(page.get_by_role("link", name="Back to Lyon parle")).to_be_visible()
        for scheme in GREEN:
            page.emulate_media(color_scheme=scheme)
            axe(page, at)
            picture(page, f"{at}-phone-{scheme}")
    alone = browser.new_page()
    alone.goto(f"{server}/logo.svg")
    assert alone.evaluate("getComputedStyle(document.querySelector('path')).fill") == "rgb(255, 255, 255)"
    alone.close()
    with urlopen(f"{server}/manifest.webmanifest") as answer:
        manifest = json.load(answer)
    assert (manifest["name"], manifest["theme_color"]) == ("Lyon parle", "#0b6e4f")
    with urlopen(server + manifest["icons"][0]["src"]) as answer:
        assert answer.headers["Content-Type"] == "image/svg+xml"
