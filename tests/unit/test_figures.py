"""Figures: durations in spreads, and how those of several processes become one."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from citychat.figures import (
    DELIVERY_BOUNDS_S,
    WAIT_BOUNDS_S,
    Figures,
    Meetings,
    Spread,
    Traffic,
    added,
    since,
    spread,
    summary,
)

BOUNDS = st.sampled_from([DELIVERY_BOUNDS_S, WAIT_BOUNDS_S])


def row(**changes: object) -> Figures:
    """A process without guests."""
    plain = Figures(
        process="p", version="1.0.0", at=1_700_000_000, up_s=60.0, ready=True, wrong=(), free=0, looking=0, talking=0,
        traffic=Traffic(), meetings=Meetings(), mail=0, reports=0, disk_bytes=100, free_disk_bytes=50, backup_at=None,
        city_database_at=None,
    )  # fmt: skip
    return replace(plain, **changes)


def counted(times: Spread, *seconds: float) -> Spread:
    for each in seconds:
        times.add(each)
    return times


@given(BOUNDS, st.lists(st.floats(0, 5_000), min_size=1, max_size=50), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_part_of_all_durations_is_told_within_the_bounds_around_the_true_one(
    bounds_s: tuple[float, ...], durations: list[float], part: float
) -> None:
    told = counted(spread(bounds_s), *durations).within_s(part)
    rank = part * len(durations)
    true = next(each for at, each in enumerate(sorted(durations), 1) if at >= rank)
    assert told is not None
    assert told <= min([bound for bound in bounds_s if bound >= true], default=bounds_s[-1])
    assert told >= max([bound for bound in bounds_s if bound < true], default=0.0)


def test_of_nothing_there_is_no_part_and_a_clock_that_steps_back_takes_nothing_away() -> None:
    assert spread(WAIT_BOUNDS_S).within_s(0.5) is None
    times = counted(spread(WAIT_BOUNDS_S), -3_600.0)
    assert (times.total_s, times.counts[0], sum(times.counts)) == (0.0, 1, 1)


@given(st.lists(st.floats(0, 50), max_size=20), st.lists(st.floats(0, 50), max_size=20))
def test_what_was_counted_twice_is_both_and_less_the_one_the_other(one: list[float], other: list[float]) -> None:
    first = Traffic(5, 1, 2, counted(spread(DELIVERY_BOUNDS_S), *one))
    second = Traffic(7, 0, 3, counted(spread(DELIVERY_BOUNDS_S), *other))
    both = added(first, second)
    assert (both.taken, both.stored, both.delivered) == (12, 1, 5)
    assert both.times.counts == counted(spread(DELIVERY_BOUNDS_S), *one, *other).counts
    left = since(both, first)
    assert (left.taken, left.times.counts) == (7, second.times.counts)
    assert left.times.total_s == pytest.approx(second.times.total_s)
    first.times.add(1.0)
    assert both.times.counts == counted(spread(DELIVERY_BOUNDS_S), *one, *other).counts, "a sum is its own"


def test_of_two_versions_with_other_bounds_nothing_is_added_that_does_not_belong_together() -> None:
    ours = Meetings(1, 1, counted(spread(WAIT_BOUNDS_S), 3.0))
    theirs = Meetings(2, 2, counted(spread((1.0, 9.0)), 3.0))
    assert added(ours, theirs) == Meetings(3, 3, ours.waits)


def test_the_word_of_the_house_is_told_by_whoever_knows_it() -> None:
    found = summary([row(), row(closed="back soon", closed_until=9, objections=1), row(objections=0)], silent=0)
    assert (found.closed, found.closed_until, found.objections) == ("back soon", 9, 1)


def test_processes_are_added_up_and_what_they_share_is_not() -> None:
    random = Random(1)
    waits = [counted(spread(WAIT_BOUNDS_S), *(random.uniform(0, 100) for _ in range(9))) for _ in range(2)]
    found = summary(
        [
            row(free=1, looking=2, talking=4, meetings=Meetings(5, 2, waits[0]), mail=None, reports=3, backup_at=0,
                traffic=Traffic(10), wrong=("mailbox",), ready=True, free_disk_bytes=9, disk_bytes=10, up_s=5.0),
            row(process="q", free=8, looking=1, talking=2, meetings=Meetings(6, 1, waits[1]), mail=7, reports=None,
                backup_at=900, city_database_at=8, traffic=Traffic(20), ready=False, version="1.1.0"),
        ],
        silent=1,
    )  # fmt: skip
    assert (found.processes, found.silent, found.ready, found.versions) == (3, 1, 1, ("1.0.0", "1.1.0"))
    assert (found.here, found.free, found.looking, found.talking) == (18, 9, 3, 6)
    assert (found.searches, found.matches, found.messages) == (11, 3, 30)
    assert (found.mail, found.reports, found.backup_at, found.city_database_at) == (7, 3, 900, 8)
    assert (found.free_disk_bytes, found.disk_bytes, found.up_s) == (9, 10, 5.0)
    assert (found.closed, found.closed_until, found.objections) == ("", None, None)
    assert found.wrong == ("mailbox",) and found.p99_delivery_s is None
    assert found.median_wait_s == added(Meetings(waits=waits[0]), Meetings(waits=waits[1])).waits.within_s(0.5)
