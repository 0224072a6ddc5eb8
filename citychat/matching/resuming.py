"""Resuming: a chat that the lobby does not have as the history has it, because the lobby has gone back to an earlier
moment (protocol §2.8)."""

from msgspec.structs import replace

from citychat.matching.sessions import Sessions
from citychat.model import Session
from citychat.ports import Entered, Entry
from citychat.registry import Client


class Resuming:
    """Asks the history before a chat is ended on the lobby's word."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions, self.lobby, self.history = sessions, sessions.lobby, sessions.history

    async def goes_on(self, client: Client) -> bool:
        """Tell whether the page's chat runs by the history's word. Raises Unavailable."""
        row = await self.history.sessions.find(client.session.id) if client.session else None
        return row is not None and row.ended is None

    async def resumed(self, entry: Entry, entered: Entered) -> Entered:
        """Return the lobby's answer to an entry, once what it holds against the guest's chat was looked at.

        A member who is elsewhere may be so in a chat that is over: then the lobby lets go of that one, and takes up
        this one. Else this one is over. Raises Unavailable.
        """
        if entered.ended is None or entry.session is None:
            return entered
        if await self._let_go_of_older(entry.session):
            entered = await self.lobby.enter(replace(entry, epoch=entered.epoch))
        if entered.ended is not None:
            await self.history.sessions.end(entered.ended, self.sessions.dates.now_ms())
            await self.sessions.let_go(entered.ended, entry.session.members)  # the other one may be in it, and is told
        return entered

    async def _let_go_of_older(self, session: Session) -> bool:
        """Tell whether the lobby had a member of this session in one that is over by now."""
        elsewhere = {where.session for where in await self.lobby.status(session.members)} - {None, session.id}
        let_go = False
        for other_id in sorted(other_id for other_id in elsewhere if other_id is not None):
            other = await self.history.sessions.confirm(other_id, self.sessions.history_ms)
            if other is None or other.started < session.started:
                row = other or await self.history.sessions.find(other_id)  # its other member is in it as well (M2)
                await self.sessions.let_go(other_id, [*session.members, *(row.members if row else ())])
                let_go = True
        return let_go
