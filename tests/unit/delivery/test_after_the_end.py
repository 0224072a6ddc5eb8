"""After the end of a chat whoever wrote into it is told nothing that depends on whether its reader has come since."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from citychat.adapters.sqlite import mailbox
from citychat.ports import Receipt
from tests.support.door_page import STREAM, DoorPage
from tests.support.stage import Stage, on_stage, play


async def left_behind(stage: Stage, *, comes: bool, told: list[Any]) -> None:
    """Anna leaves two messages to ben, who is away, and the chat; then ben comes, or not. ``told``: what she is."""
    anna, ben, s = await stage.p.talking("anna", "ben", stage.q)
    await anna.say(s, 1)
    await stage.after(0.1)
    await ben.ack(s, 1)
    await stage.after(0.1)
    ben.leaves()
    await stage.after(0.1)
    for n in (2, 3):
        await anna.say(s, n)
    await stage.after(0.1)
    assert await anna.leave() == "ok"
    await stage.after(1)
    if comes:
        back = await ben.reload()
        await stage.after(0.1)
        assert back.texts() == ["text 2", "text 3"], "in the ended chat"
        await back.ack(s, 3)
        await stage.after(0.5)
        assert await stage.mail("ben") == 0
        rows = (await back.ask("chat-history", {"s": s, "limit": 9}))["messages"]
        assert [row["n"] for row in rows] == [1, 2, 3]
        back.leaves()
    await stage.after(30)
    told += await all_she_hears(anna, s)
    told += await all_she_hears(again := await anna.reload(), s)
    told.append(again.last("answer user-join")["messages"])


async def all_she_hears(anna: DoorPage, s: str) -> list[Any]:
    """What a page may ask, and what it was told before."""
    await anna.tell("chat-ask", {"s": s, "st": STREAM, "ranges": [(1, 9)]})
    await anna.say(s, 9)
    pages = [await anna.ask("chat-history", {"s": s, "limit": limit}) for limit in (1, 9)]
    chats = await anna.ask("user-chats", {})
    return [anna.events("chat-status"), anna.events("chat-message"), anna.events("user-left"), pages, chats]


def test_whoever_left_learns_nothing_of_whether_the_reader_came(tmp_path: Path) -> None:
    heard: dict[bool, list[Any]] = {}
    for comes in (True, False):
        (folder := tmp_path / str(comes)).mkdir()
        play(partial(left_behind, comes=comes, told=heard.setdefault(comes, [])), folder)
    assert heard[True] == heard[False]
    assert [status["state"] for status in heard[True][0]].count("delivered") == 2, "by receipt, and asked for"


@on_stage
async def test_a_receipt_of_a_process_that_does_not_know_of_the_end_is_told_nobody(stage: Stage) -> None:
    anna, _ben = await stage.talking()
    s = anna.session
    await anna.say(s, 1)
    await anna.leave()
    for page in (anna, await anna.reload()):
        stage.bus.publish("anna", Receipt(s, STREAM, [(1, 1)]))
        await stage.after(0.1)
        assert page.ranges("delivered") == []


@on_stage
async def test_a_process_that_knows_of_the_end_sends_no_receipt(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    receipts: list[object] = []

    def lost(event: object) -> bool:
        receipts.extend([event] if isinstance(event, Receipt) else [])
        return False

    stage.q.bus.lost = lost
    await anna.say(s, 1)
    await stage.after(0.1)
    await anna.leave()
    await stage.after(0.1)
    await ben.ack(s, 1)
    await stage.after(1)
    assert receipts == [] and [row.text for row in await stage.history.messages.page(s, None, 9)] == ["text 1"]


@on_stage
async def test_what_was_delivered_before_the_end_is_told_when_asked_for_though_its_receipt_was_lost(
    stage: Stage,
) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    stage.q.bus.lost = lambda event: isinstance(event, Receipt)
    await anna.say(s, 1)
    await stage.after(0.1)
    await ben.ack(s, 1)
    await stage.after(0.1)
    await anna.leave()
    await anna.tell("chat-ask", {"s": s, "st": STREAM, "ranges": [(1, 1)]})
    assert anna.ranges("delivered") == [[(1, 1)]]


@on_stage
async def test_what_finds_no_room_in_the_mailbox_at_the_end_is_refused_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room would be made by its reader who comes."""
    monkeypatch.setattr(mailbox, "READY_MAX", 1)
    anna, ben = await stage.talking()
    s = anna.session
    ben.leaves()
    await stage.after(0.1)
    await anna.say(s, 1)
    await stage.after(0.1)
    await anna.say(s, 2)
    await stage.after(0.1)
    assert anna.ranges("stored") == [[(1, 1)]]
    await anna.leave()
    await stage.after(0.1)
    refused = {"s": s, "st": STREAM, "ranges": [(2, 2)], "state": "refused", "error": "no-session"}
    assert anna.last("chat-status") == refused
    back = await ben.reload()
    await back.ack(s, 1)
    await stage.after(60)
    assert anna.last("chat-status") == refused and back.texts() == ["text 1"]
