"""The embedded engines as a start makes them."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from citychat.adapters.sqlite import FreeDisk
from citychat.adapters.sqlite.free_disk import LEAST_BYTES
from citychat.model import District
from citychat.ports import Entry
from citychat.server.engines import open_engines
from citychat.server.stopping import Stopping
from citychat.settings import load
from citychat.tokens import SigningKey, SigningKeys
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
