"""Floods, slow readers, silence: each costs only the connection that does it."""

import asyncio
import contextlib
import resource
import sys
from collections import Counter
from typing import Any

import pytest

from citychat.edge import Bounds, Connection, Reply
from citychat.edge.packets import from_json
from citychat.edge.transport import Transport
from tests.server.conftest import Open, Site, is_well
from tests.server.rawclient import PING, Closed, Raw, frame
from tests.support.patience import PATIENCE_S


async def greeted(at: Site, page: Raw) -> Connection:
    """The server's side of a page."""
    await is_well(page)
    return at.events[-1][0]


async def test_a_client_that_does_not_read_is_cut_off_at_its_bound(site: Open) -> None:
    at = site()
    page, watching = await at.page(), await at.page()
    connection = await greeted(at, page)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    emitted = 0
    while connection.open and emitted < 100_000:  # as many bytes as the system's own buffers hold, then the bound
        connection.emit("chat-message", {"x": "y" * 1000})
        emitted += 1
        if emitted % 100 == 0:
            await asyncio.sleep(0)
    assert not connection.open
    await at.until(lambda: at.closed == [connection])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096  # KiB
    await is_well(watching)


async def test_many_small_frames_count_as_well(site: Open) -> None:
    at = site(bounds=Bounds(unsent_frames=50))
    connection = await greeted(at, await at.page())
    while connection.transport.channel.unsent is None:
        connection.emit("chat-message", {"x": "y" * 16_000})
    for _ in range(60):
        connection.emit("user-nearby", {})
    assert not connection.open


async def test_a_full_mailbox_and_an_answer_of_400_kb_pass_in_one_go(site: Open) -> None:
    at = site()
    page = await at.page()

    async def flood(connection: Connection, payload: Any, reply: Reply | None) -> None:
        assert reply is not None
        for n in range(600):
            connection.emit("chat-message", {"n": n, "x": "y" * 150})
        reply({"ok": True, "messages": ["z" * 4000] * 100})

    at.on["user-join"] = flood
    await page.send('42/user,0["user-join",{}]')
    await at.until(lambda: len(at.events) == 1)
    got = [(await page.packet())[1] for _ in range(601)]
    assert [packet[1]["n"] for packet in got[:600]] == list(range(600))
    assert len(got[600][0]["messages"]) == 100


async def test_what_waits_for_a_namespace_is_bounded_too(site: Open) -> None:
    at = site(bounds=Bounds(unsent_frames=50))
    page = await at.connect()
    await page.send("40/user,")
    await page.send('42/user,["user-join",{}]')
    await at.until(lambda: len(at.events) == 1)
    for _ in range(51):
        at.events[0][0].emit("chat-message", {})
    assert not at.events[0][0].open


async def test_while_the_door_is_busy_a_bounded_number_of_frames_is_read(site: Open) -> None:
    at = site(bounds=Bounds(frames_burst=1e6, settle_s=60))
    go = asyncio.Event()

    async def slow(connection: Connection, payload: Any, reply: Reply | None) -> None:
        await go.wait()

    at.on["user-slow"] = slow
    page = await at.page()
    await page.send('42/user,["user-slow",{}]')
    sent = b"".join(frame(b'42/user,["user-view",%d]' % n) for n in range(3000))
    sending = asyncio.create_task(page.raw(sent))
    await at.until(lambda: len(at.events) == 1)
    connection = at.events[0][0]
    await at.until(lambda: len(connection._inbound) >= 63)
    await asyncio.sleep(0.2)
    assert len(connection._inbound) <= 64
    go.set()
    await sending
    await at.until(lambda: len(at.events) == 3001)
    assert [payload for _, _, payload in at.events[1:]] == list(range(3000))


async def test_a_busy_door_does_not_make_a_page_miss_its_pings(site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    at = site(bounds=Bounds(ping_s=0.1, settle_s=PATIENCE_S))
    go = asyncio.Event()

    async def slow(connection: Connection, payload: Any, reply: Reply | None) -> None:
        await go.wait()
        assert reply is not None
        reply({"ok": True})

    at.on["user-slow"] = slow
    async with at.client() as client:
        call = asyncio.create_task(client.call("user-slow", {}, namespace="/user"))
        await at.until(lambda: len(at.events) == 1)
        answered: list[Transport] = []

        def ponged(transport: Transport) -> None:
            answered.append(transport)
            heard(transport)

        heard = Transport._ponged
        monkeypatch.setattr(Transport, "_ponged", ponged)
        await at.until(lambda: len(answered) == 3)
        go.set()
        assert await call == {"ok": True}


async def test_a_flood_is_slowed_down_and_then_ended_while_others_are_answered(site: Open) -> None:
    at = site(bounds=Bounds(frames_per_s=100, frames_burst=100, held_s=0.1, holds=5), now_s=lambda: 0.0)
    flooder, page = await at.page(), await at.page()
    blob = frame(b'42/user,["user-view",{}]') * 50_000

    async def flood() -> None:
        with contextlib.suppress(ConnectionError):
            await flooder.raw(blob)
            await flooder.until_closed()

    flooding = asyncio.create_task(flood())
    answered = 0
    while not flooding.done() and answered < 50:
        await is_well(page)
        answered += not flooding.done()
        await asyncio.sleep(0.02)
    await flooding
    await at.until(lambda: at.edge.connections == 1)
    views = sum(event == "user-view" for _, event, _ in at.events)
    assert 90 <= views <= 105
    assert answered > 1


@pytest.mark.parametrize("junk", [(b"", frame(b"", PING)), (frame(b"", final=False), frame(b"", 0, final=False))])
async def test_floods_of_pings_and_empty_fragments_are_ended_too(site: Open, junk: tuple[bytes, bytes]) -> None:
    at = site(bounds=Bounds(frames_per_s=100, frames_burst=100, held_s=0.02, holds=3))
    flooder, page = await at.page(), await at.page()
    with contextlib.suppress(ConnectionError):
        await flooder.raw(junk[0] + junk[1] * 5000)
    await flooder.until_closed()
    await flooder.close()
    await at.until(lambda: at.edge.connections == 1)
    await is_well(page)


async def test_a_page_that_bursts_and_rests_is_never_slowed_down(site: Open) -> None:
    at = site(bounds=Bounds(frames_per_s=1000, frames_burst=100, held_s=5, holds=0))
    page = await at.page()
    await asyncio.sleep(0.1)
    for burst in range(3):
        await page.raw(frame(b'42/user,["user-view",{}]') * 90)
        await is_well(page, burst)
        await asyncio.sleep(0.15)


@pytest.mark.parametrize("said", [[], ["40/user,"], ["40/user,", "40/chat,"], ["40/user,", '42/user,["user-join",{}]']])
async def test_a_page_that_does_not_get_going_is_closed(site: Open, said: list[str]) -> None:
    at = site(bounds=Bounds(settle_s=2))
    watching = await at.page()
    await is_well(watching)
    page = await at.connect()
    for text in said:
        await page.send(text)
    async with asyncio.timeout(PATIENCE_S):
        assert await page.until_closed() == 1008
    await is_well(watching)


def test_the_time_to_get_going_is_5_s_and_a_dead_link_is_found_in_30_s() -> None:
    assert Bounds().settle_s == 5
    assert Bounds().ping_s == 20 and Bounds().ping_s + Bounds().answer_s <= 30


async def test_half_requests_and_silent_sockets_are_closed_and_a_new_page_still_gets_in(site: Open) -> None:
    at = site()
    halves = [await at.tcp() for _ in range(200)]
    for half in halves:
        await half.raw(b"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: ")
    silent = [await at.connect() for _ in range(150)]
    await is_well(await at.page())
    await asyncio.gather(*(page.until_closed() for page in silent))
    for half in halves:
        assert await half.reader.read() == b""


async def test_a_handshake_with_huge_headers_is_refused(site: Open) -> None:
    at = site()
    half = await at.tcp()
    with pytest.raises((ConnectionError, Closed, asyncio.IncompleteReadError)):
        await half.raw(b"GET /socket.io/ HTTP/1.1\r\nX: " + b"y" * 200_000)
        await half.raw(b"\r\n\r\n")
        await half.reader.readexactly(1)


async def test_a_refused_event_costs_few_calls(site: Open) -> None:
    """Counted, for no machine is like another: here (2 shared cores, CPython 3.11) they take 11 µs, from the frame's
    text to the written ack; past the frame limit nothing is read at all."""
    at = site(bounds=Bounds(frames_burst=1e9))
    page = await at.page()
    connection = await greeted(at, page)
    calls: Counter[str] = Counter()
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, arg: calls.update([event]))
    try:
        for _ in range(100):
            rest = connection._around.dispatch(connection, '2/user,1["user-unheard-of",{"x":1}]')
            assert rest is not None
            await rest
    finally:
        sys.setprofile(before)
    assert calls["call"] + calls["c_call"] < 100 * 100


def test_a_frame_full_of_escapes_costs_few_calls() -> None:
    """Half of a surrogate pair had made a step of each of its 8,000 escapes: 3 ms for a frame."""
    calls: Counter[str] = Counter()
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, arg: calls.update([event]))
    try:
        from_json('["\\ud800' + "\\n" * 8_000 + '"]')
    finally:
        sys.setprofile(before)
    assert calls["call"] + calls["c_call"] < 100


# -- before the join -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said", [frame(b'42/user,["user-view",{}]'), frame(b"3"), frame(b"", PING)], ids=["events", "pongs", "pings"]
)
async def test_who_has_not_joined_gets_20_frames(site: Open, said: bytes) -> None:
    at = site(joins=True)
    page, watching = await at.page(), await at.page()  # two frames each
    await page.raw(said * 17)
    await is_well(page)
    await page.raw(said)
    assert await page.until_closed() == 1008
    await is_well(watching)


async def test_who_has_not_joined_gets_no_more_frames_while_the_connection_closes(
    site: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the closing handshake nothing can be refused any more; what comes stays with the system."""
    heard = Counter[bool]()
    hear = Transport.heard

    def count(transport: Transport, kind: int, said: str | bytes) -> None:
        heard[transport.closed] += 1
        hear(transport, kind, said)

    monkeypatch.setattr(Transport, "heard", count)
    at = site(joins=True)
    page = await at.page()
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(1):
            await page.raw(frame(b"1") + frame(b"") * 100_000)
            await at.until(lambda: at.edge.connections == 0)
    assert heard[True] < 30


async def test_who_has_joined_has_no_such_bound(site: Open) -> None:
    at = site(joins=True)

    async def join(connection: Connection, payload: Any, reply: Reply | None) -> None:
        assert reply is not None
        connection.let_in()
        reply({"ok": True})

    at.on["user-join"] = join
    page = await at.page()
    await is_well(page)
    await page.raw(frame(b'42/user,["user-view",{}]') * 300)
    await is_well(page)


async def test_the_third_refused_join_closes_the_connection_after_its_answer(site: Open) -> None:
    at = site()

    async def refuse(connection: Connection, payload: Any, reply: Reply | None) -> None:
        assert reply is not None
        reply({"ok": False, "error": "refused-consent"})
        connection.turned_away()

    at.on["user-join"] = refuse
    page = await at.page()
    await page.raw(b"".join(frame(b'42/user,%d["user-join",{}]' % number) for number in range(1, 9)))
    assert [(await page.packet())[0] for _ in range(3)] == [f"43/user,{number}" for number in (1, 2, 3)]
    assert await page.until_closed() == 1008
    await page.close()
    await at.until(lambda: at.edge.connections == 0)
    assert len(at.events) == 3
