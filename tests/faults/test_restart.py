"""A server that is killed or stopped while people talk: what was said stays said, once, in order."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from tests.support.crowd import Crowd, history_of
from tests.support.live_page import LivePage, meet
from tests.support.server_process import ServerProcess

PAIRS = 10
RATE_PER_S, SECONDS = 5.0, 4.0


async def until_half_said(crowd: Crowd, talking: "asyncio.Task[None]") -> None:
    """Wait for the middle of the talk."""
    half = RATE_PER_S * SECONDS * len(crowd.people) / 2
    while sum(len(person.said) for person in crowd.people) < half:
        assert not talking.done(), talking.exception()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("seed", [1, 2])
async def test_kill_9_in_the_middle_of_talking_loses_repeats_and_reorders_nothing(tmp_path: Path, seed: int) -> None:
    async with ServerProcess(tmp_path) as server:
        crowd = Crowd(server.url, PAIRS, Random(seed))
        await crowd.meet()
        talking = asyncio.create_task(crowd.talk(RATE_PER_S, SECONDS))
        await until_half_said(crowd, talking)
        await server.kill()
        await server.start()
        await talking
        await crowd.settle()
        await crowd.close()
        await server.stop()
    verdict = crowd.judge(history_of(tmp_path))
    assert verdict.kept(), verdict
    assert verdict.sent == 2 * PAIRS * RATE_PER_S * SECONDS


async def test_sigterm_in_the_middle_of_talking_exits_0_and_pages_go_on_at_the_next_process(
    tmp_path: Path,
) -> None:
    async with ServerProcess(tmp_path) as server:
        crowd = Crowd(server.url, PAIRS, Random(3))
        await crowd.meet()
        talking = asyncio.create_task(crowd.talk(RATE_PER_S, SECONDS))
        await until_half_said(crowd, talking)
        assert await server.stop() == 0
        assert all(any(event == "user-drain" for event, _ in person.page.screen.heard) for person in crowd.people)
        await server.start()
        await talking
        await crowd.settle()
        await crowd.close()
        await server.stop()
    verdict = crowd.judge(history_of(tmp_path))
    assert verdict.kept(), verdict


async def test_what_was_kept_for_an_absent_partner_is_delivered_by_the_process_after_a_kill(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        a, b = LivePage(server.url, Random(1)), LivePage(server.url, Random(2))
        s = await meet(a, b)
        a.say("you are here")
        await a.screen.until(lambda: list(a.screen.states.values()) == ["delivered"])
        await b.done()
        await a.screen.until(lambda: any(event == "user-left" for event, _ in a.screen.heard))
        for n in range(5):
            a.say(f"you are away {n}")
        await a.screen.until(lambda: list(a.screen.states.values()).count("stored") == 5)
        await server.kill()
        await a.done()
        await server.start()
        again = LivePage(server.url, Random(3), storage=b.storage)
        again.start()
        expected = ["you are here", *(f"you are away {n}" for n in range(5))]
        await again.screen.until(lambda: again.screen.transcript(s) == expected)
        back = LivePage(server.url, Random(4), storage=a.storage)
        back.start()
        await back.screen.until(lambda: list(back.screen.states.values()) == ["delivered"] * 6)
        assert back.screen.transcript(s) == expected
        await again.done()
        await back.done()
