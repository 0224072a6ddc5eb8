"""A Redis that is not there yet, refuses, is full or too old: what the host is told, and when it goes on."""

import asyncio
import re
from pathlib import Path
from random import Random

import pytest

from citychat.adapters.redis import RedisLobby
from citychat.adapters.redis import connection as driver
from citychat.adapters.redis.lobby import PREFIX
from citychat.model import Unavailable
from citychat.ports import NewerPage, SessionEnded
from tests.server.redis.conftest import Process, process
from tests.support.patience import until
from tests.support.services.redis import RedisServer
from tests.support.services.running import REDIS, is_tested
from tests.support.stores import real_ms
from tests.support.stream_server import listening

__test__ = is_tested(REDIS)
HOSTING = Path(__file__).parents[3] / "docs" / "hosting.md"


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
        lobby = RedisLobby(one.redis.run, random=Random(1), now_ms=real_ms)
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
        lobby = RedisLobby(one.redis.run, random=Random(1), now_ms=real_ms)
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
    "foreign type": (f"SET {PREFIX}leases theirs", f"DEL {PREFIX}leases", "ResponseError"),
    "no scripts": ("ACL SETUSER default -evalsha", "ACL SETUSER default +@all", "its user lacks +evalsha"),
    "no disk": ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0", "ResponseError"),
}


@pytest.mark.parametrize(("begin", "end", "kind"), HINDRANCES.values(), ids=HINDRANCES)
async def test_a_server_that_answers_but_refuses_the_lobby_is_shown_so_until_it_works_again(
    server: RedisServer, caplog: pytest.LogCaptureFixture, begin: str, end: str, kind: str
) -> None:
    async with process(server.url) as one:
        lobby = RedisLobby(one.redis.run, random=Random(1), now_ms=real_ms)
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
        lobby = RedisLobby(one.redis.run, random=Random(1), now_ms=real_ms)
        assert server.tell("CONFIG SET maxmemory 1") == "+OK"
        for _ in range(5):
            with pytest.raises(Unavailable):
                await lobby.renew("p")
            assert await lobby.networks("anna") == (), "it writes nothing and works"
        server.tell("CONFIG SET maxmemory 0")
        server.tell(f"SET {PREFIX}leases theirs")
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


LACKING = {
    "resetchannels": "&citychat:*", "-publish": "+publish", "-subscribe": "+subscribe", "-info": "+info",
    "-@dangerous": "+info",
}  # fmt: skip


@pytest.mark.parametrize(("denied", "right"), LACKING.items(), ids=LACKING)
async def test_a_user_who_may_not_do_what_the_bus_needs_is_named_that_right_once_and_asks_ever_more_rarely(
    server: RedisServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, denied: str, right: str
) -> None:
    waits: list[float] = []

    def uniform(_: Random, low: float, high: float) -> float:
        waits.append(high)
        return low

    monkeypatch.setattr(Random, "uniform", uniform)
    assert server.tell(f"ACL SETUSER poor on >pw ~citychat:* &citychat:* +@all {denied}") == "+OK"
    async with process(server.url.replace("//", "//poor:pw@"), up=False) as one:
        await until(lambda: len(waits) > 8)
        assert one.link.trouble == f"refused a command (its user lacks {right})"
    assert waits[:8] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert caplog.messages == [f"Redis is away: {one.link.trouble}"]


async def test_the_user_that_the_documentation_makes_may_do_all_that_is_needed(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    rule = re.search(r"ACL SETUSER citychat on >\S+ ([^`]*)`", HOSTING.read_text("utf-8"))
    assert rule is not None
    assert server.tell(f"ACL SETUSER citychat on >pw {rule[1]}") == "+OK"
    async with process(server.url.replace("//", "//citychat:pw@")) as one:
        await RedisLobby(one.redis.run, random=Random(1), now_ms=int).renew("p")
        await one.listen("anna")
        assert await one.published("anna", SessionEnded("s", 1)) == 1
    assert not [record for record in caplog.records if record.levelname != "INFO"], caplog.text


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


async def test_a_server_that_is_too_old_is_refused_in_one_line() -> None:
    async with listening(old_redis) as port, process(f"redis://127.0.0.1:{port}", up=False) as one:
        await until(lambda: bool(one.ended))
        with pytest.raises(Unavailable):
            await one.listen("anna")
    assert one.ended == ["Redis 6.0.9 is too old: 6.2 or newer is needed"]
