"""A server that is called Redis and answers otherwise: nothing it says is taken for what was expected."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from citychat.adapters.redis import Redis, RedisBus
from citychat.adapters.service_status import ServiceStatus
from citychat.model import Unavailable
from tests.support.stores import StoreClock
from tests.support.stream_server import listening

INFO = b"redis_version:7.0.0\r\n"


class OddServer:
    """Speaks RESP as Redis does; ``numsub`` is its whole answer to PUBSUB, ``pushed`` comes after each SUBSCRIBE."""

    def __init__(self, numsub: bytes = b"*0\r\n", pushed: bytes = b"") -> None:
        self.numsub, self.pushed = numsub, pushed
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while line := await reader.readline():
                words = []
                for _ in range(int(line[1:])):
                    size = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(size + 2))[:-2])
                writer.write(self.answer(words))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass

    def answer(self, words: list[bytes]) -> bytes:
        match words:
            case [b"INFO", *_]:
                return b"$%d\r\n%b\r\n" % (len(INFO), INFO)
            case [b"SUBSCRIBE", *channels]:
                granted = (b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%b\r\n:1\r\n" % (len(name), name) for name in channels)
                return b"".join(granted) + self.pushed
            case [b"PUBSUB", *_]:
                return self.numsub
            case [b"PUBLISH", *_]:
                return b":0\r\n"
        return b"+OK\r\n"


@asynccontextmanager
async def bus_of(odd: OddServer) -> AsyncIterator[tuple[RedisBus, ServiceStatus]]:
    async with listening(odd.serve) as port:
        link = ServiceStatus("Redis", Random(1), lambda _: None)
        redis = Redis(f"redis://127.0.0.1:{port}", status=link, clock=StoreClock(lambda: time.time_ns() // 10**6))
        bus = RedisBus(redis)
        async with redis, bus:
            yield bus, link


async def until_up(link: ServiceStatus) -> None:
    async with asyncio.timeout(10):
        while not link.up:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("numsub", [b"$3\r\nodd\r\n", b":7\r\n", b"*0\r\n", b"*1\r\n$1\r\na\r\n"])
async def test_listeners_that_nobody_counted_are_unavailable_and_not_none(numsub: bytes) -> None:
    async with bus_of(OddServer(numsub)) as (bus, link):
        await until_up(link)
        with pytest.raises(Unavailable):
            await bus.listeners(["anna"])


@pytest.mark.parametrize("pushed", [b"*1\r\n$3\r\nodd\r\n", b"*3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n", b":7\r\n"])
async def test_a_push_of_another_shape_ends_the_connection(pushed: bytes, caplog: pytest.LogCaptureFixture) -> None:
    odd = OddServer(pushed=pushed)
    async with bus_of(odd), asyncio.timeout(10):
        while odd.connections < 3:  # noqa: ASYNC110 - it connects twice, and once more
            await asyncio.sleep(0.005)
    assert "InvalidResponse" in caplog.text and "failed" not in caplog.text


async def test_a_message_that_is_no_text_is_garbage() -> None:
    async with bus_of(OddServer()) as (bus, _):
        for what in (7, None, [b"text"]):
            bus.receive(b"message", b"citychat:u:anna", what)
        assert bus.counts == {"garbage": 3}
