"""A chat in which one side wrote and the other never did is a letdown of that side, and no other chat is."""

import pytest

from citychat.adapters.memory import MemoryLobby
from tests.support.door_page import DoorPage
from tests.support.stage import Stage, on_stage


def let_down(stage: Stage) -> list[str]:
    """Who has let somebody down."""
    assert isinstance(stage.lobby, MemoryLobby)
    return list(stage.lobby._state.letdowns.kept)


async def heard(stage: Stage, speaker: DoorPage, listener: DoorPage) -> None:
    """``speaker`` writes, and the page of ``listener`` draws it."""
    s = speaker.session
    await speaker.say(s, 1)
    await stage.after(0.1)
    await listener.ack(s, 1)
    await stage.after(0.1)


@pytest.mark.parametrize("leaves", ["who wrote", "who did not", "who wrote, by a block", "who wrote, after a reload"])
@on_stage
async def test_who_never_answered_is_remembered_whoever_ends_the_chat(stage: Stage, leaves: str) -> None:
    anna, ben = await stage.talking()
    await heard(stage, anna, ben)
    await stage.after(8)
    if leaves == "who did not":
        await ben.leave()
    elif leaves.endswith("block"):
        await anna.wish("user-block", session=anna.session)
    else:
        s = anna.session
        page = await anna.reload() if leaves.endswith("reload") else anna
        await page.leave(s)
    await stage.after(1)
    assert let_down(stage) == ["ben"]


@on_stage
async def test_who_goes_before_the_first_word_comes_has_not_answered_it(stage: Stage) -> None:
    anna, ben = await stage.talking()
    ben.leaves()
    await anna.say(anna.session, 1)
    await stage.after(8)
    await anna.leave()
    await stage.after(1)
    assert let_down(stage) == ["ben"]


@pytest.mark.parametrize("how", ["leaves", "blocks", "has written"])
@on_stage
async def test_who_leaves_at_once_without_a_word_is_remembered(stage: Stage, how: str) -> None:
    anna, ben = await stage.talking()
    await heard(stage, anna, ben)
    s = ben.session
    if how == "has written":
        await heard(stage, ben, anna)
    await (ben.wish("user-block", session=s) if how == "blocks" else ben.leave(s))
    await stage.after(1)
    assert let_down(stage) == (["ben"] if how == "leaves" else [])


@pytest.mark.parametrize("wrote", ["both", "nobody", "one, a moment ago"])
@on_stage
async def test_no_other_chat_counts(stage: Stage, wrote: str) -> None:
    anna, ben = await stage.talking()
    if wrote != "nobody":
        await heard(stage, anna, ben)
    if wrote == "both":
        await heard(stage, ben, anna)
    if "moment" not in wrote:
        await stage.after(8)
    await anna.leave()
    await stage.after(1)
    assert let_down(stage) == []


@on_stage
async def test_an_answer_before_a_reload_counts(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await heard(stage, anna, ben)
    await heard(stage, ben, anna)
    s = ben.session
    ben = await ben.reload()
    await stage.after(8)
    await ben.leave(s)
    await stage.after(1)
    assert let_down(stage) == []


@on_stage
async def test_a_history_that_is_away_costs_nobody_anything(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await heard(stage, anna, ben)
    await stage.after(8)
    stage.p.history.away = {"messages.progress"}
    await anna.leave()
    await stage.after(1)
    assert let_down(stage) == []
    await stage.truth(anna, ben)


@pytest.mark.parametrize("there", ["on the same process", "on another process"])
@on_stage
async def test_who_asks_and_opens_another_page_has_taken_the_offer_back(stage: Stage, there: str) -> None:
    anna, _ben = await stage.asking(looking=True)
    await (stage.p if there.startswith("on the same") else stage.q).join(anna.guest)
    await stage.after(1)
    assert let_down(stage) == ["anna"]


@on_stage
async def test_who_asks_and_comes_again_since_the_process_has_died_has_let_nobody_down(stage: Stage) -> None:
    anna, ben = await stage.asking(looking=True)
    stage.p.die()
    again = await stage.q.join(anna.guest, looking=True)
    await stage.after(1)
    assert let_down(stage) == []
    assert again.events("user-offer") + ben.events("user-offer")[1:], "nor do the two have to rest"


@on_stage
async def test_whom_a_process_that_stops_sends_away_has_let_nobody_down(stage: Stage) -> None:
    await stage.asking(looking=True)
    await stage.p.stop()
    await stage.after(1)
    assert let_down(stage) == []
