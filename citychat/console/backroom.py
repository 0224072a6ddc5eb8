"""The backroom of the console: the site's stores and looks, as its server hands them over."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from citychat.cases import HistoryWithCases
from citychat.console.curve import DayCurve
from citychat.console.doorway import Doorway
from citychat.face import Face
from citychat.ports import Clock


@dataclass(frozen=True)
class Backroom:
    """The site as its host needs it. ``status``: what ``citychat status`` says, line by line; ``face`` and ``rules``
    (the text) are asked each time, for a reload changes them."""

    history: HistoryWithCases
    clock: Clock
    doorway: Doorway
    curve: DayCurve
    status: Callable[[], Awaitable[Sequence[tuple[str, str]]]]
    face: Callable[[], Face]
    rules: Callable[[], str]

    def now(self) -> datetime:
        """Return the time, as the acts of the host bear it."""
        return datetime.fromtimestamp(self.clock.wall_ms() / 1_000, UTC)

    def numbered_rules(self) -> list[tuple[str, str]]:
        """Return the site's rules with their numbers, counted from the first; none where its text has no list."""
        items = (line.strip() for line in self.rules().splitlines())
        listed = list[str]()
        for line in items:
            if line.startswith("- "):
                listed.append(line[2:].strip())
            elif listed and line.startswith("#"):  # the list after the next heading is not of rules
                break
        return [(str(number), rule) for number, rule in enumerate(listed, 1)]
