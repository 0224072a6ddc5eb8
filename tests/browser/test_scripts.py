"""What people write in every script, as it is drawn, and what a screen reader hears of it."""

import io
from math import ceil, floor
from typing import Any

from PIL import Image, ImageChops
from playwright.sync_api import Locator, Page, expect

from citychat.model import TEXT_MAX_CHARS
from tests.browser.conftest import Person
from tests.browser.walking import bubble, composer, together, until, write

# Everything that any live region is given from now on, with the region's name
LISTEN = """() => {
    window.heard = [];
    const live = "[role=log], [role=status], [role=alert], [aria-live]:not([aria-live=off])";
    const hear = (node, text) => {
        const region = (node.nodeType === 1 ? node : node.parentElement)?.closest(live);
        if (region && text.trim()) window.heard.push([region.id || region.className, text.trim()]);
    };
    new MutationObserver((changes) => changes.forEach((change) => {
        for (const node of change.addedNodes) hear(change.target, node.textContent);
        if (change.type === "characterData") hear(change.target, change.target.data);
    })).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
UNSEEN = ["\u200b", "\u2800", "\u3164", "\u00ad", "\t", "\u3000\u3164\n\u2800"]
# Each line's left and right end, within the box of the words
LINES = """(words) => {
    const { left, right } = words.getBoundingClientRect();
    const range = document.createRange();
    const text = words.firstChild;
    let at = 0;
    return text.data.split("\\n").map((line) => {
        range.setStart(text, at);
        range.setEnd(text, at += line.length);
        at += 1;
        const box = range.getBoundingClientRect();
        return [box.left - left, right - box.right];
    });
}"""


def talking(person: Person) -> tuple[Page, Page]:
    a, b = together(person(), person())
    return a, b


def accessible(page: Page, role: str) -> list[dict[str, Any]]:
    """What Chromium's accessibility tree has of a role."""
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    by_id = {node["nodeId"]: node for node in tree}
    found = [node for node in tree if not node["ignored"] and node["role"]["value"] == role]
    return [
        {
            "name": node["name"]["value"],
            "live": next((one["value"]["value"] for one in node["properties"] if one["name"] == "live"), "off"),
            "of": [by_id[child]["role"]["value"] for child in node["childIds"] if not by_id[child]["ignored"]],
        }
        for node in found
    ]


def test_a_screen_reader_hears_what_the_partner_writes_and_nothing_else(person: Person) -> None:
    a, b = talking(person)
    for page in (a, b):
        page.evaluate(LISTEN)
    for text in ("mine, the first", "mine, the second"):
        write(a, text)
        expect(a.get_by_text("Delivered", exact=True)).to_be_visible()
    write(b, "theirs, the first")
    write(b, "theirs, the second")
    until(lambda: len(a.evaluate("window.heard")) == 2)
    expect(b.get_by_text("Delivered", exact=True)).to_be_visible()
    assert a.evaluate("window.heard") == [["heard", "theirs, the first"], ["heard", "theirs, the second"]]
    assert b.evaluate("window.heard") == [["heard", "mine, the first"], ["heard", "mine, the second"]]
    messages = [one for one in accessible(a, "list") if one["name"] == "Messages"]
    assert messages == [{"name": "Messages", "live": "off", "of": ["listitem"] * 4}]
    assert [one["live"] for one in accessible(a, "log")] == ["polite"]
    b.get_by_role("button", name="Leave").click()
    b.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(a.get_by_role("button", name="Talk again")).to_be_visible()
    assert [text for _, text in a.evaluate("window.heard")[2:]] == [a.locator(".log .system").last.inner_text()]
    expect(a.locator("#heard")).to_be_empty()  # nothing is found twice by who walks through the page
    a.reload()
    a.get_by_role("button", name="My chats").click()
    a.evaluate(LISTEN)
    a.locator("main .chat").click()
    expect(bubble(a, "theirs, the second")).to_be_visible()
    assert a.evaluate("window.heard") == []


def test_each_line_stands_at_the_side_of_its_own_direction(person: Person) -> None:
    a, b = talking(person)
    write(b, "right to left: שלום\nשלום, מה שלומך היום?\nso\nمرحبا\nthis is the longest of these lines")
    words = a.locator(".bubble .words").first
    expect(words).to_be_visible()
    for page in (a, b):
        ends = page.locator(".bubble .words").first.evaluate(LINES)
        at = ["left" if left < 1 else "right" if right < 1 else "" for left, right in ends]
        assert at == ["left", "right", "left", "right", "left"]
    composer(a).fill("שלום\nhello")
    assert composer(a).evaluate("(e) => [getComputedStyle(e).unicodeBidi, getComputedStyle(e).textAlign]") == [
        "plaintext",
        "start",
    ]


def test_what_nobody_can_see_is_not_sent_and_what_is_too_much_is_folded(person: Person) -> None:
    a, b = talking(person)
    for text in UNSEEN:
        composer(a).fill(text)
        expect(a.get_by_role("button", name="Send")).to_have_attribute("aria-disabled", "true")
        composer(a).press("Enter")
    composer(a).fill("")
    write(a, "one\ttwo\u000bthree")
    expect(bubble(b, "one two")).to_be_visible()
    words = b.locator(".bubble .words")
    assert words.first.inner_text() == "one two\nthree"
    write(a, "first" + "\n" * (TEXT_MAX_CHARS - 2 - 7) + "last")
    expect(words).to_have_count(2)
    assert words.nth(1).inner_text().split("\n") == ["first", "", "last"]
    for letter in ("\u0434", "\u0928", "\u6f22", "\U0001f98a"):
        write(a, letter * TEXT_MAX_CHARS)
        expect(words.last).to_contain_text(letter)
        assert words.last.inner_text() == letter * TEXT_MAX_CHARS
    composer(a).fill("\U0001f98a" * (TEXT_MAX_CHARS + 1))
    expect(a.get_by_text("Too long: 2,001 of 2,000 characters.")).to_be_visible()


def inked(page: Page, words: Locator) -> tuple[int, int, int, int]:
    """What the words colour of the page, beyond their bubble too."""
    seen = []
    for visibility in ("visible", "hidden"):
        words.evaluate("(e, visibility) => { e.style.visibility = visibility; }", visibility)
        seen.append(Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB"))
    box = ImageChops.difference(*seen).getbbox()
    assert box
    return box


def test_a_pile_of_marks_stays_inside_its_bubble(person: Person) -> None:
    a, b = talking(person)
    for n, text in enumerate(("a" + "\u0302" * 20, "\u0302" * 20, "g" + "\u0323" * 20), 1):
        write(b, text)
        expect(a.locator(".bubble .words")).to_have_count(n)
        words = a.locator(".bubble .words").last
        box = a.locator(".bubble").last.bounding_box()
        assert box
        left, top, right, bottom = inked(a, words)
        # A pixel that the bubble's edge goes through belongs to it.
        assert floor(box["x"]) - 1 <= left and right <= ceil(box["x"] + box["width"]) + 1
        assert floor(box["y"]) - 1 <= top and bottom <= ceil(box["y"] + box["height"]) + 1
