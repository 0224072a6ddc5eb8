"""A RabbitMQ that is killed, frozen, full, refused or too old, and queues that others touch or fill with rubbish."""

import asyncio
import logging
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, cast
from zlib import crc32

import pika
import pytest

from citychat.adapters.rabbitmq import RabbitMailbox
from citychat.adapters.rabbitmq import consumers as rabbit_boxes
from citychat.adapters.rabbitmq import mailbox as rabbitmq
from citychat.adapters.rabbitmq.connection import AmqpChannel
from citychat.adapters.rabbitmq.consumers import MARKER, decode
from citychat.adapters.rabbitmq.publisher import SLOTS, UNANSWERED_MAX_BYTES
from citychat.adapters.service_status import ServiceStatus
from citychat.adapters.sqlite import Database
from citychat.delivery import endpoint
from citychat.model import Unavailable
from citychat.ports import RECORD_MAX_BYTES
from tests.server.rabbitmq.conftest import QueueReader, guests, outsider, process
from tests.support.patience import until
from tests.support.services.rabbitmq import RabbitServer
from tests.support.services.running import RABBITMQ, is_tested
from tests.support.stage import Stage
from tests.support.stores import StoreClock, is_read, message, put
from tests.support.virtual_time import VirtualLoop

__test__ = is_tested(RABBITMQ)


async def test_a_broker_that_is_killed_loses_nothing_and_everybody_reads_on(server: RabbitServer, guest: str) -> None:
    other = next(guests)
    async with process(server.url) as (mailbox, link):
        assert await put(mailbox, guest, *map(message, range(1, 4)))
        assert await put(mailbox, other, message(9))
        reader = QueueReader()
        handle = await mailbox.open(guest, reader)
        await reader.read(3)
        before = [mail.tag for mail in reader.mail]
        server.kill()
        await until(lambda: not link.up)
        assert link.trouble in {"connection lost", "connection refused"}
        assert not await put(mailbox, guest, message(4))
        assert not await is_read(mailbox, handle), "the handle is good, and its channel is gone"
        with pytest.raises(Unavailable):
            await mailbox.open(other, QueueReader())
        with pytest.raises(Unavailable):
            await mailbox.blank(other, "s", 0)
        server.start()
        await until(lambda: link.up)
        assert await put(mailbox, guest, message(5))
        while not await is_read(mailbox, handle):
            pass
        assert reader.numbers == [1, 2, 3, 1, 2, 3, 5]
        mailbox.ack(handle, before)  # tags of a connection that is gone must not ack anything new
        assert len({mail.tag for mail in reader.mail}) == 7
        await mailbox.close(handle)
        again = QueueReader()
        handle = await mailbox.open(guest, again)
        assert await again.read(4) == [1, 2, 3, 5]
        mailbox.ack(handle, [mail.tag for mail in again.mail])
        late = QueueReader()
        await mailbox.open(other, late)
        assert await late.read(1) == [9]


async def test_what_is_put_into_a_new_queue_is_not_stored_before_the_broker_would_remember_the_queue(
    server: RabbitServer, guest: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with process(server.url) as (mailbox, _):
        assert await put(mailbox, guest, message(1))
        may = partial(server.manage, "PUT", "permissions/%2F/guest", write=".*", read=".*")
        may(configure=r"^(?!inbox\.seal)")
        cast(AmqpChannel, mailbox._publisher._syncing).close()  # a broker asks for a right once a channel
        try:
            assert not await put(mailbox, next(guests), message(2))
            assert "its user lacks a right on the queues named inbox." in caplog.text
            assert await put(mailbox, guest, message(3))  # an old queue, which asks for nothing
        finally:
            may(configure=".*")


async def test_a_frozen_broker_is_found_and_puts_are_answered_meanwhile(server: RabbitServer, guest: str) -> None:
    async with process(server.url) as (mailbox, link):
        reader = QueueReader()
        await mailbox.open(guest, reader)
        server.freeze()
        try:
            answers: list[bool] = []
            large, crowded = message(1, x="x" * 4_000), next(guests)  # what was on the wire may fill that queue
            for _ in range(UNANSWERED_MAX_BYTES // 4_000 // 100 + 2):
                mailbox.put(crowded, [large] * 100, answers.append)
            await asyncio.sleep(0)
            assert answers, "nothing is held beyond the limit"
            await until(lambda: len(answers) == UNANSWERED_MAX_BYTES // 4_000 // 100 + 2)
            assert not any(answers)
            opening = asyncio.ensure_future(mailbox.open(next(guests), QueueReader()))
            await until(lambda: not link.up)
            assert link.trouble == "silent"
            with pytest.raises(Unavailable):
                await opening
        finally:
            server.thaw()
        await until(lambda: link.up)
        assert await put(mailbox, guest, message(7))
        await until(lambda: 7 in reader.numbers)


async def test_leaving_a_frozen_broker_does_not_wait_for_it(server: RabbitServer, guest: str) -> None:
    async with process(server.url) as (mailbox, _):
        handle = await mailbox.open(guest, QueueReader())
        server.freeze()
        async with process(server.url, up=False):
            await asyncio.sleep(0.1)  # it is on its way in
        await mailbox.close(handle)


async def test_connections_that_the_broker_closes_come_back_with_their_mailboxes(
    server: RabbitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with process(server.url) as (mailbox, link):
        readers = {next(guests): QueueReader() for _ in range(100)}
        for name, reader in readers.items():
            await mailbox.open(name, reader)
        went: list[str] = []
        monkeypatch.setattr(link, "on_down", went.append)
        await asyncio.to_thread(server.control, "close_all_connections", "rolling")
        await until(lambda: len(went) == 2)
        assert set(went) == {"it closed the connection (code 320)"}
        await until(lambda: all(each.up for each in (mailbox._putting, mailbox._reading.all[0])))
        for name, reader in readers.items():
            assert await put(mailbox, name, message(1))
            assert await reader.read(1) == [1]


async def test_a_queue_deleted_under_its_reader_is_made_again(server: RabbitServer, guest: str) -> None:
    async with process(server.url) as (mailbox, link):
        reader = QueueReader()
        await mailbox.open(guest, reader)
        with outsider(server) as channel:
            channel.queue_delete(f"inbox.{guest}")
        assert await put(mailbox, guest, message(1))
        await reader.read(1)
        assert link.up


@pytest.mark.parametrize("times", [1, 2])
async def test_a_queue_deleted_before_the_message_arrives_is_no_success(
    server: RabbitServer, guest: str, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    deleted = 0
    declare = AmqpChannel.declare

    def declare_and_lose(self: AmqpChannel, queue: str, arguments: Any) -> None:
        nonlocal deleted
        declare(self, queue, arguments)
        if deleted < times:
            deleted += 1
            self._raw.queue_delete(queue)

    async with process(server.url) as (mailbox, _):
        monkeypatch.setattr(AmqpChannel, "declare", declare_and_lose)
        assert await put(mailbox, guest, message(1), message(2)) == (times == 1)
        assert await put(mailbox, guest, message(3))
        reader = QueueReader()
        await mailbox.open(guest, reader)
        expected = [1, 2, 3] if times == 1 else [3]
        assert await reader.read(len(expected)) == expected


def same_lane(guest: str) -> str:
    """Another guest whose queue is in the same lane."""
    lane = crc32(f"inbox.{guest}".encode()) % SLOTS
    return next(other for other in guests if crc32(f"inbox.{other}".encode()) % SLOTS == lane)


async def test_a_queue_with_other_arguments_is_read_but_not_filled_and_disturbs_nobody(
    server: RabbitServer, guest: str, caplog: pytest.LogCaptureFixture
) -> None:
    with outsider(server) as channel:
        channel.queue_declare(f"inbox.{guest}", durable=True, arguments={"x-max-length": 3})
        channel.basic_publish("", f"inbox.{guest}", rabbit_boxes.encode(message(1)))
    neighbour = same_lane(guest)
    async with process(server.url) as (mailbox, link):
        caplog.set_level(logging.DEBUG)
        heard: list[tuple[str, bool]] = []
        for n in range(1, 11):
            mailbox.put(neighbour, [message(n)], lambda ok: heard.append(("neighbour", ok)))
            mailbox.put(guest, [message(n)], lambda ok: heard.append(("guest", ok)))
        await until(lambda: len(heard) == 20)
        assert {who: {ok for w, ok in heard if w == who} for who in ("guest", "neighbour")} == {
            "guest": {False}, "neighbour": {True},
        }  # fmt: skip
        assert not await put(mailbox, guest, message(1))
        reader, beside = QueueReader(), QueueReader()
        await mailbox.open(guest, reader)
        assert await reader.read(1) == [1]
        await mailbox.open(neighbour, beside)
        assert set(await beside.read(10)) == set(range(1, 11))
        assert link.up
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert sum("other arguments" in line and "x-" in line for line in warnings) == 1
    assert guest not in caplog.text


RUBBISH = [
    b"", b"\xff\xfe", b"{", b"[]", b"null", b'{"s":"s"}', b"[" * 20_000,
    b'{"s":"s","side":2,"st":"st","n":1,"l":1,"x":"t","at":1}',
    b'{"s":"s","side":0,"st":"st","n":-1,"l":1,"x":"t","at":1}',
    b'{"s":"s","side":0,"st":"st","n":1e400,"l":1,"x":"t","at":1}',
    b'{"s":"s","side":0,"st":"st","n":99999999999999999,"l":1,"x":"t","at":1}',
    b'{"s":"s","side":0,"st":"st","n":1,"l":1,"x":"\\ud800","at":1}',
    b'{"s":"s","side":0,"st":"' + b"t" * 100 + b'","n":1,"l":1,"x":"t","at":1}',
    b'{"s":"s","side":0,"st":"st","n":0,"l":1,"x":"t","at":1}',
    b'{"s":"s","side":0,"st":"st","n":1,"l":9223372036854775808,"x":"t","at":1}',
    b'{"s":"s","side":0,"st":"a b","n":1,"l":1,"x":"t","at":1}',
    b'{"s":"s","side":0,"st":"st","n":2,"l":1,"x":"t","at":1,"p":["a",1]}',
    b'{"s":"s","side":0,"st":"st","n":1,"l":1,"x":"t","at":1,"p":["a",1,2]}',
    b'{"s":"s","side":0,"st":"st","n":1,"l":1,"x":"t","at":1,"z":"' + b"t" * RECORD_MAX_BYTES + b'"}',
]  # fmt: skip


async def test_rubbish_in_a_queue_is_dropped_and_counted_and_the_rest_is_read(
    server: RabbitServer, guest: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with process(server.url) as (mailbox, link):
        caplog.set_level(logging.DEBUG)
        reader = QueueReader()
        handle = await mailbox.open(guest, reader)
        with outsider(server) as channel:
            for body in RUBBISH:
                channel.basic_publish("", f"inbox.{guest}", body, pika.BasicProperties(timestamp=2**64 - 1))
            for n, text in enumerate(["t" * 5_000, "text\u202e 2\x1b"], 1):
                channel.basic_publish("", f"inbox.{guest}", rabbit_boxes.encode(message(n, x=text)))
            assert await reader.read(2) == [1, 2]
            assert [mail.message for mail in reader.mail] == [message(1, x=""), message(2)], "void and clean"
            assert mailbox.counts == {"mail dropped": len(RUBBISH)}
            assert link.up
            mailbox.ack(handle, [mail.tag for mail in reader.mail])
            await mailbox.close(handle)
            assert channel.queue_declare(f"inbox.{guest}", passive=True).method.message_count == 0
    assert "text 1" not in caplog.text and "ttt" not in caplog.text


async def test_an_ack_of_tags_never_given_closes_nothing(server: RabbitServer, guest: str) -> None:
    async with process(server.url) as (mailbox, _):
        assert await put(mailbox, guest, message(1), message(2), message(3))
        reader = QueueReader()
        handle = await mailbox.open(guest, reader)
        await reader.read(3)
        tags = [mail.tag for mail in reader.mail]
        for strange in (0, 1, -1, tags[0] + 77, tags[0] << 40):
            mailbox.ack(handle, [strange])
        mailbox.ack(handle, [tags[1], tags[1], tags[0]])
        await mailbox.close(handle)
        again = QueueReader()
        await mailbox.open(guest, again)
        assert await again.read(1) == [3]


async def test_a_broker_out_of_memory_refuses_puts_and_lets_readers_go_on(server: RabbitServer, guest: str) -> None:
    async with process(server.url) as (mailbox, link):
        assert await put(mailbox, guest, message(1))
        await asyncio.to_thread(server.control, "set_vm_memory_high_watermark", "absolute", "1MB")
        try:
            assert not await put(mailbox, guest, message(2))
            await until(lambda: not link.up)
            assert "alarm" in link.trouble
            refused: list[bool] = []
            mailbox.put(guest, [message(3)], refused.append)
            await asyncio.sleep(0)
            assert refused == [False], "known to be refused: no answer is waited for"
            reader = QueueReader()
            handle = await mailbox.open(guest, reader)
            assert await reader.read(1) == [1]
            mailbox.ack(handle, [reader.mail[0].tag])
        finally:
            await asyncio.to_thread(server.control, "set_vm_memory_high_watermark", "absolute", "1GB")
        await until(lambda: link.up)
        assert await put(mailbox, guest, message(4))
        await until(lambda: reader.numbers[-1] == 4)


@pytest.mark.parametrize(
    ("old", "new", "trouble"),
    [
        (":guest@", ":secret@", "user or password refused"),
        ("/%2F", "/secret", "the virtual host does not exist or is not ours to use"),
        ("amqp:", "amqps:", "no TLS with it"),
        ("127.0.0.1:", "secret.invalid:", "its host name is not known"),
    ],
)
async def test_what_keeps_a_process_out_is_said_without_the_url(
    server: RabbitServer, guest: str, caplog: pytest.LogCaptureFixture, old: str, new: str, trouble: str
) -> None:
    caplog.set_level(logging.DEBUG, "citychat")
    async with process(server.url.replace(old, new), up=False) as (mailbox, link):
        await until(lambda: link.trouble != "not reached yet")
        assert link.trouble == trouble
        assert not await put(mailbox, guest, message(1))
        with pytest.raises(Unavailable):
            await mailbox.open(guest, QueueReader())
    assert "secret" not in caplog.text and str(server.port) not in caplog.text


def test_what_is_no_url_of_a_broker_is_refused_without_being_shown() -> None:
    for url in ("http://guest:secret@host/", "amqp://guest:secret@host:port/", "amqp://h/?secret=1"):
        with pytest.raises(ValueError, match="expected amqp://") as refused:
            RabbitMailbox(
                url,
                status=ServiceStatus("RabbitMQ", Random(1), pytest.fail),
                clock=StoreClock(lambda: 0),
                random=SystemRandom(),
            )
        assert "secret" not in str(refused.value)


async def test_a_broker_that_is_too_old_ends_the_process(server: RabbitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbitmq, "LEAST_VERSION", (99, 0))
    ended: list[str] = []
    async with process(server.url, up=False, end_with=ended.append):
        await until(lambda: bool(ended))
    assert ended == [f"RabbitMQ {server.version} is too old: 99.0 or newer is needed"]


async def test_a_marker_of_a_page_that_is_gone_is_taken_out_in_silence(server: RabbitServer, guest: str) -> None:
    """A version that knows none takes it for no message, and drops it likewise."""
    assert decode(MARKER + b"of another process") is None
    async with process(server.url) as (mailbox, _):
        reader = QueueReader()
        assert await put(mailbox, guest, message(1))
        with outsider(server) as channel:
            channel.basic_publish("", f"inbox.{guest}", MARKER + b"of another process")
        assert await put(mailbox, guest, message(2))
        handle = await mailbox.open(guest, reader)
        assert await reader.read(2) == [1, 2] and mailbox.counts["mail dropped"] == 0
        mailbox.ack(handle, [mail.tag for mail in reader.mail])
        await mailbox.close(handle)
        await mailbox.discard(guest)
        with outsider(server) as channel, pytest.raises(pika.exceptions.ChannelClosedByBroker):
            channel.queue_declare(f"inbox.{guest}", passive=True)


async def test_a_broker_killed_while_its_guest_comes_back_loses_nothing_that_has_a_tick(
    server: RabbitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience_s, name = 1.0, next(guests)
    monkeypatch.setattr(endpoint, "GAP_S", patience_s)
    async with Database(tmp_path / "citychat.db") as database, process(server.url) as (mailbox, link):
        stage = Stage(cast(VirtualLoop, asyncio.get_running_loop()), database, tmp_path)
        for node in stage.nodes:
            node.mailbox.store = mailbox
            node.process.start()
        anna, ben = await stage.p.join(next(guests)), await stage.q.join(name)
        await anna.seek()
        await until(lambda: bool(ben.events("user-offer")))
        assert await ben.answer("yes") == "ok"
        await until(lambda: bool(anna.events("user-session")))
        ben.leaves()
        await until(lambda: stage.q.registry.find(name) is None)
        await anna.say(anna.session, 1)
        await until(lambda: anna.ranges("stored") == [[(1, 1)]])
        server.kill()
        await until(lambda: not link.up)
        back = await ben.reload()
        await anna.say(anna.session, 2)
        await asyncio.sleep(3 * patience_s)  # as long as the broker is away
        assert back.texts() == []
        server.start()
        await until(lambda: link.up)
        await stage.q.joining.check()
        await until(lambda: len(back.texts()) >= 2)
        assert back.texts() == ["text 1", "text 2"] and stage.q.process.delivery.counts["gap rows"] == 0
        await back.ack(anna.session, 2)
        await until(lambda: [(1, 2)] in anna.ranges("delivered"))
        await stage.close()
