"""Lists, look-ups and links: my chats, the download, the city, a report and its code, who goes and who reloads."""

import json
import re
import sqlite3
from pathlib import Path

from playwright.sync_api import WebSocketRoute, expect

from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.walking import FROM_OUTSIDE, bubble, enter, seek, together, write

CHATS = 45  # their messages are more pages than one guest may ask for at once
MANY_CHATS = """
    WITH RECURSIVE each(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each WHERE n < ?),
    copies AS (SELECT id AS old, printf('%022d', n) AS new, each.n FROM sessions, each)
    INSERT INTO sessions (id, members, aliases, city, started, expires, ended)
    SELECT new, members, aliases, city, started - n, expires, ended FROM copies JOIN sessions ON sessions.id = old
"""
TEXTS = """
    INSERT INTO messages (s, side, st, n, l, x, at)
    SELECT id, 0, 'AAAAAAAAAAA', 1, 1, 'hello ' || id, started FROM sessions
"""
MEMBERS = "INSERT OR IGNORE INTO members SELECT value, sessions.id FROM sessions, json_each(sessions.members)"


def test_my_chats_stay_under_the_thumb_fill_after_a_cut_and_can_all_be_had(
    person: Person, served: Served, tmp_path: Path
) -> None:
    a, b = together(person(), person())
    b.get_by_role("button", name="Leave").click()
    b.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(a.get_by_role("button", name="Talk again")).to_be_visible()
    a.get_by_role("button", name="Back", exact=True).click()
    rows = a.locator("main .chat")
    expect(rows).to_have_count(1)
    assert served.stop() == 0
    store = sqlite3.connect(served.data / "citychat.db")
    with store:
        for statement in (MANY_CHATS, TEXTS, MEMBERS):
            store.execute(statement, (CHATS - 1,) if "?" in statement else ())
    store.close()
    a.evaluate("window.first = document.querySelector('main .chat')")
    rows.first.focus()
    rows.first.click()  # the link is cut: nothing can be read yet
    a.get_by_role("button", name="Back", exact=True).click()
    rows.first.focus()
    served.start()
    a.evaluate("dispatchEvent(new Event('online'))")
    expect(rows).to_have_count(CHATS)
    expect(rows.first).to_be_focused()
    served.kill()
    expect(a.locator("#strip")).to_have_text("Reconnecting.")
    rows.nth(7).click()
    expect(a.get_by_text("Deleted on")).to_be_visible()
    served.start()
    a.evaluate("dispatchEvent(new Event('online'))")
    expect(bubble(a, "hello 0000")).to_be_visible()
    a.get_by_role("button", name="Back", exact=True).click()
    a.get_by_role("button", name="More").click()
    with a.expect_download() as saved:
        a.get_by_role("button", name="Download my chats").click()
        expect(a.get_by_text(re.compile(rf"Collecting your chats: \d+ of {CHATS}\."))).to_be_visible()
    saved.value.save_as(tmp_path / "chats.json")
    chats = json.loads((tmp_path / "chats.json").read_text("utf-8"))["chats"]
    assert [len(chat["messages"]) for chat in chats] == [1] * CHATS
    assert len({chat["messages"][0]["text"] for chat in chats}) == CHATS


def test_the_city_is_what_was_written_and_its_position_question_ends(person: Person) -> None:
    page = person(extra_http_headers=FROM_OUTSIDE, permissions=["geolocation"])
    page.add_init_script("navigator.geolocation.getCurrentPosition = () => undefined")  # left open, as browsers may
    page.clock.install()
    page.reload()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start with my city").click()
    field = page.get_by_role("combobox")
    page.get_by_role("button", name="Use my position").click()
    expect(page.get_by_text("Your browser is asking for your position.")).to_be_visible()
    page.clock.fast_forward(10_000)
    expect(page.get_by_text("This takes longer than it should. Your browser may be asking you")).to_be_visible()
    field.fill("Par")
    expect(page.get_by_role("option").first).to_contain_text("Paris")
    field.press_sequentially("ma")
    field.dispatch_event("keydown", {"key": "Enter", "keyCode": 229})  # of an input method: it chooses nothing
    field.press("Enter")
    expect(page.get_by_role("heading", name="Parma")).to_be_visible()
    for typed, city in (("St. Gallen", "Sankt Gallen"), ("Valencia, Venezuela", "Valencia")):
        page.get_by_role("button", name="Not right?").click()
        field.fill(typed)
        if city == "Valencia":
            expect(page.get_by_role("option")).to_have_count(1)
            expect(page.get_by_role("option")).to_contain_text("Venezuela")
        field.press("Enter")
        expect(page.get_by_role("heading", name=city)).to_be_visible()


def test_a_report_asks_for_its_reason_and_a_code_is_read_as_people_type_it(person: Person) -> None:
    a, _ = together(person(), person())
    a.get_by_role("button", name="Block or report").click()
    a.get_by_role("button", name="Report", exact=True).click()
    a.get_by_role("button", name="Send the report").click()
    expect(a.get_by_text("Please choose what happened.")).to_be_visible()
    a.get_by_role("radio", name="Spam").check()
    a.get_by_role("button", name="Send the report").click()
    found = re.search(r"code is (\w{5})(\w{5})\.", a.get_by_text("Thank you. Your code is").inner_text())
    assert found
    a.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    a.get_by_role("button", name="Back", exact=True).click()
    a.get_by_role("button", name="More").click()
    for code, said in (
        (f" {found[1].lower()}  {found[2]} ", "Received. The host has not decided yet."),
        ("AAAAA AAAAA", "There is no such code."),
    ):
        a.get_by_label("Code of the report").fill(code)
        a.get_by_role("button", name="Look up").click()
        expect(a.get_by_text(said)).to_be_visible()


def test_who_goes_is_away_at_once_and_who_reloads_is_not(person: Person) -> None:
    a, b = person(), person()
    links: list[WebSocketRoute] = []

    def link(page_side: WebSocketRoute) -> None:
        page_side.connect_to_server()
        links.append(page_side)

    a.route_web_socket("**/socket.io/**", link)
    a.reload()
    together(a, b)
    write(b, "here")
    expect(a.get_by_text("here", exact=True).last).to_be_visible()
    a.evaluate("""() => {
        const presence = document.querySelector(".presence");
        window.said = [];
        new MutationObserver(() => window.said.push(presence.textContent)).observe(presence, { childList: true });
    }""")
    session = b.evaluate("""Object.entries(localStorage).filter(([name]) => name.startsWith("citychat.outbox."))
        .map(([, text]) => JSON.parse(text).last[0])[0]""")
    left = json.dumps(["user-left", {"session": session, "how": "away", "since": 1}])
    links[-1].send(f"42/user,{left}")
    links[-1].send(f'42/user,["user-join",{json.dumps({"session": session})}]')
    write(b, "reloaded")
    expect(bubble(a, "reloaded")).to_be_visible()
    assert a.evaluate("window.said") == []
    b.evaluate("dispatchEvent(new Event('pagehide'))")  # the tab may live on, frozen: its link does not
    expect(a.get_by_text("Just went away, what you write waits 24 hours")).to_be_visible()
    b.evaluate("dispatchEvent(new Event('pageshow'))")
    expect(a.locator(".who").get_by_text("here", exact=True)).to_be_visible()


def test_the_hosts_own_network_is_a_sentence_and_no_name(person: Person, tmp_path: Path) -> None:
    served = Served(tmp_path / "network")
    try:
        page = person(url=served.url)
        enter(page)
        expect(page.get_by_text("Nobody else is on this network right now.")).to_be_visible()
        seek(page)
        other = person(url=served.url)
        enter(other)
        expect(other.get_by_role("heading", name="Someone on this network would like to talk")).to_be_visible()
    finally:
        served.stop()
