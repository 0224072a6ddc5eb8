"""Each toxic of the proxy bites: against a plain echo server, in the direction it was set for."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from tests.support.patience import PATIENCE_S, until
from tests.support.proxy import Proxy
from tests.support.stream_server import listening

SOON_S = 0.3
TEXT = b"x" * 1_000
BROKEN = (ConnectionResetError, asyncio.IncompleteReadError)  # what a RST looks like depends on what was unread


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """The port of a server that sends back whatever it gets."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass

    async with listening(answer) as port:
        yield port


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async with echo() as port, Proxy(lambda: [port]) as proxy:
        yield proxy


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def echoed(self, data: bytes, patience_s: float = PATIENCE_S) -> bytes:
        self.writer.write(data)
        async with asyncio.timeout(patience_s):
            return await self.reader.readexactly(len(data))


Connect = Callable[[Proxy], Awaitable[Client]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Clients, closed when the test ends."""
    clients: list[Client] = []

    async def connected(proxy: Proxy) -> Client:
        clients.append(Client(*await asyncio.open_connection("127.0.0.1", proxy.port)))
        return clients[-1]

    yield connected
    for client in clients:
        client.writer.transport.abort()
    await asyncio.sleep(0)


async def test_without_toxics_it_is_a_wire(proxy: Proxy, connect: Connect) -> None:
    a, b = await connect(proxy), await connect(proxy)
    assert await a.echoed(TEXT * 500) == TEXT * 500
    assert await b.echoed(b"b") == b"b"
    assert (proxy.open, proxy.accepted) == (2, 2)
    assert proxy.to_server.passed_bytes == proxy.to_client.passed_bytes == 500_001


async def test_an_end_of_one_side_is_an_end_of_the_other(proxy: Proxy, connect: Connect) -> None:
    a = await connect(proxy)
    await a.echoed(b"a")
    a.writer.write_eof()
    async with asyncio.timeout(PATIENCE_S):
        assert await a.reader.read() == b""


async def test_down_resets_what_is_there_and_refuses_what_comes_until_it_is_up_again(
    proxy: Proxy, connect: Connect
) -> None:
    a = await connect(proxy)
    await a.echoed(b"a")
    await proxy.down()
    with pytest.raises(BROKEN):
        await a.echoed(b"a")
    with pytest.raises(ConnectionRefusedError):
        await connect(proxy)
    await proxy.heal()
    assert await (await connect(proxy)).echoed(b"a") == b"a"


async def test_a_reset_is_an_rst_and_nothing_more(proxy: Proxy, connect: Connect) -> None:
    a = await connect(proxy)
    await a.echoed(b"a")
    proxy.reset()
    with pytest.raises(BROKEN):
        await a.reader.readexactly(1)
    assert await (await connect(proxy)).echoed(b"a") == b"a"


async def test_a_blackhole_accepts_and_swallows_and_its_connections_stay_dead(proxy: Proxy, connect: Connect) -> None:
    before = await connect(proxy)
    await before.echoed(b"a")
    proxy.blackhole()
    during = await connect(proxy)
    for client in (before, during):
        with pytest.raises(TimeoutError):
            await client.echoed(b"a", SOON_S)
    assert proxy.to_server.swallowed_bytes == 2
    await proxy.heal()
    for client in (before, during):
        with pytest.raises(TimeoutError):
            await client.echoed(b"a", SOON_S)
    assert await (await connect(proxy)).echoed(b"a") == b"a"


async def test_a_connection_that_was_silent_in_a_blackhole_is_dead_too(proxy: Proxy, connect: Connect) -> None:
    a = await connect(proxy)
    await a.echoed(b"a")
    proxy.blackhole()
    await proxy.heal()
    with pytest.raises(TimeoutError):
        await a.echoed(b"a", SOON_S)


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
async def test_a_stalled_direction_holds_and_counts_and_loses_nothing(
    proxy: Proxy, connect: Connect, direction: str
) -> None:
    a = await connect(proxy)
    flow = getattr(proxy, direction)
    flow.open.clear()
    with pytest.raises(TimeoutError):
        await a.echoed(TEXT, SOON_S)
    assert flow.held_bytes == len(TEXT)
    assert proxy.to_client.passed_bytes == 0
    await proxy.heal()
    async with asyncio.timeout(PATIENCE_S):
        assert await a.reader.readexactly(len(TEXT)) == TEXT
    assert flow.held_bytes == 0


async def test_what_a_reset_finds_held_is_gone_and_not_counted_any_more(proxy: Proxy, connect: Connect) -> None:
    a = await connect(proxy)
    proxy.stall()
    with pytest.raises(TimeoutError):
        await a.echoed(TEXT, SOON_S)
    proxy.reset()
    with pytest.raises(BROKEN):
        await a.reader.readexactly(1)
    await proxy.emptied()
    assert proxy.to_server.held_bytes == 0


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
async def test_latency_is_added_to_each_direction_and_does_not_pile_up(
    proxy: Proxy, connect: Connect, direction: str
) -> None:
    a = await connect(proxy)
    await a.echoed(b"a")
    flow = getattr(proxy, direction)
    flow.latency_s = 2.0  # the five are on their way at once, however slow this machine writes them
    start_s = time.monotonic()
    for sent in range(1, 6):
        a.writer.write(b"a")
        await until(lambda: flow.passed_bytes - 1 + flow.held_bytes >= sent)  # noqa: B023 - called at once
    most_held = flow.held_bytes
    async with asyncio.timeout(PATIENCE_S):
        await a.reader.readexactly(5)
    assert time.monotonic() - start_s >= 2
    assert most_held > 1, "each waits its own time, not until the one before has passed"


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
async def test_slow_is_so_many_bytes_a_second(proxy: Proxy, connect: Connect, direction: str) -> None:
    a = await connect(proxy)
    getattr(proxy, direction).bytes_per_s = 2_000
    start_s = time.monotonic()
    assert await a.echoed(TEXT) == TEXT
    assert time.monotonic() - start_s >= 0.4


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
async def test_a_cut_comes_after_so_many_bytes_of_each_connection(
    proxy: Proxy, connect: Connect, direction: str
) -> None:
    getattr(proxy, direction).cut_after_bytes = 1_500
    for _ in range(2):
        a = await connect(proxy)
        assert await a.echoed(TEXT) == TEXT
        a.writer.write(TEXT)
        with pytest.raises(BROKEN):
            await a.reader.readexactly(len(TEXT))


async def test_the_next_target_is_tried_when_one_refuses(connect: Connect) -> None:
    async with echo() as one:
        pass
    async with echo() as other, Proxy(lambda: [one, other]) as both:
        assert await (await connect(both)).echoed(b"a") == b"a"
    async with Proxy(lambda: [one]) as nobody:
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await (await connect(nobody)).echoed(b"a")


@pytest.mark.parametrize("turns", range(5))
async def test_who_was_accepted_in_the_last_moment_is_closed_too(turns: int) -> None:
    """A turn of the loop each: not accepted yet, accepted, told of."""
    async with echo() as port:
        client = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        for _ in range(turns):
            await asyncio.sleep(0)
    with client, suppress(ConnectionResetError):
        assert client.recv(1) == b""
