"""A guest is paused, objects on the page, is answered there, and comes in again; all of it by keyboard, on a phone."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.test_page import press
from tests.browser.walking import axe, bubble, report, together, until, write
from tests.support.patience import PATIENCE_S
from tests.support.server_process import citychat

PICTURES = os.environ.get("CITYCHAT_TEST_PICTURES", "")  # a folder, for who wants to look at the screens
SAID = "It was not me.\nMy brother had the phone."
ANSWER = "Thank you. He should not have it."


def host(served: Served, *words: str) -> str:
    """What a command of the host prints beside the server."""
    command = [*citychat(*words), "--data", str(served.data)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout


def reported(a: Page, b: Page) -> str:
    """The code of a's report on b."""
    write(b, "something bad")
    expect(bubble(a, "something bad")).to_be_visible()
    found = re.search(r"Your code is (\S+)\.", report(a))
    assert found
    return found[1]


def looked_up(page: Page, code: str, said: str) -> None:
    page.reload()
    page.get_by_role("button", name="More").click()
    page.get_by_label("Code of the report").fill(code)
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_text(said)).to_be_visible()


def seen(page: Page, name: str) -> None:
    """The screen has no fault and is as wide as its page, light and dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        axe(page, f"{name}, {scheme}")
        assert page.evaluate("document.documentElement.scrollWidth") == 360, name
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{scheme}.png", full_page=True)


def test_who_is_paused_objects_once_is_answered_and_comes_in_again(person: Person, served: Served) -> None:
    a, b = together(person(), person())
    code = reported(a, b)
    host(served, "guests", "pause", code, "--for", "7d", "--rule", "3", "--reason", "threats")
    host(served, "cases", "close", code, "--acted", "--rule", "3")
    b.reload()
    expect(b.get_by_text(re.compile(r"You cannot use this server until .+\."))).to_be_visible()
    expect(b.get_by_text("Decided by the host. Rule 3: threats")).to_be_visible()
    reference = b.get_by_text("Reference: ").inner_text().removeprefix("Reference: ")
    assert reference in host(served, "cases", "show", code) and reference != code
    seen(b, "paused")

    press(b, "Send the objection")
    expect(b.get_by_text("Please write something first.")).to_be_visible()
    expect(b.get_by_label("Object, once")).to_be_focused()
    b.keyboard.type(SAID)
    b.reload()
    expect(b.get_by_label("Object, once")).to_have_value(SAID)
    press(b, "Send the objection")
    expect(b.get_by_text("The host has not answered yet.")).to_be_visible()
    expect(b.get_by_role("heading", name="Not now")).to_be_focused()
    expect(b.locator("blockquote")).to_have_text(SAID)
    expect(b.get_by_role("textbox")).to_have_count(0)
    assert b.evaluate("Object.keys(sessionStorage)") == []
    seen(b, "objected")
    assert "objection waits" in host(served, "cases", "--open")

    host(served, "cases", "answer", reference, ANSWER)
    press(b, "Look again")
    expect(b.get_by_text(ANSWER)).to_be_visible()
    b.reload()
    expect(b.get_by_text(ANSWER)).to_be_visible()
    seen(b, "answered")

    host(served, "guests", "lift", code, "--note", "was right")
    press(b, "Look again")
    expect(b.get_by_role("heading", name="The host has ended your pause.")).to_be_focused()
    expect(b.get_by_text(ANSWER)).to_be_visible()
    seen(b, "lifted")
    press(b, "Go on")
    expect(b.get_by_role("button", name="Find someone")).to_be_visible()
    b.reload()
    expect(b.get_by_role("button", name="Find someone")).to_be_visible()
    looked_up(a, code, "The host acted, and took it back after an objection.")
    host(served, "guests", "warn", code, "--rule", "2", "--reason", "be decent")
    b.reload()
    expect(b.get_by_role("heading", name="The host warns you.")).to_be_visible()
    expect(b.get_by_text("Rule 2: be decent")).to_be_visible()
    seen(b, "warned")
    press(b, "Go on")
    expect(b.get_by_role("button", name="Find someone")).to_be_visible()


@pytest.mark.parametrize("comes_into_view", [False, True])
def test_an_objection_is_sent_when_the_link_is_back_and_an_answer_read_when_the_page_is_seen(
    person: Person, served: Served, comes_into_view: bool
) -> None:
    a, b = together(person(), person())
    code = reported(a, b)
    host(served, "guests", "ban", code, "--rule", "3")
    b.reload()
    expect(b.get_by_text("You cannot use this server any more.")).to_be_visible()
    b.get_by_label("Object, once").fill(SAID)
    served.kill()
    b.get_by_role("button", name="Send the objection").click()
    expect(b.get_by_text("Asking the server. This goes on by itself.")).to_be_visible()
    served.start()
    expect(b.get_by_text("The host has not answered yet.")).to_be_visible()
    host(served, "cases", "answer", code, ANSWER)
    if comes_into_view:
        b.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    else:
        b.get_by_role("button", name="Look again").click()
    expect(b.get_by_text(ANSWER)).to_be_visible()
    until(lambda: b.get_by_text("Asking the server").count() == 0)
