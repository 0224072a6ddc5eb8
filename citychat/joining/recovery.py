"""Recovery of a guest who comes back: which session still runs, and what the page has missed of it (protocol §2.5.1,
M12)."""

from asyncio import gather

from msgspec import Struct
from msgspec.structs import replace

from citychat.delivery import Endpoint, as_shown, newest_rows, rows_back_to
from citychat.joining.admission import Arrived, JoinRequest
from citychat.joining.recent_guests import RecentGuest
from citychat.matching import Matching, newest
from citychat.model import NOWHERE, Busy, Guest, Session, Unavailable
from citychat.ports import Engines, Entered, Entry, Lifted, NewMessage
from citychat.rules import is_expired, is_left_alone, mailbox_expires_ms

RECENT_MS = mailbox_expires_ms()  # an ended session may still have mail waiting


class Admitted(Struct, frozen=True):
    """A guest at the door: row, time away, sessions (newest first), entry; ``new``: made by this join; ``read``: the
    history says so; ``lifted``: a pause that the host has ended."""

    row: Guest
    away_ms: int
    sessions: list[Session]
    entry: Entry
    new: bool = False
    read: bool = True
    lifted: Lifted | None = None


class Recovery:
    """Reads the history for a join. ``process``: the name under which this process is known to the lobby."""

    def __init__(self, process: str, engines: Engines, matching: Matching) -> None:
        self.process, self.matching = process, matching
        self.history, self.lobby, self.bus = engines.history, engines.lobby, engines.bus
        self.dates = matching.sessions.dates

    async def admitted(self, arrived: Arrived, asked: JoinRequest) -> Admitted:
        """Return what the join needs of a guest who may come in."""
        sessions = await self._sessions(arrived)
        entry, lifted = self._entry(arrived, asked, sessions), arrived.dossier.lifted
        return Admitted(arrived.row, arrived.away_ms, sessions, entry, new=arrived.dossier.row is None, lifted=lifted)

    async def _sessions(self, arrived: Arrived) -> list[Session]:
        """The guest's sessions, newest first; only the newest may live, if it has not run out of time or company."""
        sessions, now = list(arrived.dossier.sessions), self.dates.now_ms()
        for i, session in enumerate(sessions):
            if session.ended is not None:
                continue
            if session.id in self.matching.sessions.ending:  # left here; the history learns it later
                sessions[i] = replace(session, ended=now)
            elif i > 0 or await self._is_over(session, arrived, now):  # whoever has a newer one has left this one
                await self.matching.sessions.end(session)  # in the lobby too: the partner may sit in it
                sessions[i] = replace(session, ended=now)
        return sessions

    async def _is_over(self, session: Session, arrived: Arrived, now: int) -> bool:
        """Its date has come, or both were away for 24 h (M12); never while the date is in doubt."""
        if not await self.dates.trusted():
            return False
        if is_expired(session.expires, now):
            return True
        if not is_left_alone(session.started, (now - arrived.away_ms, arrived.dossier.partner_seen), now):
            return False
        return (await self.bus.listeners([session.partner(arrived.row.id)]))[0] == 0

    def _entry(self, arrived: Arrived, asked: JoinRequest, sessions: list[Session]) -> Entry:
        """The guest as the lobby is to know it."""
        row, dossier, place = arrived.row, arrived.dossier, arrived.row.place
        return Entry(
            guest=row.id,
            process=self.process,
            pool=place.key if place else None,
            district=place.district if place else NOWHERE,
            city=place.city if place else "",
            available=asked.available,
            slow=asked.slow,
            visible=asked.visible,
            networks=row.networks,
            avoided_networks=dossier.avoided_networks,
            met=tuple(dossier.met),
            blocked=(*dossier.blocked, *self.matching.moderation.pending_blocks(row.id)),
            session=newest(sessions, self.matching.sessions.ending),
            network=arrived.network,
            own_network=arrived.own_network,
            towns=asked.towns and self.matching.nearby,
            languages=tuple(asked.languages),
        )

    async def entered(self, found: Admitted, entered: Entered) -> list[Session]:
        """Return the sessions after the lobby has had its say: which could not be resumed, which has begun meanwhile.

        The one that runs, if any, comes first. Raises Unavailable, also when the history is away and the lobby does not
        have the guest in the chat that is remembered; Busy for a guest who was erased since the first look.
        """
        if not found.read:
            if entered.session != found.sessions[0].id:
                raise Unavailable
            return found.sessions
        # One trip's time for both, and of a join that fails nothing goes on
        both = self._running(found, entered), self._check_not_erased(found)
        row, erased = await gather(*both, return_exceptions=True)
        if isinstance(erased, BaseException):
            raise erased
        if isinstance(row, BaseException):
            raise row
        now = self.dates.now_ms()
        others = [session for session in found.sessions if row is None or session.id != row.id]
        over = [replace(session, ended=now) if session.ended is None else session for session in others]
        return [row, *over] if row else over

    async def _running(self, found: Admitted, entered: Entered) -> Session | None:
        first, entered = entered, await self.matching.lease.resuming.resumed(found.entry, entered)
        if entered is not first:  # entered once more
            await self._check_not_erased(found)
        if entered.session is None:
            return None
        members = next((row.members for row in found.sessions if row.id == entered.session), (found.row.id,))
        # It may have begun, or ended, since the sessions were read (M11)
        return await self.matching.sessions.confirm(entered.session, members)

    async def _check_not_erased(self, found: Admitted) -> None:
        """Look once the lobby was entered: who is erased after that is taken out of the lobby. Raises Busy."""
        if not found.new and await self.history.guests.is_erased(found.row.id, self.dates.likely_ms()):
            raise Busy("This guest was erased.", retry_ms=0)

    async def catch_up(self, endpoint: Endpoint, sessions: list[Session], have: dict[str, int]) -> dict[str, object]:
        """Load the endpoint with what the page has drawn; the chat part of the join answer.

        ``seen`` covers all recent sessions: mail of an older one may still wait.
        """
        now, seen = self.dates.likely_ms(), dict[str, int]()
        recent = [session for session in sessions if session.ended is None or now - session.ended < RECENT_MS]
        if not recent:
            return {}
        await endpoint.open_mailbox()
        for session in recent:
            seen |= await endpoint.load(session, have)
            if session.ended is None:
                endpoint.session = session
        unknown = {stream: number for stream, number in have.items() if stream not in seen}
        endpoint.receiver.start(unknown)  # drawn, not yet in the history
        shown = endpoint.session or recent[0]
        fields = await self.matching.sessions.shown(shown, endpoint.guest)
        if endpoint.session is not None:
            endpoint.partner_here = fields["here"] is True
        rows = await newest_rows(self.history, shown, endpoint.guest)
        waiting = {row.stream for row in rows if seen.get(row.stream) == 0}  # for what comes before them
        for row in await rows_back_to(self.history, shown, endpoint.guest, rows, waiting):
            endpoint.on_message(NewMessage(row))  # held by the receiver until that has come
        return {"session": fields, "seen": seen, "messages": [as_shown(row) for row in rows]}

    # -- while the history is away ------------------------------------------------------------------------------------

    async def recalled(self, known: RecentGuest, asked: JoinRequest) -> Admitted:
        """Return the guest as this process remembers it, if the lobby still has it in that chat. Raises Unavailable."""
        guest = known.row.id
        where = (await self.lobby.status([guest]))[0]
        if where.session != known.session.id:
            raise Unavailable
        entry = replace(
            known.entry,
            epoch=0,
            available=asked.available,
            slow=asked.slow,
            visible=asked.visible,
            towns=asked.towns and self.matching.nearby,
            languages=tuple(asked.languages),
            blocked=(*known.entry.blocked, *self.matching.moderation.pending_blocks(guest)),
            session=None,  # the lobby has it, and what the history has closed meanwhile must not be taken up again
        )
        return Admitted(known.row, 0, [known.session], entry, read=False)

    async def go_on(self, endpoint: Endpoint, sessions: list[Session], have: dict[str, int]) -> dict[str, object]:
        """Do what ``catch_up`` does for a page that keeps its own ``seen`` and rows, because nobody can read the
        history."""
        session = sessions[0]
        await endpoint.open_mailbox()
        endpoint.sessions[session.id] = endpoint.session = session
        endpoint.receiver.start(have, session.id)
        endpoint.partner_here = (await self.bus.listeners([session.partner(endpoint.guest)]))[0] > 0
        return {"session": {**session.shown(endpoint.guest), "here": endpoint.partner_here}}
