"""Command line of ``python -m citychat cases …`` and ``guests …``, which no guest can reach."""

import argparse
import asyncio
import logging
import os
import pwd
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Never, TextIO

from citychat.cases.desk import Desk, NotDone
from citychat.cases.opening import NotOpened, open_history
from citychat.cases.sanctions import Sanctions
from citychat.cases.words import HOUR_MS
from citychat.catalogue import REPORT_REASONS
from citychat.model import Unavailable
from citychat.printing import again
from citychat.rules import DAY_MS, FOR_GOOD_MS

DATE = "%Y-%m-%d"


class CasesUsage(Exception):
    """The words of the command make no sense; the message says what was expected."""


class CasesParser(argparse.ArgumentParser):
    """Raises CasesUsage instead of ending the program."""

    def error(self, message: str) -> Never:
        raise CasesUsage(f"{message}\n{self.format_usage().rstrip()}")

    def _print_message(self, message: str, file: Any = None) -> None:
        print(message, end="", file=file)  # argparse says nothing when it cannot be written


def main(
    group: str,
    words: Sequence[str],
    *,
    data: Path,
    history: str,
    now: datetime,
    typed: TextIO,
    out: TextIO,
    errors: TextIO,
    flags: Sequence[str] = (),
) -> int:
    """Run one command of ``group`` (cases, guests) on the store of the settings ``data`` and ``history``.

    Exit status: 0 done, 1 failed (nothing was done), 2 wrong usage. ``typed``: where a question is answered, if that is
    a terminal; ``flags``: those of settings, as they were typed.
    """

    def work() -> None:
        asyncio.run(_run(parse(group, words), data, history, now, typed, out, flags))

    return exit_status(group, work, errors, "nothing was done, or look at the trail: audit")


def exit_status(command: str, work: Callable[[], None], errors: TextIO, doubt: str) -> int:
    """Do the work of a command, and say in one line what failed; ``doubt``: where the history did not answer."""
    logging.basicConfig(level=logging.CRITICAL)
    try:
        work()
    except CasesUsage as error:
        print(f"citychat {command}: {error}", file=errors)
        return 2
    except (NotDone, NotOpened) as error:
        print(f"citychat {command}: {error}", file=errors)
        return 1
    except Unavailable:
        print(f"citychat {command}: the history does not answer; {doubt}", file=errors)
        return 1
    return 0


def parse(group: str, words: Sequence[str]) -> argparse.Namespace:
    """Read the words. Raises CasesUsage, and SystemExit for --help."""
    described = "Reports, and what came of them." if group == "cases" else "Pauses of guests, by the code of a report."
    parser = CasesParser(prog=f"citychat {group}", allow_abbrev=False, description=described)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = partial(commands.add_parser, allow_abbrev=False)
    if group == "guests":
        _add_sanctions(add)
        return parser.parse_args(words)
    _add_looks(add)
    _add_acts(add)
    is_named = any(word in (*commands.choices, "-h", "--help") for word in words[:1])
    asked = parser.parse_args(words if is_named else ["list", *words])
    if asked.command == "close" and asked.outcome == "acted" and not asked.rule:
        raise CasesUsage("close --acted: expected --rule N, the rule that was broken")
    return asked


def _add_sanctions(add: Any) -> None:
    warn = add("warn", help="have the accused told that a rule was broken")
    pause = add("pause", help="shut the accused out for a time")
    ban = add("ban", help="shut the accused out for good")
    pause.add_argument("--for", dest="for_ms", required=True, type=_span, metavar="TIME", help="12h, or 7d")
    ban.set_defaults(for_ms=FOR_GOOD_MS)
    for command in (warn, pause, ban):
        command.add_argument("code", metavar="CODE")
        command.add_argument("--rule", required=True, metavar="N", help="the number of your rule that was broken")
        command.add_argument("--reason", default="", metavar="TEXT", help="more, for the guest to read")
    for command in (pause, ban):
        command.add_argument("--network", action="store_true", help="for a day also who comes new from their network")
    lift = add("lift", help="let the accused in again")
    lift.add_argument("code", metavar="CODE")
    lift.add_argument("--note", default="", metavar="TEXT", help="why, for yourself")


def _add_acts(add: Any) -> None:
    close = add("close", help="close one or several reports; who reported learns which of the two")
    close.add_argument("codes", metavar="CODE", nargs="+")
    outcome = close.add_mutually_exclusive_group(required=True)
    outcome.add_argument("--acted", dest="outcome", action="store_const", const="acted")
    outcome.add_argument("--none", dest="outcome", action="store_const", const="none", help="no action")
    close.add_argument("--rule", default="", metavar="N", help="the number of your rule that was broken")
    close.add_argument("--note", default="", metavar="TEXT", help="why, for yourself")
    hold = add("hold", help="keep a report until a day, whatever is decided")
    hold.add_argument("code", metavar="CODE")
    hold.add_argument("--until", required=True, type=_date, metavar="YYYY-MM-DD", help="a day that is over lets it go")
    hold.add_argument("--note", default="", metavar="TEXT")
    answer = add("answer", help="answer what a paused guest objects")
    answer.add_argument("code", metavar="CODE")
    answer.add_argument("text", metavar="TEXT", help="at most 1,000 characters, for the guest to read")
    export = add("export", help="write a report into a folder: text, JSON, checksums")
    export.add_argument("code", metavar="CODE")
    export.add_argument("--to", type=Path, metavar="FOLDER", help="a new folder")
    add("prune", help="delete what has come to its day, as the server does by itself")


def _add_looks(add: Any) -> None:
    listed = add("list", help="all reports; those on one guest together, what cannot wait on top")
    listed.add_argument("--open", action="store_true", help="only those not closed, or with an objection")
    listed.add_argument("--reason", action="append", default=[], choices=REPORT_REASONS)
    listed.add_argument("--json", action="store_true", help="for a program")
    show = add("show", help="one report; its messages after a question")
    show.add_argument("code", metavar="CODE")
    show.add_argument("--text", action="store_true", help="with the messages, without a question")
    audit = add("audit", help="verify the trail of who has seen and done what")
    audit.add_argument("known", metavar="HASH", nargs="?", default="", help="one that was noted before")
    audit.add_argument("--rows", action="store_true", help="print it")
    numbers = add("numbers", help="the reports of a year")
    numbers.add_argument("--year", type=_year, metavar="YEAR", help="the one of today, if not given")


def _span(word: str) -> int:
    unit_ms = {"h": HOUR_MS, "d": DAY_MS}.get(word[-1:], 0)
    count = int(word[:-1]) if word[:-1].isdecimal() and len(word) < 8 else 0
    if not 0 < count * unit_ms <= 3_650 * DAY_MS:
        raise argparse.ArgumentTypeError(f"expected 12h, or 7d, and at most ten years, not {word}")
    return count * unit_ms


def _date(word: str) -> datetime:
    try:
        return datetime.strptime(word, DATE).replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day such as 2030-01-31, not {word}") from None


def _year(word: str) -> int:
    if not (word.isdecimal() and 2000 <= int(word[:5]) <= 9999):
        raise argparse.ArgumentTypeError(f"expected a year such as 2030, not {word}")
    return int(word)


async def _run(
    asked: argparse.Namespace, data: Path, history: str, now: datetime, typed: TextIO, out: TextIO, flags: Sequence[str]
) -> None:
    async with open_history(data, history) as opened:
        say = partial(print, file=out)
        desk, sanctions = Desk(opened, operator(), now, say, again(flags)), Sanctions(opened, operator(), now, say)
        match asked.command:
            case "list":
                await desk.list(only_open=asked.open, reasons=asked.reason, as_json=asked.json)
            case "show":
                await desk.show(asked.code, wants_text=partial(_wants_text, asked.text, typed, out))
            case "close":
                await desk.close(asked.codes, asked.outcome, asked.rule, asked.note)
            case "hold":
                await desk.hold(asked.code, asked.until, asked.note)
            case "answer":
                await desk.answer(asked.code, asked.text)
            case "export":
                await desk.export(asked.code, asked.to)
            case "prune":
                await desk.prune()
            case "audit":
                await desk.audit(asked.known, rows=asked.rows)
            case "numbers":
                await desk.numbers(asked.year or now.year)
            case "pause" | "ban":
                await sanctions.pause(asked.code, asked.for_ms, asked.rule, asked.reason, network=asked.network)
            case "warn":
                await sanctions.warn(asked.code, asked.rule, asked.reason)
            case "lift":
                await sanctions.lift(asked.code, asked.note)


def _wants_text(flag: bool, typed: TextIO, out: TextIO, messages: int) -> bool:
    """Ask before anybody has to read what may be hard to read."""
    if flag or not messages:
        return flag
    if not typed.isatty():
        print(f"\nThe {messages} messages are shown with --text.", file=out)
        return False
    print(f"\nShow the {messages} messages? They may be hard to read. [y/N] ", end="", flush=True, file=out)
    return typed.readline().strip().lower() in ("y", "yes")


def operator() -> str:
    """Return the operating system's user; of root by sudo also who that is."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    by = os.environ.get("SUDO_USER", "")
    return f"{name} ({by})" if by and by != name else name
