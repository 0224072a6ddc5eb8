"""Whoever was about something goes on with it: what was written is there again, and so is the place in a list, and the
focus is where it is of use."""

import sqlite3

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Person
from tests.browser.screens import BrowserProfile
from tests.browser.serving import Served
from tests.browser.test_lists import MANY_CHATS, MEMBERS, TEXTS
from tests.browser.walking import composer, enter, seek, together

CHATS = 120  # more than two pages of my chats


def leave(page: Page) -> None:
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()


def begin_report(page: Page) -> None:
    page.get_by_role("button", name="Block or report").click()
    page.get_by_role("button", name="Report", exact=True).click()


def test_a_report_that_was_begun_is_there_again_until_it_is_sent(person: Person) -> None:
    a, _ = together(person(), person())
    begin_report(a)
    a.get_by_role("radio", name="Spam").check()
    a.get_by_label("Anything the host should know").fill("He wants to sell\nsomething")
    for again in (lambda: a.keyboard.press("Escape"), a.reload):
        again()
        expect(a.get_by_role("dialog")).to_be_hidden()
        begin_report(a)
        expect(a.get_by_role("radio", name="Spam")).to_be_checked()
        expect(a.get_by_role("radio", name="Spam")).to_be_focused()
        expect(a.get_by_label("Anything the host should know")).to_have_value("He wants to sell\nsomething")
    a.get_by_role("button", name="Send the report").click()
    expect(a.get_by_text("Thank you. Your code is")).to_be_visible()
    assert a.evaluate("Object.keys(sessionStorage)") == []


def test_what_stood_in_the_composer_when_chats_ended_is_read_below_each_of_them(person: Person) -> None:
    a, b = together(person(), person())
    names: list[str] = []
    for text in ("half a thought", "another half"):
        if names:
            a.get_by_role("button", name="Find someone").click()
            c = person()
            enter(c)
            c.get_by_role("button", name="Talk", exact=True).click()
            expect(composer(a)).to_be_visible()
            b = c
        composer(a).fill(text)
        names.append(a.get_by_role("heading", level=1).inner_text())
        leave(b)
        expect(a.get_by_role("textbox", name="Not sent, the chat had ended")).to_have_value(text)
    for _ in range(2):
        a.reload()
        a.get_by_role("button", name="My chats").click()
        for name, text in zip(names, ("half a thought", "another half"), strict=True):
            a.get_by_role("main").get_by_role("button", name=name).click()
            expect(a.get_by_role("textbox", name="Not sent, the chat had ended")).to_have_value(text)
            a.get_by_role("button", name="Back", exact=True).click()


def test_whoever_comes_back_from_an_old_chat_finds_its_row_with_the_focus_and_in_sight(
    person: Person, served: Served
) -> None:
    a, b = together(person(), person())
    leave(b)
    expect(a.get_by_role("button", name="Talk again")).to_be_visible()
    assert served.stop() == 0
    store = sqlite3.connect(served.data / "citychat.db")
    with store:
        for statement in (MANY_CHATS, TEXTS, MEMBERS):
            store.execute(statement, (CHATS - 1,) if "?" in statement else ())
    store.close()
    served.start()
    a.reload()
    a.get_by_role("button", name="My chats").click()
    rows = a.locator("main .chat")
    while (known := rows.count()) < CHATS:
        a.get_by_role("button", name="Show older chats").click()
        expect(rows).not_to_have_count(known)
    for back in (a.go_back, lambda: a.get_by_role("button", name="Back", exact=True).click()):
        rows.nth(CHATS - 20).click()
        expect(a.get_by_text("Deleted on")).to_be_visible()
        back()
        expect(rows).to_have_count(CHATS)
        expect(rows.nth(CHATS - 20)).to_be_focused()
        expect(rows.nth(CHATS - 20)).to_be_in_viewport()
    a.get_by_role("button", name="Back", exact=True).click()
    a.get_by_role("button", name="My chats").click()
    expect(a.get_by_role("heading", name="My chats")).to_be_focused()


def test_the_focus_is_not_lost_with_what_had_it(person: Person, browser: Browser, served: Served) -> None:
    a, b = together(person(), person())
    a.get_by_role("button", name="Leave").focus()
    leave(b)
    expect(a.get_by_role("button", name="Talk again")).to_be_visible()
    expect(a.get_by_role("heading", level=1)).to_be_focused()
    c = BrowserProfile(browser, served.url)
    c.open()
    enter(c.page)
    seek(c.page)
    expect(c.page.get_by_role("button", name="Stop looking")).to_be_focused()
    c.page.get_by_role("switch", name="Others may ask me").focus()
    c.say("user-offer", {"offer": "A" * 22, "city": "Lyon", "seconds": 15, "looking": True})
    expect(c.page.get_by_role("switch", name="Others may ask me")).to_be_hidden()
    expect(c.page.get_by_role("heading", name="Lyon")).to_be_focused()
    c.context.close()


def test_a_question_whether_to_leave_goes_with_the_chat(person: Person) -> None:
    a, b = together(person(), person())
    a.get_by_role("button", name="Leave").click()
    leave(b)
    expect(a.get_by_role("dialog")).to_be_hidden()
    expect(a.get_by_role("button", name="Talk again")).to_be_visible()
    expect(a.get_by_role("heading", level=1)).to_be_focused()
