"""What a guest costs each engine: ``python -m bench.scale [guests ...]``; private servers, Linux only.

Redis: its memory of a guest, and its own time for who enters and who looks. RabbitMQ: memory and time of a mailbox
that is open (a durable queue, its channel and its consumer), and of starting again with all of them. MongoDB: bytes of
a message as its document is kept, and what that makes in a day. RabbitMQ's times are a processor's; Redis counts its
own by the wall, so that a machine with other work prints more.
"""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random, SystemRandom
from time import monotonic

import bson

from bench.claim import city, memory_bytes
from citychat.adapters.mongo.documents import to_row
from citychat.adapters.rabbitmq import RabbitMailbox
from citychat.adapters.redis import Redis, RedisLobby
from citychat.adapters.service_status import ServiceStatus
from citychat.clock import SystemClock
from citychat.model import Message, new_id
from citychat.ports import Entry, Mail
from tests.support.process_size import memory_bytes as resident_bytes
from tests.support.services.rabbitmq import RabbitServer
from tests.support.services.redis import RedisServer

SIZES = (1_000, 5_000)
AT_ONCE = 32
LOOKERS = 200  # so many look, each finds somebody who says later
TEXT_CHARS, MESSAGES_A_DAY = 40, 50  # what people type, and of each guest: an assumption, not a figure
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def busy_s(pid: int) -> float:
    """The processor's time of all threads of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="citychat-scale-") as made:
        yield Path(made)


async def comes_up(status: ServiceStatus) -> None:
    while not status.up:  # noqa: ASYNC110 - a status tells nobody
        await asyncio.sleep(0.01)


async def in_redis(guests: int, random: Random) -> None:
    clock = SystemClock(asyncio.get_running_loop())
    with folder() as place:
        server = RedisServer(place)
        server.start()
        async with Redis(server.url, status=ServiceStatus("Redis", random, sys.exit), clock=clock) as redis:
            await comes_up(redis.status)
            lobby = RedisLobby(redis.run, random=random, now_ms=clock.wall_ms)
            async with lobby:
                before = await memory_bytes(redis)
                await lobby.renew("scale")
                names = [new_id(random) for _ in range(guests)]
                await enter(lobby, names, random)
                each_bytes = (await memory_bytes(redis) - before) / guests
                entered_us = await us_a_script(redis)
                await redis.call("CONFIG", "RESETSTAT")
                for seeker in random.sample(names, min(LOOKERS, guests)):
                    await lobby.renew("scale")
                    await lobby.seek(seeker, new_id(random), 0)
                sought_us = await us_a_script(redis)
        server.stop()
    print(
        f"Redis     {guests:7,}  {each_bytes:7,.0f} bytes a guest  {entered_us:5.0f} µs to enter  "
        f"{sought_us:5.0f} µs to look",
        flush=True,
    )


async def enter(lobby: RedisLobby, names: list[str], random: Random) -> None:
    for start in range(0, len(names), AT_ONCE):
        await lobby.renew("scale")
        entries = [
            Entry(name, "scale", "lyon", city(random), "Lyon", True, False, True)
            for name in names[start : start + AT_ONCE]
        ]
        await asyncio.gather(*map(lobby.enter, entries))


async def us_a_script(redis: Redis) -> float:
    """Microseconds that Redis itself took for each script since its counters began."""
    said = await redis.call("INFO", "commandstats")
    assert isinstance(said, bytes)
    found = re.search(rb"cmdstat_evalsha:calls=(\d+),usec=(\d+)", said)
    assert found is not None
    return int(found[2]) / int(found[1])


async def in_rabbitmq(guests: int, random: Random) -> None:
    clock = SystemClock(asyncio.get_running_loop())
    status = ServiceStatus("RabbitMQ", random, sys.exit)
    with folder() as place, RabbitServer(place) as server:
        async with RabbitMailbox(server.url, status=status, clock=clock, random=SystemRandom()) as mailbox:
            await comes_up(status)
            await asyncio.sleep(2)  # what it does by itself after a start
            memory, busy = resident_bytes(server.pid), busy_s(server.pid)
            for start in range(0, guests, AT_ONCE):
                names = (new_id(random) for _ in range(min(AT_ONCE, guests - start)))
                await asyncio.gather(*(mailbox.open(name, unread) for name in names))
            opened_ms = (busy_s(server.pid) - busy) / guests * 1_000
            each_kb = (resident_bytes(server.pid) - memory) / guests / 1_024
        server.kill()
        began = monotonic()
        server.start()
        took_s, again_s = monotonic() - began, busy_s(server.pid)
    print(
        f"RabbitMQ  {guests:7,}  {each_kb:7.1f} KB a mailbox  {opened_ms:5.1f} ms to open one  "
        f"{again_s:5.1f} s to start again ({took_s:.1f} s by the wall)",
        flush=True,
    )


def unread(mail: Mail) -> None:
    raise RuntimeError(f"mail for nobody: {mail.tag}")


def in_mongodb(guests: int, random: Random) -> None:
    text = "x" * TEXT_CHARS
    message = Message(new_id(random), 0, new_id(random), 7, 12, text, 1_700_000_000_000)
    each_bytes = len(bson.encode(to_row(message)))
    a_day = guests * MESSAGES_A_DAY
    print(
        f"MongoDB   {guests:7,}  {each_bytes:7,} bytes a message of {TEXT_CHARS} letters  {a_day:,} documents and "
        f"{a_day * each_bytes / 1e6:,.0f} MB a day at {MESSAGES_A_DAY} each",
        flush=True,
    )


def main() -> int:
    random = Random(1)
    for guests in [int(word) for word in sys.argv[1:]] or SIZES:
        asyncio.run(in_redis(guests, random))
        asyncio.run(in_rabbitmq(guests, random))
        in_mongodb(guests, random)
    return 0


if __name__ == "__main__":
    sys.exit(main())
