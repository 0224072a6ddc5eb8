"""The edge in a flood: connections of one network share what they may send, ask and open; others notice nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse

from citychat.edge import Bounds, Connection, Reply
from citychat.edge.pings import PingWheel
from citychat.edge.transport import Transport
from citychat.limits import Shares, bound
from tests.server.conftest import Open, Site, is_well
from tests.server.rawclient import Refused
from tests.support.spent import spent_by, spent_by_all

SCHOOL, HOME = "203.0.113.7", "198.51.100.8"
AT_ONCE = Bounds(patience_s=0.0)


def of(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def refused(at: Site, address: str) -> int:
    """The status of a refused handshake; 101 when it was not."""
    try:
        await at.connect(of(address))
    except Refused as error:
        assert error.headers["retry-after"] == "30"
        return error.status
    return 101


async def test_a_network_that_has_used_up_its_handshakes_is_refused_and_another_is_let_in(site: Open) -> None:
    at = site(bounds=AT_ONCE, now_s=lambda: 0.0)
    spent_by(at.edge._handshakes, SCHOOL, bound("handshakes of a network"))
    assert await refused(at, SCHOOL) == 429
    assert await refused(at, HOME) == 101


def flooded(shares: Shares) -> None:
    """Twenty networks take what there is for them."""
    for each in range(20):
        while shares.take("", f"192.0.2.{each}") == 0:
            pass


async def test_many_networks_cannot_use_up_the_handshakes_of_the_others(site: Open) -> None:
    now = [0.0]
    at = site(bounds=AT_ONCE, now_s=lambda: now[0])
    for _ in range(2):  # in the first second each still counts as one that asks for little
        flooded(at.edge._handshakes)
        now[0] += 1
    flooded(at.edge._handshakes)
    assert [await refused(at, HOME) for _ in range(9)] == [101] * 8 + [429]


async def test_the_process_has_so_many_handshakes_and_no_more(site: Open) -> None:
    at = site(bounds=AT_ONCE, now_s=lambda: 0.0)
    spent_by_all(at.edge._handshakes, bound("handshakes of a process"))
    assert await refused(at, HOME) == 429


async def test_a_handshake_that_comes_too_fast_waits_for_its_turn(site: Open) -> None:
    at = site(now_s=lambda: 0.0)
    spent_by(at.edge._handshakes, SCHOOL, bound("handshakes of a network") + 3)
    waiting = asyncio.create_task(refused(at, SCHOOL))
    await at.until(lambda: at.edge._held == 1)
    assert at.edge.connections == 0 and not waiting.done()
    assert await waiting == 101 and at.edge._held == 0


async def test_who_hangs_up_while_waiting_leaves_nothing_behind(site: Open, caplog: pytest.LogCaptureFixture) -> None:
    at = site(now_s=lambda: 0.0)
    spent_by(at.edge._handshakes, SCHOOL, bound("handshakes of a network") + 3)
    raw = await at.tcp()
    await raw.raw(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"X-Forwarded-For: 203.0.113.7\r\n\r\n"
    )
    await at.until(lambda: at.edge._held == 1)
    await raw.close()
    await at.until(lambda: at.edge._held == 0)
    await is_well(await at.page())
    await at.until(lambda: at.edge.connections == 1)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_no_more_requests_wait_than_there_is_room_for(site: Open) -> None:
    at = site(now_s=lambda: 0.0)
    spent_by(at.edge._handshakes, SCHOOL, bound("handshakes of a network") + 3)
    at.edge._held = bound("held requests")
    assert await refused(at, SCHOOL) == 429
    assert await refused(at, HOME) == 101


async def test_a_page_that_comes_after_a_flood_is_told_nothing_of_it_and_the_log_names_nobody(
    site: Open, caplog: pytest.LogCaptureFixture
) -> None:
    at = site(bounds=AT_ONCE, now_s=lambda: 0.0)
    spent_by(at.edge._handshakes, SCHOOL, bound("handshakes of a network"))
    with caplog.at_level("DEBUG"):
        for _ in range(5):
            assert await refused(at, SCHOOL) == 429
    assert "too fast" in caplog.text and SCHOOL not in caplog.text


def transport(shares: Shares, source: str) -> Transport:
    """One that has joined, and whose time stands still."""
    new = Transport("sid", None, Bounds(), lambda: 0.0, None, shares, source, PingWheel(20))  # type: ignore[arg-type]
    new.let_in()
    return new


def held_after(shares: Shares, source: str, most: int = 20_000) -> int:
    """How many frames its connections may send at once, each a hundred, before one is held."""
    sent = 0
    while sent < most:
        one = transport(shares, source)
        for _ in range(100):
            sent += 1
            if one.pace():
                return sent
    return sent


async def test_the_connections_of_a_network_share_its_frames_and_another_has_its_own() -> None:
    shares = Shares("frames", lambda: 0.0)
    room = bound("frames of a network")
    assert room <= held_after(shares, SCHOOL) <= 1.1 * room
    assert held_after(shares, HOME) > room / 2


async def test_the_connections_of_a_process_share_its_frames() -> None:
    shares = Shares("frames", lambda: 0.0)
    spent_by_all(shares, bound("frames of a process"))
    assert held_after(shares, HOME) <= 16
    assert held_after(shares, "") <= 16


async def test_who_is_held_for_others_is_not_closed_for_it() -> None:
    shares = Shares("frames", lambda: 0.0)
    spent_by(shares, SCHOOL, bound("frames of a network"))
    one = transport(shares, SCHOOL)
    pauses = [pause for _ in range(bound("frames")) if (pause := one.pace())]
    assert len(pauses) == bound("frames") // 8 and not one.closed


@pytest.fixture
async def turned_away(site: Open) -> AsyncIterator[Site]:
    """A site whose door refuses every join."""
    at = site(now_s=lambda: 0.0, joins=True)

    async def refuse(connection: Connection, payload: Any, reply: Reply | None) -> None:
        assert reply is not None
        reply({"ok": False, "error": "refused-consent"})
        connection.turned_away()

    at.on["user-join"] = refuse
    yield at


@pytest.mark.parametrize("whose", ["network", "process"])
async def test_the_first_refused_join_closes_where_many_were_refused(turned_away: Site, whose: str) -> None:
    at = turned_away
    shares = at.edge._around.refused_joins
    if whose == "network":
        spent_by(shares, SCHOOL, bound("refused joins of a network"))
    else:
        spent_by_all(shares, bound("refused joins of a process"))
    page, other = await at.page(of(SCHOOL)), await at.page(of(HOME))
    await is_well(page)
    assert await page.until_closed() == 1008
    await is_well(other)
    if whose == "network":
        await is_well(other)


def asked(at: Site, path: str, address: str) -> Awaitable[HTTPResponse]:
    url = f"http://127.0.0.1:{at.port}{path}"
    return AsyncHTTPClient().fetch(url, headers=of(address), raise_error=False)


@pytest.mark.parametrize("path", ["/", "/rules", "/nowhere", "/manifest.webmanifest", "/static/app.js", "/ready"])
@pytest.mark.parametrize("whose", ["network", "process"])
async def test_requests_over_what_a_network_or_the_process_has_are_refused(site: Open, whose: str, path: str) -> None:
    at = site(bounds=AT_ONCE, now_s=lambda: 0.0, pages=True)
    if whose == "network":
        spent_by(at.edge._requests, SCHOOL, bound("requests of a network"))
    else:
        spent_by_all(at.edge._requests, bound("requests of a process"))
    answer = await asked(at, path, SCHOOL)
    assert (answer.code, answer.headers["Retry-After"]) == (429, "30")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert ((await asked(at, path, HOME)).code == 429) == (whose == "process")


async def test_what_is_not_served_at_all_has_its_turn_too(site: Open) -> None:
    at = site(bounds=AT_ONCE, now_s=lambda: 0.0, pages=True)
    assert (await asked(at, "/", "unknown")).code == 502
    spent_by(at.edge._requests, "unknown", bound("requests of a network"))
    assert (await asked(at, "/", "unknown")).code == 429


async def test_a_visit_has_what_it_asks_for_while_twenty_networks_flood(site: Open) -> None:
    now = [0.0]
    at = site(bounds=AT_ONCE, now_s=lambda: now[0], pages=True)
    for _ in range(100):
        now[0] += 0.1
        flooded(at.edge._requests)
    visit = bound("requests of a visit")
    assert [(await asked(at, "/rules", HOME)).code for _ in range(visit + 1)] == [200] * visit + [429]
