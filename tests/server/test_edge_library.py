"""What the edge relies on inside its libraries: an upgrade that changes one of these must fail here, loudly."""

import asyncio
import gc
import inspect
import re
from typing import Any

import socketio
import tornado.httpserver
import tornado.tcpserver
from bidict import bidict
from engineio.async_server import AsyncServer as EngineServer
from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream

from citychat.edge import frames
from citychat.edge.handshake import Handshake
from citychat.edge.packets import Packet
from citychat.edge.socketio_server import SocketIOServer
from tests.server.conftest import Open, is_well
from tests.server.rawclient import frame


def source(of: object) -> str:
    return inspect.getsource(of)  # type: ignore[arg-type]


def test_the_method_we_call_takes_what_we_think() -> None:
    method = socketio.AsyncServer._handle_connect
    assert asyncio.iscoroutinefunction(method)
    assert list(inspect.signature(method).parameters) == ["self", "eio_sid", "namespace", "data"]


def test_the_library_does_no_more_with_a_packet_than_to_call_what_we_call_ourselves() -> None:
    text = source(socketio.AsyncServer._handle_eio_message)
    called = re.findall(r"self\.(_handle\w+|packet_class)\(", text)
    assert sorted(set(called)) == [
        "_handle_ack",
        "_handle_connect",
        "_handle_disconnect",
        "_handle_event",
        "packet_class",
    ]


def test_only_connects_of_the_library_trigger_events() -> None:
    assert list(inspect.signature(socketio.AsyncServer._trigger_event).parameters) == [
        "self",
        "event",
        "namespace",
        "args",
    ]
    assert source(socketio.AsyncServer._handle_connect).count("self._trigger_event(") == 3


def test_the_library_sends_through_its_table_of_sockets() -> None:
    assert "self.eio.send(" in source(socketio.AsyncServer._send_packet)
    assert "self._get_socket(sid)" in source(EngineServer.send_packet)
    assert "await socket.send(pkt)" in source(EngineServer.send_packet)
    lookup = source(EngineServer._get_socket)
    assert "self.sockets[sid]" in lookup and "s.closed" in lookup


async def nothing(*_: object) -> None: ...


def test_the_server_has_the_tables_we_write_to() -> None:
    server: Any = SocketIOServer(nothing)
    assert server.environ == {} and server.eio.sockets == {} and server.manager_initialized is True
    assert server.async_handlers is False and server.eio.start_service_task is False
    assert server.packet_class is Packet and server.namespaces == ["/user", "/chat"]
    assert isinstance(server.new_id(), str) and server.new_id() != server.new_id()


def test_our_packet_has_every_field_the_library_reads() -> None:
    known = set(vars(socketio.packet.Packet())) - {"attachments"}
    assert known <= set(vars(Packet()))
    assert list(inspect.signature(Packet).parameters) == list(inspect.signature(socketio.packet.Packet).parameters)


async def test_a_namespace_has_one_table_and_no_room_for_each_page(site: Open) -> None:
    at = site()
    pages = [await at.page() for _ in range(3)]
    rooms = at.edge._server.manager.rooms
    assert set(rooms) == {"/user", "/chat"}
    for tables in rooms.values():
        assert set(tables) == {None} and isinstance(tables[None], bidict) and len(tables[None]) == 3
    for page in pages:
        await page.close()
    await at.until(lambda: rooms == {})
    assert at.edge._server.manager.pending_connect == {} and at.edge._server.manager.pending_disconnect == {}


async def test_tornado_hands_a_socket_over_with_what_it_has_read_behind_the_handshake(site: Open) -> None:
    """A frame in one packet with the handshake: ``_read_buffer`` of the stream has it."""
    at = site()
    raw = await at.tcp()
    await raw.raw(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        + frame(b"40/user,")
        + frame(b"40/chat,")[:7]
    )
    await raw.reader.readuntil(b"\r\n\r\n")
    assert (await raw.text()).startswith("0{")
    assert (await raw.text()).startswith("40/user,")


async def test_tornado_keeps_nothing_of_a_page(site: Open) -> None:
    def of_tornado() -> int:
        gc.collect()
        kept = (IOStream, HTTP1Connection, HTTP1ServerConnection, HTTPServerRequest, Handshake)
        return sum(type(one) in kept for one in gc.get_objects())

    at = site()
    before = of_tornado()
    pages = [await at.page() for _ in range(3)]
    await is_well(pages[0])
    assert at.edge.connections == 3 and of_tornado() == before


def test_tornado_has_a_mask_of_four_bytes_over_any_payload() -> None:
    unmasked: Any = vars(frames)["_unmasked"]
    assert unmasked(b"\1\2\3\4", b"abcdef") == bytes(byte ^ b"\1\2\3\4"[i % 4] for i, byte in enumerate(b"abcdef"))


def test_tornado_takes_connections_in_only_by_the_methods_we_replace() -> None:
    assert "add_sockets" not in vars(tornado.httpserver.HTTPServer)
    assert "self._handlers.pop(fd)()" in source(tornado.tcpserver.TCPServer.stop)
    assert "self.handle_stream(stream, address)" in source(tornado.tcpserver.TCPServer._handle_connection)
    assert not asyncio.iscoroutinefunction(tornado.httpserver.HTTPServer.handle_stream)
    assert list(inspect.signature(tornado.httpserver.HTTPServer.on_close).parameters) == ["self", "server_conn"]


def test_tornado_says_of_every_stream_when_it_has_done_with_http() -> None:
    assert "self.stream = stream" in source(HTTP1ServerConnection.__init__)
    assert source(HTTP1ServerConnection._server_request_loop).rstrip().endswith("delegate.on_close(self)")
