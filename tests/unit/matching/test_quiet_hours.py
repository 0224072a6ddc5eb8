"""Quiet hours: as in a closed house nobody new is led together, and it opens by itself."""

from citychat.hours import Hours, weekly
from citychat.ports import Closure
from citychat.rules import FOR_GOOD_MS
from tests.support.stage import Stage, on_stage

DAY_MIN = 24 * 60


def quiet(stage: Stage, begins_in_min: int, lasts_min: int) -> Hours:
    """Quiet hours around the stage's own date, in UTC; each begins with a minute."""
    now = stage.p.process.engines.clock.wall_ms() // 60_000 % DAY_MIN
    begin, end = ((now + minutes) % DAY_MIN for minutes in (begins_in_min, begins_in_min + lasts_min))
    return Hours((), (weekly(f"{begin // 60}:{begin % 60:02}-{end // 60}:{end % 60:02}"),), "UTC", "Lyon")


def keep(stage: Stage, hours: Hours) -> None:
    for node in (stage.p, stage.q):
        node.process.matching.sessions.house.keep(hours)


@on_stage
async def test_searches_end_when_they_begin_and_go_on_when_they_are_over(stage: Stage) -> None:
    hours = quiet(stage, 2, 10)
    keep(stage, hours)
    anna, ben = await stage.p.join("anna", looking=True), await stage.q.join("ben")
    assert anna.events("user-closed") == []
    span = hours.next_quiet(stage.p.process.engines.clock.wall_ms())
    await stage.after(135)
    told = {"text": f"Quiet hours until {hours.clock(span.end)} (Lyon).", "until": span.end}
    assert [page.last("user-closed") for page in (anna, ben)] == [told] * 2
    assert not anna.client.match.looking
    assert await ben.seek() == "closed"
    await stage.after(600)
    assert [page.last("user-closed") for page in (anna, ben)] == [{"text": ""}] * 2
    assert await ben.seek() != "closed"
    assert [len(page.events("user-closed")) for page in (anna, ben)] == [2, 2]


@on_stage
async def test_who_talks_goes_on_and_who_comes_is_told_at_once(stage: Stage) -> None:
    anna, ben = await stage.talking()
    keep(stage, quiet(stage, -5, 30))
    await stage.after(15)
    session = anna.session
    await anna.say(session, 1)
    await stage.after(0.1)
    await ben.ack(session, 1)
    await stage.after(1)
    assert anna.ranges("delivered") == [[(1, 1)]]
    carl = await stage.q.join("carl")
    assert str(carl.last("user-closed")["text"]).startswith("Quiet hours until ")


@on_stage
async def test_the_hosts_own_word_comes_first(stage: Stage) -> None:
    keep(stage, quiet(stage, -5, 30))
    await stage.history.house.close(Closure("Back tomorrow.", FOR_GOOD_MS))
    await stage.after(15)
    anna = await stage.p.join("anna")
    assert anna.last("user-closed") == {"text": "Back tomorrow."}
    assert stage.p.process.matching.sessions.house.word == "Back tomorrow."
