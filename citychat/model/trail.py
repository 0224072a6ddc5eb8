"""The trail of what the host has seen and done: rows that are only added, each sealed by the one before it."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

FORGOT = "forgot"  # the act by which the oldest rows go: ``code`` is the last of them, ``words`` its hash


class Act(Struct, frozen=True):
    """An act of the host, or a look at a case: who, when, what, the code it was about, and why.

    ``who``: a user of the operating system, or "citychat" for what a server does by itself.
    """

    at: int
    who: str
    act: str
    code: str = ""
    words: str = ""


class TrailRow(Struct, frozen=True):
    """A row of the trail, numbered from 1. ``hash``: over the row and the hash of the row before."""

    n: int
    act: Act
    hash: str


def next_row(last: TrailRow | None, act: Act) -> TrailRow:
    """Return the row of an act that comes behind ``last``."""
    n, before = (last.n + 1, last.hash) if last else (1, "")
    return TrailRow(n, act, _seal(before, n, act))


def forgetting(last: TrailRow, at: int) -> Act:
    """Return the act by which all rows up to ``last`` go; it keeps what the rest of the chain hangs on."""
    return Act(at, "citychat", FORGOT, str(last.n), last.hash)


def first_broken(rows: Sequence[TrailRow]) -> int | None:
    """Return the number of the first row that is not as it was written, or that is missing; None when all is whole.

    Rows at the end that were taken away leave no mark: for that a hash must have been noted elsewhere.
    """
    if not rows:
        return None
    n, before = 1, ""
    for row in rows:
        if row.act.act == FORGOT and row.act.code.isdecimal() and int(row.act.code) == rows[0].n - 1:
            n, before = rows[0].n, row.act.words
    for row in rows:
        if row.n != n or row.hash != _seal(before, n, row.act):
            return n
        n, before = n + 1, row.hash
    return None


def _seal(before: str, n: int, act: Act) -> str:
    return sha256(msgspec.json.encode((before, n, *msgspec.structs.astuple(act)))).hexdigest()
