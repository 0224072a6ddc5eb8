"""Words of ``citychat close`` and ``open``: when it ends, what is refused, and what the trail keeps."""

import asyncio
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from citychat.adapters.sqlite import Database, SqliteHistory
from citychat.cases import house_main
from citychat.model import Act, first_broken
from citychat.ports import Closure
from citychat.rules import FOR_GOOD_MS

NOW = datetime(2030, 1, 30, 12, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1_000)
HOUR_MS = 3_600_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    asyncio.run(kept(tmp_path))
    return tmp_path


async def kept(data: Path) -> tuple[Closure | None, list[Act]]:
    """The host's word, and the trail."""
    async with Database(data / "citychat.db") as database, SqliteHistory(database) as history:
        rows = await history.cases.trail()
        assert first_broken(rows) is None
        return await history.house.closure(NOW_MS), [row.act for row in rows]


def said(data: Path, *words: str) -> tuple[int, str]:
    """Exit status, and what it prints."""
    out, errors = io.StringIO(), io.StringIO()
    command, *rest = words
    flags = ("--data", str(data))
    status = house_main(command, rest, data=data, history="embedded", now=NOW, out=out, errors=errors, flags=flags)
    return status, out.getvalue() + errors.getvalue()


@pytest.mark.parametrize(
    ("word", "end", "shown"),
    [
        ("90m", NOW_MS + HOUR_MS * 3 // 2, "until 2030-01-30 13:30:00 UTC"),
        ("12h", NOW_MS + 12 * HOUR_MS, "until 2030-01-31 00:00:00 UTC"),
        ("2d", NOW_MS + 48 * HOUR_MS, "until 2030-02-01 12:00:00 UTC"),
        ("2030-01-31T18:00", NOW_MS + 30 * HOUR_MS, "until 2030-01-31 18:00:00 UTC"),
        ("2030-01-31 18:00+02:00", NOW_MS + 28 * HOUR_MS, "until 2030-01-31 16:00:00 UTC"),
        ("", FOR_GOOD_MS, "until it is opened"),
    ],
)
def test_the_end_is_taken_as_it_is_meant_and_said_with_its_zone(data: Path, word: str, end: int, shown: str) -> None:
    until = ("--until", word) if word else ()
    status, out = said(data, "close", " Back soon. ", *until)
    assert (status, f"Closed {shown}. " in out) == (0, True), out
    assert out.endswith(f" To open it: citychat open --data {data}\n")
    closure, acts = asyncio.run(kept(data))
    assert closure == Closure("Back soon.", end)
    assert [(act.act, act.words, act.at) for act in acts] == [("close the house", f"{shown}: Back soon.", NOW_MS)]
    assert said(data, "open")[0] == 0
    closure, acts = asyncio.run(kept(data))
    assert (closure, acts[-1].act) == (None, "open the house")


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (("close",), 2, "the following arguments are required: TEXT"),
        (("close", " "), 2, "expected a text of one line"),
        (("close", "a\nb"), 2, "expected a text of one line"),
        (("close", "x" * 301), 2, "at most 300 letters"),
        (("close", "x", "--until", "yesterday"), 2, "expected 30m, 12h, 2d"),
        (("close", "x", "--until", "2030-01-30"), 2, "within a year from now"),
        (("close", "x", "--until", "999999999999d"), 2, "expected 30m, 12h, 2d"),
        (("close", "x", "--until", "900d"), 2, "within a year from now"),
        (("open", "now"), 2, "unrecognized arguments: now"),
        (("open",), 1, "it is open"),
    ],
)
def test_words_that_make_no_sense_are_refused_and_nothing_is_done(
    data: Path, words: tuple[str, ...], status: int, why: str
) -> None:
    found = said(data, *words)
    assert found[0] == status and why in found[1], found
    assert asyncio.run(kept(data)) == (None, [])


def test_a_folder_without_a_store_is_told(tmp_path: Path) -> None:
    assert said(tmp_path, "close", "x")[0] == 1
    assert list(tmp_path.iterdir()) == []
