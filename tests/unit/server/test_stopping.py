"""The stop of a process: whatever hangs in it, it is over by one deadline."""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType

import pytest

from citychat.server.stopping import AFTER_DRAIN_S, AFTER_PAGES_S, AFTER_TASKS_S, STOP_S, Stopping
from citychat.tasks import Tasks
from tests.support.stage import Stage, on_stage


class Engine:
    """Closing it takes ``closing_s``, or for ever."""

    def __init__(self, closing_s: float | None = None) -> None:
        self.closing_s = closing_s
        self.closed = self.begun = False

    async def __aenter__(self) -> "Engine":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.begun = True
        if self.closing_s is None:
            await asyncio.Event().wait()
        await asyncio.sleep(self.closing_s or 0.0)
        self.closed = True


@on_stage
async def test_a_stop_in_which_everything_hangs_is_over_by_its_deadline(stage: Stage) -> None:
    loop = asyncio.get_running_loop()
    began_s, stopping = loop.time(), Stopping(loop.time)
    tasks = Tasks(stage.clock, stage.random)
    engines = [Engine() for _ in range(3)]
    async with AsyncExitStack() as stack:
        for engine in engines:
            assert await stack.enter_async_context(stopping.closes(engine)) is engine
        tasks.spawn(asyncio.Event().wait(), "hangs")
        await asyncio.sleep(stopping.left_s(AFTER_DRAIN_S))
        async with stopping.leaving(AFTER_PAGES_S):
            await asyncio.Event().wait()
        await tasks.close(stopping.left_s(AFTER_TASKS_S))
        assert loop.time() - began_s == pytest.approx(STOP_S - AFTER_TASKS_S)
    assert loop.time() - began_s == pytest.approx(STOP_S)
    assert all(engine.begun and not engine.closed for engine in engines)


@on_stage
async def test_a_step_that_is_over_early_leaves_its_time_to_those_behind(stage: Stage) -> None:
    loop = asyncio.get_running_loop()
    began_s, stopping = loop.time(), Stopping(loop.time)
    slow, quick = Engine(STOP_S - 1.0), Engine(0.0)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(stopping.closes(quick))
        await stack.enter_async_context(stopping.closes(slow))
    assert (slow.closed, quick.closed) == (True, True)
    assert loop.time() - began_s == pytest.approx(STOP_S - 1.0)


@on_stage
async def test_what_a_step_itself_finds_too_late_is_its_own_error(stage: Stage) -> None:
    with pytest.raises(TimeoutError, match="of the step"):
        async with Stopping(asyncio.get_running_loop().time).leaving(0.0):
            raise TimeoutError("of the step")
