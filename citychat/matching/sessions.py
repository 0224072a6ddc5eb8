"""The life of sessions on one process: how they begin and how they end (protocol §3, product page).

Two stores. A session is written down as pending, begins in the lobby, and is confirmed in the history: only then is
anybody told, and only then can a guest come back to it. It ends in both at the same time, so that the first of them
that answers makes it final: the lobby lets go of both sides, and by an ended row nobody enters. However long the other
one takes, the answer waits for it.
"""

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable, Container, Sequence
from functools import partial

from msgspec.structs import replace

from citychat.expiring import Expiring
from citychat.figures import Meetings
from citychat.limits import bound
from citychat.matching.announcements import Announcements
from citychat.matching.date_check import DateCheck
from citychat.matching.house import House
from citychat.matching.unanswered import note_unanswered
from citychat.model import PENDING, DiskFull, Gone, NoSession, Session, Unavailable, new_aliases, new_id
from citychat.ports import Engines, SessionBegun, SessionEnded, SessionPlace
from citychat.registry import Client, Registry
from citychat.rules import PENDING_MS, expires, is_expired
from citychat.tasks import Tasks

Step = Callable[[], Awaitable[object]]

LIST_MAX = bound("chat list")
CONFIRM_S = 30.0  # a yes that the history has not taken by then would surprise both


class Sessions:
    """Begins and ends sessions. ``ending``: those that are over here and not yet everywhere; ``pending_blocks``: pairs
    whose block is on its way to the history, counted; ``history_ms``: how long a chat is kept; ``meetings``: since the
    start."""

    def __init__(self, engines: Engines, tasks: Tasks, registry: Registry, history_ms: int) -> None:
        self.lobby, self.bus, self.history = engines.lobby, engines.bus, engines.history
        self.mailbox, self.clock, self.random = engines.mailbox, engines.clock, engines.random
        self.has_room = engines.has_room
        self.tasks, self.registry, self.history_ms = tasks, registry, history_ms
        self.dates = DateCheck(self.history, self.clock)
        self.house = House(self.history.house, self.dates)
        self.ending: set[str] = set()
        self.meetings = Meetings()
        self.announcements = Announcements(engines.bus, engines.clock)
        self.pending_blocks: dict[tuple[str, str], int] = {}
        self._unconfirmed = Expiring[str, float](
            bound("unconfirmed chats"), 2 * CONFIRM_S, engines.clock.monotonic_s
        )  # since when

    async def own(self, client: Client, session_id: str) -> Session:
        """Return a session of this guest, running or not. Raises NoSession, Unavailable."""
        if client.session is not None and client.session.id == session_id:
            return client.session
        session = await self.history.sessions.find(session_id)
        if session is None or client.guest not in session.members:
            raise NoSession
        return session

    def check_room(self) -> None:
        """Look for room for one more chat, and whether the host lets one begin. Raises DiskFull, HouseClosed."""
        self.house.check_open()
        if not self.has_room():
            raise DiskFull

    # -- beginning ----------------------------------------------------------------------------------------------------

    async def prepare(self, members: Sequence[str], city: str) -> Session:
        """Write down a new session as pending: nobody can come in by it. Raises Unavailable; what is left is nobody's
        either way, and deleted after an hour. Raises Gone for two who have met too often today (M16)."""
        self.check_room()
        now = self.dates.now_ms()
        aliases = new_aliases(self.random)
        session = Session(new_id(self.random), tuple(members), aliases, city, now, now + PENDING_MS, PENDING)
        if not await self.history.sessions.begin(session):
            raise Gone("You two have talked a hundred times today.")
        return session

    async def confirm(self, session_id: str, members: Sequence[str]) -> Session | None:
        """Return the session that the lobby says ``members`` are in, if the history lets it run too: only then may
        anybody be told of it (M11). Else the lobby lets go of it. Raises Unavailable."""
        session = await self.history.sessions.confirm(session_id, self.history_ms)
        if session is not None and (min(session.members), max(session.members)) not in self.pending_blocks:
            return session
        row = session or await self.history.sessions.find(session_id)
        await self.let_go(session_id, row.members if row else members)
        return None

    async def let_go(self, session_id: str, members: Sequence[str]) -> None:
        """Close a session in both stores that one of them knows to be over, or that never began. Raises Unavailable
        while the lobby cannot be told."""
        await self._let_go(session_id, members)
        if session_id not in self.ending:
            self.ending.add(session_id)
            self.tasks.spawn(self._close(session_id), "close a session")

    async def _let_go(self, session_id: str, members: Sequence[str]) -> None:
        await self.lobby.end(session_id, members)
        for member in dict.fromkeys(members):
            self.bus.publish(member, SessionEnded(session_id, self.dates.now_ms()))

    async def _close(self, session_id: str) -> None:
        """Close it in the history, then for both members in the lobby: who let go of it may have known of one only. A
        lobby that does not know that the two are kept apart is told."""
        sessions, relations, retry = self.history.sessions, self.history.relations, self.tasks.retry
        session = await retry(partial(sessions.find, session_id))
        await retry(partial(sessions.end, session_id, self.dates.now_ms()))
        self.ending.discard(session_id)
        if session is not None:
            await retry(partial(self._end_again, session_id, session.members))
            one, other = session.members
            if other in await retry(partial(relations.blocked, one)):
                await retry(partial(self.lobby.block, one, other))

    def tell_met(self, session: Session) -> None:
        """Let both members' processes ask the lobby: the session may have begun."""
        for member in session.members:
            self.bus.publish(member, SessionBegun(session.id))

    async def begin_here(self, client: Client, session: Session) -> None:
        """Let the page talk from here on; the caller tells it (``Client.show_session``)."""
        waited_s = self.clock.monotonic_s() - client.match.looks_since_s if client.match.looking else None
        self.meetings.begun(session.side(client.guest), waited_s)
        client.match.rest()
        await client.endpoint.began(session)

    async def enter_here(self, client: Client, session_id: str, partner: str = "") -> bool:
        """Bring the page into the session that the lobby says its guest is in; whether the page must be told.

        ``partner``: the other one, if the caller knows. Raises Unavailable; after CONFIRM_S of that nobody is waiting
        for this chat any more, and both are freed.
        """
        if session_id in self.ending or is_in(client, session_id):
            return False
        members = [client.guest, *([partner] if partner else client.match.sides())]
        try:
            session = await self.confirm(session_id, members)
        except Unavailable:
            if self._waited_s(session_id) >= CONFIRM_S:
                await self.let_go(session_id, members)
            raise
        self._unconfirmed.discard(session_id)
        if session is None:
            return False
        if client.session is not None:
            if client.session.started > session.started:  # the lobby tells of an earlier time
                await self.let_go(session_id, session.members)
                return False
            self.over_here(client)
        self.bus.publish(session.partner(client.guest), SessionBegun(session_id))
        await self.begin_here(client, session)
        return True

    def _waited_s(self, session_id: str) -> float:
        """Count from the first time that this session could not be confirmed."""
        now_s = self.clock.monotonic_s()
        since_s = self._unconfirmed.get(session_id)
        if since_s is None:
            since_s = self._unconfirmed[session_id] = now_s
        return now_s - since_s

    async def shown(self, session: Session, guest: str) -> dict[str, object]:
        """Return the payload of ``user-session``: the session as this member sees it, and whether the partner is here.

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

    def over_here(self, client: Client, at: int | None = None) -> None:
        """Close the page's chat, which has ended elsewhere: by the partner, or in the lobby, which has nobody in it any
        more."""
        session = client.session
        if session is None:
            return
        session = replace(session, ended=self.dates.now_ms() if at is None else at)
        part(client, session)
        client.page.emit("user-left", {"session": session.id, "how": "left", "since": session.ended})
        self._spawn_end(session)

    def left(self, client: Client, session_id: str, at: int) -> None:
        """Close the chat that the partner says is over."""
        if is_in(client, session_id):
            self.tasks.spawn(self._left(client, session_id, at), "a partner left")

    async def _left(self, client: Client, session_id: str, at: int) -> None:
        async with client.match.lock:
            if is_in(client, session_id):
                self.over_here(client, at)

    async def end(self, session: Session, by: Client | None = None, first: Step | None = None) -> Task[None]:
        """End it for a member, or for nobody; ``first`` is done in the lobby before. With the lobby there both sides
        are free when this returns; the task ends when lobby and history know. Who is cancelled only stops waiting."""
        session = replace(session, ended=self.dates.now_ms())
        if by is not None and is_in(by, session.id):
            left_by = by.guest if first is None and by.endpoint.partner_here else ""  # nobody to be let down
            noted = note_unanswered(self.lobby, self.history, session, by.voices(session), left_by)
            self.tasks.spawn(noted, "note a chat without an answer")
        tried = asyncio.Event()
        task = self._spawn_end(session, partial(self._free, session, by, first, tried))
        task.add_done_callback(lambda _: tried.set())
        await tried.wait()
        return task

    def _spawn_end(self, session: Session, *steps: Step) -> Task[None]:
        self.ending.add(session.id)
        return self.tasks.spawn(self._end(session, steps), "end a session")

    async def _end(self, session: Session, steps: Sequence[Step]) -> None:
        assert session.ended is not None
        try:
            await self.tasks.retry_all(*steps, partial(self.history.sessions.end, session.id, session.ended))
            await self.tasks.retry(partial(self._end_again, session.id, session.members))
        finally:
            self.ending.discard(session.id)

    async def _end_again(self, session_id: str, members: Sequence[str]) -> None:
        """Let go of a chat that was taken up in the lobby again by a row that still ran: whoever comes from now on is
        told by the history that it is over."""
        if session_id in [where.session for where in await self.lobby.status(members)]:
            await self._let_go(session_id, members)

    async def _free(self, session: Session, by: Client | None, first: Step | None, tried: asyncio.Event) -> None:
        """Take the page of who ends it out, and let the lobby free both. ``tried``: once, however it went. All others
        are told: a newer page of the one who ends it, too."""
        try:
            if by is not None:
                async with by.match.lock:
                    part(by, session)
            if first is not None:
                await first()
            await self.lobby.end(session.id, session.members)
        finally:
            tried.set()
        assert session.ended is not None
        for member in session.members:
            if by is None or member != by.guest or not by.page.open:
                self.bus.publish(member, SessionEnded(session.id, session.ended))

    async def leave(self, client: Client, session_id: str) -> Task[None] | None:
        """End a chat; what to wait for before the answer. Raises NoSession, Unavailable."""
        session = await self.own(client, session_id)
        return None if session.ended is not None else await self.end(session, client)

    async def tidy(self) -> None:
        """End what runs on though its date has come, or though both have been away for 24 h (M12); delete the old.
        Nothing while the date is in doubt."""
        if not await self.dates.trusted():
            return
        now = self.clock.wall_ms()
        for client in self.registry:
            session = client.session
            if session is None:
                continue
            # It may have begun when its host kept chats for longer
            due = min(session.expires, expires(session.started, self.history_ms))
            if is_expired(due, now) or session.ended is not None:
                await self.end(session)
        for session in await self.history.sessions.idle(now):
            if not any(await self.bus.listeners(session.members)):
                await self.end(session)
        await self.history.guests.prune(now, self.history_ms)

    async def chats(self, guest: str, before: SessionPlace | None) -> dict[str, object]:
        """Return ``user-chats``: those after a place in the list, newest first, and whether there are more."""
        found = await self.history.sessions.newest(guest, before, LIST_MAX + 1)
        return {"chats": [session.shown(guest) for session in found[:LIST_MAX]], "more": len(found) > LIST_MAX}


def newest(sessions: Sequence[Session], ending: Container[str]) -> Session | None:
    """Return the one session of a guest that may run, of all of them from the newest on: an older one is over, whatever
    its row says, also when the newer one has ended."""
    session = sessions[0] if sessions else None
    return session if session is not None and session.ended is None and session.id not in ending else None


def is_in(client: Client, session_id: str) -> bool:
    """Tell whether this is the chat the page may write to."""
    return client.session is not None and client.session.id == session_id


def part(client: Client, session: Session) -> None:
    """Take a page out of a chat; until it says otherwise its guest reads the chat and is not asked (protocol §3)."""
    if is_in(client, session.id):
        client.match.entry = replace(client.match.entry, available=False)
    client.endpoint.ended(session)
