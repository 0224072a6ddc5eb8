"""The words of an alert: how many, for which reasons, and the codes by which the host reads them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from citychat.catalogue import ENGLISH
from citychat.ports import Untold

CODES_MAX = 20  # named in one alert; the list has them all


class Alert(NamedTuple):
    """All that leaves this machine: nobody's text, alias, address, place or id but the codes of reports."""

    text: str
    new: int
    waiting: int
    codes: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        """Return all of it, for where there is room."""
        return "\n".join([f"{self.text}.", "", *(f"citychat cases show {code}" for code in self.codes)]).strip()


class NotSent(Exception):
    """One line for the host: why an alert did not leave. No secret is in it."""


class Way(Protocol):
    """A way to the host. ``place``: where it leads, without what is secret about it."""

    place: str

    def send(self, alert: Alert) -> None:
        """Send it; blocks for up to a minute. Raises NotSent."""


def of_new(untold: Sequence[Untold], waiting: int) -> Alert:
    """Return what says that these came; ``waiting``: how many are open, these counted."""
    reasons = list(dict.fromkeys(ENGLISH.get(f"report.reason.{each.reason}", "unknown") for each in untold))
    text = f"{_count(len(untold), 'new report')}, reason{'s' if len(reasons) > 1 else ''} {', '.join(reasons)}"
    return Alert(text, len(untold), waiting, tuple(each.code for each in untold[:CODES_MAX]))


def of_open(waiting: int) -> Alert:
    """Return what says each day that so many are still open."""
    return Alert(f"{_count(waiting, 'report')} still open", 0, waiting)


def of_trial() -> Alert:
    """Return what says that the way works."""
    return Alert("A trial: this is where reports are told", 0, 0)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
