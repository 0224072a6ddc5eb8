"""While a guest is here: whether the partner is, where the guest is, and what the host's log says."""

from citychat.adapters.sqlite.database import Transaction
from citychat.ports import GuestPaused
from citychat.rules import DAY_MS
from tests.support.stage import CONTACT, GAZETTEER, NOWHERE, Stage, logged, on_stage


@on_stage
async def test_the_check_tells_who_went_and_who_came_when_nobody_else_could(stage: Stage) -> None:
    here = stage.p
    anna, ben, s = await here.talking()
    await here.joining.check()
    assert anna.events("user-join") == anna.events("user-left") == []
    silent = stage.bus._subscriptions.pop(ben.guest)  # a process that was killed
    await here.joining.check()
    await here.joining.check()
    assert [(left["session"], left["how"]) for left in anna.events("user-left")] == [(s, "away")]
    await anna.say(s, 1)
    await stage.after(0.5)
    assert anna.ranges("stored") == [[(1, 1)]]
    stage.bus._subscriptions[ben.guest] = silent
    await here.joining.check()
    await here.joining.check()
    assert anna.events("user-join") == [{"session": s}]


@on_stage
async def test_a_chat_that_ended_says_nothing_of_the_next_partner(stage: Stage) -> None:
    here = stage.p
    anna, _ben, _s = await here.talking()
    assert await anna.leave() == "ok"
    anna.leaves()
    anna, carl = anna.next_page(), await here.join()
    assert "ended" in (await anna.join())["session"]
    await stage.meet(anna, carl)
    await here.joining.check()
    assert anna.events("user-session") and anna.events("user-join") == []


@on_stage
async def test_after_the_bus_is_back_partners_know_of_each_other_and_what_waited_is_sent_again(stage: Stage) -> None:
    here, there = stage.p, stage.q
    anna, ben, s = await here.talking(other=there)
    here.bus.lost = lambda event: True
    await anna.say(s, 1)
    await stage.after(0.5)
    here.bus.lost = lambda event: False
    assert not ben.events("chat-message")
    there.joining.resumed()
    await stage.after(0.1)
    assert anna.events("user-join") == [{"session": s}]
    assert ben.texts() == ["text 1"]


@on_stage
async def test_a_move_is_told_to_lobby_and_history_and_survives_the_page(stage: Stage) -> None:
    here = stage.p
    page = here.page(address=NOWHERE)
    assert (await page.join())["place"] is None
    lyon, paris = (GAZETTEER.search(name)[0].id for name in ("Lyon", "Paris"))
    assert await page.seek() == "no-place"
    assert (await page.ask("user-place", {"city": lyon}))["place"]["city"] == "Lyon"
    assert await page.seek() == "waiting"
    assert (await page.ask("user-place", {"city": paris}))["place"]["city"] == "Paris"
    other = await here.join(address=NOWHERE)
    await other.ask("user-place", {"city": paris})
    assert await other.seek() == "asking"
    assert (await page.ask("user-place", {"city": lyon}))["error"] == "busy"  # somebody is asked just now
    page.leaves()
    await stage.after(0.1)
    back = page.next_page()
    assert (await back.join())["place"]["city"] == "Paris"


@on_stage
async def test_who_is_paused_elsewhere_is_told_and_sent_away(stage: Stage) -> None:
    here = stage.p
    page = await here.join()
    until = stage.clock.wall_ms() + DAY_MS

    def pause(transaction: Transaction) -> int:
        return transaction.change("pause", page.guest, until, "reported by several people", None, "", "")

    await stage.database.run(pause)
    stage.bus.publish(page.guest, GuestPaused(until, "reported by several people", "", "A"))
    await stage.after(0.1)
    told = {
        "until": until, "reason": "reported by several people", "rule": "", "automatic": True, "reference": "A",
        "objection": "", "answer": "", "contact": CONTACT, "network": False,
    }  # fmt: skip
    assert page.events("user-banned") == [told]
    assert page.closed == "paused"
    assert (await page.next_page().join())["error"] == "banned"


@on_stage
async def test_the_hourly_line_names_what_is_odd_with_its_engine_and_nobody(stage: Stage) -> None:
    here = stage.p
    _, ben, _ = await here.talking()
    here.process.counts = {"bus": {"garbage": 3, "unwanted": 0}, "mailbox": {"mail dropped": 1}}
    with logged("citychat.server.process") as lines:
        await here.process._log_counts()
        here.process.counts = {}
        await here.process._log_counts()
    start = "2 guests are here, 2 of them in a chat; since the start: "
    assert lines == [f"{start}bus garbage 3, mailbox mail dropped 1", f"{start}nothing unusual"]
    assert ben.guest not in "".join(lines)
