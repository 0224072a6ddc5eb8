"""Mailboxes in RabbitMQ: order over takeovers and ends, discarding, blanking, more than a connection has channels."""

import asyncio
import json
from contextlib import suppress
from threading import Event

import pytest
from pika.exceptions import ChannelClosedByBroker

from citychat.adapters.rabbitmq import connection, reading
from citychat.model import Unavailable
from citychat.ports import Mail
from citychat.rules import DAY_MS
from tests.server.rabbitmq.conftest import QueueReader, guests, outsider, process
from tests.support.patience import until
from tests.support.services.rabbitmq import RabbitServer
from tests.support.services.running import RABBITMQ, is_tested
from tests.support.stores import StoreClock, message, put

__test__ = is_tested(RABBITMQ)

HOUR_MS = 3_600_000


async def test_the_queue_is_as_the_protocol_wants_it(server: RabbitServer, guest: str) -> None:
    async with process(server.url) as (mailbox, _):
        assert await put(mailbox, guest, message(1))
    listed = server.control("list_queues", "--formatter", "json", "name", "durable", "type", "arguments")
    (queue,) = (row for row in json.loads(listed) if row["name"] == f"inbox.{guest}")
    assert (queue["durable"], queue["type"]) == (True, "classic")
    assert {name: value for name, _, value in queue["arguments"]} == {
        "x-queue-type": "classic", "x-single-active-consumer": True, "x-message-ttl": DAY_MS,
        "x-expires": 2 * DAY_MS, "x-max-length": 500, "x-overflow": "reject-publish",
    }  # fmt: skip


async def test_another_process_takes_over_all_that_is_unacked_in_order(server: RabbitServer, guest: str) -> None:
    async with process(server.url) as (first, _), process(server.url) as (second, _):
        assert await put(first, guest, *map(message, range(1, 41)))
        one, two = QueueReader(), QueueReader()
        handle = await first.open(guest, one)
        await one.read(40)
        await second.open(guest, two)
        await first.close(handle)
        assert await two.read(40) == list(range(1, 41))
        assert await put(first, guest, message(41))
        assert await two.read(41) == list(range(1, 42))


async def test_a_takeover_of_more_than_a_window_begins_with_the_oldest(server: RabbitServer, guest: str) -> None:
    async with process(server.url) as (first, _), process(server.url) as (second, _):
        one, two = QueueReader(), QueueReader()
        handle = await first.open(guest, one)
        for n in range(1, 1_001, 50):
            assert await put(first, guest, *map(message, range(n, n + 50)))
        assert await one.read(600) == list(range(1, 601))
        successor = await second.open(guest, two)
        await first.close(handle)
        assert await two.read(600) == list(range(1, 601))
        second.ack(successor, [mail.tag for mail in two.mail])
        assert await two.read(1_000) == list(range(1, 1_001))


async def test_what_is_put_during_a_takeover_comes_after_all_that_goes_back(server: RabbitServer) -> None:
    """With a cancel before the close, 127 of 150 rounds were out of order."""
    async with process(server.url) as (first, _), process(server.url) as (second, _), process(server.url) as (third, _):
        for guest in (next(guests) for _ in range(10)):
            assert await put(third, guest, *map(message, range(1, 41)))
            one, two = QueueReader(), QueueReader()
            handle = await first.open(guest, one)
            await one.read(40)
            await second.open(guest, two)
            closing = asyncio.ensure_future(first.close(handle))
            for n in range(41, 71):
                third.put(guest, [message(n)], lambda ok: None)
                await asyncio.sleep(0)
            await closing
            assert await two.read(70) == list(range(1, 71))


async def test_a_process_that_ends_gives_back_all_that_is_open_in_order(server: RabbitServer, guest: str) -> None:
    async with process(server.url) as (second, _):
        two = QueueReader()
        async with process(server.url) as (first, _):
            assert await put(first, guest, *map(message, range(1, 41)))
            one = QueueReader()
            await first.open(guest, one)
            await one.read(40)
            await second.open(guest, two)
        assert await two.read(40) == list(range(1, 41))


async def test_a_mailbox_is_discarded_only_when_empty_and_closed(server: RabbitServer, guest: str) -> None:
    queue = f"inbox.{guest}"

    def there() -> bool:
        return queue in server.control("list_queues", "name").split()

    async with process(server.url) as (mailbox, _):
        reader = QueueReader()
        handle = await mailbox.open(guest, reader)
        await mailbox.discard(guest)
        assert there()
        assert await put(mailbox, guest, message(1))
        await reader.read(1)
        mailbox.ack(handle, [reader.mail[0].tag])
        await mailbox.close(handle)
        await mailbox.discard(guest)
        assert not there()


async def test_blanking_keeps_ids_order_and_the_hour_of_death(server: RabbitServer, guest: str) -> None:
    now_ms = 1_700_000_000_000
    clock = StoreClock(lambda: now_ms)
    async with process(server.url, ttl_ms=HOUR_MS, prefix="short.", clock=clock) as (mailbox, _):
        mine, other = message(2, side=1), message(3, side=0)
        assert await put(mailbox, guest, message(1), mine, other, message(4, side=1))
        now_ms += 3_000
        await mailbox.blank(guest, "s", 1)
        await mailbox.blank(guest, "s", 1)
        await mailbox.blank(next(guests), "s", 1)
        with outsider(server) as channel:
            found = [channel.basic_get(f"short.{guest}")[1].expiration for _ in range(4)]
        assert found == [None, *[str(HOUR_MS - 3_000)] * 3], "the first is not of that side and stays in front"
        reader = QueueReader()
        handle = await mailbox.open(guest, reader)
        await reader.read(4)
        assert [(mail.message.number, mail.message.text) for mail in reader.mail] == [
            (1, "text 1"), (2, ""), (3, "text 3"), (4, ""),
        ]  # fmt: skip
        await mailbox.blank(guest, "s", 0)  # open: the reader has them already
        await mailbox.close(handle)


async def test_more_mailboxes_than_a_connection_has_channels_are_open_at_once(
    server: RabbitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CHANNELS_MAX", 30)
    monkeypatch.setattr(reading, "SPARE_ROOM", 20)
    async with process(server.url) as (mailbox, link):
        readers = {next(guests): QueueReader() for _ in range(100)}
        for name, reader in readers.items():
            while True:
                try:
                    await mailbox.open(name, reader)
                    break
                except Unavailable:
                    await asyncio.sleep(0.01)
        assert all(await asyncio.gather(*(put(mailbox, name, message(1)) for name in readers)))
        for reader in readers.values():
            assert await reader.read(1) == [1]
        await until(lambda: link.up)
        assert len(mailbox._reading.all) == 4


async def test_a_reader_that_raises_takes_nobody_with_it(server: RabbitServer, guest: str) -> None:
    def raises(mail: Mail) -> None:
        raise ArithmeticError(mail.message.text)

    async with process(server.url) as (mailbox, link):
        reader = QueueReader()
        await mailbox.open(guest, raises)
        await mailbox.open(other := next(guests), reader)
        assert await put(mailbox, guest, message(1))
        assert await put(mailbox, other, message(2))
        assert await reader.read(1) == [2]
        assert link.up


async def test_what_is_put_while_its_queue_is_being_deleted_is_not_stored_without_being_there(
    server: RabbitServer,
) -> None:
    """A broker confirms what went to a queue that it was deleting, and has it nowhere: so it was with most of these."""
    deleting, ended = [next(guests)], Event()

    def delete() -> None:
        with outsider(server) as channel:
            while not ended.wait(0.006):
                with suppress(ChannelClosedByBroker):
                    channel.queue_delete(f"inbox.{deleting[-1]}", if_unused=True, if_empty=True)
                    continue
                channel = channel.connection.channel()

    async with process(server.url) as (mailbox, _):
        thread, stored = asyncio.create_task(asyncio.to_thread(delete)), list[str]()
        for name in (next(guests) for _ in range(60)):
            deleting.append(name)
            if await put(mailbox, name, message(1)):
                stored.append(name)
        ended.set()
        await thread
    with outsider(server) as channel:
        waiting = [channel.queue_declare(f"inbox.{name}", durable=True, passive=True) for name in stored]
    assert len(waiting) == len(stored) > 2
    assert all(found.method.message_count == 1 for found in waiting)
