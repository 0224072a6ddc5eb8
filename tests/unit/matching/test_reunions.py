"""Talking again: both wish it, within a day, when both are free."""

from citychat.ports import SessionBegun
from citychat.rules import DAY_MS
from tests.support.door_page import DoorPage
from tests.support.stage import Stage, on_stage


async def wishes(page: DoorPage, s: str) -> str:
    """To talk again."""
    answer = await page.wish("user-again", session=s)
    await page.stage.after(0.1)
    return answer


@on_stage
async def test_talking_again_takes_both(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.leave()
    await wishes(anna, s)
    assert len(ben.events("user-session")) == 1
    await wishes(ben, s)
    assert anna.session == ben.session != s
    await stage.truth(anna, ben)


@on_stage
async def test_wishing_again_in_the_running_chat_changes_nothing(stage: Stage) -> None:
    anna, _ben = await stage.talking()
    await wishes(anna, anna.session)
    assert len(anna.events("user-session")) == 1


@on_stage
async def test_a_wish_is_granted_when_both_are_free(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.leave()
    await wishes(anna, s)
    carl = await stage.p.join("carl")
    await stage.after(121)
    assert await anna.seek() == "asking"
    await wishes(ben, s)
    assert carl.events("user-offer")
    assert len(ben.events("user-session")) == 1
    await anna.wish("user-stop")
    await stage.after(15.1)
    assert anna.session == ben.session != s
    assert len(await stage.history.sessions.of("ben")) == 2, "no row is left of what did not begin"


@on_stage
async def test_a_barred_pair_never_talks_again_and_is_told_nothing(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.wish("user-block", session=s)
    await wishes(ben, s)
    await wishes(anna, s)
    await stage.after(31)
    assert len(anna.events("user-session")) == len(ben.events("user-session")) == 1
    assert (stage.p.calls + stage.q.calls).count("sessions.begin") == 1


@on_stage
async def test_a_wish_older_than_a_day_is_no_wish(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.leave()
    await wishes(anna, s)
    await stage.skip(DAY_MS)
    await wishes(ben, s)
    assert len(ben.events("user-session")) == 1


@on_stage
async def test_a_reunion_whose_answer_was_lost_reaches_both(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.leave()
    await wishes(anna, s)
    stage.q.lobby.mute = {"pair"}
    assert await wishes(ben, s) == "unavailable"
    await stage.after(1)
    assert anna.session == ben.session != s


@on_stage
async def test_a_lost_met_of_a_reunion_is_noticed(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.leave()
    stage.q.bus.lost = lambda event: isinstance(event, SessionBegun)
    await wishes(anna, s)
    await wishes(ben, s)
    await stage.after(15.1)
    assert anna.session == ben.session != s
