"""Words of the commands for cases: times with their zone, texts of others made safe for a terminal."""

from datetime import UTC, datetime

from citychat.catalogue import ENGLISH
from citychat.ports import Case
from citychat.rules import DAY_MS, FOR_GOOD_MS

HOUR_MS = 3_600_000
URGENT = ("minor", "threat")  # listed first: the law asks for haste there
JOINERS = "\u200c\u200d"  # of Persian and of emoji; they move nothing


def moment(at_ms: int) -> str:
    """A time to the second, in UTC, and saying so."""
    return f"{datetime.fromtimestamp(at_ms / 1_000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1_000, UTC):%Y-%m-%d}"


def until(at_ms: int) -> str:
    """The end of a pause, which may have none."""
    return "for good" if at_ms >= FOR_GOOD_MS else f"until {moment(at_ms)}"


def span(for_ms: int) -> str:
    """The length of a pause, as the command for it takes it."""
    unit_ms, unit = (DAY_MS, "d") if for_ms % DAY_MS == 0 else (HOUR_MS, "h")
    return f"{for_ms // unit_ms}{unit}"


def age(since_ms: int, now_ms: int) -> str:
    """The time since then, in the largest unit that tells."""
    passed = max(0, now_ms - since_ms)
    for unit_ms, unit in ((DAY_MS, "day"), (HOUR_MS, "hour"), (60_000, "minute")):
        if count := passed // unit_ms:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def visible(text: str) -> str:
    """A text of somebody else for a terminal: controls, marks that turn the direction of writing, and all else that is
    not drawn stand there as their codes. Lines stay lines."""
    return "".join(c if c.isprintable() or c in JOINERS or c == "\n" else _code(c) for c in text)


def indented(text: str, by: str) -> str:
    """A text of several lines, of which none can look like one of ours."""
    return f"\n{by}".join(visible(text).split("\n"))


def reason(name: str) -> str:
    """The reason of a report as its page has shown it."""
    return ENGLISH.get(f"report.reason.{name}", visible(name))


def state(case: Case) -> str:
    """The state of a case, and when it goes."""
    if case.closed is None:
        return "open" + (f", held until {day(case.held)}" if case.held else "")
    done = {"acted": "acted", "none": "no action"}.get(case.state, "closed")
    rule = f", rule {visible(case.rule)}" if case.rule else ""
    goes = f", deleted on {day(case.goes)}" if case.goes is not None else ""
    return f"{done}{rule}{goes}{' (held)' if case.held and case.held == case.goes else ''}"


def objection(case: Case) -> str:
    """The state of an objection: whether the host has to say something; "" where nobody has said anything."""
    if case.lifted is not None:
        return "pause lifted"
    if case.objected is None:
        return ""
    return "objection waits" if case.awaits_answer else "objection answered"


def _code(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
