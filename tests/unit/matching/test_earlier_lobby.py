"""A lobby that goes back to an earlier moment: a replica that has not heard of the last second, a snapshot, a cut.

Running chats go on, bars hold, and nobody is told of an end that the history does not have (protocol §2.8).
"""

from collections.abc import Callable

import pytest

from tests.support.door_page import DoorPage
from tests.support.stage import Stage, on_stage
from tests.support.stage_lobbies import LOBBIES, way_back

over_lobbies: Callable[..., pytest.MarkDecorator] = pytest.mark.parametrize("lobby", LOBBIES)


async def goes_on(stage: Stage, s: str, *pages: DoorPage) -> None:
    """This chat runs, and its pages have heard of nothing else."""
    await stage.after(31)
    assert [(await page.where()).session for page in pages] == [s, s]
    assert [page.events("user-left") for page in pages] == [[], []]
    assert (await stage.row(s)).ended is None
    await stage.truth(*pages)


@over_lobbies()
@on_stage
async def test_a_lobby_from_before_a_yes_ends_no_chat(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    ben, anna = await stage.q.join("ben"), await stage.p.join("anna", available=False)
    earlier = way_back(stage.lobby)
    s = await stage.meet(anna, ben)
    earlier()
    for node in (stage.p, stage.q):
        await node.matching.reconciler.check()  # before anybody has entered again
    await goes_on(stage, s, anna, ben)


@over_lobbies()
@on_stage
async def test_a_lobby_from_a_chat_before_does_not_win_over_the_chat_of_now(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, carl, older = await stage.p.talking("anna", "carl")
    earlier = way_back(stage.lobby)
    await anna.leave()
    await carl.reload(available=False)
    ben = await stage.q.join("ben")
    s = await stage.meet(anna, ben)
    earlier()
    await goes_on(stage, s, anna, ben)
    assert (await carl.where()).session is None and (await stage.row(older)).ended is not None


@over_lobbies()
@on_stage
async def test_who_was_in_the_chat_before_is_let_go_of_with_the_other_one(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    third = stage.node("third")
    third.process.start()
    anna, carl = await stage.p.join("anna", available=False), await third.join("carl")
    await stage.meet(anna, carl)
    earlier = way_back(stage.lobby)
    await anna.leave()
    await stage.meet(anna, await stage.q.join("ben"))
    earlier()
    await stage.p.matching.lease.reenter()  # before the process of carl has heard of anything
    assert [where.session for where in await stage.lobby.status(["carl"])] == [None]


@over_lobbies()
@on_stage
async def test_a_reload_comes_back_to_the_chat_of_now_whatever_the_lobby_says(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, _carl, older = await stage.p.talking("anna", "carl")
    earlier = way_back(stage.lobby)
    await anna.leave()
    ben = await stage.q.join("ben")
    s = await stage.meet(anna, ben)
    earlier()
    again = await anna.reload()
    assert again.last("answer user-join")["session"]["session"] == s
    await stage.after(31)
    assert (await again.where()).session == (await ben.where()).session == s
    assert [left["how"] for left in ben.events("user-left")] == ["away"]
    assert (await stage.row(s)).ended is None and (await stage.row(older)).ended is not None


@over_lobbies()
@on_stage
async def test_who_is_held_in_a_chat_that_is_over_comes_back_to_none(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, carl, older = await stage.p.talking("anna", "carl")
    earlier = way_back(stage.lobby)
    await anna.leave()
    await stage.after(0.1)
    earlier()
    again = await carl.reload()
    assert "ended" in again.last("answer user-join")["session"]
    await stage.after(31)
    assert [(await page.where()).state for page in (anna, again)] == ["free", "free"]
    assert len(anna.events("user-session")) == 1 and (await stage.row(older)).ended is not None


@over_lobbies()
@on_stage
async def test_a_no_that_the_lobby_has_forgotten_holds(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    ben, anna = await stage.q.join("ben"), await stage.p.join("anna", available=False)
    earlier = way_back(stage.lobby)
    assert await anna.seek() == "asking"
    await stage.after(0.1)
    assert await ben.answer("no") == "ok"
    await anna.wish("user-stop")
    earlier()
    assert await anna.seek() == "asking", "the lobby leads them together once more"
    await stage.after(0.1)
    assert await ben.answer("yes") == "gone"
    await stage.after(31)
    assert not anna.events("user-session") and not ben.events("user-session")
    assert await stage.history.sessions.of("anna") == []
    assert await anna.seek() == "waiting", "and has learnt of the no"


@over_lobbies()
@on_stage
async def test_a_block_that_the_lobby_has_forgotten_holds(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, ben = await stage.talking()
    s = anna.session
    earlier = way_back(stage.lobby)
    assert await anna.wish("user-block", session=s) == "ok"
    earlier()
    await stage.after(31)
    again = await ben.reload()
    assert "ended" in again.last("answer user-join")["session"]
    assert [(await page.where()).state for page in (anna, again)] == ["free", "free"]
    assert await again.wish("user-available", on=True) == "ok"
    assert await anna.seek() == "waiting"


@pytest.mark.parametrize("first", ["anna", "ben", "nobody"])
@over_lobbies()
@on_stage
async def test_a_lobby_from_before_a_chat_that_has_one_of_them_asked_meanwhile_ends_no_chat(
    stage: Stage, lobby: str, first: str
) -> None:
    await stage.over(lobby)
    third = stage.node("third")
    third.process.start()
    ben, anna = await stage.q.join("ben"), await stage.p.join("anna", available=False)
    dora = await third.join("dora", available=False)
    await stage.after(6)
    earlier = way_back(stage.lobby)
    s = await stage.meet(anna, ben)
    await stage.after(1)
    earlier()
    assert await dora.seek() == "asking"
    if first != "nobody":
        (stage.p if first == "anna" else stage.q).matching.lease.resumed()
        await stage.after(0.2)
    for node in (stage.p, stage.q):
        node.matching.lease.resumed()
    await goes_on(stage, s, anna, ben)
    assert ben.events("user-offer")[1:] == [] and dora.events("user-session") == []
    await stage.truth(dora)
