"""Figures of how a process goes: plain numbers in objects that exist, read when somebody asks; none is about anybody.

What happens for each message adds to an integer and calls nothing; what happens once for each receipt or chat is put
into a spread as well.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from operator import add, sub
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct, field

from citychat.limits import bound

Count = Annotated[int, Meta(ge=0, le=2**53)]
Seconds = Annotated[float, Meta(ge=0, le=1e15)]
Name = Annotated[str, Meta(pattern=r"^[\w.+-]{1,64}$")]
DELIVERY_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WAIT_BOUNDS_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
WORD_MAX = bound("host's word")
BOUNDS_MAX = 32  # in what other processes send
T = TypeVar("T", bound=Struct)


class Spread(Struct):
    """Durations, counted by the first bound that is no less; the last count is of what is above all bounds."""

    bounds_s: Annotated[tuple[float, ...], Meta(max_length=BOUNDS_MAX)]
    counts: Annotated[list[Count], Meta(max_length=BOUNDS_MAX + 1)]
    total_s: Seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration. Clocks may step: less than nothing is nothing."""
        self.counts[bisect_left(self.bounds_s, seconds)] += 1
        self.total_s += max(seconds, 0.0)

    def within_s(self, part: float) -> float | None:
        """Return the duration that this part of all has stayed within, as well as the bounds tell; None when nothing
        was counted. Above all bounds it is the last of them (as Prometheus's histogram_quantile has it)."""
        rank, below, least_s = part * sum(self.counts), 0, 0.0
        if not rank:
            return None
        for bound_s, count in zip(self.bounds_s, self.counts, strict=False):
            if below + count >= rank:
                return least_s + (bound_s - least_s) * (rank - below) / count
            below, least_s = below + count, bound_s
        return least_s


def spread(bounds_s: tuple[float, ...]) -> Spread:
    """Make an empty one."""
    return Spread(bounds_s, [0] * (len(bounds_s) + 1))


class Traffic(Struct):
    """Messages of one process's guests: taken in, stored for absent partners, delivered; and the time from taking one
    in to its ✓✓, once for each receipt."""

    taken: Count = 0
    stored: Count = 0
    delivered: Count = 0
    times: Spread = field(default_factory=partial(spread, DELIVERY_BOUNDS_S))


class Meetings(Struct):
    """Searches of one process's guests, and chats that have begun; how long those who looked have waited for one."""

    searches: Count = 0
    matches: Count = 0
    waits: Spread = field(default_factory=partial(spread, WAIT_BOUNDS_S))

    def begun(self, side: int, waited_s: float | None) -> None:
        """Note that a chat begins for one of its two sides: it counts where side 1 is, who has said yes."""
        self.matches += side
        if waited_s is not None:
            self.waits.add(waited_s)


class Figures(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The figures of one process now. ``traffic`` and ``meetings`` are those of today.

    ``wrong``: parts that are not in order. ``mail``, ``reports``: those that wait, also of the other processes on the
    same engines; None where nobody can say. ``objections``: those of the reports with one that waits for an answer.
    ``closed``: the host's word while the house is closed, else ""; ``closed_until``: its end, None without one.
    ``backup_at``: of the newest, 0 while there is none; None where the history is not in the data folder. Times are
    seconds since 1970.
    """

    process: Name
    version: Name
    at: Count
    up_s: Seconds
    ready: bool
    wrong: Annotated[tuple[Name, ...], Meta(max_length=16)]
    free: Count
    looking: Count
    talking: Count
    traffic: Traffic
    meetings: Meetings
    mail: Count | None
    reports: Count | None
    disk_bytes: Count
    free_disk_bytes: Count
    backup_at: Count | None
    city_database_at: Count | None
    objections: Count | None = None  # a process of before does not tell these
    closed: Annotated[str, Meta(max_length=WORD_MAX)] = ""
    closed_until: Count | None = None


class Summary(Struct, frozen=True, kw_only=True):
    """The figures of several processes as one. ``silent``: processes that run and did not answer in time; ``ready``:
    how many are."""

    processes: int
    silent: int
    ready: int
    versions: tuple[str, ...]
    at: int
    up_s: float
    wrong: tuple[str, ...]
    here: int
    free: int
    looking: int
    talking: int
    matches: int
    searches: int
    median_wait_s: float | None
    messages: int
    p99_delivery_s: float | None
    mail: int | None
    reports: int | None
    disk_bytes: int
    free_disk_bytes: int
    backup_at: int | None
    city_database_at: int | None
    objections: int | None
    closed: str
    closed_until: int | None


def added(one: T, other: T) -> T:
    """Add up two of a kind, into a new one."""
    return _combined(add, one, other)


def since(now: T, then: T) -> T:
    """Return what has come since, as a new one."""
    return _combined(sub, now, then)


def _combined(by: Callable[[Any, Any], Any], one: T, other: T) -> T:
    """Of spreads with other bounds, as another version may have them, the first alone stays."""
    if isinstance(one, Spread) and isinstance(other, Spread):
        same = one.bounds_s == other.bounds_s and len(one.counts) == len(other.counts)
        counts = list(map(by, one.counts, other.counts)) if same else list(one.counts)
        return type(one)(one.bounds_s, counts, by(one.total_s, other.total_s) if same else one.total_s)
    pairs = ((getattr(one, name), getattr(other, name)) for name in one.__struct_fields__)
    return type(one)(*(_combined(by, a, b) if isinstance(a, Struct) else by(a, b) for a, b in pairs))


def summary(rows: Sequence[Figures], silent: int) -> Summary:
    """Sum up at least one row. What engines and disks hold together is not added: the least room, the newest backup."""
    traffic, meetings = reduce(added, [row.traffic for row in rows]), reduce(added, [row.meetings for row in rows])
    free, looking, talking = (sum(getattr(row, name) for row in rows) for name in ("free", "looking", "talking"))
    fullest = min(rows, key=lambda row: row.free_disk_bytes)
    closed = max(rows, key=lambda row: row.closed != "")
    return Summary(
        processes=len(rows) + silent,
        silent=silent,
        ready=sum(row.ready for row in rows),
        versions=tuple(sorted({row.version for row in rows})),
        at=max(row.at for row in rows),
        up_s=min(row.up_s for row in rows),
        wrong=tuple(sorted({name for row in rows for name in row.wrong})),
        here=free + looking + talking,
        free=free,
        looking=looking,
        talking=talking,
        matches=meetings.matches,
        searches=meetings.searches,
        median_wait_s=meetings.waits.within_s(0.5),
        messages=traffic.taken,
        p99_delivery_s=traffic.times.within_s(0.99),
        mail=_most(row.mail for row in rows),
        reports=_most(row.reports for row in rows),
        disk_bytes=fullest.disk_bytes,
        free_disk_bytes=fullest.free_disk_bytes,
        backup_at=_most(row.backup_at for row in rows),
        city_database_at=_most(row.city_database_at for row in rows),
        objections=_most(row.objections for row in rows),
        closed=closed.closed,
        closed_until=closed.closed_until,
    )


def _most(counts: Iterable[int | None]) -> int | None:
    return max((count for count in counts if count is not None), default=None)
