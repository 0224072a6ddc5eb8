"""One message's life, told by the engines' own tools: ``python -m tests.faults.life``.

Two people on two processes; one says something while the other is here, and something while the other is away. What
``redis-cli``, ``rabbitmqctl`` and a MongoDB client see of it is printed, step by step.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import uvloop
from pymongo import MongoClient

from citychat.client.shapes import Row
from tests.faults.gathering import marry, until
from tests.faults.kept import ANSWER_MS, INBOX
from tests.faults.people import Resident
from tests.faults.town import Engines, Town
from tests.support.patience import PATIENCE_S

CHANNEL = "citychat:u:"
Say = Callable[[str], None]


class Listener:
    """``redis-cli`` subscribed to one channel; what it prints is in ``lines``."""

    def __init__(self, channel: str) -> None:
        self.channel, self.lines = channel, list[str]()

    async def start(self, port: int) -> None:
        self._program = await asyncio.create_subprocess_exec(
            "redis-cli", "-p", str(port), "SUBSCRIBE", self.channel, stdout=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        await until(lambda: len(self.lines) >= 3)  # its own subscription, in three lines

    async def _read(self) -> None:
        assert self._program.stdout
        async for line in self._program.stdout:
            self.lines.append(line.decode().rstrip("\n"))

    async def stop(self) -> None:
        self._program.terminate()
        await self._program.wait()
        await self._reading


def _queued(engines: Engines, guest: str) -> str:
    """The guest's line of ``rabbitmqctl list_queues``, "" without a queue."""
    lines = engines.rabbit_server.control("list_queues", "name", "messages", "consumers").splitlines()
    return next((line for line in lines if line.startswith(INBOX + guest)), "")


def _documents(engines: Engines, database: str, s: str) -> list[Row]:
    client: MongoClient[Row] = MongoClient(engines.mongo_server.url, timeoutMS=ANSWER_MS)
    with client:
        return list(client[database]["messages"].find({"s": s}))


def _waiting(line: str) -> int:
    return int(line.split("\t")[1]) if line else 0


async def tell(town: Town, engines: Engines, say: Say) -> bool:
    """The story; whether everything was as it should be."""
    (pair,) = await marry(town, "life", 1, 0, 1)
    one, two = pair.both()
    listener = Listener(CHANNEL + two.guest)
    await listener.start(engines.redis_server.port)
    say("-- both are here: Redis carries it, MongoDB keeps it")
    one.speak()
    await until(lambda: one.settled() and two.has_seen(one))
    await listener.stop()
    heard = [line for line in listener.lines if '"said"' in line]
    say(f"$ redis-cli SUBSCRIBE {listener.channel}")
    for line in listener.lines[3:]:
        say("  " + line)
    say("-- one of them is away: RabbitMQ keeps it")
    two.page.stop()
    await until(lambda: any(event == "user-left" for event, _ in one.page.screen.heard))
    one.speak()
    await until(lambda: bool(one.entries("stored")))
    filled = await engines.do(lambda: _queued(engines, two.guest))
    say(f"$ rabbitmqctl list_queues name messages consumers\n  {filled}")
    kept_before = len(await engines.do(lambda: _documents(engines, town.database, one.chat)))
    say("-- and comes back: the queue is empty, both messages are in the history")
    await two.open()
    await until(lambda: one.settled() and two.has_seen(one))
    emptied = await _emptied(engines, two)
    say(f"$ rabbitmqctl list_queues name messages consumers\n  {emptied}")
    documents = await engines.do(lambda: _documents(engines, town.database, one.chat))
    say(f'> db.messages.find({{"s": "{one.chat}"}})')
    for document in documents:
        say("  " + json.dumps(document, ensure_ascii=False))
    counts = len(heard), _waiting(filled), kept_before, _waiting(emptied), len(documents)
    say("heard on the channel {}, queued {}, in the history then {}, queued {}, in the history {}".format(*counts))
    return counts == (1, 1, 1, 0, 2)


async def _emptied(engines: Engines, person: Resident) -> str:
    """The broker hears of the last ack a moment after the page of the sender."""
    end_s = time.monotonic() + PATIENCE_S
    while True:
        line = await engines.do(lambda: _queued(engines, person.guest))
        if not _waiting(line) or time.monotonic() > end_s:
            return line
        await asyncio.sleep(0.2)


async def _main(engines: Engines, folder: Path) -> bool:
    async with Town(folder, Random(1), engines, name="life") as town:
        return await tell(town, engines, lambda line: print(line, flush=True))


def main() -> int:
    right: list[bool] = []

    async def run_and_keep(engines: Engines, folder: Path) -> None:
        right.append(await _main(engines, folder))

    with tempfile.TemporaryDirectory(prefix="citychat-life-") as folder, Engines(Path(folder)) as engines:
        uvloop.run(run_and_keep(engines, Path(folder)))
    return int(not right[0])


if __name__ == "__main__":
    sys.exit(main())
