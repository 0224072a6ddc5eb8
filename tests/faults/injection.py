"""One injection: people are brought into every moment of the matrix, something breaks, is mended, and all is judged.

Moments are reached from outside, by what a proxy holds back: bytes from Redis to the processes (published, not pushed),
bytes of one page's link (pushed, not acked), bytes to MongoDB (drawn, not in history; accept in flight). What is held
back goes on the moment the fault has begun, unless the fault has taken it.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from citychat.delivery.sender import RECEIPT_S
from citychat.rules import ALONE_AFTER
from tests.faults.checker import Finding, Report, check, of
from tests.faults.gathering import Pair, marry, open_all, until, until_all, until_any
from tests.faults.kept import Kept
from tests.faults.matrix import (
    ACCEPTING,
    DEEP,
    DRAINED,
    DRAINING,
    DRAWN,
    EMBEDDED_MOMENTS,
    HIT,
    IDLE,
    MOMENTS,
    OFFERED,
    PUBLISHED,
    PUSHED,
    TALKING,
    ClientFault,
    Fault,
)  # fmt: skip
from tests.faults.people import Resident
from tests.faults.town import TICK_S, NotBegun, Town
from tests.support.patience import PATIENCE_S

DEEP_MESSAGES = 200
BURST = 3  # messages in the middle of a moment
CONTENT_S = 15.0  # then whoever looks may be barred with everybody left: the stores know
LOOK_AGAIN_S = 2.0
STILL_S = 60.0  # at most: what pages hear while the stores are read for many seconds is not in what was read
CURT_MAX = ALONE_AFTER - 2  # chats that one leaves at once; an offer that runs out by the fault may count, too
AFTER_S = 3.0  # of talking when all is healthy again
TALK_S, CHAT_S, LIVELY_S = 0.5, 2.0, 0.12  # between two messages of a person, on average
LONG_S = 15.0  # a longer fault is talked through more slowly: too many rows are too much for FerretDB
SLOW_BYTES_PER_S = 6_000.0  # a deep mailbox takes seven seconds through such a link: whoever is slow is there in time


@dataclass
class Cell:
    """One column of one injection. ``recovery_s``: of each person, until all that was said before the end of the fault
    was delivered and the page was joined again."""

    pairs: int = 0
    reached: int = 0
    sent: int = 0
    findings: list[str] = field(default_factory=list)
    recovery_s: list[float] = field(default_factory=list)


@dataclass
class Result:
    fault: str
    cells: dict[tuple[str, str], Cell]  # by (fault, moment)
    counts: Counter[str]
    broken: Counter[str]
    complaints: list[str]
    seconds: float = 0.0


class Injection:
    """``times``: pairs of each moment and orientation. ``client``: the rows of pages, one for each pair in turn.
    ``whole``: nothing is broken before people stand in every moment. ``after_s``: of lively talk when all is well.
    ``window_s``: what is held back at most before the fault; then the mailbox takes over."""

    def __init__(
        self,
        town: Town,
        fault: Fault,
        times: int = 1,
        client: Sequence[ClientFault] = (),
        patience_s: float = PATIENCE_S,
        whole: bool = False,
        after_s: float = AFTER_S,
        window_s: float = RECEIPT_S,
    ) -> None:
        self.town, self.fault, self.times, self.client = town, fault, times, client
        self.patience_s, self.whole, self.after_s, self.window_s = patience_s, whole, after_s, window_s
        known = MOMENTS if town.engines else EMBEDDED_MOMENTS
        self.calm = max(1.0, max((each.hold_s for each in client), default=fault.hold_s) / LONG_S)
        self.moments = [moment for moment in known if moment not in fault.without]
        self.pairs: list[Pair] = []
        self.walkers: list[Resident] = []
        self.asked: list[Resident] = []  # of the walkers, those who have the offers
        self.reached: Counter[tuple[str, str]] = Counter()  # by moment and row of pages
        self.talk = self.walk = True
        self.begin_s = self.end_s = 0.0
        self.ends: dict[str, float] = {}  # of each person's own fault
        self._tasks: list[asyncio.Task[None]] = []
        self._drain: asyncio.Task[None] | None = None

    async def play(self) -> Result:
        """Raises NotBegun."""
        start_s = time.monotonic()
        try:
            await self._begin()
            await self._break_and_mend()
            report = await self._settle()
        finally:
            await self._stop()
        return self._result(report, time.monotonic() - start_s)

    async def _begin(self) -> None:
        try:
            await self._gather()
            await self._warm_up()
            await self._enter_moments()
        except TimeoutError as error:
            raise NotBegun(f"people did not get where they should be: {error!r}") from error
        if self.whole and (missed := self._missed()):
            raise NotBegun(f"nobody was there in time: {missed}")

    # -- bringing people together -------------------------------------------------------------------------------------

    async def _gather(self) -> None:
        for moment in self.moments:
            if moment in (OFFERED, ACCEPTING):
                continue
            there = DRAINED if moment == DRAINING else HIT
            for sender, receiver in ((0, there), (there, 0)):
                count = self.times if moment != DEEP else min(self.times, max(1, len(self.client)))
                self.pairs += await marry(self.town, moment, count, sender, receiver)
        for number, pair in enumerate(self.pairs):
            if self.client:
                who = pair.receiver if number % 2 else pair.sender
                who.fault = self.client[number // 2 % len(self.client)].name
        for moment in (OFFERED, ACCEPTING):
            if moment in self.moments:
                await self._ask(moment, 2 * self.times)

    async def _ask(self, moment: str, count: int) -> None:
        """Offers that nobody answers yet."""
        askers = [self.town.person(HIT * (i % 2), moment) for i in range(count)]
        asked = [self.town.person(HIT * (1 - i % 2), moment) for i in range(count)]
        for person in asked:
            person.answers = lambda word: ""
        for person in askers:
            person.shy = True
        await open_all(asked + askers)
        for person in askers:
            person.seek()
            waiting = [other for other in asked if other.page.offer is None]
            await until_any(waiting, lambda other: other.page.offer is not None)
        if self.client:
            for number, person in enumerate((*asked, *askers), len(self.walkers)):
                person.fault = self.client[number % len(self.client)].name
        self.walkers += askers + asked
        self.asked += asked

    async def _warm_up(self) -> None:
        for pair in self.pairs:
            pair.sender.speak()
            pair.receiver.speak()
        people = [person for pair in self.pairs for person in pair.both()]
        await until_all(people, lambda person: person.settled())

    # -- into the moments ---------------------------------------------------------------------------------------------

    def _of(self, moment: str) -> list[Pair]:
        return [pair for pair in self.pairs if pair.moment == moment]

    async def _enter_moments(self) -> None:
        """When this returns, everybody is where the fault shall find them."""
        await self._fill_mailboxes()
        for pair in (*self._of(TALKING), *self._of(DRAINING)):
            self._tasks += [asyncio.create_task(self._chat(person, TALK_S * self.calm)) for person in pair.both()]
        await self._come_back()
        await self._hold_back()
        if self._of(DRAINING):
            self._drain = asyncio.create_task(self._drain_and_restart())
            await asyncio.sleep(2 * TICK_S)
        self._count_reached()

    async def _fill_mailboxes(self) -> None:
        deep = self._of(DEEP)
        for pair in deep:
            pair.receiver.page.stop()
        for pair in deep:
            sender = pair.sender
            await until(lambda: any(event == "user-left" for event, _ in sender.page.screen.heard))  # noqa: B023
            for _ in range(DEEP_MESSAGES):
                await until(sender.speak)
        for pair in deep:
            sender = pair.sender
            await until(lambda: len(sender.entries("stored")) >= DEEP_MESSAGES)  # noqa: B023

    async def _come_back(self) -> None:
        """The absent ones return over a slow link: the fault comes while their mailbox empties."""
        deep = [pair.receiver for pair in self._of(DEEP)]
        for person in deep:
            person.proxy.to_client.bytes_per_s = SLOW_BYTES_PER_S
            await person.open()
        await until_all(deep, lambda person: person.page.joined)

    async def _drain_and_restart(self) -> None:
        node = self.town.nodes[DRAINED]
        await self.town.drain(node)
        if self.fault.name == "kill -9":
            self.town.exits.pop()  # killed in the middle of it
        else:
            await node.start()

    def _mongo_flows(self, open: bool) -> None:
        if self.town.engines:
            for proxy in self.town.engines.mongo.proxies:
                (proxy.to_server.open.set if open else proxy.to_server.open.clear)()

    def _redis_flows(self, open: bool) -> None:
        if self.town.engines:
            for proxy in self.town.engines.redis.proxies:
                (proxy.to_client.open.set if open else proxy.to_client.open.clear)()

    async def _hold_back(self) -> None:
        pushed, drawn, published = self._of(PUSHED), self._of(DRAWN), self._of(PUBLISHED)
        for number, pair in enumerate(pushed):
            flow = pair.receiver.proxy.flows[number % 2]  # drawn and not acked, or not even drawn
            flow.open.clear()
        self._mongo_flows(False)
        for pair in (*pushed, *drawn):
            pair.sender.speak(BURST)
        for person in self.walkers:
            if person.moment == ACCEPTING and person.page.offer is not None:
                person.answers = lambda word: word
                person.page.answer("yes")
        await until(lambda: all(map(self._is_drawn, drawn)) and all(map(self._is_pushed, pushed)), self.window_s)
        self._redis_flows(False)
        for pair in published:
            pair.sender.speak(BURST)
        if published:
            await asyncio.sleep(2 * TICK_S)

    def _release(self) -> None:
        for pair in (*self._of(PUSHED), *self._of(DEEP)):
            for flow in pair.receiver.proxy.flows:
                flow.open.set()
                flow.bytes_per_s = 0.0
        self._mongo_flows(True)
        self._redis_flows(True)

    # -- is it so? ----------------------------------------------------------------------------------------------------

    def _shown(self, pair: Pair) -> bool:
        return pair.receiver.has_seen(pair.sender)

    def _is_pushed(self, pair: Pair) -> bool:
        return sum(flow.held_bytes for flow in pair.receiver.proxy.flows) > 0

    def _is_drawn(self, pair: Pair) -> bool:
        return self._shown(pair) and len(pair.sender.entries("waiting")) >= BURST

    def _held_by_redis(self) -> int:
        engines = self.town.engines
        return sum(proxy.to_client.held_bytes for proxy in engines.redis.proxies) if engines else 0

    def _is_reached(self, pair: Pair) -> bool:
        unanswered = len(pair.sender.entries("waiting"))
        match pair.moment:
            case moment if moment == IDLE:
                return pair.sender.settled() and pair.receiver.settled()
            case moment if moment == TALKING:
                return bool(pair.sender.chat and pair.receiver.chat)
            case moment if moment == PUBLISHED:
                return self._held_by_redis() > 0 and unanswered >= BURST and not self._shown(pair)
            case moment if moment == PUSHED:
                return self._is_pushed(pair) and unanswered >= BURST
            case moment if moment == DRAWN:
                return self._is_drawn(pair)
            case moment if moment == DEEP:
                return pair.receiver.page.joined and not self._shown(pair)
            case _:
                return self.town.nodes[DRAINED].running

    def _count_reached(self) -> None:
        for pair in self.pairs:
            self.reached[pair.moment, pair.sender.fault or pair.receiver.fault] += self._is_reached(pair)
        for person in self.asked:
            is_open = person.page.offer is not None and not person.chat
            if is_open and bool(of(person, "yes")) == (person.moment == ACCEPTING):
                self.reached[person.moment, person.fault] += 1

    def _missed(self) -> set[tuple[str, str]]:
        wanted = {(pair.moment, pair.sender.fault or pair.receiver.fault) for pair in self.pairs}
        wanted |= {(person.moment, person.fault) for person in self.asked}
        return {key for key in wanted if not self.reached[key]}

    # -- the fault ----------------------------------------------------------------------------------------------------

    async def _break_and_mend(self) -> None:
        self.begin_s = time.monotonic()
        if self.client:
            tricks = [asyncio.create_task(self._trick(person)) for person in self.town.people if person.fault]
            await asyncio.sleep(TICK_S)
        else:
            await self.fault.begin(self.town)
            tricks = []
        self._release()
        for person in self.walkers:
            person.answers = lambda word, person=person: self._whim(person, word)  # type: ignore[misc]
            self._tasks.append(asyncio.create_task(self._wander(person)))
        for pair in self.pairs:
            if pair.moment not in (TALKING, DRAINING):
                self._tasks += [asyncio.create_task(self._chat(person, CHAT_S * self.calm)) for person in pair.both()]
        await asyncio.sleep(self.fault.hold_s)
        if not self.client:
            await self.fault.end(self.town)
        if tricks:
            await asyncio.gather(*tricks)
        self.end_s = time.monotonic()
        self.walk = False
        for pair in self.pairs:
            self._tasks += [asyncio.create_task(self._chat(person, LIVELY_S)) for person in pair.both()]
        await asyncio.sleep(self.after_s)
        self.talk = False

    async def _trick(self, person: Resident) -> None:
        fault = next(fault for fault in self.client if fault.name == person.fault)
        await fault.begin(person)
        if fault.at_once:
            self.ends[person.name] = time.monotonic()
        await asyncio.sleep(fault.hold_s)
        await fault.end(person)
        self.ends.setdefault(person.name, time.monotonic())

    async def _chat(self, person: Resident, mean_s: float) -> None:
        while self.talk:
            await asyncio.sleep(person.random.uniform(0, 2 * mean_s))
            if self.talk:
                person.speak()

    def _whim(self, person: Resident, word: str) -> str:
        return "no" if self.walk and person.random.random() < 0.15 else word

    async def _wander(self, person: Resident) -> None:
        """Seek, talk a little, leave, seek again; stay with whom is found once all is healthy."""
        greeted: set[str] = set()
        while True:
            await asyncio.sleep(person.random.uniform(0.3, 1.5))
            if not person.here or not person.page.joined:
                continue
            if person.chat:
                if self.talk or person.chat not in greeted:
                    person.speak()
                    greeted.add(person.chat)
                if self.walk and person.random.random() < 0.4 and (person.has_talked() or person.curt < CURT_MAX):
                    person.leave()
            elif person.page.offer is not None:
                person.page.answer("yes")
            elif not person.page.looking:
                person.seek()

    # -- afterwards ---------------------------------------------------------------------------------------------------

    async def _settle(self) -> Report:
        """Judge when everybody is content, or patience has ended."""
        until_s = self.end_s + self.patience_s
        everybody = self.town.people
        await until(
            lambda: all(person.settled() for person in everybody) and self._alone() <= 1,
            min(CONTENT_S, self.patience_s),
        )
        await until(lambda: all(person.settled() for person in everybody), until_s - time.monotonic())
        for person in everybody:
            if len(person.pages) > 1 and person.chat and person.page.joined:
                await person.read_older()
        while True:
            read_s = time.monotonic()
            kept = await self.town.kept()
            is_still = all(not person.log or person.log[-1].at_s < read_s for person in everybody)
            report = check(everybody, kept)
            report.findings += self._left_alone(kept)
            if not report.findings or time.monotonic() > until_s + (0 if is_still else STILL_S):
                report.findings += [
                    Finding("drain", "", f"a process told to stop ended with {status}")
                    for status in self.town.exits
                    if status or status is None
                ]
                return report
            await asyncio.sleep(LOOK_AGAIN_S)

    def _alone(self) -> int:
        return sum(not person.chat for person in self.walkers)

    def _left_alone(self, kept: Kept) -> Iterable[Finding]:
        """Two who look and are not barred must be in a chat by now (M14)."""
        alone = [person for person in self.walkers if not person.chat]
        for i, one in enumerate(alone):
            for two in alone[:i]:
                pair = sorted((one.guest, two.guest))
                if (pair[0], pair[1]) not in kept.barred:
                    text = f"{one.name} and {two.name} look, and nobody brings them together"
                    yield Finding("matching", one.name, text)

    async def _stop(self) -> None:
        self.talk = self.walk = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *([self._drain] if self._drain else []), return_exceptions=True)

    def record(self, kept: Kept) -> str:
        """Everything that is known, for whoever looks for the cause of a finding."""
        wall_s = time.time() - time.monotonic()

        def at(s: float) -> str:
            return datetime.fromtimestamp(wall_s + s).isoformat(" ", "milliseconds")

        lines = [
            f"begin {at(self.begin_s)}, end {at(self.end_s)}",
            *(f"session {session}" for session in kept.sessions),
        ]
        lines += [f"mail {kept.mail}", f"barred {kept.barred}"]
        for person in self.town.people:
            page = person.page
            lines.append(
                f"{person.name} {person.guest} {person.moment} {person.fault} joined {page.joined} {person.chat}"
            )
            lines += [f"  {at(e.at_s)} {e.load} {e.what} {e.key or ''} {e.text}" for e in person.log]
        for number, node in enumerate(self.town.nodes):
            lines += [f"process {number}", *node.output]
        return "\n".join(lines)

    # -- the result ---------------------------------------------------------------------------------------------------

    def _result(self, report: Report, seconds: float) -> Result:
        cells: dict[tuple[str, str], Cell] = defaultdict(Cell)
        wrong: dict[str, list[str]] = defaultdict(list)
        for finding in report.findings:
            wrong[finding.person].append(f"{finding.promise}: {finding.person} {finding.text}")
        for pair in self.pairs:
            cell = cells[pair.sender.fault or pair.receiver.fault or self.fault.name, pair.moment]
            cell.pairs += 1
            self._add(cell, pair.both(), wrong)
        for person in self.walkers:
            cell = cells[person.fault or self.fault.name, person.moment]
            cell.pairs += person in self.asked
            self._add(cell, (person,), wrong)
        for (moment, fault), count in (+self.reached).items():
            cells[fault or self.fault.name, moment].reached += count
        return Result(
            self.fault.name, dict(cells), report.counts, Counter(finding.promise for finding in report.findings),
            [f"{self.fault.name}, {finding.promise}: {finding.person} {finding.text}" for finding in report.findings],
            seconds,
        )  # fmt: skip

    def _add(self, cell: Cell, people: Iterable[Resident], wrong: dict[str, list[str]]) -> None:
        for person in people:
            cell.sent += len(of(person, "said"))
            cell.findings += wrong[person.name]
            if (recovery_s := self._recovery_s(person)) is not None:
                cell.recovery_s.append(recovery_s)

    def _recovery_s(self, person: Resident) -> float | None:
        """Until all that was said before everything was healthy has been delivered, and the page is joined."""
        fault_s = self.begin_s if self.fault.at_once else self.end_s
        from_s = self.ends.get(person.name, fault_s) if self.client else fault_s
        ticks = {entry.key: entry.at_s for entry in person.log if entry.what == "delivered"}
        said = [entry.key for entry in of(person, "said") if self.begin_s - 5 <= entry.at_s <= from_s]
        moments = [ticks[key] for key in said if key in ticks]
        moments += [entry.at_s for entry in of(person, "joined") if entry.at_s >= self.begin_s]
        return max(0.0, max(moments, default=from_s) - from_s)
