"""The life of sessions on one process: how they begin and how they end (protocol §3, product page).

Two stores, in this order. A session begins in the history, then in the lobby; it ends in the lobby, which frees both
sides, and then durably, however long that takes: the answer waits for it.
"""

from asyncio import Task
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import Random
from typing import Protocol, TypeVar

from msgspec.structs import replace

from citychat.matching.match_state import MatchState
from citychat.model import DAY_MS, NoSession, NotJoined, Session, Unavailable, new_aliases, new_id
from citychat.ports import Bus, Clock, History, Lobby, Mailbox, SessionBegun, SessionEnded, TextsErased
from citychat.tasks import Tasks, pause, until_available

ALONE_MS = DAY_MS  # a chat that both have left alone for so long is over (M12)
LATE_ROW_S = 10.0  # a store that was asked and did not answer in 2 s has answered, or forgotten, by then
WISH_MS = DAY_MS  # "Talk again"

T = TypeVar("T")


class Talk(Protocol):
    """What delivery must know of sessions."""

    async def began(self, guest: str, session: Session) -> None: ...

    async def ended(self, guest: str, session: Session) -> None: ...


class Sessions:
    """``seats``: the guests of this process. ``ending``: sessions that are over here and not yet everywhere."""

    def __init__(
        self,
        *,
        lobby: Lobby,
        bus: Bus,
        history: History,
        mailbox: Mailbox,
        talk: Talk,
        clock: Clock,
        random: Random,
        tasks: Tasks,
        history_ms: int,
    ) -> None:
        self.lobby, self.bus, self.history, self.mailbox, self.talk = lobby, bus, history, mailbox, talk
        self.clock, self.random, self.tasks, self.history_ms = clock, random, tasks, history_ms
        self.seats: dict[str, MatchState] = {}
        self.ending: set[str] = set()
        self._wishes: dict[tuple[str, str], tuple[Session, int]] = {}  # both wished, not both were free; until when

    def seat(self, guest: str) -> MatchState:
        if guest not in self.seats:
            raise NotJoined
        return self.seats[guest]

    def retry(self, step: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        return until_available(step, self.clock, self.random)

    async def own(self, guest: str, s: str) -> Session:
        """A session of this guest, running or not. Raises NoSession, Unavailable."""
        seat = self.seats.get(guest)
        if seat is not None and seat.session is not None and seat.session.id == s:
            return seat.session
        session = await self.history.sessions.find(s)
        if session is None or guest not in session.members:
            raise NoSession
        return session

    # -- beginning ----------------------------------------------------------------------------------------------------

    async def prepare(self, members: Sequence[str], city: str) -> Session:
        """A new session, durable before anybody hears of it (M11)."""
        now = self.clock.wall_ms()
        aliases = new_aliases(self.random)
        session = Session(new_id(self.random), tuple(members), aliases, city, now, now + self.history_ms)
        try:
            await self.history.sessions.begin(session)
        except BaseException:
            # The row may be there, only the answer is missing; or the store is slow and writes it after our undo.
            self.tasks.spawn(self._resolve_twice(session), "resolve a session")
            raise
        return session

    async def _resolve_twice(self, session: Session) -> None:
        if not await self._resolve(session):
            await pause(self.clock, LATE_ROW_S)
            await self._resolve(session)

    async def release(self, s: str, members: Sequence[str]) -> None:
        """Left or undone while somebody joined: the lobby took up what the history has closed."""
        await self.lobby.end(s, members)
        for member in members:
            self.bus.publish(member, SessionEnded(s, self.clock.wall_ms()))

    def resolve(self, session: Session) -> None:
        """The lobby has not let it begin, or nobody knows: find out, then tell both or undo it."""
        self.tasks.spawn(self._resolve(session), "resolve a session")

    async def _resolve(self, session: Session) -> bool:
        """Whether it has begun. Ended first, so that nobody can enter with its row any more: who has entered meanwhile
        may have spoken. The chat is then over, but its row stays, or what waits in a mailbox would be nobody's."""
        if await self.retry(partial(self._has_begun, session)):
            self.tell_met(session)
            return True
        await self.retry(partial(self.history.sessions.end, session.id, self.clock.wall_ms()))
        begun = await self.retry(partial(self._has_begun, session))
        if not begun:
            await self.retry(partial(self.history.sessions.undo, session.id))
        await self.retry(partial(self.release, session.id, session.members))
        return begun

    async def _has_begun(self, session: Session) -> bool:
        return any(where.session == session.id for where in await self.lobby.status(session.members))

    def tell_met(self, session: Session) -> None:
        for member in session.members:
            self.bus.publish(member, SessionBegun(session.id))

    async def begin_here(self, seat: MatchState, session: Session) -> None:
        """From here on the page may talk; the caller tells it (``MatchState.show_session``)."""
        seat.rest()
        seat.session = session
        await self.talk.began(seat.guest, session)

    async def enter_here(self, seat: MatchState, s: str) -> bool:
        """The lobby says that the guest is in session ``s``; whether its page must be told."""
        if s in self.ending or (seat.session is not None and seat.session.id == s):
            return False
        session = await self.history.sessions.find(s)
        if session is None or session.ended is not None:
            await self.release(s, session.members if session else [seat.guest])
            return False
        if seat.session is not None:
            await self.over_here(seat)
        await self.begin_here(seat, session)
        return True

    async def shown(self, session: Session, guest: str) -> dict[str, object]:
        """The payload of ``user-session``: the session as this member sees it, and whether the partner is here.

        Once it has ended nobody learns any more whether the other one is online: a block would not look like leaving.
        """
        fields = session.shown(guest)
        partner = session.partner(guest)
        here = session.ended is None and (await self.bus.listeners([partner]))[0] > 0
        fields["here"] = here
        if not here and session.ended is None:
            row = await self.history.guests.find(partner)
            fields["away_since"] = max(row.seen if row else 0, session.started)
        return fields

    # -- ending -------------------------------------------------------------------------------------------------------

    async def over_here(self, seat: MatchState, at: int | None = None) -> None:
        """The seat's session has ended elsewhere: by the partner, or in the lobby, which has nobody in it any more."""
        session = seat.parted()
        if session is None:
            return
        session = replace(session, ended=self.clock.wall_ms() if at is None else at)
        self.ending.add(session.id)
        await self.talk.ended(seat.guest, session)
        seat.page.emit("user-left", {"session": session.id, "how": "left", "since": session.ended})
        self.tasks.spawn(self._end_durably(session), "end a session")

    def left(self, guest: str, s: str, at: int) -> None:
        """The partner says that the session is over."""
        seat = self.seats.get(guest)
        if seat is not None and seat.session is not None and seat.session.id == s:
            self.tasks.spawn(self._left(seat, s, at), "a partner left")

    async def _left(self, seat: MatchState, s: str, at: int) -> None:
        async with seat.lock:
            if seat.session is not None and seat.session.id == s:
                await self.over_here(seat, at)

    async def end(self, session: Session, by: str) -> Task[None]:
        """End it for a member, or for nobody (""). With the lobby there both sides are free when this returns; the
        task ends when it is durable."""
        session = replace(session, ended=self.clock.wall_ms())
        self.ending.add(session.id)
        seat = self.seats.get(by)
        if seat is not None:
            async with seat.lock:
                if seat.session is not None and seat.session.id == session.id:
                    seat.parted()
                await self.talk.ended(by, session)
        try:
            await self._end_in_lobby(session, by)
        except Unavailable:
            return self.tasks.spawn(self._end_later(session, by), "end a session")
        return self.tasks.spawn(self._end_durably(session), "end a session")

    async def _end_in_lobby(self, session: Session, by: str) -> None:
        await self.lobby.end(session.id, session.members)
        assert session.ended is not None
        for member in session.members:
            if member != by:
                self.bus.publish(member, SessionEnded(session.id, session.ended))

    async def _end_later(self, session: Session, by: str) -> None:
        await self.retry(partial(self._end_in_lobby, session, by))
        await self._end_durably(session)

    async def _end_durably(self, session: Session) -> None:
        assert session.ended is not None
        await self.retry(partial(self.history.sessions.end, session.id, session.ended))
        self.ending.discard(session.id)

    async def leave(self, guest: str, s: str) -> Task[None] | None:
        """End a chat; what to wait for before the answer. Raises NoSession, Unavailable."""
        session = await self.own(guest, s)
        return None if session.ended is not None else await self.end(session, guest)

    async def tidy(self) -> None:
        """End what runs on though its date has come, or though both have been away for 24 h (M12); delete the old."""
        now = self.clock.wall_ms()
        for seat in list(self.seats.values()):
            session = seat.session
            if session is not None and (session.expires <= now or session.ended is not None):
                await self.end(session, "")
        for session in await self.history.sessions.idle(now - ALONE_MS):
            if not any(await self.bus.listeners(session.members)):
                await self.end(session, "")
        await self.history.guests.prune(now, self.history_ms)

    # -- afterwards ---------------------------------------------------------------------------------------------------

    async def chats(self, guest: str) -> list[dict[str, object]]:
        """``user-chats``, newest first."""
        return [session.shown(guest) for session in await self.history.sessions.of(guest)]

    async def again(self, guest: str, s: str) -> None:
        """``user-again``. Somebody barred is told nothing else than somebody whose partner has not pressed yet."""
        session = await self.own(guest, s)
        seat = self.seat(guest)
        if seat.session is not None and seat.session.id == s:
            return
        now, partner = self.clock.wall_ms(), session.partner(guest)
        both = await self.history.sessions.wish(s, guest, now)
        if not both or partner in await self.history.relations.blocked(guest):
            return
        if not await self._reunite(session):
            await self.history.sessions.wish(s, partner, now)  # the store has used both up
            self._wishes[s, guest] = session, now + WISH_MS

    async def grant_wishes(self) -> None:
        """Bring together those who both wished to talk again and were not both free (every 15 s)."""
        now = self.clock.wall_ms()
        for (s, guest), (session, until) in list(self._wishes.items()):
            if now >= until or guest not in self.seats:
                del self._wishes[s, guest]
                continue
            found = await self.lobby.status(session.members)
            if all(where.state == "free" for where in found) and await self._reunite(session):
                self._wishes.pop((s, guest), None)

    async def _reunite(self, session: Session) -> bool:
        """The lobby makes the session in one step, or not at all."""
        new = await self.prepare(session.members, session.city)
        try:
            paired = await self.lobby.pair(new.id, new.members)
        except BaseException:
            self.resolve(new)
            raise
        if paired:
            self.tell_met(new)
        else:
            self.resolve(new)
        return paired

    async def erase(self, guest: str) -> Task[None]:
        """``user-erase``: a running chat ends first. Raises Unavailable before anything was done, and not after it."""
        sessions = await self.history.sessions.of(guest)
        seat = self.seat(guest)
        running = [session for session in sessions if session.ended is None]
        if seat.session is not None and seat.session.id not in [session.id for session in running]:
            running.append(seat.session)
        ends = [await self.end(session, guest) for session in running]
        return self.tasks.spawn(self._erase(guest, ends, self.clock.wall_ms()), "erase")

    async def _erase(self, guest: str, ends: list[Task[None]], at: int) -> None:
        for end in ends:
            await end
        sessions = await self.retry(partial(self.history.sessions.of, guest))
        await self.retry(partial(self.history.guests.erase, guest, at))
        for session in sessions:
            partner = session.partner(guest)
            self.bus.publish(partner, TextsErased(session.id))
            await self.retry(partial(self.mailbox.blank, partner, session.id, session.side(guest)))
