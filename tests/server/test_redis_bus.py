"""The bus over a Redis that is killed, frozen, cut off, emptied or full of rubbish; each test has its own."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from citychat.adapters.redis import Redis, RedisBus, RedisLobby
from citychat.adapters.redis import connection as driver
from citychat.adapters.redis.bus import BATCH
from citychat.adapters.service_status import ServiceStatus
from citychat.model import Message, Unavailable
from citychat.ports import RECORD_MAX_BYTES, BusEvent, NewerPage, NewMessage, PartnerTyping, Receipt, encode
from tests.support.patience import PATIENCE_S
from tests.support.proxy import Proxy
from tests.support.services.redis import RedisServer
from tests.support.services.running import REDIS, is_tested
from tests.support.stores import StoreClock

__test__ = is_tested(REDIS)

CHANNEL = "citychat:u:"


class Process:
    """A process's bus, with what it was told."""

    def __init__(self, url: str) -> None:
        self.unfit: list[str] = []
        self.link = ServiceStatus("Redis", Random(1), self.unfit.append)
        self.redis = Redis(url, link=self.link, clock=StoreClock(lambda: time.time_ns() // 10**6))
        self.bus = RedisBus(self.redis)
        self.heard: list[tuple[str, BusEvent]] = []
        self.resumed = 0
        self.bus.watch(self._resumed)

    def _resumed(self) -> None:
        self.resumed += 1

    async def listen(self, guest: str) -> object:
        return await self.bus.listen(guest, lambda record: self.heard.append((guest, record)))

    async def published(self, guest: str, record: BusEvent) -> int:
        """The listener count; no answer is an error."""
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.bus.publish(guest, record, answer.set_result)
        async with asyncio.timeout(PATIENCE_S):
            return await answer


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)


@asynccontextmanager
async def process(url: str, up: bool = True) -> AsyncIterator[Process]:
    one = Process(url)
    async with one.redis, one.bus:
        if up:
            await until(lambda: one.link.up)
        yield one


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    private = RedisServer(tmp_path)
    private.start()
    yield private
    private.stop()


@pytest.fixture(autouse=True)
async def no_task_outlives_its_bus() -> AsyncIterator[None]:
    yield
    assert not [task for task in asyncio.all_tasks() if driver.__file__ in repr(task)]


async def test_after_kill_9_and_a_restart_every_guest_is_heard_again_and_the_watchers_are_told_once(
    server: RedisServer,
) -> None:
    async with process(server.url) as one, process(server.url) as two:
        for n in range(20):
            await one.listen(f"guest {n}")
        server.kill()
        await until(lambda: not one.link.up and not two.link.up)
        assert await two.published("guest 1", NewerPage(0)) == 0
        with pytest.raises(Unavailable):
            await one.listen("anna")
        with pytest.raises(Unavailable):
            await one.bus.listeners(["guest 1"])
        server.start()
        await until(lambda: one.link.up and two.link.up)
        for n in range(20):
            assert await two.published(f"guest {n}", NewerPage(n)) == 1
        await until(lambda: len(one.heard) == 20)
        assert one.heard == [(f"guest {n}", NewerPage(n)) for n in range(20)]
        assert await one.bus.listeners(["anna"]) == [0], "a listen that failed leaves no subscription"
        assert (one.resumed, two.resumed) == (1, 1)


async def test_a_frozen_server_is_found_and_publishes_are_answered_and_all_heals_when_it_goes_on(
    server: RedisServer,
) -> None:
    async with process(server.url) as one:
        await one.listen("anna")
        server.freeze()
        answers = await asyncio.gather(*(one.published("anna", NewerPage(n)) for n in range(100)))
        assert answers == [0] * 100, "answered without the server, in time"
        await until(lambda: not one.link.up)
        assert one.link.trouble == "does not answer"
        server.thaw()
        await until(lambda: one.link.up)
        await until(lambda: one.resumed == 1)
        one.heard.clear()  # the frozen server may have taken some before
        assert await one.published("anna", NewerPage(1_000)) == 1
        await until(lambda: ("anna", NewerPage(1_000)) in one.heard)


async def test_a_frozen_server_is_found_while_nobody_says_anything(server: RedisServer) -> None:
    async with process(server.url) as one:
        await one.listen("anna")
        server.freeze()
        await until(lambda: not one.link.up)
        server.thaw()
        await until(lambda: one.resumed == 1)


async def test_a_server_that_has_forgotten_our_subscriptions_is_found(server: RedisServer) -> None:
    async with process(server.url) as one:
        await one.listen("anna")
        one.redis.push("UNSUBSCRIBE")  # of everything: from here on commands work and no push comes
        await until(lambda: one.resumed == 1)
        assert await one.published("anna", NewerPage(1)) == 1
        await until(lambda: one.heard == [("anna", NewerPage(1))])


async def test_a_connection_for_commands_that_hangs_alone_is_found(server: RedisServer) -> None:
    """What others publish still arrives, so that only the answers that do not come tell of it."""
    async with process(server.url) as one, process(server.url) as other:
        await one.listen("anna")
        hanging = asyncio.create_task(one.redis.call("BLPOP", "nothing", 0))  # Redis reads no further meanwhile
        while not hanging.done():
            other.bus.publish("anna", NewerPage(1))
            await asyncio.sleep(0.05)
        with pytest.raises(Unavailable):
            await hanging
        await until(lambda: one.resumed == 1)
        assert one.heard


async def test_a_link_that_swallows_everything_is_found_and_a_new_one_made(server: RedisServer) -> None:
    async with Proxy(lambda: [server.port]) as proxy, process(f"redis://127.0.0.1:{proxy.port}") as one:
        await one.listen("anna")
        proxy.blackhole()
        assert await one.published("anna", NewerPage(1)) == 0
        await until(lambda: not one.link.up)
        await proxy.heal()
        await until(lambda: one.resumed == 1)
        # Redis may still count the connection that nobody reads: that is why a count is no proof of delivery.
        assert await one.published("anna", NewerPage(2)) in (1, 2)
        await until(lambda: one.heard == [("anna", NewerPage(2))])


async def test_listen_returns_after_the_confirmation_of_its_own_subscription(server: RedisServer) -> None:
    """A guest who joins, goes and joins: the confirmation of the first must not be taken for that of the second."""
    async with (
        Proxy(lambda: [server.port]) as proxy,
        process(f"redis://127.0.0.1:{proxy.port}") as one,
        process(server.url) as other,
    ):

        async def subscribed(count: int) -> None:
            while await other.bus.listeners(["anna"]) != [count]:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)

        await one.listen("ben")
        proxy.to_client.open.clear()  # holds the confirmations
        first = asyncio.create_task(one.listen("anna"))
        await subscribed(1)
        assert not first.done()
        first.cancel()
        await subscribed(0)
        proxy.to_server.open.clear()  # holds the second subscription
        second = asyncio.create_task(one.listen("anna"))
        assert await other.published("ben", NewerPage(1)) == 1
        proxy.to_client.open.set()
        await until(lambda: one.heard == [("ben", NewerPage(1))])  # comes behind the confirmations of the first
        for _ in range(10):
            await asyncio.sleep(0)
        assert not second.done()
        proxy.to_server.open.set()
        await second
        assert await other.published("anna", NewerPage(2)) == 1


async def test_listen_gives_up_when_nobody_confirms(server: RedisServer) -> None:
    async with process(server.url) as one:
        server.freeze()
        with pytest.raises(Unavailable):
            await one.listen("anna")
        server.thaw()
        await until(lambda: one.resumed == 1)
        assert await one.bus.listeners(["anna"]) == [0]


@pytest.mark.parametrize("kind", ["pubsub", "normal"])
async def test_either_connection_cut_by_the_server_is_made_again(server: RedisServer, kind: str) -> None:
    async with process(server.url) as one:
        await one.listen("anna")
        assert server.tell(f"CLIENT KILL TYPE {kind} SKIPME yes") == ":1"
        await until(lambda: one.resumed == 1)
        assert await one.published("anna", NewerPage(1)) == 1
        await until(lambda: one.heard == [("anna", NewerPage(1))])


async def test_more_channels_than_fit_into_a_command_are_all_subscribed_again(server: RedisServer) -> None:
    guests = [f"guest {n}" for n in range(2 * BATCH + 1)]
    async with process(server.url) as one:
        await asyncio.gather(*(one.listen(guest) for guest in guests))
        assert await one.bus.listeners(guests) == [1] * len(guests)
        server.kill()
        server.start()
        await until(lambda: one.resumed == 1)
        assert await one.bus.listeners([*guests, "nobody"]) == [1] * len(guests) + [0]


async def test_losing_all_keys_touches_no_subscription(server: RedisServer) -> None:
    async with process(server.url) as one:
        await one.listen("anna")
        server.lose_data()
        assert await one.published("anna", NewerPage(1)) == 1
        await until(lambda: one.heard == [("anna", NewerPage(1))])
        assert one.resumed == 0


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


async def test_while_the_server_is_frozen_no_more_is_kept_than_the_cap_and_each_publish_is_answered_once(
    server: RedisServer,
) -> None:
    extra = 500
    async with process(server.url) as one:
        server.freeze()
        answers: list[tuple[int, int]] = []
        for n in range(driver.WAITING_MAX + extra):
            one.bus.publish("anna", NewerPage(n), lambda count, n=n: answers.append((n, count)))  # type: ignore[misc]
        assert answers == []
        await asyncio.sleep(0)
        assert len(answers) >= extra - 1  # at once; a beat of the watch may have had one place
        assert not any(count for _, count in answers)
        await until(lambda: len(answers) == driver.WAITING_MAX + extra)
        assert Counter(n for n, _ in answers) == Counter(range(driver.WAITING_MAX + extra))
        assert one.bus.counts["unanswered"] == driver.WAITING_MAX + extra
        server.thaw()


async def test_large_records_fill_no_memory_while_the_server_is_frozen(server: RedisServer) -> None:
    async with process(server.url) as one:
        server.freeze()
        answers: list[int] = []
        record = PartnerTyping("s" * (RECORD_MAX_BYTES - 100), True)
        for _ in range(20):
            for _ in range(100):
                one.bus.publish("anna", record, answers.append)
            await asyncio.sleep(0)
        most = driver.UNSENT_MAX_BYTES // RECORD_MAX_BYTES
        await asyncio.sleep(0)
        assert len(answers) >= 2_000 - 3 * most
        await until(lambda: len(answers) == 2_000)
        server.thaw()


async def test_what_was_published_last_is_sent_before_the_bus_closes(server: RedisServer) -> None:
    async with process(server.url) as listener:
        await listener.listen("anna")
        counts: list[int] = []
        async with process(server.url) as leaving:
            await leaving.listen("ben")
            for n in range(2_000):
                leaving.bus.publish("anna", NewerPage(n), counts.append)
        assert counts == [1] * 2_000
        await until(lambda: len(listener.heard) == 2_000)
        assert [record for _, record in listener.heard] == [NewerPage(n) for n in range(2_000)]
        async with asyncio.timeout(PATIENCE_S):
            while await listener.bus.listeners(["ben"]) != [0]:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)


async def test_closing_does_not_wait_for_a_frozen_server(server: RedisServer) -> None:
    answers: list[int] = []
    async with process(server.url) as one:
        await one.listen("anna")
        server.freeze()
        one.bus.publish("anna", NewerPage(1), answers.append)
    assert one.link.up, "it waited until the server was found to be frozen"
    assert answers == [0], "also then the publisher is answered"
    server.thaw()


async def test_a_process_starts_without_its_server_and_is_ready_soon_after_it_has_come(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    async with process(server.url, up=False) as one:
        with pytest.raises(Unavailable):
            await one.listen("anna")
        assert await one.published("anna", NewerPage(1)) == 0
        await until(lambda: "no connection" in one.link.trouble)
        server.start()
        await until(lambda: one.link.up)
        assert one.link.version == server.version
        assert one.resumed == 0, "nothing was heard before, so nothing was missed"
        await one.listen("anna")
        assert await one.published("anna", NewerPage(2)) == 1
    server.stop()


async def test_a_wrong_password_is_told_without_it_and_the_right_one_works(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = RedisServer(tmp_path, options=("--requirepass", "the-right-one"))
    server.start()
    for secret in ("the-wrong-one@", ""):
        url = server.url.replace("//", f"//:{secret}" if secret else "//")
        async with process(url, up=False) as one:
            await until(lambda: one.link.trouble == "refused the password")
    assert "the-wrong-one" not in caplog.text and str(server.port) not in caplog.text
    async with process(server.url.replace("//", "//:the-right-one@")) as one:
        await one.listen("anna")
        assert await one.published("anna", NewerPage(1)) == 1
    server.stop()


async def test_scripts_are_loaded_again_by_whoever_finds_them_gone(server: RedisServer) -> None:
    async with process(server.url) as one:
        lobby = RedisLobby(one.redis.run, random=Random(1))
        known = await asyncio.gather(*(lobby.renew("p") for _ in range(3 * driver.SCRIPTS_MAX)))
        assert known == [False] + [True] * (len(known) - 1)
        assert server.tell("SCRIPT FLUSH") == "+OK"
        assert await lobby.renew("p")
        server.kill()
        server.start()
        await until(lambda: one.resumed == 1)
        assert not await lobby.renew("p")


async def test_a_full_server_is_unavailable_to_the_lobby_and_told_once_and_the_bus_goes_on(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with process(server.url) as one:
        lobby = RedisLobby(one.redis.run, random=Random(1))
        await one.listen("anna")
        assert server.tell("CONFIG SET maxmemory 1") == "+OK"
        for _ in range(3):
            with pytest.raises(Unavailable):
                await lobby.renew("p")
        told = [line for line in caplog.messages if "refused the script" in line]
        assert told == ["Redis refused the script renew: OutOfMemoryError"]
        assert await one.published("anna", NewerPage(1)) == 1
        assert server.tell("CONFIG SET maxmemory 0") == "+OK"
        assert not await lobby.renew("p")
        assert server.tell("CONFIG SET maxmemory 1") == "+OK"
        with pytest.raises(Unavailable):
            await lobby.renew("p")
        told = [line for line in caplog.messages if "refused the script" in line]
        assert len(told) == 2, "full again is told again"


HINDRANCES = {
    "full": ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "OutOfMemoryError"),
    "foreign type": ("SET citychat:leases theirs", "DEL citychat:leases", "ResponseError"),
    "no scripts": ("ACL SETUSER default -evalsha", "ACL SETUSER default +@all", "NoPermissionError"),
    "no disk": ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0", "ResponseError"),
}


@pytest.mark.parametrize(("begin", "end", "kind"), HINDRANCES.values(), ids=HINDRANCES)
async def test_a_server_that_answers_but_refuses_the_lobby_is_shown_so_until_it_works_again(
    server: RedisServer, caplog: pytest.LogCaptureFixture, begin: str, end: str, kind: str
) -> None:
    async with process(server.url) as one:
        lobby = RedisLobby(one.redis.run, random=Random(1))
        assert server.tell(begin) == "+OK"
        for _ in range(3):
            with pytest.raises(Unavailable):
                await lobby.renew("p")
        assert one.link.up, "who talks goes on"
        assert one.link.state == f"refuses the lobby's scripts ({kind})"
        assert caplog.messages == [f"Redis refused the script renew: {kind}", f"Redis answers, but {one.link.state}"]
        server.tell(end)
        await lobby.renew("p")
        assert one.link.state == ""


async def test_each_refused_script_is_told_once_until_it_works(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with process(server.url) as one:
        lobby = RedisLobby(one.redis.run, random=Random(1))
        assert server.tell("CONFIG SET maxmemory 1") == "+OK"
        for _ in range(5):
            with pytest.raises(Unavailable):
                await lobby.renew("p")
            assert await lobby.networks("anna") == (), "it writes nothing and works"
        server.tell("CONFIG SET maxmemory 0")
        server.tell("SET citychat:leases theirs")
        for _ in range(5):
            for step in (lobby.renew, lobby.drop):
                with pytest.raises(Unavailable):
                    await step("p")
        refused = [line.rpartition("script ")[2] for line in caplog.messages if "refused the script" in line]
        assert refused == ["renew: OutOfMemoryError", "renew: ResponseError", "drop: ResponseError"]


OPTIONS = {
    "protocol": ("?protocol=3", "'protocol' is no option"),
    "unknown": ("?foo=bar", "'foo' is no option"),
    "decoded": ("?protocol=3&decode_responses=true", "'protocol' is no option"),
    "empty": ("?foo=", "'foo' is no option"),
    "timeout": ("?socket_timeout=abc", "'socket_timeout' is no option"),
    "database": ("?db=abc", "wrong name or value"),
    "unknown of TLS": ("?ssl_foo=bar", "wrong name or value"),
    "TLS without TLS": ("?ssl_cert_reqs=none", "wrong name or value"),
}


@pytest.mark.parametrize(("options", "complaint"), OPTIONS.values(), ids=OPTIONS)
async def test_an_option_that_is_not_the_hosts_to_set_is_refused_before_anything_is_tried(
    options: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint) as raised:
        Process(f"redis://:hunter2@127.0.0.1:1/0{options}")
    assert "hunter2" not in str(raised.value)


async def test_a_file_for_tls_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="options for TLS name cannot be used: No such file"):
        Process("rediss://127.0.0.1:1?ssl_ca_certs=/nowhere/ca.pem")
    Process("rediss://127.0.0.1:1/0?ssl_cert_reqs=none&db=2")


@pytest.mark.parametrize("denied", ["resetchannels", "-publish", "-subscribe", "-info"])
async def test_a_user_who_may_not_do_what_the_bus_needs_is_told_so(server: RedisServer, denied: str) -> None:
    assert server.tell(f"ACL SETUSER poor on >pw ~* allchannels +@all {denied}") == "+OK"
    async with process(server.url.replace("//", "//poor:pw@"), up=False) as one:
        await until(lambda: one.link.trouble == "refused a command (NoPermissionError)")


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


async def old_redis(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As much of Redis 6.0.9 as is needed to be told apart: no server so old is to be had."""
    while head := await reader.readline():
        words = []
        for _ in range(int(head[1:])):
            words.append(await reader.readexactly(int((await reader.readline())[1:]) + 2))
        if words[0] == b"INFO\r\n":
            facts = b"# Server\r\nredis_version:6.0.9\r\nredis_mode:standalone\r\n"
            writer.write(b"$%d\r\n%s\r\n" % (len(facts), facts))
        elif words[0] == b"SUBSCRIBE\r\n":
            writer.write(b"*3\r\n$9\r\nsubscribe\r\n$%d\r\n%s:1\r\n" % (len(words[1]) - 2, words[1]))
        else:
            writer.write(b"-ERR unknown command\r\n")
    writer.close()


async def test_a_server_that_is_too_old_is_refused_in_one_line() -> None:
    old = await asyncio.start_server(old_redis, "127.0.0.1", 0)
    async with old:
        async with process(f"redis://127.0.0.1:{old.sockets[0].getsockname()[1]}", up=False) as one:
            await until(lambda: bool(one.unfit))
            with pytest.raises(Unavailable):
                await one.listen("anna")
        await asyncio.sleep(0.01)  # its side sees the end
    assert one.unfit == ["Redis 6.0.9 is too old: 6.2 or newer is needed"]
