"""A guest who looks elsewhere: title, sound and notice; and a browser that has no network: the page it was given."""

import json
import struct
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.walking import bubble, enter, meet, seek, until, write

# Chromium without a screen hides no tab: the page is told that it is hidden as a browser tells it
LOOK = """(how) => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => how });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
# What the page gives to the speakers and to the system, in order
HEARD = """
window.heard = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...at) { window.heard.push(this.frequency.value); start.apply(this, at); };
window.shown = 0;
const show = ServiceWorkerRegistration.prototype.showNotification;
ServiceWorkerRegistration.prototype.showNotification = function (...all) {
  window.shown += 1;
  return show.apply(this, all);
};
"""
WORKER = "navigator.serviceWorker.getRegistration().then((found) => found?.active?.state ?? '')"
NOTICES = """navigator.serviceWorker.ready.then((worker) => worker.getNotifications())
  .then((all) => all.map(({ title, body }) => [title, body]))"""
KEPT = """caches.keys().then((names) => Promise.all(names.map(async (name) => [
  name.replace(/[0-9a-f]{12}$/, "VERSION"),
  (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname),
])))"""


def look(page: Page, how: str) -> None:
    page.evaluate(LOOK, how)


def two(person: Person, server: str) -> tuple[Page, Page]:
    a, b = person(), person()
    for page in (a, b):
        page.add_init_script(HEARD)
        page.reload()
        enter(page)
    return a, b


def sounds(page: Page) -> int:
    """How often two notes were played."""
    return int(page.evaluate("window.heard.length")) // 2


def test_a_message_behind_another_tab_stands_in_the_title_and_is_heard_once(person: Person, server: str) -> None:
    a, b = two(person, server)
    meet(a, b)
    write(a, "while you look")
    expect(bubble(b, "while you look")).to_be_visible()
    name = b.title()
    assert (sounds(b), name.startswith("●")) == (0, False)
    look(b, "hidden")
    write(a, "a secret")
    until(lambda: b.title() == "● New messages")
    write(a, "and another one")
    expect(bubble(b, "and another one")).to_have_count(1)
    assert sounds(b) == 1
    look(b, "visible")
    assert b.title() == name
    look(b, "hidden")
    assert (b.title(), sounds(b)) == (name, 1), "what was seen calls nobody"
    write(a, "a third one")
    until(lambda: b.title() == "● New messages" and sounds(b) == 2)


def test_a_chat_that_begins_behind_another_tab_stands_in_the_title_and_is_heard(person: Person, server: str) -> None:
    a, b = two(person, server)
    seek(a)
    look(a, "hidden")
    b.get_by_role("button", name="Talk", exact=True).click()
    until(lambda: a.title() == "● Your chat has begun" and sounds(a) == 1)
    look(a, "visible")
    assert "CityChat" in a.title() and "●" not in a.title()
    a.add_init_script(f"({LOOK})('hidden')")
    a.reload()
    expect(a.get_by_role("textbox", name="Write a message")).to_be_visible()
    assert (sounds(a), "●" in a.title()) == (0, False), "a reload begins no chat"


def test_a_notice_is_asked_for_by_a_switch_and_holds_nothing_of_what_was_written(person: Person, server: str) -> None:
    a, b = two(person, server)
    for page in (a, b):
        page.context.grant_permissions(["notifications"], origin=server)
        until(lambda page=page: page.evaluate(WORKER) == "activated")  # type: ignore[misc]
    b.get_by_role("button", name="More: settings, your data").click()
    switch = b.get_by_role("switch", name="Show notices")
    expect(switch).not_to_be_checked()
    switch.check()
    expect(switch).to_be_checked()
    b.keyboard.press("Escape")
    meet(a, b)
    for writer, reader, notices in ((b, a, []), (a, b, [["CityChat", "New messages"]])):
        look(reader, "hidden")
        write(writer, "a secret")
        until(lambda reader=reader: reader.title() == "● New messages")  # type: ignore[misc]
        until(lambda reader=reader, notices=notices: reader.evaluate(NOTICES) == notices)  # type: ignore[misc]
        look(reader, "visible")
    assert (a.evaluate("window.shown"), b.evaluate("window.shown")) == (0, 1), "allowed is not asked for"
    b.reload()
    assert json.loads(b.evaluate("localStorage['citychat.settings']"))["notices"] is True


def test_a_browser_that_refuses_notices_is_told_of_and_the_switch_stays_off(person: Person, server: str) -> None:
    a = person()
    a.add_init_script("window.asked = 0; const ask = Notification.requestPermission; Notification.requestPermission = "
                      "(...all) => { window.asked += 1; return ask.apply(Notification, all); };")  # fmt: skip
    a.reload()
    enter(a)
    a.get_by_role("button", name="More: settings, your data").click()
    assert a.evaluate("window.asked") == 0
    switch = a.get_by_role("switch", name="Show notices")
    switch.click()  # the browser of the tests, without a screen, refuses all that was not granted
    expect(a.get_by_text("Your browser does not allow it.")).to_be_visible()
    expect(switch).not_to_be_checked()
    assert a.evaluate("window.asked") == 1
    assert json.loads(a.evaluate("localStorage['citychat.settings']"))["notices"] is False


def test_without_a_network_the_page_says_so_and_is_all_that_was_kept(
    person: Person, served: Served, complaints: list[str]
) -> None:
    a = person()
    a.wait_for_load_state("networkidle")
    assert a.evaluate(WORKER) == "", "before consent nothing is kept"
    enter(a)
    until(lambda: a.evaluate(WORKER) == "activated")
    assert a.evaluate(KEPT) == [["citychat-offline-VERSION", ["/offline"]]]
    a.context.set_offline(True)
    a.reload()
    expect(a.get_by_role("heading", name="No connection")).to_be_visible()
    assert a.evaluate("getComputedStyle(document.querySelector('a')).borderRadius") != "0px", "its style is allowed"
    a.context.set_offline(False)
    a.get_by_role("link", name="Try again").click()
    expect(a.get_by_role("button", name="Find someone")).to_be_visible()
    assert a.evaluate("Boolean(navigator.serviceWorker.controller)") and served.process.poll() is None
    assert a.evaluate(KEPT) == [["citychat-offline-VERSION", ["/offline"]]], "nor when the worker sees all that comes"
    complaints[:] = [text for text in complaints if "ERR_INTERNET_DISCONNECTED" not in text]


def test_who_erases_everything_has_nothing_kept(person: Person) -> None:
    a = person()
    enter(a)
    until(lambda: a.evaluate(WORKER) == "activated")
    a.get_by_role("button", name="More: settings, your data").click()
    a.get_by_role("button", name="Erase everything about me").click()
    a.get_by_role("button", name="Erase everything", exact=True).click()
    until(lambda: a.evaluate(WORKER) == "" and a.evaluate(KEPT) == [])


def test_over_plain_http_under_a_name_all_works_without(person: Person, served: Served) -> None:
    a = person(url=f"http://chat.example:{served.port}")
    enter(a)
    a.get_by_role("button", name="More: settings, your data").click()
    expect(a.get_by_role("switch", name="Enter sends")).to_be_visible()
    assert a.get_by_role("switch", name="Show notices").count() == 0


@pytest.mark.parametrize("purpose", ["any", "maskable"])
def test_the_page_can_be_installed(person: Person, server: str, purpose: str) -> None:
    page = person()
    cdp = page.context.new_cdp_session(page)
    errors = {error["errorId"] for error in cdp.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert errors <= {"in-incognito"}, "as every context of these tests is"
    manifest = json.loads(cdp.send("Page.getAppManifest")["data"])
    assert (manifest["display"], manifest["start_url"], manifest["scope"]) == ("standalone", "/", "/")
    pictures = [icon for icon in manifest["icons"] if (icon["type"], icon["purpose"]) == ("image/png", purpose)]
    assert [icon["sizes"] for icon in pictures] == ["192x192", "512x512"]
    for icon in pictures:
        with urlopen(server + icon["src"]) as answer:
            head = answer.read(24)
        assert "x".join(map(str, struct.unpack(">II", head[16:24]))) == icon["sizes"]
