"""The fault programme without an end: ``python -m tests.faults.soak``. One fault after the other, over the same
servers, until so many messages with a tick have been audited one by one: each is in the history, was shown once, in
its order, and both screens are what the history holds.

Processes live through a stretch of some faults, but for those that the faults end. After it everybody leaves, and what
is left is measured: the memory and open files of the process that no fault ends, keys in Redis, queues in RabbitMQ. A
run that is stopped goes on where its state says; the table is printed at the end of each.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

import uvloop
from redis import StrictRedis

from citychat.adapters.mongo.connection import CONNECTIONS_MAX
from citychat.adapters.redis.lobby import PREFIX
from tests.faults import matrix
from tests.faults.__main__ import CLIENTS_AT_ONCE, DOCUMENT
from tests.faults.checker import PROMISES
from tests.faults.gathering import until
from tests.faults.injection import Injection, Result
from tests.faults.kept import INBOX, Kept
from tests.faults.town import Engines, NotBegun, Town
from tests.faults.worker import EXIT_S, PATIENCE_S
from tests.support.document import commit, fill
from tests.support.process_size import memory_bytes, open_files

STATE = DOCUMENT.parents[1] / ".work" / "soak.json"
SHARE = 3  # of the ports: the workers of the fault programme have the first ones, and may run meanwhile
ROUNDS = 3  # of a stretch: FerretDB reads whole collections, and every stretch has a database of its own
FORGOTTEN_S = 660.0  # protocol: the lobby forgets who is gone after ten minutes
AN_HOUR = {
    "d",
    "w",
    "e",
    "letdowns",
    "complaints",
    "ended",
}  # kinds of keys: letdowns, and offers that a late no may end
MEMORY_MAX_BYTES, FILES_MAX = (
    48 * 2**20,
    CONNECTIONS_MAX + 5,
)  # what may stay: caches, and connections of MongoDB's pool


@dataclass
class Rest:
    """What is held while nobody is there. ``memory_bytes`` and ``files``: of the process that no fault ends; ``keys``:
    all but those that are kept for an hour; ``queues``: of guests."""

    memory_bytes: int = 0
    files: int = 0
    keys: int = 0
    queues: int = 0


@dataclass
class Soaked:
    """Everything that was found so far, in all runs together."""

    commit: str = ""
    seed: int = 1
    rounds: int = 0
    stretches: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    begin: Rest = field(default_factory=Rest)  # of the last stretch
    end: Rest = field(default_factory=Rest)
    grown: Rest = field(default_factory=Rest)  # the most of any stretch
    complaints: list[str] = field(default_factory=list)

    @property
    def audited(self) -> int:
        return self.counts.get("acknowledged", 0)

    def add(self, result: Result) -> None:
        self.rounds += 1
        for known, new in ((self.counts, result.counts), (self.broken, result.broken)):
            for name, count in new.items():
                known[name] = known.get(name, 0) + count
        self.faults[result.fault] = self.faults.get(result.fault, 0) + 1
        self.complaints += result.complaints

    def measured(self, begin: Rest, end: Rest) -> None:
        """Note what a stretch has left behind."""
        self.stretches += 1
        self.begin, self.end = begin, end
        left = {name: count - getattr(begin, name) for name, count in asdict(end).items()}
        self.grown = Rest(**{name: max(count, left[name]) for name, count in asdict(self.grown).items()})
        if (
            left["keys"] > 0
            or left["queues"] > 0
            or left["files"] > FILES_MAX
            or left["memory_bytes"] > MEMORY_MAX_BYTES
        ):
            self.complaints.append(f"not back to the start: {left}")

    def lines(self) -> Iterator[str]:
        """The table, as it stands in the document."""
        yield f"Commit {self.commit}, seeds from {self.seed}: {self.rounds} rounds in {self.seconds / 60:.0f} minutes,"
        yield f"{self.audited:,} messages with a tick audited, under"
        yield f"{', '.join(sorted(self.faults)) or 'no fault yet'}."
        yield ""
        yield "| What | Count |"
        yield "| --- | ---: |"
        for name in ("sent", "acknowledged", "shown", "history"):
            yield f"| {name} | {self.counts.get(name, 0):,} |"
        for promise in (*PROMISES, "drain"):
            yield f"| {promise} | {self.broken.get(promise, 0):,} |"
        yield ""
        yield "| At rest | Start | End | Most of any stretch |"
        yield "| --- | ---: | ---: | ---: |"
        for name, start in asdict(self.begin).items():
            yield f"| {name} | {start:,} | {asdict(self.end)[name]:,} | +{asdict(self.grown)[name]:,} |"


class SoakTown(Town):
    """A town of one round after the other: what is kept of people who have gone is left out."""

    async def kept(self) -> Kept:
        kept, guests = await super().kept(), {person.guest for person in self.people}
        sessions = [session for session in kept.sessions if guests & set(session["members"])]
        ids = {session["id"] for session in sessions}
        return Kept(
            rows=[row for row in kept.rows if row["session"] in ids],
            sessions=sessions,
            barred={pair: at for pair, at in kept.barred.items() if guests & set(pair)},
            mail={guest: count for guest, count in kept.mail.items() if guest in guests},
        )

    async def everybody_leaves(self) -> None:
        """Out of their chats, so that no mailbox waits for them, and then away."""
        for person in self.people:
            person.leave()
        await until(lambda: all(not person.here or not person.page.leaving for person in self.people))
        await self.close_people()
        self.people.clear()
        self.drains.clear()
        self.exits.clear()

    async def rest(self) -> Rest:
        assert self.engines
        engines, pid = self.engines, self.nodes[0].pid
        keys = await engines.do(lambda: keys_of(engines.redis_server.port))
        queues = await engines.do(lambda: engines.rabbit_server.control("list_queues", "name").splitlines())
        own = f"{INBOX}seal.", f"{INBOX}kept."  # of the processes, a few
        waiting = sum(queue.startswith(INBOX) and not queue.startswith(own) for queue in queues)
        return Rest(memory_bytes(pid), open_files(pid), len(keys), waiting)

    async def rest_again(self, begin: Rest) -> Rest:
        """When the lobby has forgotten everybody, or should have."""
        until_s = time.monotonic() + FORGOTTEN_S
        while (rest := await self.rest()).keys > begin.keys and time.monotonic() < until_s:  # noqa: ASYNC110
            await asyncio.sleep(1)
        return rest


def keys_of(port: int) -> list[str]:
    """The keys of the lobby, but those that are kept for an hour."""
    with StrictRedis(port=port, decode_responses=True) as client:
        names = [str(name).removeprefix(PREFIX) for name in client.scan_iter(count=1_000)]
    return [name for name in names if name.partition(":")[0] not in AN_HOUR]


def programme() -> list[tuple[matrix.Fault, tuple[matrix.ClientFault, ...]]]:
    """Every fault once; of the rows of pages some at a time."""
    clients = [
        tuple(matrix.CLIENT_FAULTS[start : start + CLIENTS_AT_ONCE])
        for start in range(0, len(matrix.CLIENT_FAULTS), CLIENTS_AT_ONCE)
    ]
    return [*((fault, ()) for fault in matrix.FAULTS), *((matrix.CLIENTS, rows) for rows in clients)]


async def stretch(engines: Engines, soaked: Soaked, given: argparse.Namespace, folder: Path, end_s: float) -> None:
    """Some rounds over the same processes. Raises NotBegun."""
    faults, name = programme(), f"soak-{soaked.stretches}-{soaked.rounds}-{soaked.seed}"
    random = Random(f"{soaked.seed} {soaked.rounds}")
    async with SoakTown(folder, random, engines, name=name, exit_s=EXIT_S) as town:
        begin = await town.rest()
        for _ in range(given.rounds):
            if soaked.audited >= given.messages or time.monotonic() > end_s:
                break
            fault, clients = faults[soaked.rounds % len(faults)]
            started_s = time.monotonic()
            soaked.add(await Injection(town, fault, max(1, len(clients)), clients, PATIENCE_S).play())
            await town.everybody_leaves()
            soaked.seconds += time.monotonic() - started_s
            save(soaked, given.state)
            _say(
                f"round {soaked.rounds}, {fault.name}: {soaked.audited:,} audited, {len(soaked.complaints)} complaints"
            )
        soaked.measured(begin, await town.rest_again(begin))
        save(soaked, given.state)


async def soak(engines: Engines, soaked: Soaked, given: argparse.Namespace, folder: Path) -> None:
    end_s = time.monotonic() + given.minutes * 60
    while soaked.audited < given.messages and time.monotonic() < end_s:
        (own := folder / f"stretch{soaked.stretches}-{soaked.rounds}").mkdir()
        try:
            await stretch(engines, soaked, given, own, end_s)
        except NotBegun as error:
            _say(f"again: {error}")
            soaked.rounds += 1
        except TimeoutError as error:  # a round that nobody could judge is no proof
            soaked.complaints.append(f"round {soaked.rounds}: nobody came to an end: {error!r}")
            soaked.rounds += 1
            save(soaked, given.state)


def load(state: Path) -> Soaked:
    if not state.exists():
        return Soaked()
    fields = json.loads(state.read_text("utf-8"))
    return Soaked(**fields | {name: Rest(**fields[name]) for name in ("begin", "end", "grown")})


def save(soaked: Soaked, state: Path) -> None:
    state.parent.mkdir(exist_ok=True)
    state.write_text(json.dumps(asdict(soaked), indent=1), "utf-8")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000, help="with a tick, to be audited in all runs")
    parser.add_argument("--minutes", type=float, default=24 * 60.0, help="of this run; the next one goes on")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="faults of one stretch")
    parser.add_argument("--seed", type=int, default=1, help="of a soak that begins")
    parser.add_argument("--state", type=Path, default=STATE, help="the file that keeps what was found")
    parser.add_argument("--no-table", action="store_true", help=f"leave {DOCUMENT.name} as it is")
    given = parser.parse_args(argv)
    soaked = load(given.state)
    soaked.commit = commit()
    soaked.seed = soaked.seed if soaked.rounds else given.seed
    with tempfile.TemporaryDirectory(prefix="citychat-soak-") as folder, Engines(Path(folder), SHARE) as engines:
        uvloop.run(soak(engines, soaked, given, Path(folder)))
    table = list(soaked.lines())
    print("\n".join([*table, "", *soaked.complaints[:50]]))
    if not given.no_table:
        fill(DOCUMENT, "make soak", table)
    return int(bool(soaked.complaints))


if __name__ == "__main__":
    sys.exit(main())
