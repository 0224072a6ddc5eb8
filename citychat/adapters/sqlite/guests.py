"""Guests in the embedded store, and all that goes when they or their time go."""

from collections.abc import Sequence
from functools import partial

import msgspec

from citychat.adapters.sqlite.cases import prune_cases
from citychat.adapters.sqlite.database import Database, Row, Transaction
from citychat.adapters.sqlite.relations import met, prune_bars
from citychat.adapters.sqlite.sessions import LAST, SqliteSessions, drop_session, newest_sessions, to_session
from citychat.limits import bound
from citychat.model import Guest, Session
from citychat.ports import Dossier, Lifted, Pause
from citychat.rules import bar_goes, held_after, reference, retention

SESSIONS_MAX = bound("chats at a join")
SLICE_ROWS = 1_000  # what pruning deletes in one go: chats must not wait for it
SLICE_GUESTS = 100  # of whom each may have hundreds of bars


class SqliteGuests:
    """Guests and what is kept of them between visits (ports.GuestStore)."""

    def __init__(self, database: Database, sessions: SqliteSessions) -> None:
        self._database, self._sessions = database, sessions
        self._shortened_to_ms = 0

    async def dossier(self, guest: str, now: int) -> Dossier:
        return await self._database.run(partial(_dossier, guest=guest, now=now))

    async def find(self, guest: str) -> Guest | None:
        return _to_guest(await self._database.run(lambda transaction: transaction.rows("guest", guest)))

    async def keep(self, row: Guest) -> None:
        body = msgspec.json.encode(row).decode()
        await self._database.run(lambda transaction: transaction.change("keep_guest", row.id, row.seen, body))

    async def is_erased(self, guest: str, now: int) -> bool:
        since = held_after("erased guest", now)
        return bool(await self._database.run(lambda transaction: transaction.rows("is_erased", guest, since)))

    async def pause(self, guest: str, now: int) -> Pause | None:
        return _to_pause(await self._database.run(lambda transaction: transaction.rows("paused", guest, now)))

    async def keep_objection(self, guest: str, text: str, now: int) -> Pause | None:
        def work(transaction: Transaction) -> Pause | None:
            transaction.change("object", guest, text, now)
            return _to_pause(transaction.rows("paused", guest, now))

        return await self._database.run(work)

    async def networks(self, guest: str, now: int) -> tuple[str, ...]:
        return await self._database.run(partial(networks_of, guest=guest, now=now))

    async def networks_paused(self, networks: Sequence[str], now: int) -> Pause | None:
        def work(transaction: Transaction) -> Pause | None:
            found = [row for network in networks for row in transaction.rows("paused", f"network:{network}", now)]
            return _to_pause(sorted(found, reverse=True))

        return await self._database.run(work)

    async def sanctions(self, since: int, now: int) -> list[tuple[str, Pause]]:
        rows = await self._database.run(lambda transaction: transaction.rows("sanctions", since, now))
        return [(guest, _pause(*row)) for guest, *row in rows]

    async def erase(self, guest: str, at: int) -> list[Session]:
        """Erase in one step a session, so that chats do not wait for a long history. Repeat it if it fails."""

        def blank(transaction: Transaction, session_id: str, side: int) -> None:
            transaction.change("erase_copy", session_id, side, at)
            transaction.change("erase_texts", session_id, side)
            transaction.change("erase_session", session_id, side, at)

        def drop(transaction: Transaction) -> None:
            networks = msgspec.json.encode(networks_of(transaction, guest, at)).decode()
            transaction.change("erase_guest", guest, at, networks)
            for (session_id,) in transaction.rows("pending_sessions", guest):
                drop_session(transaction, session_id)
            _drop_guest(transaction, guest, at)
            for name in ("drop_avoided_networks", "drop_wishes_of_guest", "drop_sign"):
                transaction.change(name, guest)
            transaction.forget()

        for session in await self._sessions.of(guest):
            await self._database.run(partial(blank, session_id=session.id, side=session.side(guest)))
        await self._database.run(drop)
        return await self._sessions.of(guest)

    async def newest_seen(self) -> int:
        seen: int = (await self._database.run(lambda transaction: transaction.rows("newest_seen")))[0][0]
        return seen

    async def prune(self, now: int, history_ms: int) -> None:
        goes = retention(now, history_ms)
        if self._shortened_to_ms != history_ms:  # a look at every chat: once a start is enough
            while await self._database.run(lambda t: t.change("shorten_sessions", history_ms, SLICE_ROWS)):
                pass
            self._shortened_to_ms = history_ms

        def expired(transaction: Transaction) -> None:
            transaction.change("expire_avoided_networks", goes.avoided_networks)
            transaction.change("expire_wishes", goes.wishes)
            transaction.change("expire_pauses", goes.due)
            transaction.change("expire_erased_guests", goes.erased_guests)
            transaction.change("expire_networks_of_erased", goes.blamed_networks)
            transaction.change("expire_reporters", goes.reporters)
            transaction.change("expire_house", goes.due)
            transaction.change("expire_signs", goes.due)
            prune_cases(transaction, goes.due)
            transaction.forget()

        while await self._database.run(lambda transaction: _prune_session(transaction, goes.due)):
            pass
        while await self._database.run(lambda t: t.change("expire_erased", goes.erased_texts, SLICE_ROWS)):
            pass
        while await self._database.run(lambda transaction: _prune_guests(transaction, goes.guests, now)):
            pass
        while await self._database.run(lambda transaction: prune_bars(transaction, goes.due)):
            pass
        await self._database.run(expired)


def _dossier(transaction: Transaction, guest: str, now: int) -> Dossier:
    sessions = newest_sessions(transaction, guest, LAST, SESSIONS_MAX)
    running = [to_session(row) for row in transaction.rows("running_sessions", guest)]
    sessions += [session for session in running if session not in sessions]
    partner = next((session.partner(guest) for session in sessions if session.ended is None), None)
    seen = transaction.rows("guest_seen", partner) if partner is not None else []
    avoided: dict[str, int] = dict(transaction.rows("avoided_networks", guest, held_after("avoided network", now)))
    return Dossier(
        row=_to_guest(transaction.rows("guest", guest)),
        pause=_to_pause(transaction.rows("paused", guest, now)),
        sessions=sessions,
        avoided_networks=avoided,
        met=met(transaction, guest) if avoided else [],
        blocked=[other for (other,) in transaction.rows("blocked", guest)],
        partner_seen=seen[0][0] if seen else 0,
        erased=bool(transaction.rows("is_erased", guest, held_after("erased guest", now))),
        lifted=next((Lifted(*row) for row in transaction.rows("lifted", guest, now)), None),
    )


def networks_of(transaction: Transaction, guest: str, now: int) -> tuple[str, ...]:
    """Return what ``GuestStore.networks`` does."""
    since = held_after("blamed network", now)
    row = _to_guest(transaction.rows("guest", guest))
    if row is not None and row.seen > since:
        return row.networks
    rows = transaction.rows("networks_of_erased", guest, since)
    return msgspec.json.decode(rows[0][0], type=tuple[str, ...]) if rows else ()


def _prune_session(transaction: Transaction, due: int) -> bool:
    """Delete a slice of one expired session; whether there was one."""
    found = transaction.rows("expired_session", due)
    for (session_id,) in found:
        if transaction.change("expire_messages", session_id, SLICE_ROWS) < SLICE_ROWS:
            transaction.change("drop_erased", session_id)
            drop_session(transaction, session_id)
    return bool(found)


def _prune_guests(transaction: Transaction, seen: int, now: int) -> bool:
    """Forget a slice of the guests who were last seen then or before; whether there were any."""
    found = transaction.rows("unseen_guests", seen, SLICE_GUESTS)
    for (guest,) in found:
        _drop_guest(transaction, guest, now)
    return bool(found)


def _drop_guest(transaction: Transaction, guest: str, now: int) -> None:
    """Delete the row. When it bears a later date than now, so does the guest's token."""
    (seen,) = (*transaction.rows("guest_seen", guest), (now,))[0]
    transaction.change("bars_of_who_goes", guest, bar_goes(max(now, seen)))
    transaction.change("drop_guest", guest)


def _to_guest(rows: list[Row]) -> Guest | None:
    return msgspec.json.decode(rows[0][0], type=Guest) if rows else None


def _to_pause(rows: list[Row]) -> Pause | None:
    return _pause(*rows[0]) if rows else None


def _pause(until: int, reason: str, rule: str, session: str | None, reporter: str | None, *said: str | None) -> Pause:
    """A pause and what stands in its case, which may be gone."""
    if session is None or reporter is None:
        return Pause(until, reason, rule)
    return Pause(until, reason, rule, reference(session, reporter), *(text or "" for text in said))
