"""Command line of ``python -m citychat close "TEXT"`` and ``open``: nobody new is led together for a while."""

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from citychat.cases.commands import CasesParser, CasesUsage, exit_status, operator
from citychat.cases.desk import NotDone
from citychat.cases.opening import HistoryWithCases, open_history
from citychat.cases.words import moment
from citychat.limits import bound
from citychat.model import Act
from citychat.ports import Closure
from citychat.printing import again
from citychat.rules import FOR_GOOD_MS

WORDS_MAX = bound("host's word")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
FURTHEST = timedelta(days=366)


def main(
    command: str,
    words: Sequence[str],
    *,
    data: Path,
    history: str,
    now: datetime,
    out: TextIO,
    errors: TextIO,
    flags: Sequence[str] = (),
) -> int:
    """Close or open the house of the store of these settings. Exit status as of ``citychat cases``; ``flags``: those of
    settings, as they were typed."""

    def work() -> None:
        said = asyncio.run(_run(command, parse(command, words, now), data, history, now))
        print(f"{said} To open it: citychat open{again(flags)}" if command == "close" else said, file=out)

    return exit_status(command, work, errors, "whether it was done, the trail says")


def parse(command: str, words: Sequence[str], now: datetime) -> argparse.Namespace:
    """Read the words. Raises CasesUsage, and SystemExit for --help."""
    what = "No new searches; running chats go on." if command == "close" else "Searches again."
    parser = CasesParser(prog=f"citychat {command}", allow_abbrev=False, description=what)
    if command == "close":
        parser.add_argument("text", metavar="TEXT", help="what every page says meanwhile")
        parser.add_argument("--until", metavar="TIME", default="",
                            help="it opens by itself: 30m, 12h, 2d, or 2030-01-31T18:00 (UTC)")  # fmt: skip
    asked = parser.parse_args(words)
    if command == "close":
        asked.closure = closure_of(asked.text, asked.until, now)
    return asked


def closure_of(text: str, until: str, now: datetime) -> Closure:
    """Read what every page is to say, and until when ("": until it is opened). Raises CasesUsage."""
    said = text.strip()
    if not said or not said.isprintable() or len(said) > WORDS_MAX:
        raise CasesUsage(f"expected a text of one line and at most {WORDS_MAX} letters; every guest reads it")
    return Closure(said, _end(until.strip(), now))


def _end(word: str, now: datetime) -> int:
    """The end of a closure in ms. Raises CasesUsage."""
    if not word:
        return FOR_GOOD_MS
    try:
        if word[:-1].isdecimal() and word[-1] in UNITS:
            end = now + timedelta(**{UNITS[word[-1]]: int(word[:-1])})
        else:
            end = datetime.fromisoformat(word)
            end = end if end.tzinfo else end.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise CasesUsage(f"until {word}: expected 30m, 12h, 2d, or a time such as 2030-01-31T18:00") from None
    if not now < end <= now + FURTHEST:
        raise CasesUsage(f"until {word}: expected a time within a year from now (UTC)")
    return round(end.timestamp() * 1_000)


async def _run(command: str, asked: argparse.Namespace, data: Path, history: str, now: datetime) -> str:
    async with open_history(data, history) as opened:
        if command == "close":
            return await close_house(opened, asked.closure, operator(), now)
        return await open_house(opened, operator(), now)


def end_of(closure: Closure) -> str:
    """Return the end of a closure in words."""
    return "until it is opened" if closure.until == FOR_GOOD_MS else f"until {moment(closure.until)}"


async def close_house(history: HistoryWithCases, closure: Closure, who: str, now: datetime) -> str:
    """Close the house, and say what comes of it."""
    await history.cases.record([Act(_ms(now), who, "close the house", "", f"{end_of(closure)}: {closure.text}")])
    await history.house.close(closure)
    return f"Closed {end_of(closure)}. Within 15 s every page says so; running chats go on."


async def open_house(history: HistoryWithCases, who: str, now: datetime) -> str:
    """Open the house, and say what comes of it. Raises NotDone when it is open."""
    if await history.house.closure(_ms(now)) is None:
        raise NotDone("it is open")
    await history.cases.record([Act(_ms(now), who, "open the house")])
    await history.house.open()
    return "Open. Within 15 s every page knows."


def _ms(now: datetime) -> int:
    return round(now.timestamp() * 1_000)
