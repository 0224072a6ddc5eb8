"""The curve of a day: how many guests are here and how many chats have begun, a point each five minutes, and its
drawing. It is kept in memory for 24 hours, and begins with the process."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from citychat.figures import Summary

STEP_S = 300
DAY_S = 86_400
WIDTH, HEIGHT = 720, 160  # of the drawing, in its own units: 2 minutes are one
BAR = 2
SCALES = (5, 10, 20, 50, 100, 200, 500)


class Moment(NamedTuple):
    """A point of the curve. ``matches``: chats that began since the point before."""

    at_s: int
    here: int
    matches: int


class Bar(NamedTuple):
    """The chats of five minutes, drawn."""

    x: int
    y: int
    height: int


class Drawing(NamedTuple):
    """A day as it looks. ``lines``: the guests, a line for each time without a pause; ``most_here`` and
    ``most_matches``: what the height of the drawing stands for; ``said``: the same in words."""

    lines: list[str]
    bars: list[Bar]
    most_here: int
    most_matches: int
    said: str


class DayCurve:
    """Keeps what ``ask`` says, each time that ``take`` is called, for a day."""

    def __init__(self, ask: Callable[[], Awaitable[Summary]]) -> None:
        self._ask = ask
        self._points: deque[Moment] = deque(maxlen=DAY_S // STEP_S + 1)
        self._matches_before: int | None = None

    async def take(self) -> None:
        """Take one point."""
        now = await self._ask()
        before, self._matches_before = self._matches_before, now.matches
        # At 0:00 UTC, and where a process of several has ended, they are counted anew.
        begun = 0 if before is None else now.matches - before if now.matches >= before else now.matches
        self._points.append(Moment(now.at, now.here, begun))

    def drawn(self, now_s: int) -> Drawing:
        """Draw the 24 hours that end now."""
        return drawn([point for point in self._points if now_s - DAY_S <= point.at_s <= now_s], now_s)


def drawn(points: Sequence[Moment], now_s: int) -> Drawing:
    """Draw these points of the 24 hours that end at ``now_s``, oldest first."""
    most_here = _scale(max((point.here for point in points), default=0))
    most_matches = _scale(max((point.matches for point in points), default=0))

    def x(at_s: int) -> int:
        return round(WIDTH * (at_s - now_s + DAY_S) / DAY_S)

    runs = list[list[Moment]]()
    for point in points:
        if not runs or point.at_s - runs[-1][-1].at_s > 2 * STEP_S:  # the machine slept
            runs.append([])
        runs[-1].append(point)
    dots = [[f"{x(each.at_s)},{HEIGHT - HEIGHT * each.here // most_here}" for each in run] for run in runs]
    lines = [" ".join(run if len(run) > 1 else 2 * run) for run in dots]  # a line of one point is not drawn
    heights = [(x(point.at_s) - BAR, HEIGHT * point.matches // most_matches) for point in points if point.matches]
    bars = [Bar(left, HEIGHT - height, height) for left, height in heights]
    return Drawing(lines, bars, most_here, most_matches, said(points))


def said(points: Sequence[Moment]) -> str:
    """Say in words what the drawing shows."""
    if not points:
        return "Nothing is counted yet."
    busiest = max(points, key=lambda point: point.here)
    return (
        f"Guests here: {points[-1].here} now, at most {busiest.here} (at {clock(busiest.at_s)} UTC). "
        f"Chats begun since {clock(points[0].at_s)} UTC: {sum(point.matches for point in points):,}."
    )


def clock(at_s: int) -> str:
    return f"{at_s // 3_600 % 24:02}:{at_s // 60 % 60:02}"


def _scale(most: int) -> int:
    """The next round number that is no less."""
    factor = 1
    while most > SCALES[-1] * factor:
        factor *= 100
    return next(scale * factor for scale in SCALES if scale * factor >= most)
