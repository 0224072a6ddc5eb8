"""“Tell me once”, in Chromium: asked on the page, carried by a push service of the tests' own, shown by the worker.

Chromium subscribes at a push service of its maker only, which no test asks: that one call answers with an address at
ours, and what has come there is given to the worker by the browser's own tools. All else is as it is.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from playwright.sync_api import CDPSession, Page, expect

from citychat.push import main
from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.walking import axe, enter, until
from tests.support.push_service import PushService

WORKER = "navigator.serviceWorker.getRegistration().then((found) => found?.active?.state ?? '')"
NOTICES = """navigator.serviceWorker.ready.then((worker) => worker.getNotifications())
  .then((all) => all.map(({ title, body }) => [title, body]))"""
CACHES = "caches.keys().then((names) => names.map((name) => name.replace(/[0-9a-f]{12}$/, 'VERSION')))"
SUBSCRIBED = """
window.asked = [];
PushManager.prototype.subscribe = async (options) => {
  window.asked.push(options);
  return { endpoint: "ENDPOINT" };
};
"""
ASK = "Tell me once when somebody is here"


class ServiceBeside:
    """The push service, on a loop of its own: Playwright keeps the one of the test."""

    def __init__(self) -> None:
        self.service = PushService()
        self._over, self._up = asyncio.Event(), Event()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        async with self.service.listening():
            self._up.set()
            await self._over.wait()

    def start(self) -> None:
        self._thread.start()
        self._up.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def service() -> Iterator[PushService]:
    running = ServiceBeside()
    running.start()
    yield running.service
    running.stop()


@pytest.fixture
def served(tmp_path: Path, service: PushService) -> Iterator[Served]:
    data = tmp_path / "data"
    with (tmp_path / "made.log").open("w") as out:
        assert main([service.origin], data=data, out=out, errors=out) == 0
    one = Served(data, "--home-city", "Lyon", "--contact", "host@example.org")
    yield one
    if one.process.poll() is None:
        one.stop()


def alone(person: Person, service: PushService, server: str) -> Page:
    """Somebody who may be shown notices, and is in."""
    a = person()
    a.context.grant_permissions(["notifications"], origin=server)
    a.add_init_script(SUBSCRIBED.replace("ENDPOINT", service.endpoint()))
    a.reload()
    enter(a)
    until(lambda: a.evaluate(WORKER) == "activated")
    return a


def registration(page: Page, cdp: CDPSession) -> str:
    """The browser's own name of the worker."""
    found: list[str] = []
    cdp.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(each["registrationId"] for each in event["registrations"]),
    )
    cdp.send("ServiceWorker.enable")
    until(lambda: bool(page.evaluate("1") and found))  # asking the page lets its events in
    return found[-1]


def test_who_is_alone_is_told_once_by_a_push_that_says_nothing(
    person: Person, service: PushService, server: str
) -> None:
    a = alone(person, service, server)
    a.get_by_role("button", name=ASK).click()
    expect(a.get_by_text("You will be told once, until midnight.")).to_be_visible()
    expect(a.get_by_role("button", name=ASK)).to_be_hidden()
    axe(a, "the wish")
    asked = a.evaluate("window.asked")
    assert asked == [
        {"userVisibleOnly": True, "applicationServerKey": a.evaluate("document.documentElement.dataset.push")}
    ]
    watching = a.context.new_page()  # of the same browser, and no page of a guest
    watching.goto(f"{server}/privacy")
    cdp = watching.context.new_cdp_session(watching)
    worker = registration(watching, cdp)
    a.close()
    b = person()
    enter(b)
    until(lambda: bool(service.taken))
    assert service.wrong == [] and service.keys == {asked[0]["applicationServerKey"]}
    cdp.send("ServiceWorker.deliverPushMessage", {"origin": f"{server}/", "registrationId": worker, "data": ""})
    until(lambda: watching.evaluate(NOTICES) == [["CityChat", "Somebody is in your city."]])
    until(lambda: watching.evaluate(CACHES) == ["citychat-offline-VERSION"])
    back = a.context.new_page()
    back.goto(server)
    expect(back.get_by_role("button", name="Find someone")).to_be_visible()
    until(lambda: back.evaluate("localStorage['citychat.sign'] ?? ''") == "")
    expect(back.get_by_text("You will be told once")).to_be_hidden()
    assert len(service.taken) == 1


def test_a_wish_outlives_a_reload_and_is_taken_back(person: Person, service: PushService, server: str) -> None:
    a = alone(person, service, server)
    a.get_by_role("button", name=ASK).click()
    a.get_by_text("You will be told once, until midnight.").wait_for()
    a.reload()
    a.get_by_text("You will be told once, until midnight.").wait_for()
    assert "citychat-sign" in a.evaluate(CACHES)
    a.get_by_role("button", name="Do not tell me").click()
    expect(a.get_by_role("button", name=ASK)).to_be_visible()
    until(lambda: a.evaluate(CACHES) == ["citychat-offline-VERSION"])
    a.reload()
    expect(a.get_by_role("button", name=ASK)).to_be_visible()


def test_a_browser_that_refuses_notices_is_told_of_and_nothing_is_asked(
    person: Person, service: PushService, server: str
) -> None:
    a = person()
    a.add_init_script(SUBSCRIBED.replace("ENDPOINT", service.endpoint()))
    a.reload()
    enter(a)
    a.get_by_role("button", name=ASK).click()  # the browser of the tests refuses all that was not granted
    expect(a.get_by_text("Your browser does not allow it.")).to_be_visible()
    assert a.evaluate("window.asked") == []


def test_who_erases_everything_leaves_no_words_for_a_sign(person: Person, service: PushService, server: str) -> None:
    a = alone(person, service, server)
    a.get_by_role("button", name=ASK).click()
    a.get_by_text("You will be told once, until midnight.").wait_for()
    a.get_by_role("button", name="More: settings, your data").click()
    a.get_by_role("button", name="Erase everything about me").click()
    a.get_by_role("button", name="Erase everything", exact=True).click()
    until(lambda: a.evaluate(WORKER) == "" and a.evaluate(CACHES) == [])


def test_with_company_or_over_plain_http_nothing_is_offered(
    person: Person, served: Served, service: PushService
) -> None:
    a, plain = person(), person(url=f"http://chat.example:{served.port}")
    enter(a)
    expect(a.get_by_role("button", name=ASK)).to_be_visible()
    enter(plain)
    expect(plain.get_by_role("button", name=ASK)).to_be_hidden()
    expect(a.get_by_text("A few people are free right now.")).to_be_visible()
    expect(a.get_by_role("button", name=ASK)).to_be_hidden()
    assert service.taken == []
