"""What a guest comes back to: chats that go on, chats that are over, and chats while the history is away."""

import asyncio

import pytest
from msgspec.structs import replace

from citychat.rules import DAY_MS
from tests.support.door_page import STREAM
from tests.support.stage import Stage, on_stage

HOUR_MS = 3_600_000


@pytest.mark.parametrize("hours", [23, 25])
@on_stage
async def test_a_chat_that_both_left_alone_for_a_day_is_over(stage: Stage, hours: int) -> None:
    here = stage.p
    anna, ben, s = await here.talking()
    anna.leaves()
    ben.leaves()
    await stage.after(0.1)
    for node in (stage.p, stage.q):
        node.history.away = {"sessions.idle"}  # or the hourly round would end it
    await stage.skip(hours * HOUR_MS)
    answer = await anna.next_page().join()
    assert answer["session"]["session"] == s
    assert (answer["state"], "ended" in answer["session"]) == (("chat", False) if hours < 24 else ("free", True))
    assert ((await stage.row(s)).ended is not None) == (hours > 24)
    assert (await ben.next_page().join())["state"] == answer["state"]


@on_stage
async def test_a_chat_in_which_one_waits_goes_on_for_days(stage: Stage) -> None:
    here = stage.p
    _anna, ben, _s = await here.talking()
    ben.leaves()
    await stage.after(0.1)
    await stage.skip(3 * DAY_MS)
    answer = await ben.next_page().join()
    assert (answer["state"], answer["session"]["here"]) == ("chat", True)


@on_stage
async def test_the_day_alone_begins_when_the_last_page_closes(stage: Stage) -> None:
    here = stage.p
    anna, ben, _s = await here.talking()
    ben.leaves()
    await stage.after(0.1)
    await stage.skip(30 * HOUR_MS)
    anna.leaves()
    await stage.after(0.1)
    await stage.skip(HOUR_MS)
    assert (await ben.next_page().join())["state"] == "chat"
    assert (await anna.next_page().join())["state"] == "chat"


@on_stage
async def test_at_its_date_a_chat_ends_for_both(stage: Stage) -> None:
    here = stage.node("here", history_ms=HOUR_MS // 2)  # the hourly round has not come yet
    here.process.start()
    anna, ben, s = await here.talking()
    ben.leaves()
    await stage.after(0.1)
    await stage.skip(HOUR_MS // 2)
    back = ben.next_page()
    answer = await back.join()
    await stage.after(0.5)
    assert (answer["state"], answer["session"]["session"]) == ("free", s)
    assert answer["session"]["ended"] >= answer["session"]["expires"]
    assert [left["how"] for left in anna.events("user-left")] == ["away", "left"]
    found = await stage.lobby.status([anna.guest, ben.guest])
    assert [where.state for where in found] == ["free", "free"]


@on_stage
async def test_a_chat_that_was_left_does_not_come_back_while_the_history_cannot_keep_its_end(stage: Stage) -> None:
    here = stage.p
    anna, _ben, _s = await here.talking()
    here.history.away = {"sessions.end"}
    leaving = asyncio.ensure_future(anna.leave())
    await stage.after(0.5)
    anna.leaves()
    answer = await anna.next_page().join()
    assert (answer["state"], "ended" in answer["session"]) == ("free", True)
    assert (await anna.where()).session is None
    here.history.away = set()
    await leaving


@on_stage
async def test_a_chat_whose_partner_was_led_elsewhere_is_shown_as_ended(stage: Stage) -> None:
    here = stage.p
    anna, ben, s = await here.talking()
    anna.leaves()
    ben.leaves()
    await stage.after(0.1)
    await stage.lobby.end(s, [anna.guest, ben.guest])  # the lobby has lost it, and ben is found before anybody joins
    carl = await here.join()
    await stage.lobby.enter(replace(carl.client.match.entry, guest=ben.guest))
    assert (await stage.lobby.seek(ben.guest, "offer", 0)).state == "asking"
    await stage.history.sessions.begin(replace(await stage.row(s), id="another", members=(ben.guest, carl.guest)))
    await stage.lobby.accept(carl.guest, "offer", "another")
    answer = await anna.next_page().join()
    assert (answer["state"], answer["session"]["session"]) == ("free", s)
    assert "ended" in answer["session"]
    assert (await stage.row(s)).ended is not None


# -- the history is away ---------------------------------------------------------------------------------------------


@on_stage
async def test_a_living_page_comes_back_to_its_chat_without_the_history_and_reads_it_when_it_can(stage: Stage) -> None:
    here = stage.p
    anna, ben, s = await here.talking()
    await anna.say(s, 1)
    await stage.after(0.1)
    await ben.ack(s, 1)
    await stage.after(0.1)
    here.history.away = {"all"}
    ben.leaves()
    await stage.after(0.1)
    again = ben.next_page()
    answer = await again.join({STREAM: 1})
    assert (answer["ok"], answer["state"], answer["session"]["session"]) == (True, "chat", s)
    assert answer["session"]["here"] and "seen" not in answer and "messages" not in answer
    await anna.say(s, 1)
    await anna.say(s, 2)
    await stage.after(0.5)
    assert [message["n"] for message in again.events("chat-message")] == [2], "the first was drawn by this page"
    assert again.events("user-drain") == []
    here.history.away = set()
    await stage.after(2.5)
    assert again.events("user-drain") == [{"retry_ms": 2_000}]
    again.leaves()
    await stage.after(0.1)
    last = ben.next_page()
    assert (await last.join({STREAM: 2}))["seen"] == {STREAM: 2}


@on_stage
async def test_a_page_whose_old_link_still_seems_open_comes_back_without_the_history(stage: Stage) -> None:
    here = stage.p
    _, ben, s = await here.talking()
    here.history.away = {"all"}
    answer = await ben.next_page().join({STREAM: 1})
    assert (answer["state"], answer["session"]["session"]) == ("chat", s)
    await stage.after(0.1)
    assert ben.closed == "replaced"


@on_stage
async def test_without_the_history_nobody_gets_in_who_is_not_known_to_be_in_a_chat(stage: Stage) -> None:
    here, elsewhere = stage.p, stage.q
    anna, ben, s = await here.talking()
    alone = await here.join()
    for page in (anna, ben, alone):
        page.leaves()
    await stage.after(0.1)
    here.history.away = elsewhere.history.away = {"all"}
    for node, token, have in (
        (here, "", {STREAM: 1}),  # a stranger
        (here, ben.token, {}),  # a fresh page
        (here, ben.token + "x", {STREAM: 1}),
        (here, alone.token, {STREAM: 1}),  # was in no chat
        (elsewhere, ben.token, {STREAM: 1}),  # a process that has never seen the guest
    ):
        assert (await node.page().join(have, token=token))["error"] == "unavailable"
    await stage.lobby.end(s, [anna.guest, ben.guest])
    assert (await ben.next_page().join({STREAM: 1}))["error"] == "unavailable", "the chat is over"
    assert here.registry.by_page == {} == elsewhere.registry.by_page
    assert [await here.left_behind(page.guest) for page in (anna, ben, alone)] == [[], [], []]
