"""What those who share the site get over HTTP: calendar, badge, QR code, first questions; how long each is kept."""

import html
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from xml.etree import ElementTree

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from citychat.handlers import ShareDesk, sharing_routes
from citychat.hours import Hours, weekly
from citychat.places import Gazetteer
from citychat.questions import questions_in
from citychat.sharing import Crowd
from tests.unit.handlers.test_pages import head, pages

NOW = 1_796_126_400_000  # 2026-12-01, noon
HOURS = Hours((weekly("Thu 20:00-21:00"),), (weekly("01:00-07:00"),), "Europe/Paris", "Lyon")
AskFor = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
def desk() -> ShareDesk:
    one = ShareDesk(lambda: NOW, Gazetteer().city)
    one.use(HOURS, (), True)
    return one


@pytest.fixture
async def ask_for(desk: ShareDesk) -> AsyncIterator[AskFor]:
    async def seven() -> int:
        return 7

    served = pages(hours=desk.told, questions=desk.questions_url, now_ms=lambda: NOW)
    app = Application([*sharing_routes(served, desk, Crowd(seven, lambda: 0.0)), *served.routes()])
    sock, port = bind_unused_port()
    server = HTTPServer(app)
    server.add_socket(sock)

    async def fetch(path: str, method: str = "GET", **headers: str) -> HTTPResponse:
        asked = {"Host": "chat.example", **headers}
        return await AsyncHTTPClient().fetch(
            f"http://127.0.0.1:{port}{path}", method=method, headers=asked, raise_error=False
        )

    yield fetch
    server.stop()
    await server.close_all_connections()


async def test_the_calendar_file_is_one_of_the_site_that_was_asked_and_is_not_there_without_hours(
    ask_for: AskFor, desk: ShareDesk
) -> None:
    answer = await ask_for("/meeting.ics")
    assert (answer.code, head(answer, "Content-Type")) == (200, "text/calendar; charset=utf-8")
    assert b"RRULE:FREQ=WEEKLY;BYDAY=TH" in answer.body and b"URL:http://chat.example/\r\n" in answer.body
    assert b"SUMMARY:CityChat: meeting hour" in answer.body
    assert (await ask_for("/meeting.ics", Host='evil"\\n.example')).code == 400
    desk.use(Hours(), (), True)
    assert (await ask_for("/meeting.ics")).code == 404


async def test_the_badge_may_stand_on_any_page_and_is_kept_for_a_minute(ask_for: AskFor) -> None:
    answer = await ask_for("/badge.svg", Origin="https://elsewhere.example")
    assert (answer.code, head(answer, "Content-Type")) == (200, "image/svg+xml")
    assert head(answer, "Cache-Control") == "public, max-age=60"
    assert head(answer, "Cross-Origin-Resource-Policy") == "cross-origin"
    assert "Set-Cookie" not in answer.headers
    said = [part.text for part in ElementTree.fromstring(answer.body).iter("{http://www.w3.org/2000/svg}text")]
    assert said == ["CityChat", "A few people are here", "Meeting hour: Thursday 20:00–21:00 (Lyon)"]
    assert (await ask_for("/badge.svg", "HEAD")).code == 200


async def test_a_code_is_made_for_the_site_and_cities_there_are_and_for_nothing_else(ask_for: AskFor) -> None:
    plain, lyon = await ask_for("/qr.svg"), await ask_for("/qr.svg?city=2996944")
    assert (plain.code, lyon.code, head(lyon, "Content-Type")) == (200, 200, "image/svg+xml")
    assert plain.body != lyon.body and b"<script" not in lyon.body
    for wrong in ("1", "Lyon", "x" * 500, "-1"):
        assert (await ask_for(f"/qr.svg?city={wrong}")).code == 404, wrong
    assert (await ask_for("/qr.svg", Host="a/b")).code == 400


async def test_the_page_names_its_questions_by_what_is_in_them_and_a_host_can_show_none(
    ask_for: AskFor, desk: ShareDesk
) -> None:
    async def url() -> str:
        found = re.search(r'data-questions="([^"]*)"', (await ask_for("/")).body.decode())
        assert found is not None
        return found[1]

    first = desk.questions_url("en")
    answer = await ask_for(first)
    assert answer.body.decode().split("\n") == questions_in("en")
    assert head(answer, "Cache-Control") == "public, max-age=31536000, immutable"
    assert head(await ask_for(first.partition("?")[0]), "Cache-Control") == "no-cache"
    assert await url() == first
    desk.use(HOURS, ("Tea, or coffee?",), True)
    assert desk.questions_url("en") == desk.questions_url("fr") and "/own.txt" in desk.questions_url("en")
    assert (await ask_for(desk.questions_url("en"))).body == b"Tea, or coffee?"
    assert (await ask_for("/questions/en.txt")).code == 404
    desk.use(HOURS, (), False)
    assert desk.questions_url("en") == "" and (await ask_for("/questions/en.txt")).code == 404


async def test_the_page_is_told_of_hours_and_of_the_servers_date(ask_for: AskFor, desk: ShareDesk) -> None:
    answer = await ask_for("/")
    told = re.search(r'data-hours="([^"]*)"', answer.body.decode())
    assert told is not None
    assert json.loads(html.unescape(told[1])) == json.loads(json.dumps(HOURS.told(NOW)))
    assert head(answer, "Server-Timing") == f'now;desc="{NOW}"'
    assert "Server-Timing" not in (await ask_for("/badge.svg")).headers
    desk.use(Hours(), (), True)
    assert b'data-hours=""' in (await ask_for("/")).body
    desk.use(HOURS, (), True)
    assert b"data-hours" not in (await ask_for("/rules")).body, "it is for the page alone"
