"""What the edge promises to the rest of the server: order, one ack, one end, and nothing lost at the seams."""

import asyncio
import socket
from types import MappingProxyType
from typing import Any

import pytest

from citychat.edge import Connection, Reply
from tests.server.conftest import Open


async def test_an_event_reaches_the_door_and_its_ack_the_client(site: Open) -> None:
    at = site()
    async with at.client() as client:
        answer = await client.call("user-join", {"v": 1}, namespace="/user")
    assert answer == {"ok": True, "echo": {"v": 1}}
    assert [(event, payload) for _, event, payload in at.events] == [("user-join", {"v": 1})]


async def test_an_event_gets_one_ack_however_often_it_is_answered(site: Open) -> None:
    at = site()

    async def twice(connection: Connection, payload: Any, reply: Reply | None) -> None:
        assert reply is not None
        reply({"ok": True})
        reply({"ok": False})
        connection.emit("user-nearby", {"free_nearby": "few"})

    at.on["user-seek"] = twice
    page = await at.page()
    await page.send('42/user,7["user-seek",{}]')
    assert await page.packet() == ("43/user,7", [{"ok": True}])
    assert await page.packet() == ("42/user,", ["user-nearby", {"free_nearby": "few"}])


async def test_an_event_without_ack_id_has_no_reply(site: Open) -> None:
    at = site()
    replies: list[Reply | None] = []

    async def see(connection: Connection, payload: Any, reply: Reply | None) -> None:
        replies.append(reply)

    at.on["chat-ack"] = see
    page = await at.page()
    await page.send('42/chat,["chat-ack",{}]')
    await at.until(lambda: len(replies) == 1)
    assert replies == [None]


async def test_events_of_one_page_are_handled_in_order_over_both_namespaces(site: Open) -> None:
    at = site()
    go = asyncio.Event()
    done: list[int] = []

    async def slow(connection: Connection, payload: Any, reply: Reply | None) -> None:
        await go.wait()
        done.append(payload["n"])

    async def fast(connection: Connection, payload: Any, reply: Reply | None) -> None:
        done.append(payload["n"])

    at.on |= {"user-slow": slow, "chat-fast": fast}
    async with at.client() as client:
        for n in range(0, 20, 2):
            await client.emit("user-slow", {"n": n}, namespace="/user")
            await client.emit("chat-fast", {"n": n + 1}, namespace="/chat")
        await at.until(lambda: len(at.events) == 1)
        assert done == []
        go.set()
        await at.until(lambda: len(done) == 20)
    assert done == list(range(20))


async def test_a_slow_event_of_one_page_holds_up_no_other(site: Open) -> None:
    at = site()
    go = asyncio.Event()

    async def slow(connection: Connection, payload: Any, reply: Reply | None) -> None:
        await go.wait()

    at.on["user-slow"] = slow
    one, two = await at.page(), await at.page()
    await one.send('42/user,["user-slow",{}]')
    await two.send('42/user,0["user-join",{}]')
    assert await two.packet() == ("43/user,0", [{"ok": True, "echo": {}}])
    go.set()


async def test_what_is_sent_to_a_page_keeps_its_order_acks_and_both_namespaces_alike(site: Open) -> None:
    at = site()

    async def talk(connection: Connection, payload: Any, reply: Reply | None) -> None:
        assert reply is not None
        connection.emit("chat-status", {"n": 0})
        reply({"n": 1})
        connection.emit("user-session", MappingProxyType({"n": 2}))
        connection.emit("chat-message", {"n": 3})

    at.on["user-join"] = talk
    page = await at.page()
    await page.send('42/user,0["user-join",{}]')
    heads = [(await page.packet())[0] for _ in range(4)]
    assert heads == ["42/chat,", "43/user,0", "42/user,", "42/chat,"]


@pytest.mark.parametrize("name", ["connect", "disconnect", "connect_error", "emit", "trigger_event", "*", "message"])
async def test_events_named_like_the_librarys_own_are_only_names(site: Open, name: str) -> None:
    at = site()
    page = await at.page()
    await page.send(f'42/user,0["{name}",{{"tornado.handler":1}}]')
    assert await page.packet() == ("43/user,0", [{"ok": True, "echo": {"tornado.handler": 1}}])
    await page.send('42/user,1["user-join",{}]')
    assert (await page.packet())[0] == "43/user,1"
    assert [event for _, event, _ in at.events] == [name, "user-join"]
    assert at.closed == [] and at.edge.connections == 1


@pytest.mark.parametrize(
    "sent", ['42/user,0["chat-history",{"limit":1}]', '42/chat,0["user-seek"]', '42/chat,0["user-"]']
)
async def test_an_event_of_the_other_namespace_is_none(site: Open, sent: str) -> None:
    """The door is asked for an event without a name, which no table has."""
    at = site()
    page = await at.page()
    await page.send(sent)
    assert (await page.packet())[0] == f"43{sent[2:7]},0"
    await page.send('42/chat,1["chat-history",{}]')
    assert (await page.packet())[0] == "43/chat,1"
    assert [event for _, event, _ in at.events] == ["", "chat-history"]


async def test_no_payload_is_none_and_several_are_a_list(site: Open) -> None:
    at = site()
    page = await at.page()
    await page.send('42/user,0["user-seek"]')
    assert (await page.packet())[1] == [{"ok": True, "echo": None}]
    await page.send('42/user,1["user-seek",{},2]')
    assert (await page.packet())[1] == [{"ok": True, "echo": [{}, 2]}]


async def test_half_of_a_surrogate_pair_becomes_a_replacement_character(site: Open) -> None:
    at = site()
    page = await at.page()
    await page.send('42/chat,0["chat-message",{"x":"a\\ud83d b\\\\ud83d \\ud83d\\ude00 \\ude00\\n"}]')
    await page.packet()
    assert at.events[0][2] == {"x": "a\ufffd b\\ud83d \U0001f600 \ufffd\n"}


async def test_nothing_is_emitted_to_a_namespace_before_it_is_connected(site: Open) -> None:
    at = site()
    page = await at.connect()
    await page.text()
    await page.send("40/user,")
    await page.text()
    await page.send('42/user,["user-join",{}]')
    await at.until(lambda: len(at.events) == 1)
    connection = at.events[0][0]
    connection.emit("chat-message", {"n": 1})
    connection.emit("user-left", {"n": 2})
    await page.send('42/user,0["user-seek",{}]')
    await at.until(lambda: len(at.events) == 2)
    await page.send("40/chat,")
    heads = [(await page.packet())[0] for _ in range(4)]
    assert heads == ["40/chat,", "42/chat,", "42/user,", "43/user,0"]


async def test_the_address_is_the_clients_own(site: Open) -> None:
    at = site()
    page = await at.page(own_address="127.0.0.2")
    await page.send('42/user,["user-join",{}]')
    await at.until(lambda: len(at.events) == 1)
    assert at.events[0][0].address == "127.0.0.2"


async def test_small_frames_leave_at_once(site: Open) -> None:
    at = site()
    page = await at.page()
    await page.send('42/user,["user-join",{}]')
    await at.until(lambda: len(at.events) == 1)
    transport: Any = at.events[0][0].transport
    assert transport.channel._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_compression_is_never_negotiated(site: Open) -> None:
    at = site()
    page = await at.connect({"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"})
    assert "sec-websocket-extensions" not in page.headers
