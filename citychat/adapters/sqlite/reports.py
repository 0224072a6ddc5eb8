"""Reports in the embedded store: their evidence, and the pause after three of them."""

from itertools import combinations
from typing import Literal

import msgspec

from citychat.adapters.sqlite.database import Database, Transaction, to_message
from citychat.model import DAY_MS
from citychat.ports import Report

EVIDENCE_MESSAGES = 50
ERASED_MS = 3 * DAY_MS  # product page, Vanish: how long an erased text can still become evidence
PAUSE_MS = DAY_MS
PAUSE_REASON = "reported by several people"
REPORTS_LOOKED_AT = 100  # the newest of a day: enough to find three, and a flood of them stays cheap


class SqliteReports:
    """Reports with their evidence (ports.ReportStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, report: Report) -> str:
        """As the port says. A report without a network (loopback, private address) is kept but pauses nobody."""
        return await self._database.run(lambda transaction: _add(transaction, report))

    async def state(self, code: str) -> Literal["received", "acted", "none"] | None:
        rows = await self._database.run(lambda transaction: transaction.rows("report_state", code))
        return rows[0][0] if rows else None


def _add(transaction: Transaction, report: Report) -> str:
    if earlier := transaction.rows("reported", report.session, report.reporter):
        first: str = earlier[0][0]
        return first
    kept = transaction.rows("evidence", report.session, report.at - ERASED_MS, EVIDENCE_MESSAGES)
    evidence = _json([to_message(row) for row in reversed(kept)])
    transaction.change(
        "report", report.code, report.session, report.reporter, report.accused, report.reason, report.note, report.at,
        _json(report.networks), evidence,
    )  # fmt: skip
    recent = transaction.rows("recent_reports", report.accused, report.at - DAY_MS, report.at, REPORTS_LOOKED_AT)
    others = [(r, set(msgspec.json.decode(networks, type=list[str]))) for r, networks in recent if r != report.reporter]
    if _strangers(set(report.networks), others):
        transaction.change("pause", report.accused, report.at + PAUSE_MS, PAUSE_REASON)
    return report.code


def _strangers(networks: set[str], others: list[tuple[str, set[str]]]) -> bool:
    """Whether two of the others make three guests on three networks with the one on ``networks``."""
    apart = [(reporter, theirs) for reporter, theirs in others if theirs and networks and not theirs & networks]
    return any(a != b and not near & far for (a, near), (b, far) in combinations(apart, 2))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
