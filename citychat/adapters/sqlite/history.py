"""The embedded history: guests, sessions, barred pairs, delivered messages, reports, in the file of the mailbox."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, Self

import msgspec

from citychat.adapters.sqlite.database import Database, Row, Transaction, to_message, to_row
from citychat.model import Guest, Message, Ranges, Session, can_be_kept, merged, to_ranges
from citychat.ports import Committed, Pause, Progress, Report
from citychat.rules import (
    ERASED_MS,
    EVIDENCE_MESSAGES,
    PAUSE_MS,
    PAUSE_REASON,
    REPORTS_LOOKED_AT,
    REPORTS_WITHIN_MS,
    SHUN_MS,
    WISH_MS,
    Accusation,
    is_third,
)

SLICE_ROWS = 1_000  # what pruning deletes in one go: chats must not wait for it


class SqliteHistory:
    """What must not vanish (ports.History)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        """The database finishes what was accepted."""

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        """As the port says. What can never be kept would fail for ever: it is reported like a gap, with no receipt."""
        hopeless = {(m.session, m.side, m.stream, m.number) for m in rows if not can_be_kept(m)}
        others = [m for m in rows if (m.session, m.side, m.stream, m.number) not in hopeless] if hopeless else rows
        kept = [to_row(message) for message in others]

        def work(transaction: Transaction) -> Committed:
            if transaction.change_each("add", kept) == len(kept):
                return Committed(frozenset(hopeless))
            keys = [(m.session, m.side, m.stream, m.number) for m in others if m.kind != "gap"]
            return Committed(frozenset(hopeless.union(key for key in keys if transaction.rows("is_gap", *key))))

        self._database.submit(work, done)

    async def page(self, s: str, before: tuple[int, int, str, int] | None, limit: int) -> list[Message]:
        def work(transaction: Transaction) -> list[Row]:
            if before is None:
                return transaction.rows("page_newest", s, limit)
            return transaction.rows("page_before", s, limit, *before)

        return [to_message(row) for row in reversed(await self._database.run(work))]

    async def standing(self, s: str, side: int) -> Progress:
        def work(transaction: Transaction) -> tuple[dict[str, int], list[Row]]:
            seen: dict[str, int] = {}
            beyond: list[Row] = []
            for st, count, last in transaction.rows("streams", s, side):
                seen[st] = last
                if count != last:
                    seen[st] = transaction.rows("before_hole", s, side, st)[0][0]
                    beyond += transaction.rows("beyond", s, side, st, seen[st])
            return seen, beyond

        seen, beyond = await self._database.run(work)
        return Progress(seen, [to_message(row) for row in beyond])

    async def held(self, s: str, side: int, st: str, ranges: Ranges) -> Ranges:
        def work(transaction: Transaction) -> list[Row]:
            return [row for a, b in merged(ranges) for row in transaction.rows("held", s, side, st, a, b)]

        return to_ranges(n for (n,) in await self._database.run(work))

    async def guest(self, guest: str) -> Guest | None:
        rows = await self._database.run(lambda transaction: transaction.rows("guest", guest))
        return msgspec.json.decode(rows[0][0], type=Guest) if rows else None

    async def keep_guest(self, guest: Guest) -> None:
        body = _json(guest)
        await self._database.run(lambda transaction: transaction.change("keep_guest", guest.id, guest.seen, body))

    async def begin(self, session: Session) -> None:
        row = to_session_row(session)

        def work(transaction: Transaction) -> None:
            transaction.change("begin", *row)
            transaction.change_each("begin_member", [(member, session.id) for member in session.members])

        await self._database.run(work)

    async def undo(self, s: str) -> None:
        await self._database.run(lambda transaction: _drop_session(transaction, s))

    async def end(self, s: str, at: int) -> None:
        await self._database.run(lambda transaction: transaction.change("end", s, at))

    async def session(self, s: str) -> Session | None:
        rows = await self._database.run(lambda transaction: transaction.rows("session", s))
        return to_session(rows[0]) if rows else None

    async def sessions(self, guest: str) -> list[Session]:
        return [to_session(row) for row in await self._database.run(lambda t: t.rows("sessions", guest))]

    async def idle(self, before: int) -> list[Session]:
        return [to_session(row) for row in await self._database.run(lambda t: t.rows("idle", before))]

    async def bar(self, a: str, b: str, at: int) -> None:
        first, second = sorted((a, b))
        await self._database.run(lambda transaction: transaction.change("bar", first, second, at))

    async def barred(self, guest: str) -> list[str]:
        return [other for (other,) in await self._database.run(lambda t: t.rows("barred", guest))]

    async def shun(self, guest: str, networks: Sequence[str], at: int) -> None:
        rows: list[Row] = [(guest, network, at) for network in networks]
        await self._database.run(lambda transaction: transaction.change_each("shun", rows))

    async def shunned(self, guest: str, now: int) -> dict[str, int]:
        return dict(await self._database.run(lambda t: t.rows("shunned", guest, now - SHUN_MS)))

    async def wish(self, s: str, guest: str, at: int) -> bool:
        def work(transaction: Transaction) -> bool:
            if not transaction.rows("wished", s, guest, at - WISH_MS):
                transaction.change("wish", s, guest, at)
                return False
            transaction.change("drop_wishes", s)
            return True

        return await self._database.run(work)

    async def report(self, report: Report) -> str:
        """As the port says. A report without a network (loopback, private address) is kept but pauses nobody."""
        return await self._database.run(lambda transaction: _report(transaction, report))

    async def case(self, code: str) -> Literal["received", "acted", "none"] | None:
        rows = await self._database.run(lambda transaction: transaction.rows("case", code))
        return rows[0][0] if rows else None

    async def pause(self, guest: str, now: int) -> Pause | None:
        rows = await self._database.run(lambda transaction: transaction.rows("paused", guest, now))
        return Pause(*rows[0]) if rows else None

    async def erase(self, guest: str, at: int) -> list[Session]:
        """As the port says; one step a session, so that chats do not wait for a long history. Repeat it if it fails."""

        def blank(transaction: Transaction, s: str, side: int) -> None:
            transaction.change("erase_copy", s, side, at)
            transaction.change("erase_texts", s, side)
            transaction.change("erase_session", s, side, at)

        def drop(transaction: Transaction) -> None:
            for name in ("drop_guest", "drop_shuns", "drop_wishes_of_guest"):
                transaction.change(name, guest)
            transaction.forget()

        for session in await self.sessions(guest):
            await self._database.run(partial(blank, s=session.id, side=session.side(guest)))
        await self._database.run(drop)
        return await self.sessions(guest)

    async def prune(self, now: int, history_ms: int) -> None:
        def expired(transaction: Transaction) -> None:
            transaction.change("expire_shuns", now - SHUN_MS)
            transaction.change("expire_wishes", now - WISH_MS)
            transaction.change("expire_pauses", now)
            transaction.change("expire_guests", now - history_ms)
            transaction.forget()

        while await self._database.run(lambda transaction: _prune_session(transaction, now)):
            pass
        while await self._database.run(lambda t: t.change("expire_erased", now - ERASED_MS, SLICE_ROWS)):
            pass
        await self._database.run(expired)


def _report(transaction: Transaction, report: Report) -> str:
    if earlier := transaction.rows("reported", report.session, report.reporter):
        first: str = earlier[0][0]
        return first
    kept = transaction.rows("evidence", report.session, report.at - ERASED_MS, EVIDENCE_MESSAGES)
    evidence = _json([to_message(row) for row in reversed(kept)])
    transaction.change(
        "report", report.code, report.session, report.reporter, report.accused, report.reason, report.note, report.at,
        _json(report.networks), evidence,
    )  # fmt: skip
    since = report.at - REPORTS_WITHIN_MS
    recent = transaction.rows("recent_reports", report.accused, since, report.at, REPORTS_LOOKED_AT)
    others = [Accusation(reporter, at, _networks(raw)) for reporter, at, raw in recent]
    if is_third(Accusation(report.reporter, report.at, frozenset(report.networks)), others):
        transaction.change("pause", report.accused, report.at + PAUSE_MS, PAUSE_REASON)
    return report.code


def _networks(raw: str) -> frozenset[str]:
    return msgspec.json.decode(raw, type=frozenset[str])


def _prune_session(transaction: Transaction, now: int) -> bool:
    """Delete a slice of one expired session; whether there was one."""
    found = transaction.rows("expired_session", now)
    for (s,) in found:
        if transaction.change("expire_messages", s, SLICE_ROWS) < SLICE_ROWS:
            transaction.change("drop_erased", s)
            _drop_session(transaction, s)
    return bool(found)


def _drop_session(transaction: Transaction, s: str) -> None:
    for name in ("drop_session", "drop_members", "drop_wishes"):
        transaction.change(name, s)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def to_session_row(session: Session) -> Row:
    erased = sum(1 << side for side in set(session.erased))
    return (
        session.id, _json(session.members), _json(session.aliases), session.city, session.started, session.expires,
        session.ended, erased,
    )  # fmt: skip


def to_session(row: Row) -> Session:
    s, members, aliases, city, started, expires, ended, erased = row
    names = msgspec.json.decode(members, type=tuple[str, ...])
    return Session(
        s, names, msgspec.json.decode(aliases, type=tuple[str, ...]), city, started, expires, ended,
        tuple(side for side in range(len(names)) if erased >> side & 1),
    )  # fmt: skip
