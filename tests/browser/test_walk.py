"""Two people in two browsers walk the whole path: from arriving to meeting, talking, coming back and leaving."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.walking import (
    FROM_OUTSIDE,
    Cable,
    bubble,
    choose,
    composer,
    enter,
    enter_from_outside,
    meet,
    report,
    seek,
    shown,
    together,
    until,
    write,
)

NOES = "Object.keys(localStorage).filter((name) => name.startsWith('citychat.no.')).length"


def test_from_the_two_addresses_to_the_first_message_in_at_most_eight_presses(person: Person, served: Served) -> None:
    a, b = person(url=served.url, position=True), person(url=served.twin)
    presses = 0
    for page, start in ((a, "Start with my position"), (b, "Start with my position")):
        page.get_by_role("checkbox").click()
        page.get_by_role("button", name=start).click()
        presses += 2
    expect(b.get_by_text("Your browser gave no position.")).to_be_visible()
    expect(a.get_by_role("heading", name="Lyon")).to_be_visible()
    a.get_by_role("button", name="Find someone").click()
    b.get_by_role("button", name="Talk", exact=True).click()
    composer(a).type("Hello")
    a.get_by_role("button", name="Send").click()
    presses += 3
    expect(bubble(b, "Hello")).to_be_visible()
    expect(a.get_by_text("Delivered", exact=True)).to_be_visible()
    assert presses <= 8


def test_two_who_both_look_are_brought_together_by_their_pages(person: Person) -> None:
    a, b = person(), person()
    enter(a)
    enter(b)
    b.get_by_role("switch", name="Others may ask me").uncheck()
    seek(a)
    expect(a.get_by_text("Keep this page open")).to_be_visible()
    seek(b)
    for page in (a, b):
        expect(composer(page)).to_be_visible()


def test_the_path_works_on_a_plain_http_name_where_browsers_refuse_half_their_interfaces(
    person: Person, served: Served
) -> None:
    url = f"http://chat.example:{served.port}"
    a, b = person(url=url, position=True), person(url=url)
    assert a.evaluate("isSecureContext") is False
    a.get_by_role("checkbox").check()
    a.get_by_role("button", name="Start with my position").click()
    expect(a.get_by_text("Browsers give a position to https and localhost only.")).to_be_visible()
    enter(b)
    meet(a, b)
    write(a, "over plain http")
    expect(a.get_by_text("Delivered", exact=True)).to_be_visible()


def test_somebody_from_outside_chooses_a_city_and_can_change_it(person: Person) -> None:
    page = person(extra_http_headers=FROM_OUTSIDE)
    enter_from_outside(page)
    expect(page.get_by_role("heading", name="Lyon")).to_be_visible()
    expect(page.get_by_text("You chose it.")).to_be_visible()
    page.get_by_role("button", name="Not right?").click()
    choose(page, "Marseille")
    expect(page.get_by_role("heading", name="Marseille")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Marseille")).to_be_visible()


def test_nothing_connects_and_nothing_is_stored_before_consent(person: Person) -> None:
    page = person()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.reload()
    page.get_by_role("button", name="Start with my city").click()
    expect(page.get_by_text("Please tick the box first.")).to_be_visible()
    assert sockets == []
    assert page.evaluate("Object.keys(localStorage)") == []
    assert page.context.cookies() == []


def test_no_request_ever_leaves_for_another_server(person: Person, served: Served) -> None:
    a, b = person(), person()
    asked: list[str] = []
    for page in (a, b):
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        enter(page)
    meet(a, b)
    write(a, "https://example.org/picture.png")
    expect(bubble(b, "picture.png")).to_be_visible()
    assert asked and all(url.startswith((served.url, f"ws://localhost:{served.port}", "blob:")) for url in asked)


def test_a_reload_during_a_chat_returns_to_it_with_every_message_in_order(person: Person) -> None:
    a, b = together(person(), person())
    for number in range(6):
        write(a if number % 2 else b, f"message {number}")
        expect(bubble(b if number % 2 else a, f"message {number}")).to_be_visible()
    composer(a).fill("half a thought")
    until(lambda: "half a thought" in a.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])"))
    a.reload()
    expect(bubble(a, "message 5")).to_be_visible()
    assert [text[-9:] for text in shown(a)] == [f"message {n}" for n in range(6)]
    expect(composer(a)).to_have_value("half a thought")
    write(a, "after the reload")
    expect(bubble(b, "after the reload")).to_be_visible()
    until(lambda: [t[-8:] for t in shown(a)] == [t[-8:] for t in shown(b)])


def test_what_is_typed_without_a_link_is_kept_over_a_reload_and_sent_once(person: Person) -> None:
    a, b = together(person(), person())
    a.context.set_offline(True)
    a.evaluate("dispatchEvent(new Event('offline'))")
    for number in range(3):
        write(a, f"without a link {number}")
    a.context.set_offline(False)
    a.reload()
    expect(bubble(b, "without a link 2")).to_be_visible()
    expect(a.get_by_text("Delivered", exact=True)).to_be_visible()
    until(lambda: len(shown(b)) == 3)
    assert [text[-1] for text in shown(b)] == ["0", "1", "2"]


def test_a_killed_server_comes_back_and_both_pages_go_on_by_themselves(person: Person, served: Served) -> None:
    a, b = together(person(), person())
    write(a, "before")
    expect(bubble(b, "before")).to_be_visible()
    served.kill()
    expect(a.get_by_text("Reconnecting. You can keep typing.")).to_be_visible()
    write(a, "while it was away")
    served.start()
    expect(bubble(b, "while it was away")).to_be_visible()
    expect(a.get_by_text("Reconnecting. You can keep typing.")).to_be_hidden()
    assert len(shown(b)) == 2


def test_a_second_window_takes_over_and_the_first_can_take_it_back(person: Person) -> None:
    a, b = together(person(), person())
    write(b, "which window?")
    expect(bubble(a, "which window?")).to_be_visible()
    second = a.context.new_page()
    second.goto(a.url)
    expect(bubble(second, "which window?")).to_be_visible()
    expect(a.get_by_text("This chat goes on in another window.")).to_be_visible()
    write(second, "this one")
    expect(bubble(b, "this one")).to_be_visible()
    a.get_by_role("button", name="Use it here").click()
    expect(bubble(a, "this one")).to_be_visible()
    expect(second.get_by_role("button", name="Use it here")).to_be_visible()
    write(a, "now here")
    expect(bubble(b, "now here")).to_be_visible()
    assert len(shown(b)) == 3


def test_a_window_that_was_cut_off_does_not_take_the_chat_back_from_the_newer_one(person: Person) -> None:
    a, b = person(), person()
    cable = Cable(a)
    a.reload()
    together(a, b)
    cable.cut()
    expect(a.get_by_text("Reconnecting. You can keep typing.")).to_be_visible()
    second = a.context.new_page()
    second.goto(a.url)
    expect(composer(second)).to_be_visible()
    cable.mend()
    a.evaluate("dispatchEvent(new Event('online'))")
    expect(a.get_by_role("button", name="Use it here")).to_be_visible()
    write(second, "still mine")
    expect(bubble(b, "still mine")).to_be_visible()


def test_somebody_away_is_shown_as_away_and_finds_everything_on_return(person: Person, served: Served) -> None:
    a, b = together(person(), person())
    b.goto("about:blank")
    expect(a.get_by_text("Just went away, what you write waits 24 hours")).to_be_visible()
    write(a, "are you there?")
    expect(a.get_by_text("Kept by the server")).to_be_visible()
    b.goto(served.url)
    expect(bubble(b, "are you there?")).to_be_visible()
    expect(a.get_by_text("Delivered", exact=True)).to_be_visible()
    expect(a.locator(".who").get_by_text("here", exact=True)).to_be_visible()


def test_typing_is_shown_and_can_be_switched_off(person: Person) -> None:
    a, b = together(person(), person())
    composer(a).press_sequentially("Hm")
    expect(b.get_by_role("img", name="is typing")).to_be_visible()
    expect(b.get_by_role("img", name="is typing")).to_be_hidden()
    a.get_by_role("button", name="Back").click()
    a.get_by_role("button", name="More").click()
    a.get_by_role("switch", name="Show when I am typing").uncheck()
    a.keyboard.press("Escape")
    a.get_by_text("now", exact=True).click()
    heard: list[str] = []
    b.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(str(frame))))
    b.reload()
    expect(composer(b)).to_be_visible()
    composer(a).press_sequentially("Hm")
    write(a, "said")
    expect(bubble(b, "said")).to_be_visible()
    assert heard and not any("chat-typing" in frame for frame in heard)


def test_leaving_is_asked_twice_ends_it_for_both_and_stays_readable(person: Person) -> None:
    a, b = together(person(), person())
    write(a, "so long")
    expect(bubble(b, "so long")).to_be_visible()
    b.get_by_role("button", name="Leave").click()
    b.get_by_role("button", name="Stay").click()
    b.get_by_role("button", name="Leave").click()
    b.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(a.get_by_text(re.compile("has left.$"))).to_be_visible()
    expect(composer(a)).to_be_hidden()
    a.reload()
    a.get_by_role("button", name="My chats").click()
    a.get_by_text(re.compile(", deleted ")).click()
    expect(bubble(a, "so long")).to_be_visible()
    expect(a.get_by_text("Deleted on")).to_be_visible()


def test_talk_again_works_when_both_press_it(person: Person) -> None:
    a, b = together(person(), person())
    a.get_by_role("button", name="Leave").click()
    a.get_by_role("dialog").get_by_role("button", name="Leave").click()
    for page in (a, b):
        page.get_by_role("button", name="Talk again").click()
    for page in (a, b):
        expect(composer(page)).to_be_visible()


def test_a_report_ends_in_a_code_that_can_be_looked_up_and_looks_like_leaving(person: Person) -> None:
    a, b = together(person(), person())
    write(b, "something bad")
    expect(bubble(a, "something bad")).to_be_visible()
    found = re.search(r"Your code is (\S+)\. In danger now\?", report(a))
    assert found
    expect(b.get_by_text(re.compile("has left.$"))).to_be_visible()
    a.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    a.get_by_role("button", name="Back").click()
    a.get_by_role("button", name="More").click()
    a.get_by_label("Code of the report").fill(found[1])
    a.get_by_role("button", name="Look up").click()
    expect(a.get_by_text("Received. The host has not decided yet.")).to_be_visible()


def test_after_a_block_and_after_a_no_the_two_are_never_asked_about_each_other(person: Person) -> None:
    a, b = together(person(), person())
    a.get_by_role("button", name="Block or report").click()
    a.get_by_role("button", name="Block", exact=True).click()
    expect(a.get_by_text("Gone. You will not meet again. They only see that you left.")).to_be_visible()
    a.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    for page in (a, b):
        seek(page)
    for page in (a, b):
        expect(page.get_by_text("Keep this page open")).to_be_visible()
    c = person()
    enter(c)
    c.get_by_role("button", name="No", exact=True).click()
    expect(c.get_by_role("button", name="Find someone")).to_be_visible()


@pytest.mark.parametrize("back", ["by itself", "after a reload"])
def test_a_no_pressed_on_a_dead_link_is_for_ever_too(person: Person, back: str) -> None:
    a, b = person(), person()
    dead = False
    links: list[WebSocketRoute] = []

    def link(page_side: WebSocketRoute) -> None:
        server_side = page_side.connect_to_server()

        def carry(frame: str | bytes, to: WebSocketRoute) -> None:
            if not dead:
                to.send(frame)

        page_side.on_message(lambda frame: carry(frame, server_side))
        server_side.on_message(lambda frame: carry(frame, page_side))
        links.extend((page_side, server_side))

    b.route_web_socket("**/socket.io/**", link)
    b.reload()
    enter(a)
    enter(b)
    seek(a)
    expect(b.get_by_role("button", name="No", exact=True)).to_be_visible()
    dead = True
    b.get_by_role("button", name="No", exact=True).click()
    expect(a.get_by_text("Keep this page open")).to_be_visible()  # the ring is over
    assert b.evaluate(NOES) == 1
    dead = False
    if back == "after a reload":
        b.reload()
    else:
        for end in links:
            end.close()
    until(lambda: b.evaluate(NOES) == 0)
    seek(b)  # both look: nothing but the no keeps them apart
    c = person()
    for page in (a, b):
        expect(page.get_by_text("Keep this page open")).to_be_visible()
    enter(c)
    c.get_by_role("button", name="No", exact=True).click()
    for page in (a, b):
        expect(composer(page)).to_be_hidden()


def test_download_holds_the_texts_and_erase_takes_them_from_both_screens(person: Person, tmp_path: Path) -> None:
    a, b = together(person(), person())
    write(a, "mine to erase")
    expect(bubble(b, "mine to erase")).to_be_visible()
    a.get_by_role("button", name="Back").click()
    a.get_by_role("button", name="More").click()
    with a.expect_download() as saved:
        a.get_by_role("button", name="Download my chats").click()
    saved.value.save_as(tmp_path / "chats.json")
    chats = json.loads((tmp_path / "chats.json").read_text("utf-8"))["chats"]
    assert [message["text"] for message in chats[0]["messages"]] == ["mine to erase"]
    a.get_by_role("button", name="Erase everything about me").click()
    a.get_by_role("button", name="Erase everything", exact=True).click()
    expect(a.get_by_role("heading", name="Everything about you is erased.")).to_be_visible()
    expect(bubble(b, "mine to erase")).to_be_hidden()
    assert a.evaluate("Object.keys(localStorage)") == []


def test_a_browser_that_stores_nothing_still_works_and_says_so(person: Person) -> None:
    a, b = person(), person()
    a.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused'); } })")
    a.reload()
    enter(a)
    enter(b)
    expect(a.get_by_text("This browser stores nothing")).to_be_visible()
    meet(a, b)
    write(a, "from memory")
    expect(a.get_by_text("Delivered", exact=True)).to_be_visible()
