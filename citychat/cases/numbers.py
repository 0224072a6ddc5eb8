"""Numbers of a year, for whoever asks the host how reports are handled. Closing a case notes them in the trail."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import median

import msgspec
from msgspec import Struct

from citychat.cases.words import reason
from citychat.catalogue import REPORT_REASONS
from citychat.model import Act, TrailRow
from citychat.ports import Case

CLOSE = "close"


class Closing(Struct, frozen=True):
    """The part of a closed case that the trail keeps."""

    outcome: str
    rule: str
    reason: str
    received: int
    note: str


class _Handled(Struct, frozen=True):
    reason: str
    received: int
    outcome: str = "open"
    closed: int = 0


def in_words(act: Act) -> str:
    """Return what a row of the trail says of its act, for people."""
    if act.act != CLOSE:
        return act.words
    closing = msgspec.json.decode(act.words, type=Closing)
    rule, note = f", rule {closing.rule}" if closing.rule else "", f": {closing.note}" if closing.note else ""
    return f"{'no action' if closing.outcome == 'none' else closing.outcome}{rule}{note}"


def of_year(year: int, cases: Sequence[Case], trail: Iterable[TrailRow]) -> list[str]:
    """Return a table of the reports that came in that year (UTC), by reason and by what became of them."""
    handled = {case.code: _Handled(case.reason, case.at) for case in cases}
    for row in trail:
        if row.act.act == CLOSE:
            c = msgspec.json.decode(row.act.words, type=Closing)
            handled[row.act.code] = _Handled(c.reason, c.received, c.outcome, row.act.at)
    of_it = [each for each in handled.values() if datetime.fromtimestamp(each.received / 1_000, UTC).year == year]
    lines = [f"Reports that came in {year} (UTC)", f"{'Reason':<30}{'received':>9}{'acted':>9}{'none':>9}{'open':>9}"]
    lines += [_row(reason(name), [each for each in of_it if each.reason == name]) for name in REPORT_REASONS]
    lines.append(_row("All", of_it))
    hours = [(each.closed - each.received) / 3_600_000 for each in of_it if each.closed]
    return [
        *lines,
        f"Half of the closed ones were closed within {median(hours):.1f} hours." if hours else "None is closed.",
    ]


def _row(name: str, found: Sequence[_Handled]) -> str:
    counts = (sum(each.outcome == outcome for each in found) for outcome in ("acted", "none", "open"))
    return f"{name:<30}{len(found):>9}" + "".join(f"{count:>9}" for count in counts)
