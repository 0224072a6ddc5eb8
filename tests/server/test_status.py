"""``citychat status``: what a host is told of a server that runs, of one that was killed, and of none."""

import asyncio
import re
import signal
import stat
import time
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

import citychat
from tests.server.host import Ended, Host, run
from tests.server.test_cases import objects, reported
from tests.support.live_page import LivePage, meet
from tests.support.server_process import ServerProcess

WORDS = ["Running", "Guests", "Today", "Messages", "Mail", "Cases", "Disk", "Backup", "City database"]


async def status(data: Path, *flags: str) -> Ended:
    return await run("status", "--data", str(data), *flags)


async def figures(data: Path) -> dict[str, Any]:
    told = await status(data, "--json")
    assert (told.status, told.err) == (0, []), told
    found: dict[str, Any] = msgspec.json.decode("\n".join(told.out))
    return found


def said(told: Ended) -> dict[str, str]:
    """Each line by its first word."""
    assert (told.status, told.err) == (0, []), told
    return {line[:14].strip(): line[14:] for line in told.out}


async def drawn(page: LivePage, count: int) -> None:
    await page.screen.until(lambda: list(page.screen.states.values()) == ["delivered"] * count)


async def a_chat(server: ServerProcess) -> LivePage:
    """Two meet and talk; one of them goes, and the other writes on."""
    one, other = LivePage(server.url, Random(1)), LivePage(server.url, Random(2))
    await meet(one, other)
    for n in range(3):
        one.say(f"here {n}")
        await drawn(one, n + 1)
    await other.done()
    await one.screen.until(lambda: any(event == "user-left" for event, _ in one.screen.heard))
    one.say("away")
    await one.screen.until(lambda: list(one.screen.states.values()) == ["delivered"] * 3 + ["stored"])
    return one


async def test_a_host_is_told_what_was_played(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        quiet = said(await status(tmp_path))
        assert list(quiet) == WORDS
        assert quiet["Guests"] == "0 here: 0 free, 0 looking, 0 in chats"
        assert quiet["Backup"] == f"none yet: citychat backup --data {tmp_path}"
        page = await a_chat(server)
        assert (await run("backup", "--data", str(tmp_path))).status == 0
        told, found = said(await status(tmp_path)), await figures(tmp_path)
        assert re.fullmatch(rf"1 process, version {citychat.__version__}, for \d+ (s|min)", told["Running"])
        assert told["Guests"] == "1 here: 0 free, 0 looking, 1 in chats"
        assert re.fullmatch(r"matches 1, searches 2, median wait \d+ s \(since .*\)", told["Today"])
        assert re.fullmatch(r"4 since then, 99 % of those drawn at once within [\d,]+ ms", told["Messages"])
        assert (told["Mail"], told["Cases"]) == ("1 waiting for absent guests", "0 open")
        assert re.fullmatch(r"\d+ (s|min) old", told["Backup"])
        assert found["p99_delivery_s"] > 0 and found["median_wait_s"] > 0
        assert time.time() - found["backup_at"] < 600 and found["free_disk_bytes"] < found["disk_bytes"]
        numbers = {
            name: found[name] for name in ("processes", "silent", "ready", "here", "talking", "messages", "mail")
        }
        assert numbers == {
            "processes": 1, "silent": 0, "ready": 1, "here": 1, "talking": 1, "messages": 4, "mail": 1,
        }  # fmt: skip
        await page.done()


async def test_a_host_reads_that_the_house_is_closed_and_what_is_objected(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:

        async def host(*words: str) -> None:
            assert (await run(*words, "--data", str(tmp_path))).status == 0

        code, accused = await reported(server)
        assert said(await status(tmp_path))["Cases"] == f"1 open: citychat cases --data {tmp_path}"
        await host("guests", "pause", code, "--for", "7d", "--rule", "3")
        await host("cases", "close", code, "--acted", "--rule", "3")
        assert said(await status(tmp_path))["Cases"] == "0 open"
        await objects(server, accused)
        told, found = said(await status(tmp_path)), await figures(tmp_path)
        assert told["Cases"] == f"1 open, 1 of them with an objection to answer: citychat cases --data {tmp_path}"
        assert "House" not in told and (found["objections"], found["closed"]) == (1, "")
        await host("close", "Back at eight.")
        assert said(await status(tmp_path))["House"] == "closed until it is opened: Back at eight."
        await host("close", "Back soon.", "--until", "12h")
        told, found = said(await status(tmp_path)), await figures(tmp_path)
        assert told["House"] == "closed for 12 h more: Back soon."
        assert 0 < found["closed_until"] - time.time() <= 12 * 3_600
        await host("open")
        assert "House" not in said(await status(tmp_path))


async def test_only_the_servers_own_user_may_ask_and_the_socket_goes_with_the_server(tmp_path: Path) -> None:
    async with Host(tmp_path / "data") as host:
        socket = tmp_path / "data" / f"status-{host.port}.sock"
        assert stat.S_ISSOCK(socket.stat().st_mode) and socket.stat().st_mode & 0o077 == 0
        host.signal(signal.SIGTERM)
        assert (await host.end())[0] == 0
    assert not socket.exists()


async def test_where_no_server_answers_one_line_says_so(tmp_path: Path) -> None:
    for flags in ((), ("--json",)):
        told = await status(tmp_path, *flags)
        assert (told.status, told.out) == (1, [])
        assert told.err == [
            f"citychat status: no server answers in {tmp_path}; name the folder of one that runs with --data"
        ]
    told = await status(tmp_path, "now")
    assert (told.status, told.err) == (2, ["usage: citychat status [--json] [--data FOLDER]"])


async def test_after_a_kill_the_socket_that_was_left_neither_answers_nor_is_in_the_way(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    async with server:
        await server.kill()
        assert list(tmp_path.glob("status-*.sock"))
        assert (await status(tmp_path)).status == 1
        await server.start()
        assert (await figures(tmp_path))["processes"] == 1


async def test_who_asks_and_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        socket = str(next(tmp_path.glob("status-*.sock")))
        silent = [await asyncio.open_unix_connection(socket) for _ in range(50)]
        assert (await figures(tmp_path))["here"] == 0
        for _, writer in silent:
            writer.close()
        assert await server.stop() == 0


@pytest.mark.parametrize("name", ["d" * 120])
async def test_a_folder_whose_name_is_too_long_for_a_socket_has_a_server_all_the_same(
    tmp_path: Path, name: str
) -> None:
    async with Host(tmp_path / name) as host:
        assert (await host.get("/ready"))[0] == 200
        host.signal(signal.SIGTERM)
        status, log = await host.end()
    assert status == 0 and log.count("no command can ask there") == 1
