"""Reports in the embedded store: their evidence, and the pause after three of them."""

from typing import Literal

import msgspec

from citychat.adapters.sqlite.database import Database, Transaction
from citychat.adapters.sqlite.rows import to_message
from citychat.adapters.sqlite.sessions import to_session
from citychat.ports import Report
from citychat.rules import (
    EVIDENCE_MESSAGES,
    PAUSE_REASON,
    REPORTS_LOOKED_AT,
    Accusation,
    held_after,
    is_founded,
    is_third,
    paused_until,
    reports_around,
    reports_of_an_hour,
    sprayed,
)


class SqliteReports:
    """Reports with their evidence (ports.ReportStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, report: Report) -> str:
        """Keep a report. One without a network (loopback, private address) is kept but pauses nobody."""
        return await self._database.run(lambda transaction: _add(transaction, report))

    async def state(self, code: str) -> Literal["received", "acted", "none"] | None:
        rows = await self._database.run(lambda transaction: transaction.rows("report_state", code))
        return rows[0][0] if rows else None


def _add(transaction: Transaction, report: Report) -> str:
    if earlier := transaction.rows("reported", report.session, report.reporter):
        first: str = earlier[0][0]
        return first
    kept = transaction.rows("evidence", report.session, held_after("erased text", report.at), EVIDENCE_MESSAGES)
    evidence = _json([to_message(row) for row in reversed(kept)])
    transaction.change(
        "report", report.code, report.session, report.reporter, report.accused, report.reason, report.note, report.at,
        _json(report.networks), evidence, _is_founded(transaction, report),
    )  # fmt: skip
    _pass_over_sprayed(transaction, report)
    recent = transaction.rows("recent_reports", report.accused, *reports_around(report.at), REPORTS_LOOKED_AT)
    counting = {code: Accusation(reporter, at, _networks(raw), True) for code, reporter, at, raw in recent}
    if report.code in counting and is_third(counting[report.code], counting.values()):
        transaction.change("pause", report.accused, paused_until(report.at), PAUSE_REASON)
    return report.code


def _is_founded(transaction: Transaction, report: Report) -> bool:
    rows = transaction.rows("session", report.session)
    if not rows:  # deleted with its messages since
        return False
    session = to_session(rows[0])
    wrote = bool(transaction.rows("has_written", session.id, session.side(report.accused)))
    return is_founded(wrote, session.started, session.ended, report.at)


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
