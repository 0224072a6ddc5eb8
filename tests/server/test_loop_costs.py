"""What a message costs the event loop: tasks, futures and locks of the package, counted in a running server."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest

from citychat.tokens import load_keys
from tests.server.test_hops import PACKAGE, STREAM, HoppingGuest, running, talking
from tests.support.services.running import REDIS, is_tested, redis_url

MESSAGES = 30  # what a guest may send without a pause is 40, and no page has more on its way than 32
ON_THE_WAY = {
    "edge/websocket.py", "edge/transport.py", "edge/connection.py", "edge/socketio_server.py", "handlers/dispatcher.py",
    "handlers/chat.py", "delivery/endpoint.py", "delivery/sender.py", "delivery/receiver.py", "joining/bus_dispatch.py",
    "adapters/memory/bus.py", "adapters/redis/bus.py", "adapters/redis/wire.py",
}  # fmt: skip
WAITS = (asyncio.Lock, asyncio.Semaphore)  # a condition takes a lock


class Costs:
    """Counts what the code on a message's way makes the loop do, whoever of the libraries is asked for it. Group commit
    and fence are not on it: they cost something for each round, be it for one message or for hundreds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, patch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[str] = Counter()
        create_future: Callable[[], asyncio.Future[Any]] = loop.create_future
        patch.setattr(loop, "create_future", lambda: self._counted("a future", create_future))
        loop.set_task_factory(
            lambda loop, work, **more: self._counted("a task", lambda: asyncio.Task(work, loop=loop, **more))
        )
        for kind in WAITS:
            acquire = kind.acquire
            patch.setattr(kind, "acquire", lambda lock, acquire=acquire: self._counted("a lock", lambda: acquire(lock)))

    def _counted(self, what: str, do: Callable[[], Any]) -> Any:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            path = frame.f_code.co_filename.removeprefix(PACKAGE)
            if path in ON_THE_WAY:
                self.counts[f"{what} in {path}:{frame.f_code.co_name}"] += 1
                break
            frame = frame.f_back
        return do()


async def drawn(ben: HoppingGuest, last: int) -> None:
    while (await ben.until("chat-message"))["n"] < last:
        pass


async def receipted(anna: HoppingGuest, last: int) -> None:
    while (await anna.until("chat-status"))["ranges"][-1][1] < last:
        pass


@pytest.mark.parametrize("bus", ["embedded", *(["redis"] if is_tested(REDIS) else [])])
async def test_a_message_costs_the_loop_no_task_no_future_and_no_lock(
    bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_keys(tmp_path / "secret.keys", Random(1))
    flags = ["--bus", redis_url(), "--secret-file", str(tmp_path / "secret.keys")] if bus == "redis" else []
    async with running(tmp_path / "data", flags) as guest:
        anna, ben, s = await talking(guest)
        await anna.say(s, 1)
        await drawn(ben, 1)
        await ben.ack(s, 1)
        await receipted(anna, 1)
        costs = Costs(asyncio.get_running_loop(), monkeypatch)
        for n in range(2, MESSAGES + 2):
            await anna.say(s, n)
            await drawn(ben, n)
            await ben.client.emit("chat-ack", {"s": s, "st": STREAM, "n": n}, namespace="/chat")
        await receipted(anna, MESSAGES + 1)
        counts = dict(costs.counts)
    assert counts == {}
