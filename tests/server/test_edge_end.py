"""How a connection ends: after what was emitted, told once, whatever went wrong."""

import asyncio
import logging
from typing import Any

import pytest

from citychat.edge import Bounds, Connection, Reply
from tests.server.conftest import Open, is_well
from tests.server.rawclient import Closed
from tests.support.patience import PATIENCE_S


async def test_close_lets_out_what_was_emitted_before_and_ends_the_connection_once(site: Open) -> None:
    at = site()

    async def replace(connection: Connection, payload: Any, reply: Reply | None) -> None:
        connection.emit("user-replaced", {})
        connection.close("replaced")
        connection.close("replaced")
        connection.emit("user-left", {})

    at.on["user-join"] = replace
    page = await at.page()
    await page.send('42/user,["user-join",{}]')
    await page.send('42/user,["user-seek",{}]')
    assert await page.packet() == ("42/user,", ["user-replaced", {}])
    with pytest.raises(Closed):
        await page.text()
    await page.close()
    await at.until(lambda: at.closed != [])
    assert at.closed == [at.events[0][0]] and at.edge.connections == 0
    assert [event for _, event, _ in at.events] == ["user-join"]


async def test_events_that_came_before_the_end_are_handled_before_closed_is_told(site: Open) -> None:
    at = site()
    go = asyncio.Event()
    told: list[int] = []

    async def slow(connection: Connection, payload: Any, reply: Reply | None) -> None:
        await go.wait()

    async def leave(connection: Connection, payload: Any, reply: Reply | None) -> None:
        told.append(len(at.closed))

    at.on |= {"user-join": slow, "user-leave": leave}
    page = await at.page()
    await page.send('42/user,["user-join",{}]')
    await page.send('42/user,["user-leave",{}]')
    await page.close()
    await at.until(lambda: len(at.events) == 1 and not at.events[0][0].open)
    assert at.closed == []
    go.set()
    await at.until(lambda: at.closed != [])
    assert told == [0] and len(at.closed) == 1


async def test_the_end_is_told_once_whoever_ends_it(site: Open) -> None:
    at = site()
    async with at.client():
        pass
    polite, rude, leaving = await at.page(), await at.page(), await at.page()
    await polite.send("1")
    await leaving.send("41/chat,")
    rude.writer.transport.abort()
    await polite.until_closed()
    await leaving.until_closed()
    for page in (polite, leaving):
        await page.close()
    await at.until(lambda: at.edge.connections == 0)
    assert len(at.closed) == len(set(at.closed)) == 4
    assert not at.edge._server.eio.sockets and not at.edge._server.environ and not at.edge._server.manager.rooms


async def test_a_door_that_fails_ends_its_connection_only(site: Open, caplog: pytest.LogCaptureFixture) -> None:
    at = site()

    async def fail(connection: Connection, payload: Any, reply: Reply | None) -> None:
        raise ValueError(payload["x"])

    at.on["chat-message"] = fail
    page, other = await at.page(), await at.page()
    with caplog.at_level(logging.DEBUG):
        await page.send('42/chat,0["chat-message",{"x":"secret"}]')
        assert await page.until_closed() == 1011
    await other.send('42/user,0["user-join",{}]')
    assert (await other.packet())[0] == "43/user,0"
    assert "ValueError at" in caplog.text and "secret" not in caplog.text


async def test_a_payload_that_is_no_json_ends_its_connection_only(site: Open, caplog: pytest.LogCaptureFixture) -> None:
    at = site()

    async def odd(connection: Connection, payload: Any, reply: Reply | None) -> None:
        connection.emit("user-nearby", {"free_nearby": {1, object()}})

    at.on["user-seek"] = odd
    page, other = await at.page(), await at.page()
    await page.send('42/user,["user-seek",{}]')
    assert await page.until_closed() == 1011
    await other.send('42/user,0["user-join",{}]')
    assert (await other.packet())[0] == "43/user,0"
    assert "cannot be sent" in caplog.text


async def test_an_event_of_no_namespace_is_dropped_and_holds_up_nothing(
    site: Open, caplog: pytest.LogCaptureFixture
) -> None:
    at = site()

    async def odd(connection: Connection, payload: Any, reply: Reply | None) -> None:
        connection.emit("admin-hello", {})

    at.on["user-seek"] = odd
    page = await at.page()
    await page.send('42/user,["user-seek",{}]')
    await page.send('42/user,0["user-join",{}]')
    assert (await page.packet())[0] == "43/user,0"
    assert "admin-hello" in caplog.text


async def test_an_event_that_never_ends_is_stopped_after_its_page_has_gone(site: Open) -> None:
    at = site(bounds=Bounds(last_events_s=0.2))
    stopped: list[bool] = []

    async def for_ever(connection: Connection, payload: Any, reply: Reply | None) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    at.on["user-join"] = for_ever
    page = await at.page()
    await page.send('42/user,["user-join",{}]')
    await at.until(lambda: len(at.events) == 1)
    await page.close()
    await at.until(lambda: at.closed != [])
    assert stopped == [True] and at.edge.connections == 0


async def test_what_a_page_said_behind_an_event_that_never_ends_begins_all_the_same(site: Open) -> None:
    at = site(bounds=Bounds(last_events_s=0.2))
    begun: list[str] = []

    async def for_ever(connection: Connection, payload: Any, reply: Reply | None) -> None:
        begun.append(str(payload))
        await asyncio.Event().wait()

    at.on |= {"user-seek": for_ever, "user-leave": for_ever, "user-block": for_ever}
    page = await at.page()
    for event in ("seek", "leave", "block"):
        await page.send(f'42/user,["user-{event}","{event}"]')
    await at.until(lambda: begun != [])
    await page.close()
    await at.until(lambda: at.closed != [])
    assert begun == ["seek", "leave", "block"] and len(at.closed) == 1


async def test_stop_closes_every_page_after_what_was_emitted_and_lets_nobody_in(site: Open) -> None:
    at = site()
    async with at.client() as client:
        drained = asyncio.Event()

        @client.on("user-drain", namespace="/user")  # type: ignore[untyped-decorator]
        async def drain(payload: object) -> None:
            drained.set()

        await client.call("user-join", {}, namespace="/user")
        at.events[0][0].emit("user-drain", {"retry_ms": 5})
        await at.edge.stop()
        assert at.edge.connections == 0 and len(at.closed) == 1
        await asyncio.wait_for(drained.wait(), PATIENCE_S)


async def test_pings_keep_a_page_that_answers_and_end_one_that_does_not(site: Open) -> None:
    at = site(bounds=Bounds(ping_s=0.1, answer_s=5, settle_s=PATIENCE_S))
    async with at.client() as client:
        silent = await at.page()
        assert await silent.until_closed() == 1001
        await silent.close()
        await at.until(lambda: at.edge.connections == 1)
        await asyncio.sleep(0.5)
        assert (await client.call("user-join", {}, namespace="/user"))["ok"]


async def test_an_idle_page_has_no_task_and_no_timer_and_all_are_pinged_by_one(site: Open) -> None:
    at = site(bounds=Bounds(ping_s=1, answer_s=PATIENCE_S))
    loop: Any = asyncio.get_running_loop()

    def timers() -> int:
        return sum(not timer.cancelled() for timer in loop._scheduled)

    before, tasks = timers(), len(asyncio.all_tasks())
    pages = []
    for _ in range(30):
        pages.append(await at.page())
        await is_well(pages[-1])
    async with asyncio.timeout(PATIENCE_S):
        while timers() > before + 2:  # noqa: ASYNC110  # the wheel's, and that of this wait
            await asyncio.sleep(0.05)
    assert len(asyncio.all_tasks()) == tasks
    for _ in range(2):
        for page in pages:
            assert (await page.receive())[1] == b"2"
            await page.send("3")
    assert at.edge.connections == 30
