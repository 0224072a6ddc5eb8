"""No room for more connections, for all or for one network: nobody who is in notices, and nothing spins."""

import asyncio
import contextlib
import errno
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tornado.netutil import bind_sockets
from tornado.web import Application

from citychat.edge import Edge
from citychat.limits import bound
from tests.server.conftest import Open, is_well
from tests.server.rawclient import Raw
from tests.support.patience import PATIENCE_S
from tests.support.spent import spent_by, spent_by_all

ROOT = Path(__file__).parents[2]
FILES = 100

# A process that may open few files and does not bound its connections. Its door answers how often its loop woke up.
CHILD = """
import asyncio, logging, resource, selectors, sys
from tornado.netutil import bind_sockets
from tornado.web import Application
from citychat.edge import Edge

resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]),) * 2)
logging.basicConfig(level=logging.INFO)


class Counting(selectors.DefaultSelector):
    times = 0

    def select(self, timeout=None):
        Counting.times += 1
        return super().select(timeout)


async def door(connection, event, payload, reply):
    connection.let_in()
    reply({"times": Counting.times})


async def serve():
    loop = asyncio.get_running_loop()
    edge = Edge(door=door, closed=lambda _: None, now_s=loop.time, logger=logging.getLogger("edge"))
    server = edge.http_server(Application(edge.routes()))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    print(sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Counting())) as runner:
    runner.run(serve())
"""


async def wake_ups(page: Raw) -> int:
    await page.send('42/user,1["user-count",{}]')
    name, payload = await page.packet()
    assert name == "43/user,1"
    return int(payload[0]["times"])


async def test_out_of_files_it_waits_in_silence_while_pages_talk_and_then_lets_new_ones_in() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(FILES), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None and child.stderr is not None
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(ended, child)
        port = int(await child.stdout.readline())
        page = await Raw.page(port)
        stack.push_async_callback(page.close)
        silent = [await Raw.tcp(port) for _ in range(FILES + 60)]
        for each in silent:
            stack.push_async_callback(each.close)
        async with asyncio.timeout(PATIENCE_S):
            first = await child.stderr.readline()
        assert (
            first.decode() == f"ERROR:edge:No connection can be accepted, trying again: {os.strerror(errno.EMFILE)}\n"
        )
        before, since, questions = await wake_ups(page), time.monotonic(), 1
        while time.monotonic() - since < 2:
            await asyncio.sleep(0.1)
            after, questions = await wake_ups(page), questions + 1
        # Ten tries a second and a few for each question; without a rest it was 20,000 a second.
        assert after - before < 10 * questions + 100 * (time.monotonic() - since)
        for each in silent:
            await each.close()
        async with asyncio.timeout(PATIENCE_S):
            late = await Raw.page(port)
        stack.push_async_callback(late.close)
        assert await wake_ups(late) < await wake_ups(page)
        more = (await child.communicate(b""))[1]
    assert (more, child.returncode) == (b"", 0)


def ended(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.kill()


class Peers(socket.socket):
    """A listening socket whose connections come from ``peer``, after the system has failed with ``faults``."""

    peer = "203.0.113.7"
    faults: list[int]
    tries = 0

    def accept(self) -> tuple[socket.socket, Any]:
        self.tries += 1
        if self.faults:
            number = self.faults.pop()
            raise OSError(number, os.strerror(number))
        connection, (_, port) = super().accept()
        return connection, (self.peer, port)


@contextlib.asynccontextmanager
async def listening(edge: Edge, *faults: int) -> AsyncIterator[tuple[Peers, int]]:
    """The socket and its port."""
    (plain,) = bind_sockets(0, "127.0.0.1")
    peers = Peers(fileno=plain.detach())
    peers.faults = list(faults)
    port = peers.getsockname()[1]
    server = edge.http_server(Application(edge.routes()))
    server.add_sockets([peers])
    try:
        yield peers, port
    finally:
        server.stop()
        server.stop()
        await edge.stop()
        await server.close_all_connections()


async def stays(raw: Raw) -> bool:
    """Whether the server answers on this connection, which stays a plain one."""
    with contextlib.suppress(ConnectionError):
        await raw.raw(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return (await raw.reader.readline()).startswith(b"HTTP/1.1 ")
    return False


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EPERM])
async def test_after_a_failed_accept_it_rests_and_goes_on_by_itself(
    site: Open, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(site().edge, *[number] * 3) as (peers, port):
        since = time.monotonic()
        page = await Raw.page(port)
        assert time.monotonic() - since > 0.25
        await is_well(page)
        assert peers.tries < 10
        await page.close()
    assert caplog.messages == [f"No connection can be accepted, trying again: {os.strerror(number)}"]


async def test_it_stops_while_it_rests(site: Open) -> None:
    at = site()
    async with listening(at.edge, errno.EMFILE) as (peers, port):
        raw = await Raw.tcp(port)
        await at.until(lambda: peers.tries == 1)
    await asyncio.sleep(0.2)  # twice its rest
    assert peers.tries == 1 and peers.fileno() == -1
    await raw.close()


async def test_one_network_cannot_have_all_plain_connections(site: Open, caplog: pytest.LogCaptureFixture) -> None:
    at = site(connections_per_address=3)
    async with listening(at.edge) as (peers, port):
        crowd = [await Raw.tcp(port) for _ in range(12)]
        assert [await stays(each) for each in crowd] == [True] * 6 + [False] * 6
        peers.peer = "203.0.113.8"
        other = await Raw.page(port)
        await is_well(other)
        peers.peer = "203.0.113.7"
        await crowd[0].close()
        async with asyncio.timeout(PATIENCE_S):
            while not await stays(again := await Raw.tcp(port)):  # until the server has seen the first one leave
                await again.close()
        for each in (*crowd, other, again):
            await each.close()
    assert caplog.messages == ["Refused: too many connections of one network that are no pages"]


async def test_who_does_not_take_the_answers_gives_the_seat_back(
    site: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("citychat.edge.listener._TAKEN_WITHIN_S", 0.3)
    at = site(pages=True)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        slow.connect(("127.0.0.1", at.port))
        slow.setblocking(False)
        slow.send(b"GET /static/vendor/socket.io.esm.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)  # 8 MB
        page = await at.page()
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(ConnectionError):
                while True:
                    await asyncio.sleep(0.05)
                    with contextlib.suppress(BlockingIOError):
                        slow.send(b"GET")
        await is_well(page)
    assert caplog.messages == ["Refused: a client that does not take its answer"]


@pytest.mark.parametrize("whose", ["network", "process"])
async def test_connections_of_one_network_that_come_too_fast_are_closed_unheard(site: Open, whose: str) -> None:
    at = site(now_s=lambda: 0.0)
    if whose == "network":
        spent_by(at.edge._arrivals, "203.0.113.7", bound("arrivals of a network"))
    else:
        spent_by_all(at.edge._arrivals, bound("arrivals of a process"))
    async with listening(at.edge) as (peers, port):
        for peer, let_in in (("203.0.113.7", False), ("203.0.113.8", whose == "network"), ("127.0.0.1", True)):
            peers.peer = peer
            raw = await Raw.tcp(port)
            assert await stays(raw) == let_in
            await raw.close()


async def test_a_page_does_not_count_as_a_plain_connection(site: Open) -> None:
    at = site(connections_per_address=2)
    async with listening(at.edge) as (_, port):
        pages = [await Raw.page(port) for _ in range(2)]
        plain = [await Raw.tcp(port) for _ in range(4)]
        assert all([await stays(each) for each in plain])
        for page in pages:
            await is_well(page)
        for each in (*pages, *plain):
            await each.close()


@pytest.mark.parametrize("peer", ["127.0.0.9", "::1", "10.0.0.2"])
async def test_loopback_and_trusted_proxies_may_have_as_many_as_they_need(site: Open, peer: str) -> None:
    at = site(connections_per_address=1, trusted_proxies=["10.0.0.0/8"])
    async with listening(at.edge) as (peers, port):
        peers.peer = peer
        plain = [await Raw.tcp(port) for _ in range(20)]
        assert all([await stays(each) for each in plain])
        for each in plain:
            await each.close()
