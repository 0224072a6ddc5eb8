"""Leave can be undone for 5 s: nobody is told meanwhile, and then, or as soon as it is meant, everybody."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.walking import Cable, bubble, composer, seek, settled, together, until, write

GONE = re.compile("has left.$")
PENDING = "localStorage.getItem('citychat.leaving')"
HIDE = """() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
# The 5 s are over when a test says so (`passed()`), and not before
HELD = """{
    const [later, never] = [window.setTimeout, window.clearTimeout], held = new Map();
    window.setTimeout = (call, ms, ...rest) => {
        if (ms !== 5000) return later(call, ms, ...rest);
        held.set(-1 - held.size, call);
        return -held.size;
    };
    window.clearTimeout = (timer) => { if (!held.has(timer)) never(timer); else held.set(timer, () => undefined); };
    window.passed = () => [...held.values()].forEach((call) => call());
}"""


def patient(person: Person) -> Page:
    page = person()
    page.context.add_init_script(HELD)
    page.reload()
    return page


def leave(page: Page) -> None:
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(page.get_by_text("is told in a moment.")).to_be_visible()
    expect(composer(page)).to_be_hidden()


def test_leaving_is_undone_by_keyboard_and_nothing_of_the_chat_is_lost_meanwhile(person: Person) -> None:
    a, b = together(patient(person), person())
    composer(a).fill("half a thought")
    leave(a)
    undo = a.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    expect(undo).to_have_accessible_description(re.compile("^Left. .* is told in a moment.$"))
    expect(a.get_by_role("textbox", name="Not sent, the chat had ended")).to_have_value("half a thought")
    write(b, "said meanwhile")
    expect(b.get_by_text("Delivered", exact=True)).to_be_visible()
    expect(bubble(a, "said meanwhile")).to_be_visible()  # it was drawn: the tick is true
    settled(undo)
    a.keyboard.press("Enter")
    expect(composer(a)).to_be_focused()
    expect(composer(a)).to_have_value("half a thought")
    assert a.evaluate(PENDING) is None
    a.evaluate("window.passed()")
    write(a, "still here")
    expect(bubble(b, "still here")).to_be_visible()
    expect(bubble(a, "said meanwhile")).to_have_count(1)


def test_after_five_seconds_leaving_is_final_for_both(person: Person) -> None:
    a, b = together(patient(person), person())
    leave(a)
    write(b, "one")
    expect(bubble(a, "one", exact=True)).to_be_visible()
    expect(b.locator(".who").get_by_text("here", exact=True)).to_be_visible()
    a.evaluate("window.passed()")
    expect(b.get_by_text(GONE)).to_be_visible()
    expect(a.get_by_text("You have left this chat.")).to_be_visible()
    expect(a.get_by_role("button", name="Undo")).to_be_hidden()
    expect(a.get_by_role("list", name="Messages")).to_be_focused()
    assert a.evaluate(PENDING) is None


@pytest.mark.parametrize("how", ["Find someone", "Talk again", "hidden", "reload", "closed"])
def test_who_goes_on_hides_the_page_or_closes_it_has_left_at_once(person: Person, how: str) -> None:
    a, b = together(patient(person), person())
    leave(a)
    if how == "hidden":
        a.evaluate(HIDE)
    elif how == "reload":
        a.reload()
        expect(a.get_by_role("button", name="Find someone")).to_be_visible()
    elif how == "closed":
        a.close()
    else:
        a.get_by_role("button", name=how).click()
    expect(b.get_by_text(GONE)).to_be_visible()
    if how == "Find someone":
        b.get_by_role("button", name=how).click()  # who does not look is rung once in two minutes
        expect(composer(a)).to_be_visible()
    elif how == "Talk again":
        b.get_by_role("button", name=how).click()
        expect(composer(a)).to_be_visible()


def test_a_block_of_somebody_who_was_just_left_holds_at_once(person: Person) -> None:
    a, b = together(patient(person), person())
    leave(a)
    a.get_by_role("button", name="Block or report").click()
    a.get_by_role("button", name="Block", exact=True).click()
    expect(a.get_by_text("Gone. You will not meet again.")).to_be_visible()
    expect(b.get_by_text(GONE)).to_be_visible()
    a.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    expect(a.get_by_role("button", name="Undo")).to_be_hidden()


def test_without_a_link_it_is_said_when_there_is_one_and_by_whichever_window(person: Person) -> None:
    a, b = patient(person), person()
    cable = Cable(a)
    a.reload()
    together(a, b)
    cable.cut()
    expect(a.get_by_text("Reconnecting. You can keep typing.")).to_be_visible()
    leave(a)
    a.evaluate("window.passed()")
    expect(a.get_by_text("is told when the link is back.")).to_be_visible()
    second = a.context.new_page()
    second.goto(a.url)
    expect(second.get_by_role("button", name="Find someone")).to_be_visible()
    expect(b.get_by_text(GONE)).to_be_visible()
    until(lambda: second.evaluate(PENDING) is None)


def test_a_second_window_makes_it_final(person: Person) -> None:
    a, b = together(patient(person), person())
    leave(a)
    second = a.context.new_page()
    second.goto(a.url)
    expect(b.get_by_text(GONE)).to_be_visible()
    expect(a.get_by_role("button", name="Use it here")).to_be_visible()
    expect(second.get_by_role("button", name="Find someone")).to_be_visible()


def test_nothing_is_left_to_undo_once_the_partner_has_gone(person: Person) -> None:
    a, b = together(patient(person), person())
    leave(a)
    leave(b)
    seek(b)
    expect(a.get_by_text(GONE)).to_be_visible()
    expect(a.get_by_role("button", name="Undo")).to_be_hidden()
    assert a.evaluate(PENDING) is None
