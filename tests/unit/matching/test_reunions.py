"""Talking again: both wish it, within a day, when both are free."""

from msgspec.structs import replace

from citychat.limits import bound
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


async def apart(stage: Stage) -> tuple[DoorPage, DoorPage, str]:
    """Anna has pressed, and ben has been away since: he left before she did."""
    anna, ben = await stage.talking()
    s = anna.session
    await anna.leave()
    await wishes(anna, s)
    return anna, ben, s


@on_stage
async def test_who_pressed_longer_ago_than_ten_minutes_is_asked_and_not_brought_in(stage: Stage) -> None:
    anna, ben, s = await apart(stage)
    await stage.after(601)
    await wishes(ben, s)
    assert len(anna.events("user-session")) == len(ben.events("user-session")) == 1
    assert anna.last("user-offer")["looking"] is False and len(ben.events("user-offer")) == 1, "the first"
    assert await anna.answer("yes") == "ok"
    await stage.after(0.1)
    assert anna.session == ben.session != s
    await stage.truth(anna, ben)


@on_stage
async def test_a_wish_just_under_ten_minutes_old_needs_no_ring(stage: Stage) -> None:
    anna, ben, s = await apart(stage)
    await stage.after(595)
    await wishes(ben, s)
    assert anna.session == ben.session != s and not anna.events("user-offer")


@on_stage
async def test_one_press_is_one_ring(stage: Stage) -> None:
    anna, ben, s = await apart(stage)
    await stage.after(601)
    for _ in range(3):
        await wishes(ben, s)
        await stage.after(700)
    assert len(anna.events("user-offer")) == 1 and len(ben.events("user-session")) == 1


@on_stage
async def test_no_press_of_the_other_one_makes_a_wish_younger(stage: Stage) -> None:
    """Anna presses once and goes; ben presses for a day and a half. Then she is here, and has pressed nothing."""
    anna, ben, s = await apart(stage)
    anna.leaves()
    for _ in range(4):
        await wishes(ben, s)
        await stage.after(60)
        await stage.skip(DAY_MS // 4)
    ben = await ben.reload()
    await wishes(ben, s)
    back = anna.next_page()
    await back.join(available=False)
    await stage.after(31)
    await wishes(ben, s)
    await stage.after(31)
    assert not back.events("user-session") and not back.events("user-offer")


@on_stage
async def test_who_comes_back_finds_no_chat_that_the_other_one_has_waited_for(stage: Stage) -> None:
    anna, ben, s = await apart(stage)
    anna.leaves()
    await stage.after(700)
    await wishes(ben, s)
    back = anna.next_page()
    await back.join(available=False)
    await stage.after(31)
    assert not back.events("user-session")
    assert len(back.events("user-offer")) == 1, "she wished it an hour ago, so she is asked"


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


@on_stage
async def test_the_newest_wishes_of_a_guest_and_of_a_process_are_tried(stage: Stage) -> None:
    """Each costs a look at both stores, every 15 s: nobody keeps a thousand of them waiting."""
    anna, _ben = await stage.talking()
    session, reunions = anna.client.session, stage.p.matching.reunions
    assert session is not None
    for n in range(bound("wishes of a guest") + 3):
        reunions.remember(replace(session, id=f"s {n}"), "anna", n, float(n))
    assert [wish.session.id for wish in reunions.waiting("anna")] == [f"s {n}" for n in range(3, 8)]
    reunions.remember(replace(session, id="s 7"), "anna", 9, 9.0)
    assert [wish.at for wish in reunions.waiting("anna")] == [3, 4, 5, 6, 9], "the same one is pressed again"
    for n in range(bound("wishes")):
        reunions.remember(session, f"guest {n}", n, float(n))
    assert not reunions.waiting("anna") and len(reunions.waiting(f"guest {bound('wishes') - 1}")) == 1
