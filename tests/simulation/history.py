"""The history of the simulated world: the contract of ``ports``, in virtual time, with faults."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from copy import copy
from functools import partial
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from msgspec.structs import replace

from citychat.adapters.mongo.connection import MAJORITY_WITHIN_S
from citychat.limits import bound
from citychat.model import (
    PENDING,
    Guest,
    Message,
    Ranges,
    RowKey,
    Session,
    Unavailable,
    is_storable,
    missing,
    to_ranges,
)
from citychat.ports import AskedSign, Closure, Committed, Dossier, Pause, Progress, Report, SessionPlace, Untold
from citychat.rules import DAY_MS, Told, is_left_alone
from tests.simulation.engines import Machine, Wire, World
from tests.simulation.records import IS_MAJORITY_WRITTEN, Records, SetLink

P = ParamSpec("P")
T = TypeVar("T")
Store = TypeVar("Store", bound="SimStore")
Step = Callable[Concatenate[Store, P], Awaitable[T]]
Asked = Callable[Concatenate[Store, P], Coroutine[Any, Any, T]]
LATEST_S = 8.0  # of an answer that comes late
SILENT_S = 1.0  # until an answer that does not come is given up
LATEST_WRITE_S = 90.0  # of what a server does that nobody waits for any more


def read(step: Step[Store, P, T]) -> Asked[Store, P, T]:
    """A look into the history, a network away."""

    async def asked(self: Store, /, *args: P.args, **named: P.kwargs) -> T:
        await self.way(self.world.reads_up)
        old = self.link.old
        answer = await step(self.at(old.read) if old else self, *args, **named)
        await self.machine.awake()
        return answer

    return asked


def write(step: Step[Store, P, T]) -> Asked[Store, P, T]:
    """A change of the history; whether its answer arrives is another matter. Any of them may be done a minute after it
    was answered as unavailable, also when it was done again meanwhile: the newer state stands, no chat comes back and
    no bar is lost (protocol §3, Two stores). What an old primary does alone is rolled back, and a majority never has
    it."""

    async def asked(self: Store, /, *args: P.args, **named: P.kwargs) -> T:
        await self.way(True)
        if (old := self.link.old) is not None:
            answer = await step(self.at(old.own), *args, **named)
            await asyncio.sleep(MAJORITY_WITHIN_S if IS_MAJORITY_WRITTEN else 0)
            await self.machine.awake()
            if IS_MAJORITY_WRITTEN:
                raise Unavailable
            return answer
        if self.world.odd():
            loop = self.world.loop
            later_s = self.world.random.uniform(0, LATEST_WRITE_S)
            loop.call_later(later_s, lambda: loop.create_task(_done_later(step(self, *args, **named))))
            await self.machine.awake()
            raise Unavailable
        answer = await step(self, *args, **named)
        is_lost = self.world.odd()
        await self.machine.awake()
        if is_lost:
            raise Unavailable
        return answer

    return asked


async def _done_later(step: Awaitable[object]) -> None:
    await step


class SimStore:
    """One store of a process, a network away."""

    def __init__(self, world: World, machine: Machine, link: SetLink) -> None:
        self.world, self.machine, self.link = world, machine, link
        self.records: Records = world

    def at(self, records: Records) -> Self:
        """The same steps, at an old primary."""
        there = copy(self)
        there.records = records
        return there

    async def way(self, up: bool) -> None:
        """To the server. Raises Unavailable."""
        await asyncio.sleep(self.world.way_s())
        if not self.world.history_up or not self.link.up or not up:
            await self.machine.awake()
            raise Unavailable


class SimMessages(SimStore):
    def __init__(self, world: World, machine: Machine, link: SetLink) -> None:
        super().__init__(world, machine, link)
        self.there, self.back = Wire(world, world.commit_s), Wire(world)

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        self.machine.runs(partial(self.there.send, self._add, list(rows), done))

    def _add(self, rows: list[Message], done: Callable[[Committed | None], None]) -> None:
        world = self.world
        answer: Callable[[], None] = partial(done, None)
        if (old := self.link.old) is not None:
            committed = self.at(old.own)._keep(rows)
            if not IS_MAJORITY_WRITTEN:
                answer = partial(done, committed)
            world.loop.call_later(MAJORITY_WITHIN_S if IS_MAJORITY_WRITTEN else 0, self.machine.runs, answer)
            return
        if not world.history_up or not self.link.up:
            world.loop.call_later(SILENT_S, self.machine.runs, answer)
            return
        odd = world.random.choice(["late", "half", "silent"]) if world.odd() else ""
        if odd == "half":  # an unordered bulk write, broken off: any of its rows are there
            rows = [row for row in rows if world.random.random() < 0.5]
        committed = self._keep(rows)
        if odd in ("half", "silent"):
            world.loop.call_later(SILENT_S, self.machine.runs, answer)
            return
        if not world.lost():
            answer = partial(done, committed)
        if odd == "late":
            world.loop.call_later(world.random.uniform(0, LATEST_S), self.machine.runs, answer)
        else:
            self.back.send(self.machine.runs, answer)

    def _keep(self, rows: list[Message]) -> Committed:
        """A message stays as it is once it is there; a gap is parted by its message."""
        unkept, filled, standing = set(), set(), list[Message]()
        for row in rows:
            session = self.records.sessions.get(row.session)
            if session is None or not is_storable(row):
                unkept.add(row.row_key)
                continue
            held = self.records.chats.setdefault(row.session, {})
            mine = [old for old in held.values() if (old.side, old.stream) == (row.side, row.stream)]
            over = [old for old in mine if old.kind == "gap" and old.number <= row.number <= old.last]
            if row.kind == "gap":
                standing += [old for old in mine if old.kind != "gap" and row.number <= old.number <= row.last]
            elif over:
                self._part(held, over[0], row.number)
                mine.remove(over[0])
                filled.add(row.row_key)
            for piece in _pieces(row, [(old.number, old.last) for old in mine]):
                held[piece.row_key] = replace(piece, text="") if row.side in session.erased else piece
                if session.ended:
                    self.records.after_end.add(piece.row_key)
                self.records.held(piece, "in the history, where a gap was" if over else "in the history")
        return Committed(frozenset(unkept), frozenset(filled), tuple(standing))

    def _part(self, held: dict[RowKey, Message], gap: Message, number: int) -> None:
        del held[gap.row_key]
        held |= {piece.row_key: piece for piece in _pieces(gap, [(number, number)])}

    @read
    async def page(
        self, session_id: str, before: tuple[int, int, str, int] | None, limit: int, reader: int | None = None
    ) -> list[Message]:
        return [row for row in self.records.rows(session_id, reader) if before is None or row.order < before][-limit:]

    @read
    async def progress(self, session_id: str, side: int) -> Progress:
        seen: dict[str, int] = {}
        beyond: list[Message] = []
        rows = [row for row in self.records.chats.get(session_id, {}).values() if row.side == side]
        for row in sorted(rows, key=lambda row: row.key):
            if row.number == seen.setdefault(row.stream, 0) + 1:
                seen[row.stream] = row.last
            else:
                beyond.append(row)
        links = {row.stream: row.previous for row in rows if row.previous is not None}
        return Progress(seen, beyond, sum(row.last - row.number + 1 for row in rows if row.kind == "gap"), links)

    @read
    async def held(self, session_id: str, side: int, stream: str, ranges: Ranges) -> Ranges:
        rows = [row for row in self.records.rows(session_id, side) if (row.side, row.stream) == (side, stream)]
        return to_ranges(row.number for row in rows if any(a <= row.number <= b for a, b in ranges))


def _pieces(row: Message, known: Ranges) -> list[Message]:
    """What of it stands for numbers that nothing stands for yet."""
    parts = missing(row.number, row.last, known)
    return [replace(row, number=first, to=last if last > first else None) for first, last in parts]


class SimSessions(SimStore):
    @write
    async def begin(self, session: Session) -> bool:
        self.records.sessions.setdefault(session.id, session)
        return True  # no simulated pair meets so often

    @write
    async def confirm(self, session_id: str, history_ms: int) -> Session | None:
        session = self.records.sessions.get(session_id)
        if session is None or self.records.apart(session.members):
            return None
        if session.ended == PENDING:
            others = [row for member in session.members for row in _of(self.records, member)]
            started = max(session.started, *(row.started + 1 for row in others), 0)
            session = replace(session, started=started, expires=started + history_ms, ended=None)
            self.records.sessions[session_id] = session
        return session if session.ended is None else None

    @write
    async def end(self, session_id: str, at: int) -> None:
        session = self.records.sessions.get(session_id)
        if session is not None and session.ended == PENDING:
            del self.records.sessions[session_id]
        elif session is not None and session.ended is None:
            self.records.sessions[session_id] = replace(session, ended=at)

    @read
    async def find(self, session_id: str) -> Session | None:
        return self.records.sessions.get(session_id)

    @read
    async def of(self, guest: str) -> list[Session]:
        return _of(self.records, guest)

    @read
    async def newest(self, guest: str, before: SessionPlace | None, limit: int) -> list[Session]:
        found = _of(self.records, guest)
        return [row for row in found if before is None or (row.started, row.id) < before][:limit]

    @read
    async def idle(self, now: int) -> list[Session]:
        return [
            session
            for session in self.records.sessions.values()
            if session.ended is None and is_left_alone(session.started, self._seen(session), now)
        ]

    @write
    async def wish(self, session_id: str, guest: str, at: int) -> int:
        wishes = self.records.wishes
        wishes[session_id, guest] = at
        held = [when for (of, other), when in wishes.items() if of == session_id and other != guest]
        since = max((when for when in held if at - when < DAY_MS), default=0)
        if since:
            for key in [key for key in wishes if key[0] == session_id]:
                del wishes[key]
        return since

    @write
    async def keep_wish(self, session_id: str, guest: str, at: int) -> None:
        self.records.wishes[session_id, guest] = at

    def _seen(self, session: Session) -> list[int]:
        return [self.records.guests[member].seen for member in session.members if member in self.records.guests]


class SimGuests(SimStore):
    @read
    async def dossier(self, guest: str, now: int) -> Dossier:
        sessions = _of(self.records, guest)
        sessions = [row for i, row in enumerate(sessions) if i < bound("chats at a join") or row.ended is None]
        partner = next((session.partner(guest) for session in sessions if session.ended is None), "")
        return Dossier(
            row=self.records.guests.get(guest),
            pause=None,
            sessions=sessions,
            avoided_networks=(avoided := _avoided(self.records, guest, now)),
            met=_met(self.records, guest) if avoided else [],
            blocked=_blocked(self.records, guest),
            partner_seen=self.records.guests[partner].seen if partner in self.records.guests else 0,
            erased=guest in self.records.erased_guests,
        )

    @read
    async def find(self, guest: str) -> Guest | None:
        return self.records.guests.get(guest)

    @write
    async def keep(self, row: Guest) -> None:
        if row.id not in self.records.erased_guests:
            self.records.guests[row.id] = row

    @read
    async def is_erased(self, guest: str, now: int) -> bool:
        return guest in self.records.erased_guests

    @read
    async def pause(self, guest: str, now: int) -> Pause | None:
        return None

    @read
    async def keep_objection(self, guest: str, text: str, now: int) -> Pause | None:
        return None

    @read
    async def networks(self, guest: str, now: int) -> tuple[str, ...]:
        """All come from this machine."""
        return ()

    @read
    async def networks_paused(self, networks: Sequence[str], now: int) -> Pause | None:
        return None

    @read
    async def sanctions(self, since: int, now: int) -> list[tuple[str, Pause]]:
        return []

    @write
    async def erase(self, guest: str, at: int) -> list[Session]:
        touched = []
        for session in _of(self.records, guest):
            side = session.side(guest)
            ended = session.ended if session.ended is not None else at
            erased = tuple(sorted({*session.erased, side}))
            touched.append(replace(session, ended=ended, erased=erased))
            self.records.sessions[session.id] = touched[-1]
            rows = self.records.chats.get(session.id, {})
            rows |= {key: replace(row, text="") for key, row in rows.items() if row.side == side}
            self.records.wishes.pop((session.id, guest), None)
        self.records.avoided.pop(guest, None)
        self.records.guests.pop(guest, None)
        self.records.erased_guests.add(guest)
        return touched

    @read
    async def newest_seen(self) -> int:
        return max((row.seen for row in self.records.guests.values()), default=0)

    @write
    async def prune(self, now: int, history_ms: int) -> None:
        """No simulated story is that long."""


class SimRelations(SimStore):
    @write
    async def block(self, a: str, b: str, at: int) -> None:
        self.records.pairs.setdefault((min(a, b), max(a, b)), at)

    @read
    async def blocked(self, guest: str) -> list[str]:
        return _blocked(self.records, guest)

    @write
    async def avoid_networks(self, guest: str, networks: Sequence[str], at: int) -> None:
        self.records.avoided.setdefault(guest, []).extend((network, at) for network in networks)

    @read
    async def met(self, guest: str) -> list[str]:
        return _met(self.records, guest)

    @read
    async def avoided_networks(self, guest: str, now: int) -> dict[str, int]:
        return _avoided(self.records, guest, now)


class SimReports(SimStore):
    @write
    async def add(self, report: Report) -> str:
        return self.records.reports.setdefault((report.session, report.reporter), report).code

    @read
    async def state(self, code: str, now: int) -> Told | None:
        return "received" if any(report.code == code for report in self.records.reports.values()) else None

    @read
    async def untold(self) -> list[Untold]:
        return []

    @write
    async def told(self, codes: Sequence[str]) -> None:
        """Nobody asks there."""

    @read
    async def open(self) -> int:
        return len(self.world.reports)

    @read
    async def objections(self) -> int:
        return 0


class SimHouse:
    """No way is gone to it, so that no seed plays otherwise for it: nobody closes it there."""

    def __init__(self) -> None:
        self.said: Closure | None = None
        self.turns: dict[str, tuple[str, int]] = {}

    async def closure(self, now: int) -> Closure | None:
        return self.said if self.said and self.said.until > now else None

    async def close(self, closure: Closure) -> None:
        self.said = closure

    async def open(self) -> None:
        self.said = None

    async def take_turn(self, what: str, who: str, now: int, until: int) -> bool:
        whose, end = self.turns.get(what, (who, 0))
        if whose == who or end <= now:
            self.turns[what] = who, until
        return self.turns[what] == (who, until)


class SimSigns:
    """As the house: nobody asks for a sign there."""

    def __init__(self) -> None:
        self.kept: dict[str, AskedSign] = {}

    async def keep(self, sign: AskedSign) -> bool:
        self.kept[sign.guest] = sign
        return True

    async def find(self, guest: str, now: int) -> AskedSign | None:
        found = self.kept.get(guest)
        return found if found and found.until > now else None

    async def note(self, guest: str, pool: str, hidden: bool) -> None:
        if guest in self.kept:
            self.kept[guest] = replace(self.kept[guest], pool=pool, hidden=hidden)

    async def drop(self, guest: str) -> None:
        self.kept.pop(guest, None)

    async def take(self, sign: AskedSign) -> bool:
        return self.kept.pop(sign.guest, None) is not None

    async def waiting(self, key: str, now: int) -> list[AskedSign]:
        return [sign for sign in self.kept.values() if sign.key == key and sign.until > now]


class SimHistory:
    def __init__(self, world: World, machine: Machine) -> None:
        self.link = SetLink(world.loop)
        self.messages = SimMessages(world, machine, self.link)
        self.guests = SimGuests(world, machine, self.link)
        self.sessions = SimSessions(world, machine, self.link)
        self.relations = SimRelations(world, machine, self.link)
        self.reports = SimReports(world, machine, self.link)
        self.house = SimHouse()
        self.signs = SimSigns()


def _of(records: Records, guest: str) -> list[Session]:
    mine = [each for each in records.sessions.values() if guest in each.members and each.ended != PENDING]
    return sorted(mine, key=lambda session: (session.started, session.id), reverse=True)


def _blocked(records: Records, guest: str) -> list[str]:
    return [a if b == guest else b for a, b in records.pairs if guest in (a, b)]


def _met(records: Records, guest: str) -> list[str]:
    return list(dict.fromkeys(session.partner(guest) for session in _of(records, guest)))


def _avoided(records: Records, guest: str, now: int) -> dict[str, int]:
    return {network: at for network, at in records.avoided.get(guest, ()) if now - at < DAY_MS}
