"""How the program ends, and how many open files it allows itself: real processes, as a host sees them."""

import asyncio
import contextlib
import json
import signal
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.server.host import JOIN, Host, refusal, texts, with_files
from tests.server.rawclient import Closed, Raw
from tests.support.ending import communicated
from tests.support.patience import PATIENCE_S
from tests.support.server_process import ROOT, ServerProcess


async def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one() -> None:
    ask = f"{with_files(128, 1500)}; from citychat.server.listeners import raise_file_limit; print(raise_file_limit())"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", ask, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert (await communicated(child))[0] == b"1500\n"


async def test_too_few_open_files_are_told_at_start(tmp_path: Path) -> None:
    line = await refusal("--data", str(tmp_path), first=with_files(300, 300))
    assert line == "only 300 files may be open: allow 400 or more (ulimit -n)"


async def test_connections_never_take_the_files_that_the_storage_needs(tmp_path: Path) -> None:
    async with Host(tmp_path / "data", first=with_files(420, 420)) as host:
        page = await host.page()
        crowd = [await Raw.tcp(host.port) for _ in range(600)]
        assert not await host.lets_in()
        await page.send('42/user,2["user-seek",{}]')
        assert (await page.packet())[1] == [{"ok": True, "state": "asking"}]
        open_files = len(list(Path(f"/proc/{host.child.pid}/fd").iterdir())) if sys.platform == "linux" else 220
        assert 200 <= open_files <= 221
        for each in crowd:
            await each.close()
        async with asyncio.timeout(PATIENCE_S):
            while not await host.lets_in():  # noqa: ASYNC110  # until the server has seen them close
                await asyncio.sleep(0.05)
        host.signal(signal.SIGTERM)
        status, log = await host.end()
        await page.close()
    refused = [line for line in log.splitlines() if "open files" in line]
    assert (status, len(refused)) == (0, 1)
    assert refused[0].endswith("Refused: a connection, for there may be 420 open files: raise LimitNOFILE or ulimit -n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_with_nobody_there_it_stops_and_its_port_is_free(tmp_path: Path, number: int) -> None:
    async with Host(tmp_path / "data") as host:
        host.signal(number)
        assert (await host.end())[0] == 0
    async with Host(tmp_path / "data", port=host.port) as again:
        assert again.port == host.port


async def heard_until_closed(page: Raw, leaves: bool) -> list[Any]:
    """Every event up to the end; ``leaves``: as a page does when it is sent away."""
    heard = []
    with contextlib.suppress(Closed):
        while True:
            heard.append((await page.packet())[1])
            if leaves and heard[-1][0] == "user-drain":
                await page.close()
                return heard
    return heard


@pytest.mark.parametrize("leaves", [True, False], ids=["pages leave", "pages stay"])
async def test_twenty_pages_are_sent_away_in_waves_and_come_back_within_2_s(tmp_path: Path, leaves: bool) -> None:
    async with Host(tmp_path / "data") as host:
        pages = [await host.page() for _ in range(20)]
        hearing = [asyncio.ensure_future(heard_until_closed(page, leaves)) for page in pages]
        host.signal(signal.SIGTERM)
        await host.refuses()
        host.signal(signal.SIGTERM)  # a second one changes nothing
        status, log = await host.end()
        heard = await asyncio.gather(*hearing)
        for page in pages:
            await page.close()
    assert (status, [event for event in heard if event[-1] != ["user-drain", {"retry_ms": 2000}]]) == (0, [])
    assert "Stopping: 20 pages are sent away to come back" in log
    async with Host(tmp_path / "data", port=host.port) as again:
        await (await again.page()).close()


async def test_a_stop_in_the_middle_of_joins_answers_them_or_closes(tmp_path: Path) -> None:
    async with Host(tmp_path / "data") as host:
        pages = [await Raw.page(host.port) for _ in range(60)]
        await asyncio.gather(*(page.send(JOIN) for page in pages))
        host.signal(signal.SIGTERM)
        heard = await asyncio.gather(*(heard_until_closed(page, True) for page in pages))
        status, log = await host.end()
        for page in pages:
            await page.close()
    first = [events[0][0] for events in heard if events]
    assert all(isinstance(answer, dict) and (answer["ok"] or answer["error"] == "busy") for answer in first), first
    assert (status, "ERROR" in log, "WARNING" in log) == (0, False, False), log


async def test_what_was_drawn_when_it_stops_is_kept(tmp_path: Path) -> None:
    async with Host(tmp_path / "data") as host:
        a, b = await host.page(), await host.page()

        async def hear(page: Raw, event: str) -> Any:
            while True:
                packet = (await page.packet())[1]
                if packet and packet[0] == event:
                    return packet[1]

        await a.send('42/user,2["user-seek",{}]')
        offer = await hear(b, "user-offer")
        await b.send(f'42/user,2["user-match",{{"offer":"{offer["offer"]}","answer":"yes"}}]')
        s = (await hear(a, "user-session"))["session"]
        said = {"s": s, "st": "A" * 11, "n": 1, "l": 1, "x": "the last word"}
        await a.send(f'42/chat,["chat-message",{json.dumps(said)}]')
        await hear(b, "chat-message")
        await b.send(f'42/chat,["chat-ack",{json.dumps({"s": s, "st": "A" * 11, "n": 1})}]')
        await hear(a, "chat-status")
        host.signal(signal.SIGINT)
        assert (await host.end())[0] == 0
        for page in (a, b):
            await page.close()
    assert sorted(texts(tmp_path / "data")) == ["citychat.db", "citychat.db.lock", "secret.keys"]  # no WAL is left
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "citychat.db")) as database:
        assert database.execute("SELECT x FROM messages").fetchall() == [("the last word",)]


async def test_systemd_is_told_of_readiness_life_and_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(address))
    monkeypatch.setenv("WATCHDOG_USEC", "400000")
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(address))
        told.setblocking(False)

        async def hear(what: str) -> None:
            async with asyncio.timeout(PATIENCE_S):
                while what not in heard:
                    heard.append((await asyncio.get_running_loop().sock_recv(told, 100)).decode())

        async with ServerProcess(tmp_path / "data") as server:
            await hear("READY=1")
            heard.clear()
            await hear("WATCHDOG=1")
            assert await server.stop() == 0
            await hear("STOPPING=1")
