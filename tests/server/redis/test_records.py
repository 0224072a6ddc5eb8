"""What travels over Redis: rubbish, listeners that fail, listening and ending at random."""

import asyncio
import logging
from collections import Counter
from random import Random

import pytest

from citychat.model import Message, Unavailable
from citychat.ports import RECORD_MAX_BYTES, BusEvent, NewerPage, NewMessage, PartnerTyping, Receipt, encode
from tests.server.redis.conftest import CHANNEL, Process, process
from tests.support.patience import PATIENCE_S, until
from tests.support.services.redis import RedisServer
from tests.support.services.running import REDIS, is_tested

__test__ = is_tested(REDIS)


def hostile() -> list[bytes]:
    """What anybody who reaches this Redis may publish on our channels."""
    typing = encode(PartnerTyping("s", True))
    chance = Random(5)
    return [
        b"",
        b"\0",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe" * 100,
        b'{"type":"nobody knows"}',
        b'{"type":"typing","s":"\xff","on":true}',
        b'{"type":"typing","s":1,"on":true}',
        b'{"type":"takeover","epoch":' + b"9" * 10_000 + b"}",
        b'{"type":"typing","s":"s","on":true,"more":' + b"[" * 20_000 + b"]" * 10_000,
        b"[" * 30_000,
        b"\x80\x04\x95\x1c\0\0\0\0\0\0\0\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",  # a pickle
        typing[:-1],
        typing * 2,
        encode(PartnerTyping("s" * RECORD_MAX_BYTES, True)),
        b'"' + b"x" * 5_000_000,
        *[encode(NewMessage(Message("s", 0, "st", 1, lamport, "", 1))) for lamport in (-1, 0, 2**53, 2**63)],
        *[encode(NewMessage(Message("s", 0, st, 1, 1, "", 1))) for st in ("", "a b", "t" * 44, "t" * 17_000)],
        encode(NewMessage(Message("s", 0, "st", 2, 1, "", 1, ("older", 1)))),
        encode(Receipt("s", "t" * 17_000, [(1, 1)])),
        encode(Receipt("s", "st", [(1, 2**63)])),
        *[bytes(chance.randrange(256) for _ in range(chance.randrange(1, 300))) for _ in range(50)],
    ]


async def test_rubbish_on_our_channels_is_dropped_and_counted_and_nothing_else_happens(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with process(server.url) as one, process(server.url) as other:
        await one.listen("anna")
        with caplog.at_level(logging.INFO):
            for raw in hostile():
                assert await other.redis.call("PUBLISH", f"{CHANNEL}anna", raw) == 1
            assert await other.published("anna", NewerPage(1)) == 1
            await until(lambda: bool(one.heard))
        assert one.heard == [("anna", NewerPage(1))]
        assert one.bus.counts == Counter(garbage=len(hostile()))
        assert (one.resumed, one.link.up, caplog.records) == (0, True, [])


async def test_what_a_listener_does_wrong_takes_neither_the_connection_nor_the_next_record_along(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with process(server.url) as one:

        def fail(record: BusEvent) -> None:
            raise ValueError(f"with what was said: {record}")

        await one.bus.listen("anna", fail)
        await one.listen("ben")
        one.bus.publish("anna", PartnerTyping("a-secret", True), lambda _: fail(PartnerTyping("a-secret", True)))
        assert await one.published("ben", NewerPage(1)) == 1
        await until(lambda: one.heard == [("ben", NewerPage(1))])
        assert "a-secret" not in caplog.text
        assert caplog.text.count("ValueError") == 2
        assert one.resumed == 0


async def live_at_random(one: Process, random: Random, guests: list[str], steps: int) -> dict[object, str]:
    """Listen and unlisten at random; answers what must be subscribed now. While Redis is cut a listen may fail."""
    held: dict[object, str] = {}
    for _ in range(steps):
        if held and random.random() < 0.5:
            handle = random.choice(list(held))
            del held[handle]
            one.bus.unlisten(handle)
        else:
            guest = random.choice(guests)
            listening = asyncio.create_task(one.listen(guest))
            if random.random() < 0.2:
                await asyncio.sleep(0)
                listening.cancel()  # the page has gone while it joined
            try:
                held[await listening] = guest
            except (Unavailable, asyncio.CancelledError):
                await asyncio.sleep(0.001)
        if random.random() < 0.3:
            await asyncio.sleep(random.choice([0, 0, 0.001]))
    return held


async def cut(server: RedisServer, random: Random, times: int, *processes: Process) -> None:
    for _ in range(times):
        await asyncio.sleep(random.uniform(0.1, 0.5))
        before = [each.resumed for each in processes]
        server.tell(f"CLIENT KILL TYPE {random.choice(['pubsub', 'normal'])} SKIPME yes")
        await until(lambda: all(each.resumed > times for each, times in zip(processes, before, strict=True)))  # noqa: B023


@pytest.mark.parametrize("cuts", [0, 3])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_listening_and_ending_at_random_leaves_exactly_what_is_held(
    server: RedisServer, seed: int, cuts: int
) -> None:
    random = Random(seed)
    guests = [f"guest {n}" for n in range(8)]
    async with process(server.url) as one, process(server.url) as other:
        lives = [live_at_random(one, Random(random.random()), guests, 200 if not cuts else 1_500) for _ in range(10)]
        cutting = asyncio.create_task(cut(server, random, cuts, one, other))
        lived = await asyncio.gather(*lives)
        await cutting
        held = Counter(guest for life in lived for guest in life.values())
        await until(lambda: one.link.up and other.link.up)
        async with asyncio.timeout(PATIENCE_S):
            wanted = [int(held[guest] > 0) for guest in guests]
            while await other.bus.listeners(guests) != wanted:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)
        one.heard.clear()
        for guest in guests:
            assert await other.published(guest, NewerPage(seed)) == int(held[guest] > 0)
        await one.listen("the last")
        assert await other.published("the last", NewerPage(seed)) == 1
        await until(lambda: ("the last", NewerPage(seed)) in one.heard)
        assert Counter(guest for guest, _ in one.heard) == held + Counter({"the last": 1})
        if cuts:
            assert one.resumed + other.resumed >= cuts
