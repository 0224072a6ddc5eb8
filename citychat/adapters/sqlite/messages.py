"""Delivered messages in the embedded store."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from citychat.adapters.sqlite.database import Database, Row, Transaction
from citychat.adapters.sqlite.rows import to_message, to_row
from citychat.limits import bound
from citychat.model import Message, MessageKey, Ranges, is_storable, merged, missing, reach, to_ranges
from citychat.ports import Committed, Progress

LOST_MAX = bound("lost messages")


class SqliteMessages:
    """The delivered messages (ports.MessageStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        """Keep rows. What can never be kept would fail for ever: it is reported, with no receipt."""
        hopeless = frozenset(m.row_key for m in rows if not is_storable(m))
        others = [m for m in rows if m.row_key not in hopeless] if hopeless else rows
        texts, gaps = [m for m in others if m.kind != "gap"], [m for m in others if m.kind == "gap"]

        def work(transaction: Transaction) -> Committed:
            are_new = transaction.change_each("add", ((*to_row(m), None) for m in texts)) == len(texts)
            standing = [row for gap in gaps for row in transaction.rows("messages_at", *gap.row_key, gap.last)]
            for gap in gaps:
                _add_gap(transaction, gap)
            if are_new:
                return Committed(hopeless, standing=tuple(map(to_message, standing)))
            filled = frozenset(m.row_key for m in texts if _fill(transaction, m))
            lost = (m.row_key for m in texts if not transaction.rows("messages_at", *m.row_key, m.number))
            return Committed(hopeless.union(lost), filled, tuple(map(to_message, standing)))

        self._database.submit(work, done)

    async def page(
        self, session_id: str, before: tuple[int, int, str, int] | None, limit: int, reader: int | None = None
    ) -> list[Message]:
        def work(transaction: Transaction) -> list[Row]:
            if before is None:
                return transaction.rows("page_newest", session_id, reader, limit)
            return transaction.rows("page_before", session_id, reader, limit, *before)

        return [to_message(row) for row in reversed(await self._database.run(work))]

    async def progress(self, session_id: str, side: int) -> Progress:
        def work(transaction: Transaction) -> Progress:
            seen: dict[str, int] = {}
            links: dict[str, MessageKey] = {}
            beyond: list[Row] = []
            gaps: dict[str, Ranges] = {}
            for stream, first, last in transaction.rows("gaps", session_id, side):
                gaps.setdefault(stream, []).append((first, last))
            for stream, count, last in transaction.rows("streams", session_id, side):
                seen[stream] = last
                for link in transaction.rows("link", session_id, side, stream):
                    links[stream] = link
                if count != last or stream in gaps:
                    numbers = transaction.rows("numbers", session_id, side, stream, 1, last)
                    seen[stream] = reach([(n, n) for (n,) in numbers] + gaps.get(stream, []))
                    beyond += transaction.rows("beyond", session_id, side, stream, seen[stream])
            lost = sum(last - first + 1 for each in gaps.values() for first, last in each)
            return Progress(seen, [to_message(row) for row in beyond], lost, links)

        return await self._database.run(work)

    async def held(self, session_id: str, side: int, stream: str, ranges: Ranges) -> Ranges:
        def work(transaction: Transaction) -> list[Row]:
            return [
                row
                for first, last in merged(ranges)
                for row in transaction.rows("held", session_id, side, stream, first, last)
            ]

        return to_ranges(number for (number,) in await self._database.run(work))


def _fill(transaction: Transaction, late: Message) -> bool:
    """Put a message in its place in a gap, which is parted there; whether there was one."""
    stream = late.session, late.side, late.stream
    over = transaction.rows("gap_over", *stream, late.number)
    for gap in map(to_message, over):
        transaction.change("drop_gap", *gap.row_key)
        for a, b in missing(gap.number, gap.last, [(late.number, late.number)]):
            transaction.change("add", *to_row(replace(gap, number=a)), b if b > a else None)
        transaction.change("add", *to_row(late), None)
    return bool(over)


def _add_gap(transaction: Transaction, gap: Message) -> None:
    """Add those of its numbers that nothing stands for yet."""
    stream, first, last = (gap.session, gap.side, gap.stream), gap.number, gap.last
    known = [(n, n) for (n,) in transaction.rows("numbers", *stream, first, last)]
    known += transaction.rows("gaps_between", *stream, first - LOST_MAX, last)
    for a, b in missing(first, last, known):
        transaction.change("add", *to_row(replace(gap, number=a)), b if b > a else None)
