"""What the page owes to everybody: text stays text, every screen can be read, reached and used."""

import json
import re

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from citychat.rules import PAUSE_REASON
from tests.browser.conftest import Person
from tests.browser.walking import bubble, composer, enter, meet, settled, shown, together, until, write

MARKUP = [
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "javascript:alert(1)",
    '"><iframe src=javascript:alert(1)>',
    "<template><b>x</b></template>",
    "&lt;b&gt;",
    "\u202e<b>drawn backwards</b>",
    "<a href=//example.org>here</a>",
    "]]><!--",
]


def test_text_of_others_never_becomes_markup(person: Person) -> None:
    a, b = together(person(), person())
    count = "document.querySelectorAll('*:not(.log *, #heard *)').length"
    before = b.evaluate(count)
    for text in MARKUP:
        write(a, text)
    until(lambda: len(shown(b)) == len(MARKUP))
    assert b.evaluate(count) == before
    assert b.evaluate("document.querySelectorAll('.bubble :not(span, svg, path), #heard :not(p)').length") == 0
    assert [text.partition(": ")[2] for text in shown(b)] == [text.replace("\u202e", "") for text in MARKUP]


def test_the_whole_path_by_keyboard(person: Person) -> None:
    a, b = person(), person()
    enter(b)
    a.locator("#consent").focus()
    a.keyboard.press("Space")
    press(a, "Start with my city")
    expect(a.get_by_role("button", name="Find someone")).to_be_visible()
    press(a, "Find someone")
    expect(b.get_by_role("heading", name="would like to talk")).to_be_focused()
    press(b, "Talk")
    for page in (a, b):
        expect(composer(page)).to_be_focused()
    a.keyboard.type("by hand")
    a.keyboard.press("Shift+Enter")
    a.keyboard.type("two lines")
    a.keyboard.press("Enter")
    expect(bubble(b, "by hand")).to_contain_text("two lines")
    press(a, "Leave")
    expect(a.get_by_role("dialog", name="Really leave?")).to_be_focused()
    a.keyboard.press("Escape")
    expect(a.get_by_role("button", name="Leave")).to_be_focused()


def press(page: Page, name: str) -> None:
    """Tab until the button of that name has the focus, then Enter."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("(document.activeElement.ariaLabel || document.activeElement.textContent).trim()") == name:
            settled(page.locator(":focus"))
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way to {name} by Tab")


def test_everything_pressed_is_large_enough(person: Person) -> None:
    a, b = person(), person()
    enter(a)
    enter(b)
    for page in (a, b):
        assert small_targets(page) == []
    meet(a, b)
    write(b, "hear me")
    expect(a.get_by_role("list", name="Messages")).to_contain_text("hear me")
    assert small_targets(a) == []


def test_what_is_wrong_is_said_once_wherever_it_is_noticed(person: Person) -> None:
    a, b = person(), person()
    refused = {"user-chats"}
    links: list[WebSocketRoute] = []

    def link(page_side: WebSocketRoute) -> None:
        server_side = page_side.connect_to_server()
        links.append(page_side)

        def asked(frame: str | bytes) -> None:
            found = re.match(r'42/user,(\d+)\["([a-z-]+)"', str(frame))
            if found and found[2] in refused:
                answer = {"ok": False, "error": "unavailable", "message": "", "retry_ms": 60_000}
                page_side.send(f"43/user,{found[1]}{json.dumps([answer])}")
            else:
                server_side.send(frame)

        page_side.on_message(asked)

    a.route_web_socket("**/socket.io/**", link)
    a.reload()
    together(a, b)
    expect(a.locator("#strip")).to_have_text("A part of the server is away. It goes on by itself.")
    refused.add("user-join")
    links[-1].close()
    expect(a.locator(".below .strip")).to_have_text("A part of the server is away. It goes on by itself.")
    expect(a.locator("#strip")).to_be_hidden()


def small_targets(page: Page) -> list[str]:
    """Buttons and boxes under 44 px, except links inside a sentence."""
    script = """() => [...document.querySelectorAll('button, input, textarea')]
        .filter((e) => e.checkVisibility() && !e.classList.contains('inline'))
        .map((e) => [e, (e.closest('label') ?? e).getBoundingClientRect()])
        .filter(([, box]) => box.width < 43.9 || box.height < 43.9)
        .map(([e]) => e.outerHTML)"""
    found: list[str] = page.evaluate(script)
    return found


# Each is one letter to a browser, or as good as one: no line may end inside it
UNBREAKABLE = {
    "emoji": "\U0001f469" + "\u200d\U0001f469" * 400,
    "conjunct": "\u0915" + "\u094d\u0915" * 400,
    "no break": "a" + "\u2060a" * 400,
    "flag": "\u202f".join(["\U0001f1eb\U0001f1f7"] * 200),
}


def test_a_letter_that_cannot_be_broken_makes_no_chat_wider_than_its_page(person: Person) -> None:
    a, b = person(viewport={"width": 320, "height": 568}), person()
    together(a, b)
    for count, text in enumerate(UNBREAKABLE.values(), start=1):
        write(b, text)
        expect(a.locator(".bubble")).to_have_count(count)
        for page in (a, b):
            wide = page.evaluate("""() => ["html", "body", "main", ".log"].map((name) => document.querySelector(name))
                .filter((each) => each && each.scrollWidth > innerWidth).map((each) => each.outerHTML.slice(0, 60))""")
            assert wide == [], text[:4]
        outside = a.evaluate("""() => [...document.querySelectorAll(".bubble")]
            .filter((each) => each.getBoundingClientRect().left < 0
                || each.getBoundingClientRect().right > innerWidth).length""")
        assert outside == 0, text[:4]


@pytest.mark.parametrize(("width", "height"), [(360, 640), (320, 568), (427, 300)])
def test_nothing_is_cut_off_on_small_screens_and_at_300_percent(person: Person, width: int, height: int) -> None:
    a, b = (person(viewport={"width": width, "height": height}) for _ in range(2))
    wide = "document.documentElement.scrollWidth - innerWidth"
    assert a.evaluate(wide) <= 0
    enter(a)
    enter(b)
    assert a.evaluate(wide) <= 0
    meet(a, b)
    write(b, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3)
    expect(a.locator(".bubble")).to_be_visible()
    assert a.evaluate(wide) <= 0
    assert a.evaluate("document.querySelector('.scroll').scrollWidth <= document.querySelector('.scroll').clientWidth")
    expect(composer(a)).to_be_in_viewport(ratio=1)


def test_nothing_important_is_below_the_fold_of_a_small_phone(person: Person) -> None:
    page = person(viewport={"width": 360, "height": 640})
    expect(page.get_by_role("button", name="Start with my city")).to_be_in_viewport(ratio=1)
    enter(page)
    expect(page.get_by_role("button", name="Find someone")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("switch", name="Others may ask me")).to_be_in_viewport(ratio=1)


def test_reading_above_is_not_disturbed_by_what_arrives(person: Person) -> None:
    a, b = together(person(), person())
    for number in range(30):
        write(b, f"line {number}")
        expect(bubble(a, f"line {number}", exact=True)).to_be_visible()
    scroll = a.locator(".scroll")
    scroll.hover()
    bottom = scroll.evaluate("(e) => e.scrollTop")
    a.mouse.wheel(0, -500)
    until(lambda: abs(scroll.evaluate("(e) => e.scrollTop") - bottom + 500) <= 1)
    place = scroll.evaluate("(e) => e.scrollTop")
    write(b, "the newest")
    expect(a.get_by_role("button", name="New messages")).to_be_visible()
    assert abs(scroll.evaluate("(e) => e.scrollTop") - place) <= 1
    settled(a.get_by_role("button", name="New messages")).click()
    expect(bubble(a, "the newest")).to_be_in_viewport()


def test_without_javascript_the_page_says_what_it_needs(person: Person) -> None:
    page = person(java_script_enabled=False)
    expect(page.locator("noscript p")).to_be_visible()


@pytest.mark.parametrize(
    "network, said",
    [
        (False, "You cannot use this server until "),
        (True, "New guests from your network cannot use this server until .*: someone there is paused."),
    ],
)
def test_who_is_paused_is_told_whether_it_is_they_or_their_network(person: Person, network: bool, said: str) -> None:
    a = person()

    def link(page_side: WebSocketRoute) -> None:
        server_side = page_side.connect_to_server()

        def asked(frame: str | bytes) -> None:
            if found := re.match(r'42/user,(\d+)\["user-join"', str(frame)):
                pause = {
                    "until": 1_800_000_000_000, "reason": PAUSE_REASON, "rule": "", "automatic": True,
                    "reference": "", "objection": "", "answer": "", "contact": "", "network": network,
                }  # fmt: skip
                answer = {"ok": False, "error": "banned", "message": "", **pause}
                page_side.send(f"43/user,{found[1]}{json.dumps([answer])}")
            else:
                server_side.send(frame)

        page_side.on_message(asked)

    a.route_web_socket("**/socket.io/**", link)
    a.reload()
    a.get_by_role("checkbox").check()
    a.get_by_role("button", name="Start with my city").click()
    expect(a.get_by_text(re.compile(said))).to_be_visible()
    expect(a.get_by_text("Automatic, after reports by several people.")).to_be_visible()
    expect(a.get_by_text("Object: the host of this server")).to_be_visible()
    expect(a.get_by_role("textbox")).to_have_count(0)
