"""Reports in the embedded store: their evidence, and the pause after three of them."""

from collections.abc import Sequence

import msgspec

from citychat.adapters.sqlite.database import Database, Row, Transaction
from citychat.adapters.sqlite.guests import networks_of
from citychat.adapters.sqlite.rows import to_message
from citychat.adapters.sqlite.sessions import to_session
from citychat.ports import Report, Untold
from citychat.rules import (
    EVIDENCE_MESSAGES,
    PAUSE_REASON,
    REPORTS_LOOKED_AT,
    Accusation,
    Decided,
    Told,
    held_after,
    is_founded,
    is_third,
    paused_until,
    reports_around,
    reports_of_an_hour,
    sprayed,
    told_of,
)


class SqliteReports:
    """Reports with their evidence (ports.ReportStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, report: Report) -> str:
        """Keep a report. One without a network (loopback, private address) is kept but pauses nobody."""
        return await self._database.run(lambda transaction: _add(transaction, report))

    async def state(self, code: str, now: int) -> Told | None:
        rows = await self._database.run(lambda transaction: transaction.rows("report_state", code))
        return told_of(Decided(*rows[0]), now) if rows else None

    async def untold(self) -> list[Untold]:
        rows = await self._database.run(lambda transaction: transaction.rows("reports_untold", REPORTS_LOOKED_AT))
        return [Untold(code, reason) for code, reason in rows]

    async def told(self, codes: Sequence[str]) -> None:
        rows: list[Row] = [(code,) for code in codes]
        await self._database.run(lambda transaction: transaction.change_each("report_told", rows))

    async def open(self) -> int:
        rows = await self._database.run(lambda transaction: transaction.rows("reports_open"))
        count: int = rows[0][0]
        return count

    async def objections(self) -> int:
        rows = await self._database.run(lambda transaction: transaction.rows("reports_objected"))
        count: int = rows[0][0]
        return count


def _add(transaction: Transaction, report: Report) -> str:
    if earlier := transaction.rows("reported", report.session, report.reporter):
        first: str = earlier[0][0]
        return first
    kept = transaction.rows("evidence", report.session, held_after("erased text", report.at), EVIDENCE_MESSAGES)
    evidence = _json([to_message(row) for row in reversed(kept)])
    side, counts = _weighed(transaction, report)
    transaction.change(
        "report", report.code, report.session, report.reporter, report.accused, report.reason, report.note, report.at,
        _json(report.networks), evidence, counts, side,
    )  # fmt: skip
    _pass_over_sprayed(transaction, report)
    recent = transaction.rows("recent_reports", report.accused, *reports_around(report.at), REPORTS_LOOKED_AT)
    counting = {code: Accusation(reporter, at, _networks(raw), True) for code, reporter, at, raw in recent}
    if report.code in counting and is_third(counting[report.code], counting.values()):
        until = paused_until(report.at)
        transaction.change("pause", report.accused, until, PAUSE_REASON, report.at, "", report.code)
        for network in networks_of(transaction, report.accused, report.at):
            transaction.change("pause", f"network:{network}", until, PAUSE_REASON, None, "", "")
    return report.code


def _weighed(transaction: Transaction, report: Report) -> tuple[int | None, bool]:
    """The side of the accused, and whether the report may count."""
    rows = transaction.rows("session", report.session)
    if not rows:  # deleted with its messages since
        return None, False
    session = to_session(rows[0])
    side = session.side(report.accused)
    wrote = bool(transaction.rows("has_written", session.id, side))
    return side, is_founded(wrote, session.started, session.ended, report.at)


def _pass_over_sprayed(transaction: Transaction, report: Report) -> None:
    """Note who has reported, and let nothing count any more that is one of three within an hour."""
    after, before = reports_of_an_hour(report.at)
    for name in (report.reporter, *report.networks):
        transaction.change("report_by", name, report.at, report.code)
        found = transaction.rows("reports_by", name, after, before, REPORTS_LOOKED_AT)
        transaction.change_each("report_counts_not", [(code,) for code in sprayed(dict(found))])


def _networks(raw: str) -> frozenset[str]:
    return msgspec.json.decode(raw, type=frozenset[str])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
