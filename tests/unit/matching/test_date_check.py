"""Nothing is deleted, and no chat ends, on the word of one clock."""

import logging

import pytest

from citychat.matching.date_check import DateCheck
from citychat.rules import DAY_MS
from tests.support.stage import Stage, on_stage

MONTH_MS = 31 * DAY_MS
HOUR_MS = 3_600_000


@on_stage
async def test_a_clock_that_jumps_by_a_month_ends_and_deletes_nothing(stage: Stage) -> None:
    anna, ben, s = await stage.p.talking("anna", "ben")
    stage.clock.ahead_ms = MONTH_MS
    await stage.p.matching.sessions.tidy()
    assert (anna.session, ben.session, (await stage.row(s)).ended) == (s, s, None)
    anna.leaves()
    ben.leaves()
    await stage.after(0.1)
    await stage.p.matching.sessions.tidy()
    answer = await anna.next_page().join()
    assert (answer["state"], answer["session"]["session"]) == ("chat", s)
    await stage.p.matching.sessions.tidy()
    stage.clock.ahead_ms = 0
    await stage.p.matching.sessions.tidy()
    assert (await stage.row(s)).ended is None
    assert await stage.history.guests.find("ben") is not None


@on_stage
async def test_a_process_that_starts_with_a_wrong_clock_deletes_nothing_even_when_guests_have_come(
    stage: Stage,
) -> None:
    _anna, ben, s = await stage.p.talking("anna", "ben")
    ben.leaves()
    await stage.after(0.1)
    stage.clock.ahead_ms = MONTH_MS
    wrong = stage.node("wrong")
    await ben.next_page(wrong).join()
    await wrong.join("carl")
    await stage.skip(12 * HOUR_MS)
    await wrong.matching.sessions.tidy()
    assert (await stage.row(s)).ended is None
    assert wrong.matching.sessions.dates.doubt == "the date 2023-12-15 is in doubt: the history goes to 2023-11-14"


@on_stage
async def test_a_house_that_was_off_for_a_month_is_tidied_after_a_day(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    anna, ben, s = await stage.p.talking("anna", "ben")
    anna.leaves()
    ben.leaves()
    await stage.after(0.1)
    for node in (stage.p, stage.q):
        await node.tasks.close()
    await stage.skip(MONTH_MS)
    back = stage.node("back")
    dates = back.matching.sessions.dates
    with caplog.at_level(logging.INFO):
        await back.matching.sessions.tidy()
        assert dates.doubt
        for _ in range(24):
            await stage.skip(HOUR_MS)
            await back.matching.sessions.tidy()
    assert not dates.doubt
    assert await stage.history.sessions.find(s) is None
    told = [record.getMessage() for record in caplog.records if record.name == DateCheck.__module__]
    assert [line.split(":")[0] for line in told] == [
        "Nothing is deleted by date until clock and history agree, or for a day", "The date is believed again",
    ]  # fmt: skip


@pytest.mark.parametrize(("ahead_ms", "way"), [(HOUR_MS, "forward"), (-HOUR_MS, "back")])
@on_stage
async def test_a_step_is_in_the_log_once_and_a_small_one_is_not(
    stage: Stage, caplog: pytest.LogCaptureFixture, ahead_ms: int, way: str
) -> None:
    dates = stage.node("one").matching.sessions.dates
    assert await dates.trusted()
    stage.clock.ahead_ms = 20_000
    dates.look()
    assert not caplog.records
    stage.clock.ahead_ms += ahead_ms
    dates.look()
    dates.look()
    assert [record.getMessage() for record in caplog.records] == [f"The clock of this machine was set {way} by 3600 s"]
    assert await dates.trusted(), "a day is the measure"


@on_stage
async def test_an_empty_history_leaves_nothing_to_doubt(stage: Stage) -> None:
    stage.clock.ahead_ms = -1_000 * DAY_MS
    dates = stage.node("one").matching.sessions.dates
    assert await dates.trusted()
    stage.clock.ahead_ms = 0
    assert not await dates.trusted(), "it has jumped since"
