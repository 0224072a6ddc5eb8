"""History and lobby of the simulated world: the contracts of ``ports``, in virtual time, with faults."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec.structs import replace

from citychat.model import DAY_MS, Guest, Message, Ranges, Session, Unavailable, to_ranges
from citychat.ports import Committed, Pause, Report, Standing
from tests.simulation.engines import Machine, Wire, World


class SimHistory:
    def __init__(self, world: World, machine: Machine) -> None:
        self.world, self.machine = world, machine
        self.there, self.back = Wire(world, world.commit_s), Wire(world)

    async def _asked(self) -> None:
        await asyncio.sleep(self.world.random.uniform(0.001, self.world.read_s))
        if not self.world.history_up:
            raise Unavailable

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        self.there.send(self._add, list(rows), done)

    def _add(self, rows: list[Message], done: Callable[[Committed | None], None]) -> None:
        if not self.world.history_up:
            self.world.loop.call_later(1.0, self.machine.runs, lambda: done(None))
            return
        gaps = set()
        for row in rows:
            key = (row.s, row.side, row.st, row.n)
            session = self.world.sessions.get(row.s)
            erased = session is not None and row.side in session.erased
            held = self.world.chats.setdefault(row.s, {})
            if key not in held:
                held[key] = replace(row, x="") if erased else row
                self.world.held(row, "in the history")
            if row.k != "gap" and held[key].k == "gap":
                gaps.add(key)
        committed = None if self.world.lost() else Committed(frozenset(gaps))
        self.back.send(lambda: self.machine.runs(lambda: done(committed)))

    async def page(self, s: str, before: tuple[int, int, str, int] | None, limit: int) -> list[Message]:
        await self._asked()
        return [row for row in self.world.rows(s) if before is None or row.order < before][-limit:]

    async def standing(self, s: str, side: int) -> Standing:
        await self._asked()
        seen: dict[str, int] = {}
        beyond: list[Message] = []
        rows = (row for row in self.world.chats.get(s, {}).values() if row.side == side)
        for row in sorted(rows, key=lambda row: row.key):
            if row.n == seen.setdefault(row.st, 0) + 1:
                seen[row.st] = row.n
            else:
                beyond.append(row)
        return Standing(seen, beyond)

    async def held(self, s: str, side: int, st: str, ranges: Ranges) -> Ranges:
        await self._asked()
        rows = [row for row in self.world.chats.get(s, {}).values() if (row.side, row.st) == (side, st)]
        return to_ranges(row.n for row in rows if row.k != "gap" and any(a <= row.n <= b for a, b in ranges))

    async def guest(self, guest: str) -> Guest | None:
        await self._asked()
        return self.world.guests.get(guest)

    async def keep_guest(self, guest: Guest) -> None:
        await self._asked()
        self.world.guests[guest.id] = guest

    async def begin(self, session: Session) -> None:
        await self._asked()
        self.world.sessions.setdefault(session.id, session)

    async def undo(self, s: str) -> None:
        await self._asked()
        if self.world.sessions.pop(s, None) is not None:
            self.world.undone_s[s] = self.world.loop.time()

    async def end(self, s: str, at: int) -> None:
        await self._asked()
        session = self.world.sessions.get(s)
        if session is not None and session.ended is None:
            self.world.sessions[s] = replace(session, ended=at)

    async def session(self, s: str) -> Session | None:
        await self._asked()
        return self.world.sessions.get(s)

    async def sessions(self, guest: str) -> list[Session]:
        await self._asked()
        mine = [session for session in self.world.sessions.values() if guest in session.members]
        return sorted(mine, key=lambda session: -session.started)

    async def bar(self, a: str, b: str, at: int) -> None:
        await self._asked()
        self.world.pairs.setdefault((min(a, b), max(a, b)), at)

    async def barred(self, guest: str) -> list[str]:
        await self._asked()
        return [a if b == guest else b for a, b in self.world.pairs if guest in (a, b)]

    async def shun(self, guest: str, networks: Sequence[str], at: int) -> None:
        await self._asked()
        self.world.shuns.setdefault(guest, []).extend((network, at) for network in networks)

    async def shunned(self, guest: str, now: int) -> dict[str, int]:
        await self._asked()
        shuns = self.world.shuns.get(guest, ())
        return {network: at for network, at in reversed(shuns) if now - at < DAY_MS}

    async def report(self, report: Report) -> str:
        await self._asked()
        return self.world.reports.setdefault((report.s, report.reporter), report).code

    async def case(self, code: str) -> Literal["received", "acted", "none"] | None:
        await self._asked()
        return "received" if any(report.code == code for report in self.world.reports.values()) else None

    async def pause(self, guest: str, now: int) -> Pause | None:
        await self._asked()
        return None

    async def wish(self, s: str, guest: str, at: int) -> bool:
        await self._asked()
        wishes = self.world.wishes
        wishes[s, guest] = at
        both = any(other != guest and at - when < DAY_MS for (of, other), when in wishes.items() if of == s)
        if both:
            for key in [key for key in wishes if key[0] == s]:
                del wishes[key]
        return both

    async def erase(self, guest: str, at: int) -> list[Session]:
        await self._asked()
        touched = []
        for session in await self.sessions(guest):
            side = session.side(guest)
            ended = session.ended if session.ended is not None else at
            erased = tuple(sorted({*session.erased, side}))
            touched.append(replace(session, ended=ended, erased=erased))
            self.world.sessions[session.id] = touched[-1]
            rows = self.world.chats.get(session.id, {})
            rows |= {key: replace(row, x="") for key, row in rows.items() if row.side == side}
            self.world.wishes.pop((session.id, guest), None)
        self.world.shuns.pop(guest, None)
        self.world.guests.pop(guest, None)
        return touched

    async def prune(self, now: int, history_ms: int) -> None:
        await self._asked()

    async def idle(self, before: int) -> list[Session]:
        await self._asked()
        return [
            session
            for session in self.world.sessions.values()
            if session.ended is None and self._is_idle(session, before)
        ]

    def _is_idle(self, session: Session, before: int) -> bool:
        guests = [self.world.guests[member] for member in session.members if member in self.world.guests]
        return max([session.started, *(guest.seen for guest in guests)]) < before


class SlowLobby:
    """The real embedded lobby, a network away: every call takes its time, and the step happens in the middle."""

    def __init__(self, world: World, lobby: Any) -> None:
        self._world, self._lobby = world, lobby

    def __getattr__(self, name: str) -> Any:
        step = getattr(self._lobby, name)

        async def call(*args: Any) -> Any:
            await asyncio.sleep(self._world.random.uniform(0.0005, 0.005))
            answer = await step(*args)
            self._world.stepped(name, args, answer)
            if name != "nearby":  # most calls; nothing depends on when its answer comes
                await asyncio.sleep(self._world.random.uniform(0.0005, 0.005))
            return answer

        return call
