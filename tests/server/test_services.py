"""Processes over real servers: what is there at a start and what is not, what /ready says, and coming back.

A proxy before each server makes it unreachable for the process under test alone: the tests share the servers.
"""

import asyncio
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import chain, combinations
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest

from citychat.client.shapes import TOKEN
from citychat.tokens import Tokens, load_keys, rotate
from tests.server.rawclient import Raw
from tests.server.test_status import figures
from tests.server.test_wrong_clock import BEHIND_S, again, join, on_wrong_clock, talk
from tests.support.ending import communicated
from tests.support.live_page import LivePage, meet
from tests.support.moved_clock import set_clock
from tests.support.patience import PATIENCE_S
from tests.support.proxy import Proxy
from tests.support.server_process import ROOT, ServerProcess, citychat
from tests.support.services.redis import RedisServer
from tests.support.services.running import KINDS, is_tested, mongo_url, rabbit_url, redis_url

__test__ = all(map(is_tested, KINDS))

NAMES = ("bus", "mailbox", "history")
ENGINES = {"bus": "Redis", "mailbox": "RabbitMQ", "history": "MongoDB"}
ABSENT = [(), *((name,) for name in NAMES), NAMES]
SILENT = list(chain.from_iterable(combinations(NAMES, count) for count in (1, 2, 3)))
STOPPED_S = 15.0  # docs/hosting.md
JOIN = {"v": 1, "consent": "1", "adult": True, "available": True, "visible": True}


def _proxy(port: int) -> Proxy:
    return Proxy(lambda: [port])


class Cluster:
    """The servers of the run behind proxies, a database of its own, and the flags of its processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = folder / "secret.keys"
        load_keys(self.keys, Random(1))
        servers = {"bus": redis_url(), "mailbox": rabbit_url(), "history": mongo_url()}
        self.proxies = {name: _proxy(urlsplit(url).port or 0) for name, url in servers.items()}
        self._servers = servers
        self._database = f"services_{os.urandom(6).hex()}"

    def url(self, name: str) -> str:
        parts = urlsplit(self._servers[name])
        host = f"127.0.0.1:{self.proxies[name].port}"
        account = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        path = f"/{self._database}" if name == "history" else parts.path
        return f"{parts.scheme}://{account}{host}{path}"

    def flags(self, *names: str) -> list[str]:
        own = chain.from_iterable((f"--{name}", self.url(name)) for name in names or NAMES)
        return [*own, "--secret-file", str(self.keys)]

    def process(self, name: str = "data") -> ServerProcess:
        return ServerProcess(self.folder / name, *self.flags())

    async def down(self, names: Sequence[str]) -> None:
        for name in names:
            await self.proxies[name].down()

    async def up(self) -> None:
        for proxy in self.proxies.values():
            await proxy.heal()


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    made = Cluster(tmp_path)
    async with AsyncExitStack() as stack:
        for proxy in made.proxies.values():
            await stack.enter_async_context(proxy)
        yield made


async def asked(server: ServerProcess, path: str) -> tuple[int, dict[str, Any], str]:
    """Status, JSON and Cache-Control."""

    def ask() -> tuple[int, dict[str, Any], str]:
        try:
            with urllib.request.urlopen(server.url + path, timeout=PATIENCE_S) as answer:
                return answer.status, json.load(answer), answer.headers["Cache-Control"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error), error.headers["Cache-Control"]

    return await asyncio.to_thread(ask)


async def ready(server: ServerProcess) -> tuple[int, dict[str, Any]]:
    status, said, cached = await asked(server, "/ready")
    assert cached == "no-store"
    return status, said


async def until_states(server: ServerProcess, absent: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """Wait until exactly ``absent`` are away."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            status, said = await ready(server)
            away = [name for name in NAMES if said[name]["state"] != "ok"]
            if away == list(absent) and all(said[name]["state"] != "not reached yet" for name in NAMES):
                return status, said
            await asyncio.sleep(0.02)


@asynccontextmanager
async def raw_page(server: ServerProcess) -> AsyncIterator[Raw]:
    page = await Raw.page(server.port)
    try:
        yield page
    finally:
        await page.close()


async def join_answer(server: ServerProcess) -> dict[str, Any]:
    async with raw_page(server) as page:
        await page.send(f'42/user,1["user-join",{json.dumps(JOIN)}]')
        start, payload = await page.packet()
        assert start == "43/user,1"
        answer: dict[str, Any] = payload[0]
        return answer


@pytest.mark.parametrize("absent", ABSENT, ids=lambda absent: " ".join(absent) or "none")
async def test_a_process_starts_without_its_services_names_them_and_is_ready_after_their_return(
    cluster: Cluster, absent: tuple[str, ...]
) -> None:
    await cluster.down(absent)
    async with cluster.process() as server:
        assert (await asked(server, "/live"))[:2] == (200, {"live": True})
        status, said = await until_states(server, absent)
        vital = {"bus", "history"} & set(absent)
        assert (status, said["ready"]) == ((503, False) if vital else (200, True))
        assert {name: said[name]["engine"] for name in NAMES} == ENGINES
        assert all(said[name].get("version") for name in NAMES if name not in absent)
        text = json.dumps(said)
        assert "127.0.0.1" not in text and "guest" not in text and "//" not in text
        answer = await join_answer(server)
        assert answer.get("error", "") == ("unavailable" if vital else "")
        assert not vital or 0 < answer["retry_ms"] <= 2_000
        await cluster.up()
        status, said = await until_states(server, ())
        assert (status, said["ready"]) == (200, True)
        assert (await join_answer(server))["ok"]
        assert await server.stop() == 0
        log = "\n".join(server.output)
        assert "guest:guest" not in log and "Traceback" not in log
    assert not (cluster.folder / "data" / "citychat.db").exists(), "nothing is embedded"


async def test_services_that_go_and_come_back_are_noticed_while_guests_talk(cluster: Cluster) -> None:
    async with cluster.process("one") as one, cluster.process("two") as two:
        await until_states(one, ())
        await until_states(two, ())
        anna, ben = LivePage(one.url, Random(1)), LivePage(two.url, Random(2))
        s = await meet(anna, ben)
        said: list[str] = []
        for name in NAMES:
            anna.say(f"before {name} goes")
            await cluster.down([name])
            await until_states(one, [name])
            ben.say(f"without {name}")
            await cluster.up()
            await until_states(one, ())
            await until_states(two, ())
            said += [f"before {name} goes", f"without {name}"]
        for page in (anna, ben):
            await page.screen.until(lambda page=page: sorted(page.screen.transcript(s)) == sorted(said))  # type: ignore[misc]
            await page.screen.until(
                lambda page=page: set(page.screen.states.values()) == {"delivered"}  # type: ignore[misc]
            )
        assert anna.screen.transcript(s) == ben.screen.transcript(s)
        for page in (anna, ben):
            await page.done()


async def test_after_a_short_cut_of_the_bus_those_who_talk_are_told_of_each_other_and_nobody_of_an_absence(
    cluster: Cluster,
) -> None:
    async with cluster.process("one") as one, cluster.process("two") as two:
        await until_states(one, ())
        await until_states(two, ())
        pages = LivePage(one.url, Random(1)), LivePage(two.url, Random(2))
        s = await meet(*pages)
        for page in pages:
            page.screen.heard.clear()
        cluster.proxies["bus"].reset()
        # Whose process is back first hears it from the other one's.
        async with asyncio.timeout(PATIENCE_S):
            while not any(("user-join", {"session": s}) in page.screen.heard for page in pages):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        for n, page in enumerate(pages):
            page.say(f"after the cut {n}")
        for page in pages:
            await page.screen.until(lambda page=page: list(page.screen.states.values()) == ["delivered"])  # type: ignore[misc]
            assert [event for event, _ in page.screen.heard if event == "user-left"] == []
        for page in pages:
            await page.done()


def exists(queue: str) -> bool:
    """Asked on a connection of its own, which the broker may close for the question."""
    with pika.BlockingConnection(pika.URLParameters(rabbit_url())) as connection:
        try:
            connection.channel().queue_declare(queue, passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            return False
    return True


async def until_kept(reader: LivePage, session: str) -> None:
    """Wait until the history has what the page has drawn: the mailbox's ack follows it at once."""
    async with asyncio.timeout(PATIENCE_S):
        asked = {"session": session, "limit": 10}
        while not (await reader.asked("chat-history", asked))["messages"]:  # noqa: ASYNC110 - nobody tells a page
            await asyncio.sleep(0.5)


async def until_gone(queue: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await asyncio.to_thread(exists, queue):  # noqa: ASYNC110 - a broker tells nobody
            await asyncio.sleep(0.05)


async def test_the_status_of_one_process_is_that_of_all_and_a_frozen_one_is_named(cluster: Cluster) -> None:
    async with cluster.process("one") as one, cluster.process("two") as two:
        for server in (one, two):
            await until_states(server, ())
        a, b = LivePage(one.url, Random(1)), LivePage(two.url, Random(2))
        await meet(a, b)
        a.say("over the bus")
        await a.screen.until(lambda: list(a.screen.states.values()) == ["delivered"])
        for server in (one, two):
            async with asyncio.timeout(PATIENCE_S):
                while (told := await figures(server.data))["processes"] < 2:  # noqa: ASYNC110 - nobody tells who hears
                    await asyncio.sleep(0.1)
            counted = {name: told[name] for name in ("processes", "silent", "here", "talking", "searches", "matches")}
            assert counted == {"processes": 2, "silent": 0, "here": 2, "talking": 2, "searches": 2, "matches": 1}
            assert (told["messages"], told["reports"]) == (1, 0) and told["p99_delivery_s"] > 0
            assert told["mail"] is told["backup_at"] is None, "RabbitMQ and MongoDB have them"
        os.kill(two.pid, signal.SIGSTOP)
        told = await figures(one.data)
        assert (told["processes"], told["silent"], told["here"]) == (2, 1, 1)
        os.kill(two.pid, signal.SIGCONT)
        await a.done()
        await b.done()


async def test_a_guests_queue_is_there_while_a_chat_needs_it_and_gone_when_the_last_has_ended(cluster: Cluster) -> None:
    tokens = Tokens(load_keys(cluster.keys, Random(1)), lambda: time.time_ns() // 1_000_000)
    async with cluster.process() as server:
        await until_states(server, ())
        anna, ben = LivePage(server.url, Random(1)), LivePage(server.url, Random(2))
        s = await meet(anna, ben)
        claims = [tokens.read(page.storage[TOKEN]) for page in (anna, ben)]
        queues = [f"inbox.{who.guest}" for who in claims if who]
        assert len(queues) == 2
        await ben.done()
        await anna.screen.until(lambda: any(event == "user-left" for event, _ in anna.screen.heard))
        anna.say("for later")
        await anna.screen.until(lambda: list(anna.screen.states.values()) == ["stored"])
        assert [await asyncio.to_thread(exists, queue) for queue in queues] == [True, True]
        await anna.asked("user-leave", {"session": s})
        await anna.done()
        await until_gone(queues[0])
        assert await asyncio.to_thread(exists, queues[1]), "something waits in it"
        back, again = (LivePage(server.url, Random(3), storage=page.storage) for page in (anna, ben))
        back.start()
        await back.screen.until(lambda: back.joined)
        again.start()
        await again.screen.until(lambda: again.screen.transcript(s) == ["for later"])
        await until_kept(again, s)
        assert list(back.screen.states.values()) == ["stored"], "nobody is told who comes after the end"
        for page, queue in ((again, queues[1]), (back, queues[0])):
            await page.done()
            await until_gone(queue)


async def test_a_redis_that_lost_everything_knows_all_guests_again_at_once(cluster: Cluster, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path / "redis")
    redis.start()
    flags = ["--bus", redis.url, *cluster.flags("mailbox", "history")]
    try:
        async with ServerProcess(tmp_path / "one", *flags) as one, ServerProcess(tmp_path / "two", *flags) as two:
            await until_states(one, ())
            await until_states(two, ())
            anna, ben = LivePage(one.url, Random(1)), LivePage(two.url, Random(2))
            for page in (anna, ben):
                page.start()
                await page.screen.until(lambda page=page: page.joined)  # type: ignore[misc]
            redis.kill()
            await until_states(one, ["bus"])
            redis.start()
            await until_states(one, ())
            await until_states(two, ())
            assert (await anna.asked("user-seek", {}))["state"] == "asking"
            await anna.screen.until(anna.in_chat)
            await ben.screen.until(ben.in_chat)
            for page in (anna, ben):
                await page.done()
    finally:
        redis.stop()


async def run(*words: str, module: str = "citychat") -> tuple[int, list[str], list[str]]:
    """Status, output, errors."""
    pipe = asyncio.subprocess.PIPE
    command = citychat(*words, program=[module])
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, cwd=ROOT)
    out, errors = await communicated(process)
    assert process.returncode is not None
    return process.returncode, out.decode().splitlines(), errors.decode().splitlines()


async def test_check_reaches_every_service_once_and_names_those_it_cannot(cluster: Cluster, tmp_path: Path) -> None:
    words = ["--check", "--data", str(tmp_path / "data"), *cluster.flags()]
    assert (await run(*words))[:2] == (0, ["Everything is in order."])
    await cluster.down(["mailbox", "history"])
    async with asyncio.timeout(PATIENCE_S):
        status, out, errors = await run(*words)
    assert (status, out) == (1, [])
    (line,) = errors
    assert line.startswith(f"citychat: mailbox amqp://127.0.0.1:{cluster.proxies['mailbox'].port}")
    assert f"; history mongodb://127.0.0.1:{cluster.proxies['history'].port}" in line and "bus" not in line
    assert "guest" not in "\n".join(errors)


async def test_a_server_that_is_too_old_ends_the_start_with_one_line_and_status_1(cluster: Cluster) -> None:
    for name in NAMES:
        words = ["--port", "0", "--data", str(cluster.folder / name), *cluster.flags(name)]
        async with asyncio.timeout(PATIENCE_S):
            status, _, errors = await run(*words, module="tests.server.demanding")
        assert status == 1
        assert errors[-1].startswith(f"citychat: {ENGINES[name]} ")
        assert errors[-1].endswith(" is too old: 99.0 or newer is needed")


async def test_the_start_lines_name_each_engine_without_its_password(cluster: Cluster, tmp_path: Path) -> None:
    secret = tmp_path / "bus.url"
    secret.write_text(f"redis://:hunter2@127.0.0.1:{cluster.proxies['bus'].port}/0\n")
    secret.chmod(0o600)
    flags = ["--bus", f"file://{secret}", "--history", cluster.url("history"), "--secret-file", str(cluster.keys)]
    async with ServerProcess(tmp_path / "data", *flags) as server:
        bus, history = (cluster.proxies[name].port for name in ("bus", "history"))
        services = next(line for line in server.output if line.startswith("Services"))
        assert services.startswith(f"Services      bus redis://127.0.0.1:{bus}/0, mailbox embedded, ")
        assert f"history mongodb://127.0.0.1:{history}/services_" in services
        assert "Warning       embedded mailbox: this must stay the only process on this bus" in server.output
        said = (await ready(server))[1]
        assert (said["mailbox"], said["clock"]) == ({"engine": "embedded", "state": "ok"}, "ok")
        status, said = await ready(server)
        assert status == 503 and said["bus"]["state"] != "ok", "this Redis asks for no password, and refuses one"
    assert "hunter2" not in "\n".join(server.output)


async def test_several_processes_start_only_with_the_same_keys(cluster: Cluster, tmp_path: Path) -> None:
    missing = tmp_path / "none.keys"
    words = ["--port", "0", "--data", str(tmp_path / "data"), "--bus", cluster.url("bus")]
    status, _, errors = await run(*words)
    assert (status, errors) == (
        2,
        [
            "citychat: bus is a Redis and secret_file is not given: expected --secret-file FILE, because every process "
            "needs the same keys"
        ],
    )
    status, _, errors = await run(*words, "--secret-file", str(missing))
    assert status == 1 and errors[0].startswith(f"citychat: there is no key file {missing}: ")
    assert not missing.exists()


@pytest.fixture
def private(tmp_path: Path) -> Iterator[RedisServer]:
    """What stands for the keys is one for all processes on a Redis."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


async def test_a_process_with_other_keys_than_those_here_ends_with_one_line_and_status_2(
    private: RedisServer, tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours.keys", tmp_path / "theirs.keys"
    load_keys(ours, Random(1))
    secret = load_keys(theirs, Random(2)).current
    flags = ("--bus", private.url, "--port", "0", "--data", str(tmp_path / "other"))
    async with ServerProcess(tmp_path / "data", "--bus", private.url, "--secret-file", str(ours)) as server:
        await until_states(server, ())
        async with asyncio.timeout(PATIENCE_S):
            while private.tell("EXISTS citychat:keys") != ":1":  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        for more in ((), ("--check",)):
            async with asyncio.timeout(PATIENCE_S):
                status, _, errors = await run(*flags, "--secret-file", str(theirs), *more)
            assert status == 2
            assert errors[-1].startswith("citychat: secret_file: its keys are not those of the other processes")
            assert secret.id not in "\n".join(errors)
        private.lose_data()
        async with asyncio.timeout(PATIENCE_S):
            while private.tell("EXISTS citychat:keys") != ":1":  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)
        assert server.running
        rotate(ours, Random(3))  # the next process has the new key as well, and shares the old one
        assert (await run(*flags, "--secret-file", str(ours), "--check"))[0] == 0
        async with ServerProcess(tmp_path / "third", "--bus", private.url, "--secret-file", str(ours)) as third:
            await until_states(third, ())
            assert await third.stop() == 0
        assert await server.stop() == 0
        assert "other keys" not in "\n".join(server.output)


async def test_a_full_redis_is_shown_by_ready_though_nobody_is_here_and_no_longer_when_there_is_room(
    private: RedisServer, tmp_path: Path
) -> None:
    keys = tmp_path / "secret.keys"
    load_keys(keys, Random(1))
    async with ServerProcess(tmp_path / "data", "--bus", private.url, "--secret-file", str(keys)) as server:
        assert (await until_states(server, ()))[0] == 200
        private.tell("CONFIG SET maxmemory 1")
        status, said = await until_states(server, ["bus"])
        assert (status, said["bus"]["state"]) == (503, "refuses the lobby's scripts (OutOfMemoryError)")
        private.tell("CONFIG SET maxmemory 0")
        assert (await until_states(server, ()))[0] == 200
        assert sum("refused the script" in line for line in server.output) == 1


@pytest.mark.parametrize("silent", SILENT, ids=" ".join)
async def test_a_process_whose_services_are_silent_ends_within_the_time_that_hosts_are_told(
    cluster: Cluster, silent: tuple[str, ...]
) -> None:
    """One message is drawn and in no history yet, another on its way to somebody: there is all to wait for."""
    async with cluster.process() as server:
        await until_states(server, ())
        anna, ben = LivePage(server.url, Random(1)), LivePage(server.url, Random(2))
        s = await meet(anna, ben)
        for name in {*silent} - {"bus"}:
            cluster.proxies[name].blackhole()
        anna.say("drawn")
        await ben.screen.until(lambda: ben.screen.transcript(s) == ["drawn"])
        if "bus" in silent:  # last, because it has brought the message
            cluster.proxies["bus"].blackhole()
        ben.say("on its way")
        began_s = time.monotonic()
        assert await server.stop() == 0
        assert time.monotonic() - began_s < STOPPED_S
        for page in (anna, ben):
            await page.done()
    assert "Traceback" not in "\n".join(server.output)


async def test_half_an_hour_behind_it_waits_for_the_right_time_and_everybody_is_who_they_were(
    cluster: Cluster, tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    set_clock(clock, 0)
    server = on_wrong_clock(cluster.folder / "data", clock, *cluster.flags())
    async with server:
        anna, ben, session = await talk(server.url)
        assert await server.stop() == 0
        set_clock(clock, BEHIND_S)
        with suppress(RuntimeError):  # it may end before anybody can come
            await server.start()
        assert await server.ended() == 1
        assert [line for line in server.output if "are more than 5 minutes apart: let NTP set both" in line]
        set_clock(clock, 0)
        await server.start()
        pages = again(anna, server.url), again(ben, server.url)
        await join(*pages)
        assert [page.outbox.running for page in pages] == [session, session]
        for page in pages:
            await page.done()
