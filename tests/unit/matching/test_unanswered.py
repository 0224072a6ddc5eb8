"""A chat in which one side wrote and the other never did is a letdown of that side, and no other chat is."""

import pytest

from citychat.adapters.memory import MemoryLobby
from citychat.ports import Entered, Entry
from citychat.rules import DAY_MS, FIRST_WORD_MS
from tests.support.door_page import DoorPage
from tests.support.stage import LYON, Stage, on_stage


def let_down(stage: Stage) -> list[str]:
    """Who has let somebody down."""
    return list(noted(stage))


def noted(stage: Stage) -> dict[str, int]:
    """Who has let somebody down, and how much of FIRST_WORD_MS was waited."""
    assert isinstance(stage.lobby, MemoryLobby)
    kept = stage.lobby._state.letdowns.kept
    return {guest: sum(each.ms for each in kept.get(guest) or ()) for guest in kept}


async def types(page: DoorPage) -> None:
    await page.tell("chat-typing", {"s": page.session, "on": True})


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
        await stage.after(8)
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


@pytest.mark.parametrize("ends", ["who wrote", "who did not"])
@pytest.mark.parametrize(("waited_s", "counted_ms"), [(4.5, 0), (6, 6_200), (60, FIRST_WORD_MS)])
@on_stage
async def test_what_was_waited_for_a_first_word_is_what_counts(
    stage: Stage, waited_s: float, counted_ms: int, ends: str
) -> None:
    """However long the chat was: from the other one's first word on somebody has time to read, and to begin."""
    anna, ben = await stage.talking()
    await stage.after(20)
    await heard(stage, anna, ben)
    await stage.after(waited_s)
    await (anna if ends == "who wrote" else ben).leave()
    await stage.after(1)
    assert noted(stage) == ({"ben": counted_ms} if counted_ms else {})


@pytest.mark.parametrize("ends", ["who wrote", "who did not"])
@on_stage
async def test_who_has_begun_to_write_is_not_silent(stage: Stage, ends: str) -> None:
    anna, ben = await stage.talking()
    await heard(stage, anna, ben)
    await types(ben)
    await stage.after(20)
    await (anna if ends == "who wrote" else ben).leave()
    await stage.after(1)
    assert noted(stage) == {}


@on_stage
async def test_a_sign_of_typing_in_an_earlier_chat_answers_nobody(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await types(ben)
    await stage.after(8)
    await anna.leave()
    await stage.after(120)  # until somebody may ring again
    for page in (anna, ben):
        await page.wish("user-available", on=True)
    await stage.meet(anna, ben)
    await anna.say(anna.session, 1, stream="B" * 11)
    await stage.after(20)
    await anna.leave()
    await stage.after(1)
    assert noted(stage) == {"ben": FIRST_WORD_MS}


@pytest.mark.parametrize("comes", ["on one day", "around midnight"])
@on_stage
async def test_pages_of_one_address_complain_as_one_on_whatever_day_they_came(stage: Stage, comes: str) -> None:
    """The marks by which a block reaches a network change each day: what is counted in the lobby must not."""
    if comes == "around midnight":
        await stage.skip(DAY_MS - 60_000 - stage.clock.wall_ms() % DAY_MS)
    bots, address = list[DoorPage](), stage.address()
    for n in range(2):
        bots.append(await stage.p.join(f"bot {n}", address, available=False))
        await stage.after(120)
    days = {stage.clock.wall_ms() // DAY_MS, (stage.clock.wall_ms() - 200_000) // DAY_MS}
    assert len(days) == (2 if comes == "around midnight" else 1)
    ben = await stage.q.join("ben")
    for bot in bots:
        await ben.wish("user-available", on=True)
        await stage.meet(bot, ben)
        await heard(stage, bot, ben)
        await stage.after(20)
        await bot.leave()
        await stage.after(130)
    assert noted(stage) == {"ben": FIRST_WORD_MS}


@on_stage
async def test_pages_of_one_address_of_the_own_network_complain_as_one(stage: Stage) -> None:
    """They have no share that bounds them; what one of them says of others is bounded all the same."""
    bots = [await stage.p.join(f"bot {n}", "192.168.1.66", position=LYON, available=False) for n in range(2)]
    ben = await stage.q.join("ben", "192.168.1.67", position=LYON)
    other = await stage.q.join("other", "192.168.1.68", position=LYON, available=False)
    for bot, letdowns in zip((*bots, other), (1, 1, 2), strict=True):
        await ben.wish("user-available", on=True)
        await stage.meet(bot, ben)
        await heard(stage, bot, ben)
        await stage.after(20)
        await bot.leave()
        await stage.after(130)
        assert bot.client.match.entry.network == "", "of no share"
        assert noted(stage) == {"ben": letdowns * FIRST_WORD_MS}


@pytest.mark.parametrize("how", ["leaves", "blocks", "has written", "has written alone"])
@on_stage
async def test_who_leaves_at_once_before_both_have_said_a_word_is_remembered(stage: Stage, how: str) -> None:
    """Before both have said something: who says a word and goes has waited for nobody either."""
    anna, ben = await stage.talking()
    if how != "has written alone":
        await heard(stage, anna, ben)
    s = ben.session
    if how.startswith("has written"):
        await heard(stage, ben, anna)
    await (ben.wish("user-block", session=s) if how == "blocks" else ben.leave(s))
    await stage.after(1)
    assert let_down(stage) == (["ben"] if how in ("leaves", "has written alone") else [])


@pytest.mark.parametrize(("lasted_s", "ahead_ms", "remembered"), [(20, -60_000, []), (1, 60_000, ["ben"])])
@on_stage
async def test_how_long_a_chat_was_is_no_difference_of_two_clocks(
    stage: Stage, lasted_s: float, ahead_ms: int, remembered: list[str]
) -> None:
    """It may have begun on another machine, whose clock is a minute ahead or behind."""
    _anna, ben = await stage.talking()
    stage.clock.ahead_ms = ahead_ms
    await stage.after(lasted_s)
    await ben.leave()
    await stage.after(1)
    assert let_down(stage) == remembered


@pytest.mark.parametrize("there", ["on the same process", "on another process"])
@on_stage
async def test_who_leaves_at_once_because_the_other_one_has_gone_lets_nobody_down(stage: Stage, there: str) -> None:
    ben, anna, _ = await stage.p.talking("ben", "anna", stage.p if there.startswith("on the same") else stage.q)
    anna.leaves()
    await stage.after(3)
    assert ben.last("user-left")["how"] == "away"
    await ben.leave()
    await stage.after(1)
    assert noted(stage) == {}


@on_stage
async def test_whose_last_partner_had_gone_is_believed_to_talk_to_somebody_who_is_here(stage: Stage) -> None:
    ben, anna, _ = await stage.p.talking("ben", "anna", stage.q)
    anna.leaves()
    await stage.after(20)
    await ben.leave()
    await stage.after(130)
    carl = await stage.q.join("carl")
    await stage.meet(ben, carl)
    await ben.leave()
    await stage.after(1)
    assert noted(stage) == {"ben": FIRST_WORD_MS}


@pytest.mark.parametrize("wrote", ["both", "nobody"])
@on_stage
async def test_no_other_chat_counts(stage: Stage, wrote: str) -> None:
    anna, ben = await stage.talking()
    if wrote != "nobody":
        await heard(stage, anna, ben)
    if wrote == "both":
        await heard(stage, ben, anna)
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


@on_stage
async def test_who_asks_and_opens_a_page_that_closes_while_it_comes_in_has_taken_the_offer_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, _ben = await stage.asking(looking=True)
    page, enter = anna.next_page(), MemoryLobby.enter

    async def enter_and_close(lobby: MemoryLobby, entry: Entry) -> Entered:
        entered = await enter(lobby, entry)
        if entry.guest == anna.guest and page.open:
            page.leaves()
        return entered

    monkeypatch.setattr(MemoryLobby, "enter", enter_and_close)
    await page.join()
    await stage.after(1)
    assert let_down(stage) == ["anna"]


@pytest.mark.parametrize("ends", ["who wrote", "who did not"])
@on_stage
async def test_a_word_that_no_page_has_drawn_waits_for_no_answer(stage: Stage, ends: str) -> None:
    """Behind a hole that nobody fills, it is held for a minute: the other one sees nothing."""
    anna, ben = await stage.talking()
    await anna.say(anna.session, 2)
    await stage.after(20)
    assert not ben.events("chat-message")
    await (anna if ends == "who wrote" else ben).leave()
    await stage.after(1)
    assert noted(stage) == {}
