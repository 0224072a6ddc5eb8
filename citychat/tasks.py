"""Background work with an owner: nothing is fire-and-forget, no failure is silent, all ends with the process."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from random import Random
from threading import Thread
from typing import Any, Protocol, Self, TypeVar, cast

from citychat.model import ChatError, Unavailable

RETRY_MIN_S, RETRY_MAX_S = 0.5, 30.0  # a service that restarts is met soon, one that is down is not hammered
AGAIN_S = 2.0  # until what is small, and asked for by an outage itself, is tried again
CLOSE_S = 5.0  # what was begun for a guest may still finish when the process goes

T = TypeVar("T")
log = logging.getLogger(__name__)


class Alarm(Protocol):
    """Interface of what a pause needs of the Clock, so that tasks stand beside the ports and not on them."""

    def later(self, delay_s: float, call: Callable[[], None]) -> Any:
        """Call it then, unless ``cancel()`` of what this returns comes first."""


class Tasks:
    """The background tasks of one process. A failure is logged by its kind and place, never by what a guest wrote."""

    def __init__(self, clock: Alarm, random: Random) -> None:
        self._clock, self._random = clock, random
        self._running: dict[asyncio.Task[Any], None] = {}
        self._loops: set[asyncio.Task[Any]] = set()
        self._waits: set[asyncio.Future[None]] = set()  # of retries, until their next try
        self._closing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Do ``work`` in the background. Its owner may also await the task."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running[task] = None
        task.add_done_callback(self._done)
        return task

    def every(self, period_s: float, step: Callable[[], Awaitable[object]], name: str) -> None:
        """Run ``step`` again and again, ``period_s`` after it has ended; a failure is logged and the loop goes on."""
        task = self.spawn(self._every(period_s, step, name), name)
        self._loops.add(task)
        task.add_done_callback(self._loops.discard)

    def cancel(self) -> None:
        for task in list(self._running):
            task.cancel()

    async def close(self, within_s: float = CLOSE_S) -> None:
        """Loops stop; what was begun may finish in that time, and what waits for a service is tried at once; then the
        rest is cancelled."""
        self._closing = True
        for task in self._loops:
            task.cancel()
        for wait in self._waits:
            _wake(wait)
        loop = asyncio.get_running_loop()
        end_s = loop.time() + within_s
        while self._running and loop.time() < end_s:  # what runs may begin more
            await asyncio.wait(self._running, timeout=end_s - loop.time())
        while self._running:
            self.cancel()
            await asyncio.wait(self._running)

    async def retry(self, step: Callable[[], Awaitable[T]]) -> T:
        """Take ``step`` again and again until its service is there; other errors are the caller's."""
        delay_s = RETRY_MIN_S
        while True:
            try:
                return await step()
            except Unavailable:
                await self.wait_for_service(delay_s)
                delay_s = RETRY_MIN_S if self._closing else min(RETRY_MAX_S, 2 * delay_s)

    async def retry_all(self, *steps: Callable[[], Awaitable[object]]) -> None:
        """Retry all steps at the same time, so that none waits for the service of another; returns when all are done.

        An error of one is raised when the others are over.
        """
        for result in await asyncio.gather(*map(self.retry, steps), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def wait_for_service(self, delay_s: float) -> None:
        """Sleep for that time, or for half of it at least, until the next try; ``close`` ends it."""
        delay_s = self._random.uniform(delay_s / 2, delay_s)
        wait: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waits.add(wait)
        try:
            await _until(wait, self._clock, delay_s)
        finally:
            self._waits.discard(wait)

    async def pause(self, delay_s: float) -> None:
        """Sleep by the Clock."""
        await pause(self._clock, delay_s)

    async def _every(self, period_s: float, step: Callable[[], Awaitable[object]], name: str) -> None:
        while True:
            await self.pause(period_s)
            try:
                await step()
            except Unavailable:
                continue  # the adapter has logged it; the next round is the retry
            except Exception as error:
                log.error("%s failed: %s", name, described(error))

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.pop(task, None)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ChatError):
            log.error("%s failed: %s", task.get_name(), described(error))


class Round:
    """Work that many reasons ask for, one round at a time: whatever asks while one is under way has one more when it is
    over. A round whose service is away is tried again within two seconds."""

    def __init__(self, tasks: Tasks, step: Callable[[], Awaitable[object]], name: str) -> None:
        self._tasks, self._step, self._name = tasks, step, name
        self._is_due = self.running = False

    def ask(self) -> None:
        """Have it done soon, by what is so from now on."""
        self._is_due = True
        if not self.running:
            self.running = True
            self._tasks.spawn(self._run(), self._name)

    async def _run(self) -> None:
        try:
            while self._is_due:
                self._is_due = False
                try:
                    await self._step()
                except Unavailable:
                    self._is_due = True
                    await self._tasks.wait_for_service(AGAIN_S)
        finally:
            self.running = False


async def beside(work: Callable[[], T], name: str) -> T:
    """Do ``work`` beside the loop, in a thread that no stop of the process waits for; return what it does, or raise
    it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def ended(found: T | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(cast(T, found))
        else:
            done.set_exception(error)

    def run() -> None:
        found, error = None, None
        try:
            found = work()
        except Exception as raised:  # whoever waits is told
            error = raised
        with suppress(RuntimeError):  # the process is gone meanwhile
            loop.call_soon_threadsafe(ended, found, error)

    Thread(target=run, daemon=True, name=name).start()
    return await done


def described(error: BaseException) -> str:
    """An error's kind and the lines of code it passed; without its message, which may quote what a guest wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    path = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    cause = f", because of {described(error.__cause__)}" if error.__cause__ is not None else ""
    return type(error).__name__ + (f" at {path}" if path else "") + cause


async def pause(clock: Alarm, delay_s: float) -> None:
    """Sleep by the Clock, so that a dead or frozen machine of the simulation sleeps on."""
    await _until(asyncio.get_running_loop().create_future(), clock, delay_s)


async def _until(over: asyncio.Future[None], clock: Alarm, delay_s: float) -> None:
    timer = clock.later(delay_s, partial(_wake, over))
    try:
        await over
    finally:
        timer.cancel()


def _wake(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)
