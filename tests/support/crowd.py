"""Many pairs of pages that talk, and the judge of what became of it: for the load programme and the fault tests."""

import asyncio
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random

from citychat.client.entries import key_of
from citychat.client.shapes import Row
from citychat.client.wire import from_wire
from tests.support.live_page import LivePage
from tests.support.patience import PATIENCE_S

START_BATCH = 50  # pages that open at once; more only wait in the listen queue

Key = tuple[str, int, str, int]  # session, side, stream, number


@dataclass
class Verdict:
    """What the promise is about, in messages. Everything below ``history`` must be 0."""

    sent: int = 0
    acknowledged: int = 0
    shown: int = 0
    history: int = 0
    lost: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    stuck: int = 0
    differing: int = 0  # transcripts, against the history
    complaints: list[str] = field(default_factory=list)

    def kept(self) -> bool:
        """Whether every promise was kept."""
        broken = self.lost + self.duplicated + self.out_of_order + self.stuck + self.differing
        return broken == 0 and self.sent == self.acknowledged == self.shown == self.history


class CrowdMember:
    """One page, and what its person wrote."""

    def __init__(self, url: str, name: str, random: Random) -> None:
        self.name, self.page = name, LivePage(url, random)
        self.said: list[tuple[Key, float]] = []  # and when, by time.monotonic

    def speak(self) -> None:
        outbox = self.page.outbox
        self.page.say(f"{self.name} {len(self.said)}")
        side = outbox.side_in(outbox.running)
        assert side is not None
        self.said.append(((outbox.running, side, outbox.stream, outbox.number), time.monotonic()))

    def unsettled(self) -> int:
        return sum(entry["state"] in ("waiting", "stored") for entry in self.page.outbox.entries.all)


class Crowd:
    """``pairs`` pairs at one server. ``lags_s``: how late each message was written, which is the generator's fault."""

    def __init__(self, url: str, pairs: int, random: Random) -> None:
        self.random = random
        self.people = [CrowdMember(url, f"p{i}", Random(random.random())) for i in range(2 * pairs)]
        self.lags_s: list[float] = []

    async def meet(self) -> None:
        """Open every page, and wait until all talk. Raises TimeoutError."""
        for start in range(0, len(self.people), START_BATCH):
            batch = self.people[start : start + START_BATCH]
            for person in batch:
                person.page.looking = True
                person.page.start()
            for person in batch:
                await person.page.screen.until(lambda person=person: person.page.joined)  # type: ignore[misc]
        for person in self.people:
            await person.page.screen.until(person.page.in_chat)

    async def talk(self, rate_per_s: float, seconds: float) -> None:
        """Everybody writes so often, from a random moment of the first interval on, connected or not."""
        interval_s = 1 / rate_per_s
        start_s = time.monotonic()
        await asyncio.gather(
            *(
                self._write(
                    person, start_s + self.random.uniform(0, interval_s), interval_s, round(seconds * rate_per_s)
                )
                for person in self.people
            )
        )

    async def _write(self, person: CrowdMember, due_s: float, interval_s: float, times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            self.lags_s.append(time.monotonic() - due_s)
            person.speak()
            due_s += interval_s

    async def rejoined(self) -> list[float]:
        """Wait until everybody is connected again; the seconds each needed from now on, ascending."""
        start_s = time.monotonic()

        async def one(person: CrowdMember) -> float:
            await person.page.screen.until(lambda: person.page.joined)
            return time.monotonic() - start_s

        return sorted(await asyncio.gather(*(one(person) for person in self.people)))

    async def settle(self, patience_s: float = PATIENCE_S) -> None:
        """Wait until nobody waits for a tick, or until patience ends: what is left then is stuck."""
        until_s = time.monotonic() + patience_s
        for person in self.people:
            left_s = max(0.0, until_s - time.monotonic())
            try:
                await person.page.screen.until(lambda person=person: person.unsettled() == 0, left_s)  # type: ignore[misc]
            except TimeoutError:
                continue

    async def history(self) -> list[Row]:
        """What the server answers to ``chat-history``, of every chat: for a server whose store is out of reach."""
        found: list[Row] = []
        for person in {person.page.outbox.running: person for person in self.people}.values():
            rows: list[Row] = []
            while True:
                asked: Row = {"session": person.page.outbox.running, "limit": 100}
                if rows:
                    asked["before"] = list(_place(rows[0]))
                answer = await person.page.asked("chat-history", asked)
                rows = answer["messages"] + rows
                if not answer["more"]:
                    break
            found += rows
        return found

    async def close(self) -> None:
        await asyncio.gather(*(person.page.done() for person in self.people))

    def latencies_s(self, counts: Callable[[float], bool]) -> list[float]:
        """From writing to ✓✓, ascending, of the messages whose moment ``counts``."""
        return sorted(
            person.page.screen.delivered_s[key[2:]] - at_s
            for person in self.people
            for key, at_s in person.said
            if counts(at_s) and key[2:] in person.page.screen.delivered_s
        )

    def judge(self, history: list[Row]) -> Verdict:
        """``history``: all rows of the store, with names."""
        verdict = Verdict(history=sum(row.get("kind") != "gap" for row in history))
        kept = {_key(row) for row in history if row.get("kind") != "gap"}
        chats: dict[str, list[CrowdMember]] = defaultdict(list)
        lost: set[Key] = set()
        for person in self.people:
            chats[person.page.outbox.running].append(person)
            verdict.stuck += person.unsettled()
            for key, _ in person.said:
                ticked = person.page.screen.states.get(key[2:]) in ("stored", "delivered")
                verdict.acknowledged += ticked
                if key not in kept:
                    lost.add(key)
                    verdict.complaints.append(f"{person.name}: {key} is in no history, ticked: {ticked}")
            verdict.sent += len(person.said)
        for session, pair in chats.items():
            rows = sorted((row for row in history if row["session"] == session), key=_place)
            for person, partner in (pair, pair[::-1]):
                lost |= _judge_screen(verdict, person, partner, session)
                if person.page.screen.transcript(session) != [row["text"] for row in rows]:
                    verdict.differing += 1
                    verdict.complaints.append(f"{person.name}: the transcript of {session} is not the history's")
        verdict.lost = len(lost)
        return verdict


def _judge_screen(verdict: Verdict, person: CrowdMember, partner: CrowdMember, session: str) -> set[Key]:
    """Judge what ``person`` was shown of ``partner``, in the order of drawing; what was never shown."""
    rows = [row for row in person.page.screen.rows if row["session"] == session]
    shown = [_key(row) for row in rows if row["text"].startswith(partner.name + " ")]
    verdict.shown += len(set(shown))
    verdict.duplicated += len(shown) - len(set(shown))
    said = {key: number for number, (key, _) in enumerate(partner.said)}
    numbers = [said[key] for key in shown]
    verdict.out_of_order += sum(later < earlier for earlier, later in pairwise(numbers))
    missing = said.keys() - set(shown)
    verdict.complaints += [f"{person.name} was never shown {key} of {partner.name}" for key in missing]
    return missing


def _key(row: Row) -> Key:
    return row["session"], row["side"], *key_of(row)


def _place(row: Row) -> tuple[int, int, str, int]:
    return row["lamport"], row["side"], *key_of(row)


def history_of(data: Path) -> list[Row]:
    """Every message in the embedded store of a data folder; read only, so that reading cannot mend anything."""
    with closing(sqlite3.connect(f"file:{data / 'citychat.db'}?mode=ro", uri=True)) as database:
        columns = ("s", "side", "st", "n", "l", "x", "k", "after_end")
        rows = database.execute(f"SELECT {', '.join(columns)} FROM messages")
        return [from_wire(dict(zip(columns, row, strict=True))) for row in rows]
