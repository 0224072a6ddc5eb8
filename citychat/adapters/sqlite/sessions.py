"""Sessions in the embedded store."""

from functools import partial

import msgspec
from msgspec.structs import replace

from citychat.adapters.sqlite.database import Database, Row, Transaction
from citychat.limits import bound
from citychat.model import PENDING, Session
from citychat.ports import SessionPlace
from citychat.rules import confirmed, held_after, is_left_alone, left_alone_before, met_after

PAIR_CHATS_MAX = bound("chats of a pair")
LAST: SessionPlace = (2**63 - 1, "")


class SqliteSessions:
    """The conversations, and who would talk again (ports.SessionStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, session: Session) -> bool:
        row, after = _to_row(session), met_after(session.started)

        def work(transaction: Transaction) -> bool:
            ((chats,),) = transaction.rows("chats_of_pair", *session.members, after)
            if session.ended == PENDING and chats >= PAIR_CHATS_MAX:
                return False
            transaction.change("begin", *row)
            transaction.change_each("begin_member", [(member, session.id) for member in session.members])
            return True

        return await self._database.run(work)

    async def confirm(self, session_id: str, history_ms: int) -> Session | None:
        return await self._database.run(partial(_confirm, session_id=session_id, history_ms=history_ms))

    async def end(self, session_id: str, at: int) -> None:
        def work(transaction: Transaction) -> None:
            if not transaction.change("end", session_id, at) and transaction.rows("is_pending", session_id):
                drop_session(transaction, session_id)

        await self._database.run(work)

    async def find(self, session_id: str) -> Session | None:
        rows = await self._database.run(lambda transaction: transaction.rows("session", session_id))
        return to_session(rows[0]) if rows else None

    async def of(self, guest: str) -> list[Session]:
        rows = await self._database.run(lambda transaction: transaction.rows("sessions", guest))
        return [to_session(row) for row in rows]

    async def newest(self, guest: str, before: SessionPlace | None, limit: int) -> list[Session]:
        place = before or LAST
        return await self._database.run(lambda transaction: newest_sessions(transaction, guest, place, limit))

    async def idle(self, now: int) -> list[Session]:
        def work(transaction: Transaction) -> list[Session]:
            found = [(to_session(tuple(row)), seen) for *row, seen in transaction.rows("idle", left_alone_before(now))]
            return [session for session, seen in found if is_left_alone(session.started, (seen,), now)]

        return await self._database.run(work)

    async def wish(self, session_id: str, guest: str, at: int) -> int:
        def work(transaction: Transaction) -> int:
            for (since,) in transaction.rows("wished", session_id, guest, held_after("wish", at)):
                transaction.change("drop_wishes", session_id)
                return int(since)
            transaction.change("wish", session_id, guest, at)
            return 0

        return await self._database.run(work)

    async def keep_wish(self, session_id: str, guest: str, at: int) -> None:
        await self._database.run(lambda transaction: transaction.change("wish", session_id, guest, at))


def _confirm(transaction: Transaction, session_id: str, history_ms: int) -> Session | None:
    found = [to_session(row) for row in transaction.rows("session", session_id)]
    if not found or transaction.rows("is_blocked", *sorted(found[0].members)):
        return None
    (session,) = found
    if session.ended == PENDING:
        ((last,),) = transaction.rows("last_started", *session.members)
        started, expires = confirmed(session.started, last, history_ms)
        transaction.change("confirm", session_id, started, expires)
        return replace(session, started=started, expires=expires, ended=None)
    return session if session.ended is None else None


def newest_sessions(transaction: Transaction, guest: str, place: SessionPlace, limit: int) -> list[Session]:
    """Return the newest with this member after that place, newest first."""
    return [to_session(row) for row in transaction.rows("newest_sessions", guest, *place, limit)]


def drop_session(transaction: Transaction, session_id: str) -> None:
    """Delete the session's row and what hangs on it, but for its messages."""
    for name in ("drop_session", "drop_members", "drop_wishes"):
        transaction.change(name, session_id)


def to_session(row: Row) -> Session:
    """Make a session of its columns."""
    session_id, members, aliases, city, started, expires, ended, erased = row
    names = msgspec.json.decode(members, type=tuple[str, ...])
    return Session(
        session_id, names, msgspec.json.decode(aliases, type=tuple[str, ...]), city, started, expires, ended,
        tuple(side for side in range(len(names)) if erased >> side & 1),
    )  # fmt: skip


def _to_row(session: Session) -> Row:
    erased = sum(1 << side for side in set(session.erased))
    return (
        session.id, _json(session.members), _json(session.aliases), session.city, session.started, session.expires,
        session.ended, erased,
    )  # fmt: skip


def _json(names: tuple[str, ...]) -> str:
    return msgspec.json.encode(names).decode()
