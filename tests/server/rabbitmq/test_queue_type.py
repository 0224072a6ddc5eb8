"""Queues of a type that we have not asked for: virtual hosts of quorum queues, queues of older versions, of others."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pika
import pytest

from citychat.adapters.rabbitmq.consumers import encode
from citychat.rules import DAY_MS
from tests.server.rabbitmq.conftest import QueueReader, guests, outsider, process
from tests.server.rabbitmq.test_trouble import same_lane
from tests.support.patience import until
from tests.support.services.rabbitmq import RabbitServer
from tests.support.services.running import RABBITMQ, is_tested
from tests.support.stores import message, put

__test__ = is_tested(RABBITMQ)

# What 0.1.0 and 0.2.0 declared
UNTYPED = {
    "x-single-active-consumer": True, "x-message-ttl": DAY_MS, "x-expires": 2 * DAY_MS, "x-max-length": 500,
    "x-overflow": "reject-publish",
}  # fmt: skip
QUORUM = {
    "vhosts": [{"name": "all-quorum", "metadata": {"default_queue_type": "quorum"}}],
    "permissions": [{"user": "guest", "vhost": "all-quorum", "configure": ".*", "write": ".*", "read": ".*"}],
    "policies": [{
        "vhost": "all-quorum", "name": "limit", "pattern": ".*", "apply-to": "queues",
        "definition": {"delivery-limit": 20},
    }],
}  # fmt: skip
JOINS = 24
TIMEOUT_MS = 1_000


@pytest.fixture(scope="module")
def quorum_url(one: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A virtual host as RabbitMQ 4 may have it: queues without a type are quorum queues, and what has come back to one
    20 times is dropped."""
    definitions = tmp_path_factory.mktemp("definitions") / "quorum.json"
    definitions.write_text(json.dumps(QUORUM), "utf-8")
    one.control("import_definitions", str(definitions))
    return one.url.replace("%2F", "all-quorum")


@pytest.fixture
def impatient(server: RabbitServer) -> Iterator[None]:
    """A broker that waits a second for an ack, instead of 30 minutes."""

    def be(consumer_timeout_ms: int, look_ms: int) -> None:
        server.control(
            "eval",
            f"application:set_env(rabbit, consumer_timeout, {consumer_timeout_ms}), "
            f"application:set_env(rabbit, channel_tick_interval, {look_ms}).",
        )

    be(TIMEOUT_MS, 100)
    yield
    be(30 * 60_000, 60_000)


async def test_mail_survives_24_joins_without_an_ack_where_queues_are_quorum_queues_by_default(
    quorum_url: str, guest: str
) -> None:
    async with process(quorum_url) as (mailbox, link):
        assert await put(mailbox, guest, *map(message, range(1, 4)))
        for _ in range(JOINS):
            reader = QueueReader()
            handle = await mailbox.open(guest, reader)
            assert await reader.read(3) == [1, 2, 3]
            await mailbox.close(handle)
        reader = QueueReader()
        handle = await mailbox.open(guest, reader)
        assert await reader.read(3) == [1, 2, 3]
        mailbox.ack(handle, [mail.tag for mail in reader.mail])
        await mailbox.close(handle)
        await mailbox.discard(guest)
        assert link.up


async def test_queues_of_older_versions_and_ours_are_the_same_to_old_and_new_processes(
    server: RabbitServer, guest: str
) -> None:
    """As during a rolling upgrade: whoever declares second finds what the first has made."""
    other = next(guests)
    async with process(server.url) as (mailbox, _):
        with outsider(server) as channel:
            channel.confirm_delivery()
            channel.queue_declare(f"inbox.{guest}", durable=True, arguments=UNTYPED)
            channel.basic_publish("", f"inbox.{guest}", encode(message(1)))
            assert await put(mailbox, guest, message(2))
            assert await put(mailbox, other, message(1))
            channel.queue_declare(f"inbox.{other}", durable=True, arguments=UNTYPED)
            channel.basic_publish("", f"inbox.{other}", encode(message(2)))
        for name in (guest, other):
            reader = QueueReader()
            handle = await mailbox.open(name, reader)
            assert await reader.read(2) == [1, 2]
            mailbox.ack(handle, [mail.tag for mail in reader.mail])
            await mailbox.close(handle)
            await mailbox.discard(name)
    assert not {f"inbox.{guest}", f"inbox.{other}"} & set(server.control("list_queues", "name").split())


async def test_a_quorum_queue_of_an_older_version_is_read_but_not_filled_and_its_end_disturbs_nobody(
    quorum_url: str, guest: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(quorum_url))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare(f"inbox.{guest}", durable=True, arguments=UNTYPED)
    channel.basic_publish("", f"inbox.{guest}", encode(message(1)))
    async with process(quorum_url) as (mailbox, link):
        went: list[str] = []
        monkeypatch.setattr(link, "on_down", went.append)
        assert not await put(mailbox, guest, message(2))
        assert "other arguments than ours (x-queue-type)" in caplog.text
        reader = QueueReader()
        handle = await mailbox.open(guest, reader)
        assert await reader.read(1) == [1]
        mailbox.ack(handle, [reader.mail[0].tag])
        await mailbox.close(handle)
        await mailbox.discard(guest)
        assert await put(mailbox, next(guests), message(1))
        assert went == []
    connection.close()


async def test_mail_that_lay_unacked_for_too_long_comes_again_and_its_queue_counts_as_ours(
    server: RabbitServer, impatient: None, guest: str, caplog: pytest.LogCaptureFixture
) -> None:
    """RabbitMQ closes that channel with the code of a queue that has other arguments."""
    caplog.set_level(logging.INFO)
    async with process(server.url) as (mailbox, link):
        assert await put(mailbox, guest, message(1), message(2))
        reader = QueueReader()
        handle: Any = await mailbox.open(guest, reader)
        await reader.read(2)
        assert (await reader.read(4))[:4] == [1, 2, 1, 2]
        assert not handle.as_it_is
        assert link.up and await put(mailbox, guest, message(3))
        await until(lambda: 3 in reader.numbers)
        mailbox.ack(handle, [mail.tag for mail in reader.mail])
        await mailbox.close(handle)
    assert "consumer_timeout" in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_queue_that_is_closed_to_us_costs_its_neighbour_nothing(server: RabbitServer, guest: str) -> None:
    """Somebody has it for itself alone; a node that is down answers likewise for the queues on it."""
    neighbour = same_lane(guest)
    with outsider(server) as channel:
        channel.queue_declare(f"inbox.{guest}", exclusive=True)
        async with process(server.url) as (mailbox, link):
            assert await put(mailbox, neighbour, message(1))
            answers: list[tuple[str, bool]] = []
            for n in range(2, 6):
                mailbox.put(neighbour, [message(n)], lambda ok: answers.append(("neighbour", ok)))
                mailbox.put(guest, [message(n)], lambda ok: answers.append(("guest", ok)))
            await until(lambda: len(answers) == 8)
            assert set(answers) == {("neighbour", True), ("guest", False)}
            assert link.up
