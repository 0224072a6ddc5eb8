"""The life of sessions on one process: how they begin and how they end (protocol §3, product page).

Two stores. A session begins in the history, then in the lobby. It ends in both at the same time, so that the first of
them that answers makes it final: the lobby lets go of both sides, and by an ended row nobody enters. However long the
other one takes, the answer waits for it.
"""

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from msgspec.structs import replace

from citychat.matching.announcements import Announcements
from citychat.matching.date_check import DateCheck
from citychat.model import NoSession, Session, new_aliases, new_id
from citychat.ports import Engines, SessionBegun, SessionEnded, TextsErased
from citychat.registry import Client, Registry
from citychat.rules import left_alone_before
from citychat.tasks import Tasks

Step = Callable[[], Awaitable[object]]

LATE_ROW_S = 10.0  # a store that was asked and did not answer in 2 s has answered, or forgotten, by then


class Sessions:
    """Begins and ends sessions. ``ending``: those that are over here and not yet everywhere; ``history_ms``: how long
    a chat is kept."""

    def __init__(self, engines: Engines, tasks: Tasks, registry: Registry, history_ms: int) -> None:
        self.lobby, self.bus, self.history = engines.lobby, engines.bus, engines.history
        self.mailbox, self.clock, self.random = engines.mailbox, engines.clock, engines.random
        self.tasks, self.registry, self.history_ms = tasks, registry, history_ms
        self.dates = DateCheck(self.history, self.clock)
        self.ending: set[str] = set()
        self.announcements = Announcements(engines.bus, engines.clock)

    async def own(self, client: Client, session_id: str) -> Session:
        """Return a session of this guest, running or not. Raises NoSession, Unavailable."""
        if client.session is not None and client.session.id == session_id:
            return client.session
        session = await self.history.sessions.find(session_id)
        if session is None or client.guest not in session.members:
            raise NoSession
        return session

    # -- beginning ----------------------------------------------------------------------------------------------------

    async def prepare(self, members: Sequence[str], city: str) -> Session:
        """Make a new session, durable before anybody hears of it (M11)."""
        now = self.dates.now_ms()
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
            await self.tasks.pause(LATE_ROW_S)
            await self._resolve(session)

    async def release(self, session_id: str, members: Sequence[str]) -> None:
        """Free both sides of a session that was left or undone while somebody joined: the lobby took up what the
        history has closed."""
        await self.lobby.end(session_id, members)
        for member in members:
            self.bus.publish(member, SessionEnded(session_id, self.clock.wall_ms()))

    def resolve(self, session: Session) -> None:
        """Find out whether the lobby has let it begin, then tell both or undo it."""
        self.tasks.spawn(self._resolve(session), "resolve a session")

    async def _resolve(self, session: Session) -> bool:
        """Find out whether it has begun, else undo it. Ended first, so that nobody can enter with its row any more: who
        has entered meanwhile may have spoken. The chat is then over, but its row stays, or what waits in a mailbox
        would be nobody's."""
        retry = self.tasks.retry
        if await retry(partial(self._has_begun, session)):
            self.tell_met(session)
            return True
        await retry(partial(self.history.sessions.end, session.id, self.clock.wall_ms()))
        begun = await retry(partial(self._has_begun, session))
        if not begun:
            await retry(partial(self.history.sessions.undo, session.id))
        await retry(partial(self.release, session.id, session.members))
        return begun

    async def _has_begun(self, session: Session) -> bool:
        return any(where.session == session.id for where in await self.lobby.status(session.members))

    def tell_met(self, session: Session) -> None:
        """Tell both members' processes that the session has begun."""
        for member in session.members:
            self.bus.publish(member, SessionBegun(session.id))

    async def begin_here(self, client: Client, session: Session) -> None:
        """Let the page talk from here on; the caller tells it (``Client.show_session``)."""
        client.match.rest()
        await client.delivery.began(session)

    async def enter_here(self, client: Client, session_id: str) -> bool:
        """Bring the page into the session that the lobby says its guest is in; whether the page must be told."""
        if session_id in self.ending or is_in(client, session_id):
            return False
        session = await self.history.sessions.find(session_id)
        if session is None or session.ended is not None:
            await self.release(session_id, session.members if session else [client.guest])
            return False
        if client.session is not None:
            self.over_here(client)
        await self.begin_here(client, session)
        return True

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
        session = replace(session, ended=self.clock.wall_ms() if at is None else at)
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

    async def end(self, session: Session, by: str, first: Step | None = None) -> Task[None]:
        """End it for a member, or for nobody (""); ``first`` is done in the lobby before. With the lobby there both
        sides are free when this returns; the task ends when lobby and history know. Who is cancelled only stops
        waiting."""
        session = replace(session, ended=self.clock.wall_ms())
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
        finally:
            self.ending.discard(session.id)

    async def _free(self, session: Session, by: str, first: Step | None, tried: asyncio.Event) -> None:
        """Take the page of who ends it out, and let the lobby free both. ``tried``: once, however it went."""
        try:
            client = self.registry.find(by)
            if client is not None:
                async with client.match.lock:
                    part(client, session)
            if first is not None:
                await first()
            await self.lobby.end(session.id, session.members)
        finally:
            tried.set()
        assert session.ended is not None
        for member in session.members:
            if member != by:
                self.bus.publish(member, SessionEnded(session.id, session.ended))

    async def leave(self, client: Client, session_id: str) -> Task[None] | None:
        """End a chat; what to wait for before the answer. Raises NoSession, Unavailable."""
        session = await self.own(client, session_id)
        return None if session.ended is not None else await self.end(session, client.guest)

    async def tidy(self) -> None:
        """End what runs on though its date has come, or though both have been away for 24 h (M12); delete the old.
        Nothing while the date is in doubt."""
        if not await self.dates.trusted():
            return
        now = self.clock.wall_ms()
        for client in self.registry:
            session = client.session
            if session is not None and (session.expires <= now or session.ended is not None):
                await self.end(session, "")
        for session in await self.history.sessions.idle(left_alone_before(now)):
            if not any(await self.bus.listeners(session.members)):
                await self.end(session, "")
        await self.history.guests.prune(now, self.history_ms)

    async def chats(self, guest: str) -> list[dict[str, object]]:
        """Return ``user-chats``, newest first."""
        return [session.shown(guest) for session in await self.history.sessions.of(guest)]

    # -- erasing ------------------------------------------------------------------------------------------------------

    async def erase(self, client: Client) -> Task[None]:
        """Forget a guest (``user-erase``); a running chat ends first. Raises Unavailable before anything was done, and
        not after it."""
        guest = client.guest
        running = [session for session in await self.history.sessions.of(guest) if session.ended is None]
        if client.session is not None and client.session.id not in [session.id for session in running]:
            running.append(client.session)
        ends = [await self.end(session, guest) for session in running]
        return self.tasks.spawn(self._erase(guest, ends, self.clock.wall_ms()), "erase")

    async def _erase(self, guest: str, ends: list[Task[None]], at: int) -> None:
        retry = self.tasks.retry
        sessions = await retry(partial(self.history.sessions.of, guest))
        await retry(partial(self.history.guests.erase, guest, at))
        for session in sessions:
            partner = session.partner(guest)
            self.announcements.announce(partner, TextsErased(session.id))
            await retry(partial(self.mailbox.blank, partner, session.id, session.side(guest)))
        for end in ends:  # last: the texts go although the lobby is away
            await end


def is_in(client: Client, session_id: str) -> bool:
    """Tell whether this is the chat the page may write to."""
    return client.session is not None and client.session.id == session_id


def part(client: Client, session: Session) -> None:
    """Take a page out of a chat; until it says otherwise its guest reads the chat and is not asked (protocol §3)."""
    if is_in(client, session.id):
        client.match.entry = replace(client.match.entry, available=False)
    client.delivery.ended(session)
