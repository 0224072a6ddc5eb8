"""A machine that wakes up half an hour behind, with a real server on it: nobody becomes somebody else by that."""

import asyncio
import json
import urllib.request
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.live_page import LivePage, meet
from tests.support.moved_clock import set_clock
from tests.support.server_process import ServerProcess

BEHIND_S = -1_800.0


def on_wrong_clock(data: Path, clock: Path, *flags: str) -> ServerProcess:
    return ServerProcess(data, *flags, program=("tests.support.moved_clock", str(clock)))


def again(page: LivePage, url: str) -> LivePage:
    """The same browser, at its next visit."""
    return LivePage(url, Random(len(page.storage)), storage=page.storage)


async def join(*pages: LivePage) -> None:
    for page in pages:
        page.start()
    for page in pages:
        await page.screen.until(page.in_chat)


async def talk(url: str) -> tuple[LivePage, LivePage, str]:
    """Two meet, one says something that the other draws, and both go."""
    anna, ben = LivePage(url, Random(1)), LivePage(url, Random(2))
    session = await meet(anna, ben)
    anna.say("before")
    await anna.screen.until(lambda: list(anna.screen.states.values()) == ["delivered"])
    for page in (anna, ben):
        await page.done()
    return anna, ben, session


def ready(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/ready") as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found


@pytest.mark.parametrize("ahead_s", [BEHIND_S, -400 * 86_400.0])
async def test_a_boot_with_a_wrong_clock_that_is_put_right_later_changes_nobody(tmp_path: Path, ahead_s: float) -> None:
    clock, data = tmp_path / "clock", tmp_path / "data"
    set_clock(clock, 0)
    async with on_wrong_clock(data, clock) as server:
        anna, ben, session = await talk(server.url)
        assert await server.stop() == 0
        set_clock(clock, ahead_s)
        await server.start()
        anna, ben = again(anna, server.url), again(ben, server.url)
        await join(anna, ben)
        assert anna.outbox.running == ben.outbox.running == session
        await ben.done()
        await anna.screen.until(lambda: any(event == "user-left" for event, _ in anna.screen.heard))
        anna.say("while the clock was wrong")
        await anna.screen.until(lambda: list(anna.screen.states.values())[-1] == "stored")

        set_clock(clock, 0)
        ben = again(ben, server.url)
        await join(ben)
        assert ben.outbox.running == session
        await anna.screen.until(lambda: list(anna.screen.states.values())[-1] == "delivered")
        ben.say("and now")
        await ben.screen.until(lambda: list(ben.screen.states.values())[-1] == "delivered")
        for page in (anna, ben):
            await page.done()
        assert await server.stop() == 0
        await server.start()  # and after one more, when all is well
        anna, ben = again(anna, server.url), again(ben, server.url)
        await join(anna, ben)
        assert anna.outbox.running == ben.outbox.running == session
        assert (await asyncio.to_thread(ready, server.url))["clock"] == "ok"
        for page in (anna, ben):
            await page.done()
    said = "\n".join(server.output)
    assert " ERROR " not in said and "The clock of this machine was set" in said
