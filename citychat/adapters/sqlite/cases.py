"""Cases and their trail in the embedded store."""

from collections.abc import Iterable, Sequence

import msgspec

from citychat.adapters.sqlite.database import Database, Row, Transaction
from citychat.model import Act, Message, TrailRow, forgetting, next_row
from citychat.ports import Case, Sanction
from citychat.rules import FOR_GOOD_MS, lifted_until, trail_goes


class SqliteCases:
    """Cases and their trail (ports.CaseStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cases(self) -> list[Case]:
        return [_to_case(row) for row in await self._database.run(lambda transaction: transaction.rows("cases"))]

    async def evidence(self, code: str) -> list[Message]:
        rows = await self._database.run(lambda transaction: transaction.rows("evidence_of", code))
        return msgspec.json.decode(rows[0][0], type=list[Message]) if rows else []

    async def record(self, acts: Sequence[Act], decided: Sequence[Case] = ()) -> None:
        """In one transaction."""

        def work(transaction: Transaction) -> None:
            _add(transaction, acts)
            for c in decided:
                transaction.change(
                    "decide", c.code, c.state, c.rule, c.words, c.closed, c.held, c.goes, c.answer, c.answered
                )  # fmt: skip

        await self._database.run(work)

    async def sanction(self, sanction: Sanction, act: Act) -> None:
        """In one transaction."""

        def work(transaction: Transaction) -> None:
            _add(transaction, [act])
            why = sanction.reason, act.at, sanction.rule, act.code
            transaction.change("sanction", sanction.guest, sanction.until, *why)
            transaction.change("sanction_again", act.code)
            of_network = sanction.reason, None, sanction.rule, ""
            for network in sanction.networks:
                transaction.change("pause", f"network:{network}", sanction.networks_until, *of_network)

        await self._database.run(work)

    async def warn(self, warning: Sanction, act: Act) -> None:
        def work(transaction: Transaction) -> None:
            _add(transaction, [act])
            until = lifted_until(FOR_GOOD_MS, act.at)
            transaction.change("sanction", warning.guest, until, warning.reason, None, warning.rule, "")
            transaction.change("lift", warning.guest, act.at, until)

        await self._database.run(work)

    async def lift(self, guest: str, networks: Sequence[str], act: Act) -> None:
        def work(transaction: Transaction) -> None:
            _add(transaction, [act])
            for until, *_ in transaction.rows("paused", guest, act.at):
                transaction.change("lift_cases", guest, act.at, act.code)
                transaction.change("lift", guest, act.at, lifted_until(until, act.at))
            for network in networks:
                transaction.change("lift_network", f"network:{network}")

        await self._database.run(work)

    async def trail(self) -> list[TrailRow]:
        return [_to_row(row) for row in await self._database.run(lambda transaction: transaction.rows("trail"))]

    async def prune(self, now: int) -> int:
        def work(transaction: Transaction) -> int:
            transaction.forget()
            return prune_cases(transaction, now)

        return await self._database.run(work)


def prune_cases(transaction: Transaction, now: int) -> int:
    """Delete the cases whose day has come, and what is too old of the trail; return how many cases that were."""
    for first in transaction.rows("trail_first"):
        for last in transaction.rows("trail_before", trail_goes(_to_row(first).act.at, now)):
            _add(transaction, [forgetting(_to_row(last), now)])
            transaction.change("expire_trail", _to_row(last).n)
    return transaction.change("expire_reports", now)


def _add(transaction: Transaction, acts: Iterable[Act]) -> None:
    last = next(map(_to_row, transaction.rows("trail_last")), None)
    for act in acts:
        last = next_row(last, act)
        transaction.change("add_trail", last.n, *msgspec.structs.astuple(act), last.hash)


def _to_row(row: Row) -> TrailRow:
    n, *act, seal = row
    return TrailRow(n, Act(*act), seal)


def _to_case(row: Row) -> Case:
    code, session, reporter, accused, reason, note, at, side, counts, *decided = row
    return Case(code, session, reporter, accused, reason, note, at, side, bool(counts), *decided)
