"""The curve of a day: what it keeps, what it forgets, and how it is drawn."""

from msgspec.structs import replace

from citychat.console.curve import DAY_S, HEIGHT, STEP_S, WIDTH, DayCurve, Moment, drawn
from citychat.figures import Summary

NOW_S = 1_900_000_000 // DAY_S * DAY_S + 20 * 3_600  # 20:00 UTC
QUIET = Summary(
    processes=1, silent=0, ready=1, versions=("1",), at=0, up_s=0.0, wrong=(), here=0, free=0, looking=0, talking=0,
    matches=0, searches=0, median_wait_s=None, messages=0, p99_delivery_s=None, mail=0, reports=0, disk_bytes=1,
    free_disk_bytes=1, backup_at=None, city_database_at=None, objections=0, closed="", closed_until=None,
)  # fmt: skip


class PlayedFigures:
    """A site whose figures are played."""

    def __init__(self) -> None:
        self.now = QUIET

    async def ask(self) -> Summary:
        return self.now


async def played(*figures: tuple[int, int, int]) -> DayCurve:
    """The curve after these: when, how many are here, matches of that day."""
    site = PlayedFigures()
    curve = DayCurve(site.ask)
    for at_s, here, matches in figures:
        site.now = replace(QUIET, at=at_s, here=here, matches=matches)
        await curve.take()
    return curve


async def test_chats_are_those_of_five_minutes_also_over_midnight_and_a_restart_of_another_process() -> None:
    start = NOW_S - 4 * STEP_S
    curve = await played((start, 1, 7), (start + 300, 2, 9), (start + 600, 3, 1), (start + 900, 0, 1))
    found = curve.drawn(NOW_S)
    assert found.said == "Guests here: 0 now, at most 3 (at 19:50 UTC). Chats begun since 19:40 UTC: 3."
    assert [bar.height for bar in found.bars] == [HEIGHT * 2 // 5, HEIGHT // 5]


async def test_a_day_is_kept_and_no_more() -> None:
    steps = range(NOW_S - 2 * DAY_S, NOW_S + 1, STEP_S)
    curve = await played(*((at_s, 4, 0) for at_s in steps))
    (line,) = curve.drawn(NOW_S).lines
    points = line.split()
    assert len(points) == DAY_S // STEP_S + 1
    assert points[0] == f"0,{HEIGHT - HEIGHT * 4 // 5}" and points[-1] == f"{WIDTH},{HEIGHT - HEIGHT * 4 // 5}"
    assert curve.drawn(NOW_S + 2 * DAY_S).lines == [], "what is older than a day is not drawn"


def test_a_pause_is_no_line_and_a_single_point_is_a_dot() -> None:
    found = drawn([Moment(NOW_S - 7_200, 1, 0), Moment(NOW_S - 6_900, 1, 0), Moment(NOW_S, 501, 20_000)], NOW_S)
    assert len(found.lines) == 2
    first, second = found.lines[1].split()
    assert first == second
    assert (found.most_here, found.most_matches) == (1_000, 20_000), "round numbers that are no less"
    assert drawn([], NOW_S).said == "Nothing is counted yet."
