"""A server that wakes up with a wrong clock: guests stay who they are, and keep their chat and what waits for them."""

import pytest

from citychat.rules import DAY_MS
from tests.support.stage import Stage, on_stage

BEHIND_MS, AHEAD_MS = -30 * 60_000, 2 * 3_600_000


@pytest.mark.parametrize("ahead_ms", [BEHIND_MS, AHEAD_MS, -3 * 365 * DAY_MS, 40 * DAY_MS])
@on_stage
async def test_a_boot_with_a_wrong_clock_that_is_then_put_right_changes_nobody(stage: Stage, ahead_ms: int) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    anna.leaves()
    ben.leaves()
    await stage.after(30)

    stage.clock.ahead_ms = ahead_ms
    wrong = stage.node("wrong")
    wrong.process.start()
    anna, ben = anna.next_page(wrong), ben.next_page(wrong)
    for page in (anna, ben):
        answer = await page.join()
        assert (answer["state"], answer["session"]["session"]) == ("chat", s)
        assert page.guest == stage.guest_of(page.token)
    ben.leaves()
    await stage.after(0.1)
    await anna.say(s, 1, "while you were away")
    await stage.after(4)
    assert anna.ranges("stored") == [[(1, 1)]]

    stage.clock.ahead_ms = 0
    await wrong.matching.sessions.tidy()
    ben = await ben.reload()
    await stage.after(0.1)
    assert (ben.guest, ben.texts()) == (stage.guest_of(ben.token), ["while you were away"])
    anna = await anna.reload()
    assert (anna.guest, anna.client.session and anna.client.session.id) == (stage.guest_of(anna.token), s)


@pytest.mark.parametrize("ahead_days", [-3, -1.5])
@on_stage
async def test_mail_of_a_chat_that_was_ended_by_a_wrong_clock_comes_once_the_clock_is_right(
    stage: Stage, ahead_days: float
) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    anna.leaves()
    ben.leaves()
    await stage.after(30)
    stage.clock.ahead_ms = int(ahead_days * DAY_MS)
    wrong = stage.node("wrong")
    wrong.process.start()
    anna = anna.next_page(wrong)
    assert (await anna.join())["state"] == "chat"
    await anna.say(s, 1, "the last word")
    await stage.after(4)
    assert anna.ranges("stored") == [[(1, 1)]]
    assert await anna.leave(s) == "ok"
    stage.clock.ahead_ms = 0
    await stage.after(600)
    ben = ben.next_page(wrong)
    await ben.join()
    await stage.after(60)
    assert ben.texts() == ["the last word"]


@on_stage
async def test_mail_of_a_chat_that_has_ended_comes_although_the_clock_jumps_ahead_meanwhile(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    ben.leaves()
    await stage.after(1)
    await anna.say(s, 1, "the last word")
    await stage.after(4)
    assert anna.ranges("stored") == [[(1, 1)]]
    assert await anna.leave(s) == "ok"
    stage.clock.ahead_ms = 3 * DAY_MS
    await stage.after(70)
    ben = ben.next_page()
    await ben.join()
    await stage.after(60)
    assert ben.texts() == ["the last word"]


@pytest.mark.parametrize("ahead_ms", [0, -3 * 365 * DAY_MS])
@on_stage
async def test_a_date_in_doubt_makes_nobody_again_whose_bars_have_gone(stage: Stage, ahead_ms: int) -> None:
    """Two who were kept apart, and nobody came for long: both have old tokens, and no row, and the bar has gone."""
    anna, ben = stage.p.page("anna"), stage.p.page("ben")
    await stage.skip(DAY_MS)
    carl = await stage.p.join("carl")
    carl.leaves()
    await stage.after(1)
    await stage.skip(30 * DAY_MS - 3_600_000)
    stage.clock.ahead_ms = ahead_ms
    back = stage.node("back")
    back.process.start()
    for page in (anna, ben):
        late = back.page("", page.address)
        late.token = page.token
        assert (await late.join())["ok"] and stage.guest_of(late.token) not in ("anna", "ben")
    assert back.matching.sessions.dates.doubt
