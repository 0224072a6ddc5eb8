"""``make cluster``: what it prints is there, works, shows what it says, and is gone after Ctrl+C.

Defined only where the run has all servers; the run's first lines say which it has not.
"""

import asyncio
import re
import shlex
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from random import Random

from tests.support.ending import communicated
from tests.support.live_page import LivePage, meet
from tests.support.patience import PATIENCE_S
from tests.support.services import listens
from tests.support.services.running import KINDS, is_tested

ROOT = Path(__file__).parents[1]


class Printed:
    """A cluster that runs, and what it has printed: addresses, and commands by what they show."""

    def __init__(self, process: Process, lines: list[str]) -> None:
        self.process = process
        self.urls = [found[1] for line in lines if (found := re.match(r"\w+ +(http://localhost:\d+)$", line))]
        self.shows = {
            line.partition(":")[0]: shlex.split(lines[number + 1])
            for number, line in enumerate(lines[:-1])
            if lines[number + 1].startswith("  ")
        }

    async def output(self, engine: str) -> str:
        command = await asyncio.create_subprocess_exec(*self.shows[engine], stdout=PIPE)
        out, _ = await communicated(command)
        assert command.returncode == 0
        return out.decode()


async def started() -> Printed:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tools.cluster", stdout=PIPE, cwd=ROOT)
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        while "Ctrl+C ends all of it." not in lines:
            line = (await process.stdout.readline()).decode()
            assert line, "\n".join(lines)
            lines.append(line.rstrip("\n"))
    return Printed(process, lines)


async def until_printed(stream: asyncio.StreamReader, text: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while text not in (await stream.readline()).decode():
            pass


async def the_cluster_is_what_it_says() -> None:
    cluster = await started()
    redis = await asyncio.create_subprocess_exec(*cluster.shows["Redis"], stdout=PIPE)
    try:
        assert redis.stdout is not None
        await until_printed(redis.stdout, "citychat:u:*")
        a, b = LivePage(cluster.urls[0], Random(1)), LivePage(cluster.urls[1], Random(2))
        s = await meet(a, b)
        a.say("over the bus")
        await until_printed(redis.stdout, "over the bus")
        await a.screen.until(lambda: list(a.screen.states.values()) == ["delivered"])
        assert "over the bus" in await cluster.output("MongoDB")
        await b.done()
        await a.screen.until(lambda: any(event == "user-left" for event, _ in a.screen.heard))
        a.say("while you are away")
        await a.screen.until(lambda: list(a.screen.states.values()) == ["delivered", "stored"])
        waits = r"^inbox\.\S+\t1\t0$"
        assert len(re.findall(waits, await cluster.output("RabbitMQ"), re.MULTILINE)) == 1
        assert "while you are away" not in await cluster.output("MongoDB")
        again = LivePage(cluster.urls[0], Random(3), storage=b.storage)
        again.start()
        await again.screen.until(lambda: again.screen.transcript(s) == ["over the bus", "while you are away"])
        await a.screen.until(lambda: list(a.screen.states.values()) == ["delivered"] * 2)
        assert "while you are away" in await cluster.output("MongoDB")
        assert not re.search(waits, await cluster.output("RabbitMQ"), re.MULTILINE)
        await again.done()
        await a.done()
    finally:
        redis.terminate()
        await redis.communicate()
        cluster.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE_S):
            await cluster.process.communicate()
    assert cluster.process.returncode == 0
    assert not any(listens(int(url.rpartition(":")[2])) for url in cluster.urls)


if all(map(is_tested, KINDS)):

    async def test_what_make_cluster_prints_is_there_shows_each_engine_at_work_and_ends_with_ctrl_c() -> None:
        await the_cluster_is_what_it_says()
