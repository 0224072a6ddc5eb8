"""Delivered messages in the embedded store."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from citychat.adapters.sqlite.database import Database, Row, Transaction, to_message, to_row
from citychat.limits import bound
from citychat.model import Message, Ranges, is_storable, merged, missing, reach, to_ranges
from citychat.ports import Committed, Progress

LOST_MAX = bound("lost messages")


class SqliteMessages:
    """The delivered messages (ports.MessageStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        """Keep rows. What can never be kept would fail for ever: it is reported like a gap, with no receipt."""
        hopeless = {(m.session, m.side, m.stream, m.number) for m in rows if not is_storable(m)}
        others = [m for m in rows if (m.session, m.side, m.stream, m.number) not in hopeless] if hopeless else rows
        kept = [(*to_row(message), None) for message in others if message.to is None]

        def work(transaction: Transaction) -> Committed:
            is_new = transaction.change_each("add", kept) == len(kept)
            for message in others:
                if message.to is not None:
                    _add_gap(transaction, message, message.to)
            if is_new:
                return Committed(frozenset(hopeless))
            keys = [(m.session, m.side, m.stream, m.number) for m in others if m.kind != "gap"]
            return Committed(frozenset(hopeless.union(key for key in keys if not transaction.rows("is_real", *key))))

        self._database.submit(work, done)

    async def page(self, session_id: str, before: tuple[int, int, str, int] | None, limit: int) -> list[Message]:
        def work(transaction: Transaction) -> list[Row]:
            if before is None:
                return transaction.rows("page_newest", session_id, limit)
            return transaction.rows("page_before", session_id, limit, *before)

        return [to_message(row) for row in reversed(await self._database.run(work))]

    async def progress(self, session_id: str, side: int) -> Progress:
        def work(transaction: Transaction) -> tuple[dict[str, int], list[Row], int]:
            seen: dict[str, int] = {}
            beyond: list[Row] = []
            gaps: dict[str, Ranges] = {}
            for stream, first, last in transaction.rows("gaps", session_id, side):
                gaps.setdefault(stream, []).append((first, last))
            for stream, count, last in transaction.rows("streams", session_id, side):
                seen[stream] = last
                if count != last or stream in gaps:
                    numbers = transaction.rows("numbers", session_id, side, stream, 1, last)
                    seen[stream] = reach([(n, n) for (n,) in numbers] + gaps.get(stream, []))
                    beyond += transaction.rows("beyond", session_id, side, stream, seen[stream])
            return seen, beyond, sum(last - first + 1 for each in gaps.values() for first, last in each)

        seen, beyond, lost = await self._database.run(work)
        return Progress(seen, [to_message(row) for row in beyond], lost)

    async def held(self, session_id: str, side: int, stream: str, ranges: Ranges) -> Ranges:
        def work(transaction: Transaction) -> list[Row]:
            return [
                row
                for first, last in merged(ranges)
                for row in transaction.rows("held", session_id, side, stream, first, last)
            ]

        return to_ranges(number for (number,) in await self._database.run(work))


def _add_gap(transaction: Transaction, gap: Message, last: int) -> None:
    """Add those of its numbers that nothing stands for yet."""
    stream, first = (gap.session, gap.side, gap.stream), gap.number
    known = [(n, n) for (n,) in transaction.rows("numbers", *stream, first, last)]
    known += transaction.rows("gaps_between", *stream, first - LOST_MAX, last)
    for a, b in missing(first, last, known):
        transaction.change("add", *to_row(replace(gap, number=a)), b if b > a else None)
