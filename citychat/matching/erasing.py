"""Erasing a guest, and taking out of the lobby whom nobody may meet any more (``user-erase``, pauses)."""

from asyncio import Task
from functools import partial

from citychat.matching.sessions import Sessions
from citychat.ports import OfferEnded, TextsErased
from citychat.registry import Client


class Erasing:
    """Ends what runs, forgets the guest, empties the texts on their way."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions, self.tasks, self.bus = sessions, sessions.tasks, sessions.bus
        self.lobby, self.history, self.mailbox = sessions.lobby, sessions.history, sessions.mailbox

    async def erase(self, client: Client) -> Task[None]:
        """Forget a guest (``user-erase``); a running chat ends first. Raises Unavailable before anything was done, and
        not after it."""
        guest = client.guest
        running = [session for session in await self.history.sessions.of(guest) if session.ended is None]
        if client.session is not None and client.session.id not in [session.id for session in running]:
            running.append(client.session)
        ends = [await self.sessions.end(session, client) for session in running]
        return self.tasks.spawn(self._erase(guest, ends, self.sessions.dates.now_ms()), "erase")

    async def _erase(self, guest: str, ends: list[Task[None]], at: int) -> None:
        retry = self.tasks.retry
        sessions = await retry(partial(self.history.sessions.of, guest))
        await retry(partial(self.history.guests.erase, guest, at))
        out = self.tasks.spawn(retry(partial(self.take_out, guest)), "take out who is erased")
        for session in sessions:
            partner = session.partner(guest)
            self.sessions.announcements.announce(partner, TextsErased(session.id))
            await retry(partial(self.mailbox.blank, partner, session.id, session.side(guest)))
        for end in (*ends, out):  # last: the texts go although the lobby is away
            await end

    async def take_out(self, guest: str) -> None:
        """Take a guest out of the lobby, whatever page it knows, and end a chat that has begun by a yes that was on its
        way: its row was not there when the others were read. Raises Unavailable."""
        epoch = (await self.lobby.status([guest]))[0].epoch
        over = await self.lobby.leave(guest, epoch)
        if over is not None:
            for side in (over.seeker, over.candidate):
                self.bus.publish(side, OfferEnded(over.id))
        session_id = (await self.lobby.status([guest]))[0].session
        if session_id is not None:
            row = await self.history.sessions.find(session_id)
            await self.sessions.let_go(session_id, row.members if row is not None else (guest,))
