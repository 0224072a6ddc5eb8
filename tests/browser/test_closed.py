"""A closed house as its guests see it, and the form of those who are no guests, in a real browser without a script."""

import re
import subprocess

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.walking import bubble, enter, meet, seek, write
from tests.support.server_process import ROOT, citychat

TEXT = "Back tomorrow at eight."


def command(served: Served, *words: str) -> None:
    subprocess.run([*citychat(*words), "--data", str(served.data)], check=True, cwd=ROOT, capture_output=True)


def test_every_page_says_the_host_s_word_and_chats_go_on(person: Person, served: Served) -> None:
    a, b, looking = person(), person(), person()
    for page in (a, b):
        enter(page)
    meet(a, b)
    enter(looking)
    seek(looking)
    expect(looking.get_by_role("button", name="Stop looking")).to_be_visible()
    command(served, "close", TEXT)
    expect(looking.get_by_text(TEXT)).to_be_visible()
    for name in ("Stop looking", "Find someone"):
        expect(looking.get_by_role("button", name=name)).to_have_count(0)
    write(a, "still here")
    expect(bubble(b, "still here")).to_be_visible()
    late = person()
    expect(late.get_by_text(TEXT)).to_be_visible()
    late.get_by_role("checkbox").check()
    late.get_by_role("button", name="Start with my city").click()
    expect(late.get_by_role("heading", name="Lyon")).to_be_visible()
    expect(late.get_by_text(TEXT)).to_be_visible()
    command(served, "open")
    for page in (looking, late):
        expect(page.get_by_role("button", name="Find someone")).to_be_visible()
        expect(page.get_by_text(TEXT)).to_have_count(0)


def test_who_has_talked_reads_it_below_the_chat_and_is_offered_nothing(person: Person, served: Served) -> None:
    a, b = person(), person()
    for page in (a, b):
        enter(page)
    meet(a, b)
    write(a, "good night")
    expect(bubble(b, "good night")).to_be_visible()
    b.get_by_role("button", name="Leave").click()
    b.get_by_role("dialog").get_by_role("button", name="Leave").click()
    offers = a.get_by_role("button", name=re.compile("Find someone|Talk again"))
    expect(offers).to_have_count(2)
    command(served, "close", TEXT)
    expect(a.get_by_role("status").filter(has_text=TEXT)).to_be_visible()
    expect(offers).to_have_count(0)
    command(served, "open")
    expect(offers).to_have_count(2)
    expect(a.get_by_text(TEXT)).to_have_count(0)


def test_somebody_without_a_script_sends_a_notice_and_reads_the_code(browser: Browser, server: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server)
    page.goto(f"{server}/notice")
    page.get_by_label("Threat or danger").check()
    page.get_by_label("What is unlawful, and why?").fill("A threat")
    page.get_by_label("Where and when?").fill("Lyon, yesterday")
    page.get_by_label("As far as I know").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Please give your name and your mail address.")).to_be_visible()
    expect(page.get_by_label("What is unlawful, and why?")).to_have_value("A threat")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Your mail address").fill("ada@example.org")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you, it was received.")).to_be_visible()
    expect(page.locator(".code")).to_be_visible()
    context.close()
