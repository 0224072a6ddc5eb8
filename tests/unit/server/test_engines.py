"""The embedded engines as a start makes them."""

import asyncio
import contextlib
import resource
import sqlite3
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from citychat.adapters.sqlite import FreeDisk
from citychat.adapters.sqlite.free_disk import LEAST_BYTES
from citychat.model import District, Unavailable
from citychat.ports import Entry
from citychat.server.engines import open_engines
from citychat.server.stopping import Stopping
from citychat.settings import load
from citychat.tokens import SigningKey, SigningKeys
from tests.support.patience import until
from tests.support.stores import StoreClock

KEYS = SigningKeys(SigningKey("k", bytes(range(32))))


async def test_a_disk_that_is_nearly_full_is_shown_and_who_talks_is_served(tmp_path: Path) -> None:
    left = LEAST_BYTES
    clock, stopping = StoreClock(lambda: 0, lambda: -left), Stopping(asyncio.get_running_loop().time)
    async with AsyncExitStack() as stack:
        settings = load(["--data", str(tmp_path)], {})
        opened = await open_engines(stack, settings, KEYS, clock, Random(1), print, stopping)
        assert opened.disk is not None and opened.engines.has_room() == opened.disk.has_room()
        opened = replace(opened, disk=FreeDisk(tmp_path, clock.monotonic_s, lambda _: left))
        assert opened.status()[1]["disk"] == {"engine": "embedded", "state": "ok"}
        left -= 2_000
        ready, shown = opened.status()
        assert ready and shown["disk"] == {"engine": "embedded", "state": "less than 256 MB free; no new chat begins"}


async def test_a_storage_that_cannot_be_written_is_not_ready_until_a_look_finds_that_it_can(tmp_path: Path) -> None:
    stopping = Stopping(asyncio.get_running_loop().time)
    async with AsyncExitStack() as stack:
        settings = load(["--data", str(tmp_path)], {})
        opened = await open_engines(stack, settings, KEYS, StoreClock(lambda: 0), Random(1), print, stopping)
        assert opened.status()[0]
        with contextlib.closing(sqlite3.connect(tmp_path / "citychat.db", isolation_level=None)) as another:
            another.execute("BEGIN EXCLUSIVE")
            await until(lambda: not opened.status()[0])  # nobody is there who would write
            with pytest.raises(Unavailable):
                await opened.engines.history.relations.block("anna", "ben", 1)
            ready, shown = opened.status()
            held = {"engine": "embedded", "state": "cannot be written: database is locked"}
            assert not ready and (shown["history"], shown["mailbox"]) == (held, held)
            assert shown["bus"] == {"engine": "embedded", "state": "ok"}
        await until(lambda: opened.status()[0])
        assert opened.status()[1]["history"] == {"engine": "embedded", "state": "ok"}


async def test_a_full_disk_is_found_by_who_asks_whether_the_process_is_ready(tmp_path: Path) -> None:
    stopping, clock = Stopping(asyncio.get_running_loop().time), StoreClock(lambda: 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with AsyncExitStack() as stack:
        settings = load(["--data", str(tmp_path)], {})
        opened = await open_engines(stack, settings, KEYS, clock, Random(1), print, stopping)
        opened = replace(opened, disk=FreeDisk(tmp_path, clock.monotonic_s, lambda _: 0))
        assert opened.database is not None
        opened.database.probe()  # the first look at a new store makes a row
        await until(lambda: not opened.database._probing)  # type: ignore[union-attr]
        # On a full disk what is there can be written over, and nothing be made larger
        resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "citychat.db-wal").stat().st_size, hard))
        try:
            await until(lambda: not opened.status()[0])
            assert str(opened.status()[1]["history"]).startswith("{'engine': 'embedded', 'state': 'cannot be written: ")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await until(lambda: opened.status()[0])


@pytest.mark.parametrize("step_ms", [-3_600_000, 3_600_000])
async def test_offers_and_leases_of_the_embedded_lobby_do_not_follow_a_clock_that_steps(
    tmp_path: Path, step_ms: int
) -> None:
    wall_ms, passed_ms = 1_700_000_000_000, 0
    clock = StoreClock(lambda: wall_ms + passed_ms, lambda: passed_ms)
    stopping = Stopping(asyncio.get_running_loop().time)
    async with AsyncExitStack() as stack:
        settings = load(["--data", str(tmp_path)], {})
        lobby = (await open_engines(stack, settings, KEYS, clock, Random(1), print, stopping)).engines.lobby
        await lobby.renew("p")
        for guest in ("anna", "ben"):
            await lobby.enter(Entry(guest, "p", "lyon", District(0, 0), "Lyon", True, False, True))
        assert (await lobby.seek("anna", "offer", 0)).state == "asking"
        wall_ms += step_ms
        passed_ms += 10_000
        await lobby.renew("p")
        assert [where.state for where in await lobby.status(["anna", "ben"])] == ["asking", "asked"]
        passed_ms += 5_000
        assert [where.state for where in await lobby.status(["anna", "ben"])] == ["free", "free"]
        passed_ms += 10_000
        assert [where.state for where in await lobby.status(["anna", "ben"])] == ["gone", "gone"]
