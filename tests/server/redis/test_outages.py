"""The bus over a Redis that is killed, frozen, cut off or emptied: found out, healed, and bounded meanwhile."""

import asyncio
import logging
from collections import Counter

import pytest
import uvloop

from citychat.adapters.redis import connection as driver
from citychat.adapters.redis.bus import BATCH
from citychat.model import Unavailable
from citychat.ports import RECORD_MAX_BYTES, NewerPage, PartnerTyping
from tests.server.redis.conftest import process
from tests.support.patience import PATIENCE_S, until
from tests.support.proxy import Proxy
from tests.support.services.redis import RedisServer
from tests.support.services.running import REDIS, is_tested

__test__ = is_tested(REDIS)


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


def test_what_is_sent_in_the_turn_in_which_the_link_ends_is_no_fault_of_ours(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The server runs on uvloop, whose sockets raise what those of asyncio take in silence."""

    async def scene() -> None:
        async with process(server.url) as one:
            await one.listen("anna")
            assert one.redis._pushes is not None and one.redis._pushes._transport is not None
            one.redis._pushes._transport.abort()
            one.redis.push("PING")
            await until(lambda: one.resumed == 1)
            assert await one.published("anna", NewerPage(1)) == 1
            await until(lambda: one.heard == [("anna", NewerPage(1))])

    uvloop.run(scene())
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


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
