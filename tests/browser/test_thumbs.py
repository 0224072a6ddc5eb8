"""Pages played by thumbs: a second tap, a held key, the phone's own keyboard, Back."""

import json
import re

from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.browser.conftest import Person
from tests.browser.walking import bubble, composer, enter, meet, seek, settled, together, until

PHONE = {"has_touch": True, "is_mobile": True}
SIZES = [(320, 568), (360, 640), (360, 740), (412, 915)]

# The moment "Start now" is there: where Stop is, and a press on what is there
PRESS_STOP = """() => {
    const named = (name) => [...document.querySelectorAll("button")].find((one) => one.textContent === name);
    const stop = named("Stop looking");
    window.tops = [stop.getBoundingClientRect().top];
    new MutationObserver(() => {
        if (!named("Start now") || window.tops.length > 1) return;
        const { left, top } = stop.getBoundingClientRect();
        window.tops.push(top);
        document.elementFromPoint(left + 100, top + 20).click();
    }).observe(document.body, { childList: true, subtree: true });
}"""


# The moment nothing stands over the dialog any more: a press on one of its buttons
PRESS_WHEN_ALONE = """(name) => {
    const meant = [...document.querySelectorAll("dialog button")].find((one) => one.textContent === name);
    new MutationObserver((_, watch) => {
        if (document.querySelector("dialog.over")) return;
        watch.disconnect();
        requestAnimationFrame(() => { meant.click(); window.pressed = true; });
    }).observe(document.body, { childList: true });
}"""


def tap_twice(page: Page, button: Locator) -> None:
    """Two taps at one place, as a hasty thumb makes them."""
    expect(button).to_be_enabled()
    button.click(trial=True)  # it has been there for a while
    box = button.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.touchscreen.tap(x, y)
    page.wait_for_timeout(150)
    page.touchscreen.tap(x, y)


def test_a_second_tap_presses_nothing_that_has_only_just_come_there(person: Person) -> None:
    a, b = person(**PHONE), person(**PHONE)
    enter(a)
    enter(b)
    for width, height in SIZES:
        a.set_viewport_size({"width": width, "height": height})
        a.get_by_role("button", name="More").click()
        tap_twice(a, a.get_by_role("button", name="Erase everything about me"))
        expect(a.get_by_role("heading", name="Erase everything about me?")).to_be_visible()
        a.get_by_role("button", name="Keep it").click()
    a.set_viewport_size({"width": 360, "height": 740})
    tap_twice(b, b.get_by_role("button", name="Find someone"))
    a.get_by_role("button", name="No", exact=True).click()
    expect(b.get_by_role("button", name="Stop looking")).to_be_visible()
    b.get_by_role("button", name="Stop looking").click()
    c = person(**PHONE)
    enter(c)
    meet(b, c)
    b.get_by_role("button", name="Block or report").click()
    b.get_by_role("button", name="Report", exact=True).click()
    b.get_by_role("radio", name="Threat or danger").check()
    tap_twice(b, b.get_by_role("button", name="Send the report"))
    expect(b.get_by_text("Thank you. Your code is")).to_be_visible()


def test_a_key_that_is_held_presses_once(person: Person) -> None:
    page = person()
    enter(page)
    page.get_by_role("button", name="Find someone").focus()
    settled(page.locator(":focus"))
    for _ in range(3):  # the keyboard's own repeat
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    page.keyboard.press("Enter")  # and a second press, in haste
    expect(page.get_by_role("button", name="Stop looking")).to_be_focused()


def test_stop_stays_in_its_place_when_somebody_is_found(person: Person) -> None:
    page = person(**PHONE)
    offers: list[WebSocketRoute] = []

    def link(page_side: WebSocketRoute) -> None:
        page_side.connect_to_server()
        offers.append(page_side)

    page.route_web_socket("**/socket.io/**", link)
    page.reload()
    enter(page)
    seek(page)
    expect(page.get_by_text("Keep this page open")).to_be_visible()
    page.evaluate(PRESS_STOP)
    offer = {"offer": "A" * 22, "city": "Lyon", "seconds": 15, "looking": True}
    offers[-1].send(f"42/user,{json.dumps(['user-offer', offer])}")
    expect(page.get_by_role("button", name="Find someone")).to_be_visible()
    before, after = page.evaluate("window.tops")
    assert after == before


def test_back_goes_one_step_back_inside_the_page_and_forward_and_reload_do_no_harm(person: Person) -> None:
    a, b = person(), person()
    a.goto("about:blank")
    a.goto(b.url)
    enter(a)
    enter(b)
    a.get_by_role("button", name="More").click()
    a.go_back()
    expect(a.get_by_role("dialog")).to_be_hidden()
    meet(a, b)
    a.get_by_role("button", name="Leave").click()
    a.go_back()
    expect(a.get_by_role("dialog")).to_be_hidden()
    expect(composer(a)).to_be_visible()
    a.reload()
    expect(composer(a)).to_be_visible()
    a.go_back()
    expect(a.get_by_role("heading", name="My chats").last).to_be_visible()
    a.go_back()
    expect(a.get_by_role("button", name="Back to the chat")).to_be_visible()
    a.go_back()
    expect(a.get_by_text("Your chat goes on. Back once more leaves this page.")).to_be_visible()
    a.go_forward()
    expect(a.get_by_role("button", name="Back to the chat")).to_be_visible()
    a.get_by_role("button", name="Back to the chat").click()
    b.get_by_role("button", name="Leave").click()
    b.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(a.get_by_role("button", name="Talk again")).to_be_visible()
    a.get_by_role("button", name="Back", exact=True).click()  # the page's own: the entry of the chat is gone over
    a.get_by_text(re.compile(", deleted ")).click()
    a.reload()
    expect(a.get_by_role("button", name="Find someone")).to_be_visible()
    a.get_by_role("button", name="My chats").click()
    a.get_by_text(re.compile(", deleted ")).click()
    expect(a.get_by_text("Deleted on")).to_be_visible()
    a.go_back()
    expect(a.get_by_text(re.compile(", deleted "))).to_be_visible()
    a.go_back()
    expect(a.get_by_role("button", name="Find someone")).to_be_visible()
    a.go_back()
    assert a.url == "about:blank"


def test_back_leaves_what_is_under_a_ring_and_what_comes_back_from_under_it_is_deaf(person: Person) -> None:
    a, b = person(**PHONE), person()
    enter(a)
    enter(b)
    a.get_by_role("button", name="More").click()
    seek(b)
    expect(a.get_by_role("alertdialog")).to_contain_text("would like to talk")
    for _ in range(2):
        a.go_back()
        expect(a.get_by_role("alertdialog")).to_be_visible()
        expect(a.get_by_label("Code of the report")).to_be_attached()
    a.evaluate(PRESS_WHEN_ALONE, "Erase everything about me")
    a.get_by_role("button", name="No", exact=True).click()
    expect(a.get_by_role("alertdialog")).to_be_hidden()
    until(lambda: a.evaluate("window.pressed"))
    expect(a.get_by_role("heading", name="Settings")).to_be_visible()
    expect(a.get_by_role("heading", name="Erase everything about me?")).to_have_count(0)
    a.go_back()
    expect(a.get_by_role("dialog")).to_be_hidden()
    expect(a.get_by_role("button", name="Find someone")).to_be_visible()


def test_enter_makes_a_new_line_on_a_phone_and_what_is_typed_outlives_the_chat(person: Person) -> None:
    a, b = person(**PHONE, permissions=["clipboard-read", "clipboard-write"]), person()
    together(a, b)
    composer(a).press_sequentially("one\ntwo")
    expect(composer(a)).to_have_value("one\ntwo")
    composer(a).fill("from a keyboard")
    composer(a).press("Control+Enter")
    expect(bubble(b, "from a keyboard")).to_be_visible()
    composer(a).press_sequentially("one\ntwo")
    a.get_by_role("button", name="Send").click()
    expect(bubble(b, "one")).to_contain_text("two")
    a.get_by_role("button", name="Back", exact=True).click()
    a.get_by_role("button", name="More").click()
    a.get_by_role("switch", name="Enter sends").check()
    a.keyboard.press("Escape")
    a.get_by_text("now", exact=True).click()
    composer(a).fill("three")
    composer(a).dispatch_event("keydown", {"key": "Enter", "keyCode": 229})  # Safari: the composition has ended
    expect(composer(a)).to_have_value("three")
    composer(a).press("Enter")
    expect(bubble(b, "three")).to_be_visible()
    composer(a).press_sequentially("not sent any more")
    b.get_by_role("button", name="Leave").click()
    b.get_by_role("dialog").get_by_role("button", name="Leave").click()
    rest = a.get_by_role("textbox", name="Not sent, the chat had ended")
    expect(rest).to_have_value("not sent any more")
    expect(rest).to_be_focused()
    a.get_by_role("button", name="Copy it").click()
    expect(a.get_by_text("Copied.")).to_be_visible()
    assert a.evaluate("navigator.clipboard.readText()") == "not sent any more"
    assert a.evaluate("Object.keys(localStorage).filter((name) => name.includes('draft'))") == []


def test_what_was_typed_in_a_page_that_was_thrown_away_is_read_below_its_chat(person: Person) -> None:
    a, b = person(**PHONE), person()
    together(a, b)
    name = a.get_by_role("heading", level=1).inner_text()
    composer(a).press_sequentially("half a thought")
    address = a.url
    a.goto("about:blank")
    b.get_by_role("button", name="Leave").click()
    b.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(b.get_by_role("button", name="Undo")).to_be_hidden()
    a.goto(address)
    a.get_by_role("button", name="My chats").click()
    a.get_by_role("button", name=name).click()
    expect(a.get_by_role("textbox", name="Not sent, the chat had ended")).to_have_value("half a thought")


def test_a_ring_and_the_rules_close_nothing_that_is_being_typed_and_stop_no_search(person: Person) -> None:
    a, b, c = person(), person(), person()
    enter(a)
    enter(b)
    a.get_by_role("button", name="More").click()
    a.get_by_label("Code of the report").fill("ABC")
    seek(b)
    b.get_by_role("link", name="Rules").click()
    expect(b.get_by_role("dialog")).to_contain_text("Be decent")
    assert len(b.context.pages) == 1
    expect(a.get_by_role("alertdialog")).to_contain_text("would like to talk")
    for _ in range(3):  # the second time a browser closes a dialog whatever its page says
        a.keyboard.press("Escape")
    expect(a.get_by_role("alertdialog")).to_be_visible()
    a.get_by_role("button", name="No", exact=True).click()
    expect(a.get_by_role("alertdialog")).to_be_hidden()
    expect(a.get_by_label("Code of the report")).to_have_value("ABC")
    enter(c)
    c.get_by_role("button", name="Talk", exact=True).click()
    for page in (b, c):
        expect(composer(page)).to_be_visible()
