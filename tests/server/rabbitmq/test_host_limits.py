"""A RabbitMQ whose host has set limits, rights and policies: what is reached is named, nothing with a tick is lost, and
all goes on without a restart once it is lifted."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from itertools import count

import pytest

from citychat.adapters.rabbitmq import RabbitMailbox, consumers, keeping, mailbox, publisher, refusals
from citychat.adapters.service_status import ServiceStatus
from tests.server.rabbitmq.conftest import QueueReader, guests, process
from tests.support.patience import PATIENCE_S, until
from tests.support.services.rabbitmq import RabbitServer
from tests.support.services.running import RABBITMQ, is_tested
from tests.support.stores import message, put

__test__ = is_tested(RABBITMQ)

ALL, NOTHING = ".*", "^$"
PEOPLE = 32  # sixteen pairs
vhosts = map("host{}".format, count())


class Tenancy:
    """A virtual host, and a user of it, with what its host allows them."""

    def __init__(self, server: RabbitServer) -> None:
        self._server, self.name = server, next(vhosts)
        server.manage("PUT", f"users/{self.name}", password=self.name, tags="")
        self.make()
        self.url = f"amqp://{self.name}:{self.name}@127.0.0.1:{server.port}/{self.name}"
        self.open_url = server.url.replace("%2F", self.name)  # as another user, whom no limit is for

    def make(self) -> None:
        self._server.manage("PUT", f"vhosts/{self.name}")
        self.allow(ALL, ALL, ALL)
        self.allow(ALL, ALL, ALL, user="guest")

    def delete(self) -> None:
        self._server.manage("DELETE", f"vhosts/{self.name}")

    def allow(self, configure: str, write: str, read: str, user: str = "") -> None:
        path = f"permissions/{self.name}/{user or self.name}"
        self._server.manage("PUT", path, configure=configure, write=write, read=read)

    def limit(self, whose: str, name: str, value: int) -> None:
        self._server.manage("PUT", f"{whose}-limits/{self.name}/{name}", value=value)

    def lift(self, whose: str, name: str) -> None:
        self._server.manage("DELETE", f"{whose}-limits/{self.name}/{name}")

    def policy(self, definition: Mapping[str, int | str]) -> None:
        what = {"pattern": "^inbox", "definition": definition, "apply-to": "queues"}
        self._server.manage("PUT", f"policies/{self.name}/limit", **what)

    def no_policy(self) -> None:
        self._server.manage("DELETE", f"policies/{self.name}/limit")


@pytest.fixture
def tenancy(server: RabbitServer) -> Tenancy:
    return Tenancy(server)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """What is tried again within half a minute, here within a second."""
    caplog.set_level(logging.INFO, "citychat")
    monkeypatch.setattr(consumers, "AGAIN_S", 0.1)
    monkeypatch.setattr(consumers, "AGAIN_MAX_S", 0.5)
    monkeypatch.setattr(publisher, "MISFIT_S", 1.0)
    monkeypatch.setattr(refusals, "KEPT_S", 3.0)
    monkeypatch.setattr(mailbox, "TRY_MORE_S", 1.0)
    monkeypatch.setattr(mailbox, "WATCH_AGAIN_S", 0.2)
    monkeypatch.setattr(keeping, "FIRST_LOOK_S", 0.5)


@pytest.fixture
def few_channels(server: RabbitServer) -> Iterator[None]:
    server.control("eval", "application:set_env(rabbit, channel_max, 12).")
    yield
    server.control("eval", "application:set_env(rabbit, channel_max, 2047).")


async def mail_for(url: str, names: Sequence[str]) -> None:
    """A message with a tick for each, put by a process that no limit is for."""
    async with process(url) as (unlimited, _):
        assert all(await asyncio.gather(*(put(unlimited, name, message(1)) for name in names)))


def opened(box: RabbitMailbox, names: Sequence[str]) -> dict[str, QueueReader]:
    """Open them all, as pages do that are here: again and again."""
    readers = {name: QueueReader() for name in names}
    for name, reader in readers.items():
        box._tasks.spawn(box._tasks.retry(partial(box.open, name, reader)), "a join")
    return readers


async def put_at_last(box: RabbitMailbox, name: str, n: int, text: str = "again") -> None:
    """Put as a page does: until it has its tick."""
    async with asyncio.timeout(PATIENCE_S):
        while not await put(box, name, message(n, x=text)):  # noqa: ASYNC110 - as a page does
            await asyncio.sleep(0.05)


def _is_settled(reader: QueueReader, links: Sequence[ServiceStatus]) -> bool:
    """Tell whether an opener has its mail, or a process has named a limit."""
    return bool(reader.mail) or any(link.state for link in links)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def test_pairs_beyond_the_queues_of_a_virtual_host_are_told_in_one_line_that_names_the_limit(
    tenancy: Tenancy, caplog: pytest.LogCaptureFixture
) -> None:
    names = [next(guests) for _ in range(16)]
    await mail_for(tenancy.open_url, names[:4])
    async with process(tenancy.url) as (box, link):
        assert await put(box, names[0], message(2))
        tenancy.limit("vhost", "max-queues", 6)
        for name in names[4:6]:  # up to the limit in turn: a broker that is asked for many at once makes some beyond it
            await box.open(name, QueueReader())
        readers = opened(box, names[:4] + names[6:])
        await until(lambda: link.state != "")
        assert link.up and link.state == "the limit max-queues of its virtual host (6) is reached"
        assert not await put(box, names[-1], message(1)), "it would have no tick"
        tried = box._refusals._timers[link.state]
        await until(lambda: box._refusals._timers[link.state] is not tried)  # refused again, and again
        for name in names[:4]:
            await readers[name].read(1)
        assert warnings(caplog) == [f"RabbitMQ answers, but {link.state}"]
        tenancy.lift("vhost", "max-queues")
        await until(lambda: link.state == "")
        for name in names[6:]:
            await put_at_last(box, name, 3)
            await readers[name].read(1)
        assert readers[names[0]].numbers == [1, 2] and readers[names[1]].numbers == [1]


async def test_a_connection_with_few_channels_is_joined_by_others(
    tenancy: Tenancy, few_channels: None, caplog: pytest.LogCaptureFixture
) -> None:
    names = [next(guests) for _ in range(PEOPLE)]
    await mail_for(tenancy.open_url, names)
    async with process(tenancy.url) as (box, link):
        readers = opened(box, names)
        for reader in readers.values():
            await reader.read(1)
        assert len(box._reading.all) >= 3
        answers = await asyncio.gather(*(put(box, name, message(2)) for name in names))
        assert all(answers) and link.state == ""
        for reader in readers.values():
            assert await reader.read(2) == [1, 2]
        await asyncio.gather(*(box.discard(next(guests)) for _ in range(20)))
    assert warnings(caplog) == []


async def test_a_connection_with_too_few_channels_to_put_names_the_number(
    tenancy: Tenancy, server: RabbitServer
) -> None:
    server.control("eval", "application:set_env(rabbit, channel_max, 5).")
    try:
        async with process(tenancy.url) as (_, link):
            await until(lambda: link.state == "its channel_max (5) is too low for this process")
    finally:
        server.control("eval", "application:set_env(rabbit, channel_max, 2047).")


@pytest.mark.parametrize(("processes", "most"), [(1, 24), (2, 40)])
async def test_guests_beyond_the_channels_of_a_user_wait_without_harm_to_the_others_until_there_are_more(
    tenancy: Tenancy, caplog: pytest.LogCaptureFixture, processes: int, most: int
) -> None:
    names = [next(guests) for _ in range(PEOPLE)]
    await mail_for(tenancy.open_url, names)
    tenancy.limit("user", "max-channels", most)
    async with AsyncExitStack() as stack:
        boxes = [await stack.enter_async_context(process(tenancy.url)) for _ in range(processes)]
        said = f"the limit max-channels of its user ({most}) is reached"
        readers: dict[str, QueueReader] = {}
        for n, name in enumerate(names):  # in turn: the broker counts a channel a moment after it has let it in
            readers |= opened(boxes[n % processes][0], [name])
            await until(partial(_is_settled, readers[name], [link for _, link in boxes]))
        await until(lambda: any(link.state == said for _, link in boxes))
        await until(lambda: all(link.up for _, link in boxes))
        for n, (box, _) in enumerate(boxes):
            await put_at_last(box, names[n], 2)
        if processes == 1:  # two may find room for all
            assert sum(bool(reader.mail) for reader in readers.values()) < PEOPLE
        tenancy.lift("user", "max-channels")
        for reader in readers.values():
            await reader.read(1)
        await until(lambda: all(link.state == "" for _, link in boxes))
        await until(lambda: all({1, 2} <= set(readers[name].numbers) for name in names[:processes]))
    said_by = [line for line in warnings(caplog) if "max-channels" in line]
    assert len(said_by) == len(warnings(caplog)) and (processes > 1 or len(said_by) == 2)


@pytest.mark.parametrize("limited", ["user", "vhost"])
async def test_a_process_that_may_have_one_connection_only_names_the_limit_and_goes_on_without_it(
    tenancy: Tenancy, guest: str, limited: str, caplog: pytest.LogCaptureFixture
) -> None:
    tenancy.limit(limited, "max-connections", 1)
    whose = "user" if limited == "user" else "virtual host"
    reached = f"the limit max-connections of its {whose} (1) is reached"
    for _ in range(20):  # RabbitMQ counts a connection a moment after it has let it in: of two at once both may be in
        async with process(tenancy.url, up=False) as (box, link):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await until(lambda: link.state == reached)
            if link.state != reached:
                continue
            tenancy.lift(limited, "max-connections")
            await until(lambda: link.state == "")
            assert await put(box, guest, message(1))
            break
    else:
        pytest.fail("two connections were let in again and again")
    assert sum("max-connections" in line for line in warnings(caplog)) == 1


OF_QUEUES = "its user lacks a right on the queues named inbox. (set_permissions)"


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        ((NOTHING, ALL, ALL), OF_QUEUES),
        ((ALL, "^inbox", ALL), "its user lacks the right to write to amq.default (set_permissions)"),
        ((ALL, ALL, NOTHING), OF_QUEUES),
    ],
    ids=["configure", "write", "read"],
)
async def test_a_user_without_a_right_is_told_once_and_served_when_there(
    tenancy: Tenancy, guest: str, caplog: pytest.LogCaptureFixture, patterns: tuple[str, ...], said: str
) -> None:
    await mail_for(tenancy.open_url, [guest])
    tenancy.allow(*patterns)
    async with process(tenancy.url) as (box, link):
        readers = opened(box, [guest])
        await put(box, guest, message(2))
        await until(lambda: link.state == said)
        await put(box, guest, message(3))
        assert link.up and warnings(caplog) == [f"RabbitMQ answers, but {said}"]
        tenancy.allow(ALL, ALL, ALL)
        await put_at_last(box, guest, 4)
        await until(lambda: {1, 4} <= set(readers[guest].numbers))
        await until(lambda: link.state == "")


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"message-ttl": 700}, keeping.FORGETS),
        ({"expires": 700}, keeping.FORGETS),
        ({"max-length": 3, "overflow": "drop-head"}, keeping.HOLDS_LESS),
    ],
    ids=["message-ttl", "expires", "max-length"],
)
async def test_a_policy_that_has_mail_forgotten_is_named_until_it_is_gone(
    tenancy: Tenancy, guest: str, definition: dict[str, int | str], said: str
) -> None:
    async with process(tenancy.url) as (box, link):
        assert link.advice == ""
        tenancy.policy(definition)
        await until(lambda: link.advice == said)
        if "max-length" in definition:
            answers = [await put(box, guest, message(n)) for n in range(1, 6)]
            assert answers == [True] * 3 + [False] * 2, "refused without a tick, and none of the first is dropped"
        tenancy.no_policy()
        await until(lambda: link.advice == "")


async def test_a_message_larger_than_the_broker_takes_is_refused_and_the_others_are_not(
    tenancy: Tenancy, server: RabbitServer, guest: str
) -> None:
    def most(size_bytes: int) -> None:
        server.control("eval", f"application:set_env(rabbit, max_message_size, {size_bytes}).")

    most(512)
    try:
        async with process(tenancy.url) as (box, link):
            answers: dict[int, bool] = {}
            for n in range(1, 21):
                text = "x" * (1_000 if n == 10 else 10)
                box.put(guest, [message(n, x=text)], lambda ok, n=n: answers.update({n: ok}))  # type: ignore[misc]
            await until(lambda: len(answers) == 20)
            assert answers == {n: n != 10 for n in range(1, 21)}
            assert link.up and link.state == "the limit max_message_size (512) is reached"
            await asyncio.to_thread(most, 134_217_728)
            await put_at_last(box, guest, 21, "x" * 1_000)
            await until(lambda: link.state == "")
    finally:
        most(134_217_728)


async def test_a_virtual_host_that_is_deleted_is_named_and_found_again(
    tenancy: Tenancy, server: RabbitServer, guest: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with process(tenancy.url) as (box, link):
        readers = opened(box, [guest])
        assert await put(box, guest, message(1))
        await readers[guest].read(1)
        tenancy.delete()
        await until(lambda: link.trouble == "the virtual host does not exist or is not ours to use")
        assert not await put(box, guest, message(2))
        tenancy.make()
        await until(lambda: link.up)
        assert await put(box, guest, message(3))
        await until(lambda: 3 in readers[guest].numbers)
    assert len(warnings(caplog)) <= 4
