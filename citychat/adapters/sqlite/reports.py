"""Reports in the embedded store: their evidence, and the pause after three of them."""

from typing import Literal

import msgspec

from citychat.adapters.sqlite.database import Database, Transaction, to_message
from citychat.ports import Report
from citychat.rules import (
    EVIDENCE_MESSAGES,
    PAUSE_REASON,
    REPORTS_LOOKED_AT,
    Accusation,
    held_after,
    is_third,
    paused_until,
    reports_around,
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
        _json(report.networks), evidence,
    )  # fmt: skip
    recent = transaction.rows("recent_reports", report.accused, *reports_around(report.at), REPORTS_LOOKED_AT)
    others = [Accusation(reporter, at, _networks(raw)) for reporter, at, raw in recent]
    if is_third(Accusation(report.reporter, report.at, frozenset(report.networks)), others):
        transaction.change("pause", report.accused, paused_until(report.at), PAUSE_REASON)
    return report.code


def _networks(raw: str) -> frozenset[str]:
    return msgspec.json.decode(raw, type=frozenset[str])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
