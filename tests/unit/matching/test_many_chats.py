"""Who has had very many chats: what a join looks at, the list in pages, and how many two may have in a day."""

import pytest

from citychat.limits import bound
from citychat.model import Session
from citychat.networks import network
from citychat.rules import DAY_MS
from tests.support.stage import Stage, on_stage
from tests.support.stores import message

AT_A_JOIN, LISTED, OF_A_PAIR = bound("chats at a join"), bound("chat list"), bound("chats of a pair")
NAMES = ("Amber Fox", "Teal Owl")


async def keep_chats(stage: Stage, count: int, guest: str = "ben", partner: str = "") -> None:
    """So many of the guest's chats are over, the first one latest, each with a message of the partner."""
    now = stage.clock.wall_ms()
    for i in range(count):
        members, started = (partner or f"partner{i}", guest), now - 1_000 * (i + 1)
        await stage.history.sessions.begin(Session(f"s{i}", members, NAMES, "Lyon", started, now + DAY_MS, now))
        await stage.keep(message(1, f"st{i}", s=f"s{i}"))


@on_stage
async def test_a_join_loads_the_newest_chats_and_no_more(stage: Stage) -> None:
    await keep_chats(stage, 3 * AT_A_JOIN)
    ben = await stage.q.join("ben")
    assert ben.last("answer user-join")["seen"] == {f"st{i}": 1 for i in range(AT_A_JOIN)}
    assert stage.q.calls.count("messages.progress") == AT_A_JOIN


@on_stage
async def test_what_waits_of_an_older_chat_comes_all_the_same(stage: Stage) -> None:
    await keep_chats(stage, 2 * AT_A_JOIN)
    s = f"s{AT_A_JOIN + 5}"
    await stage.put("ben", message(2, s.replace("s", "st"), s=s))
    ben = await stage.q.join("ben")
    await stage.after(1)
    assert [(row["s"], row["n"]) for row in ben.events("chat-message")] == [(s, 2)]
    await ben.ack(s, 2, s.replace("s", "st"))
    await stage.after(1)
    assert await stage.mail("ben") == 0


@on_stage
async def test_an_old_chat_that_still_runs_by_its_row_is_ended_by_a_join(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    ben.leaves()
    await stage.after(1)
    await keep_chats(stage, 2 * AT_A_JOIN)
    now = stage.clock.wall_ms()
    for i in range(AT_A_JOIN):
        later = Session(f"later{i}", (f"other{i}", "ben"), NAMES, "Lyon", now + i, now + DAY_MS, now)
        await stage.history.sessions.begin(later)
    await ben.reload()
    await stage.after(1)
    assert (await stage.row(s)).ended is not None, "whoever has a newer one has left this one"


@on_stage
async def test_my_chats_come_in_pages_each_once(stage: Stage) -> None:
    await keep_chats(stage, 2 * LISTED + 3)
    ben = await stage.q.join("ben")
    listed: list[dict[str, object]] = []
    more, pages = True, 0
    while more:
        before = [listed[-1]["started"], listed[-1]["session"]] if listed else None
        answer = await ben.ask("user-chats", {"before": before})
        listed, more, pages = listed + answer["chats"], answer["more"], pages + 1
    assert [chat["session"] for chat in listed] == [f"s{i}" for i in range(2 * LISTED + 3)] and pages == 3
    assert (await ben.ask("user-chats"))["chats"] == listed[:LISTED], "an older page asks for nothing"


@on_stage
async def test_two_have_so_many_chats_in_a_day_and_no_more(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.leave()
    await keep_chats(stage, OF_A_PAIR - 1, "anna", "ben")
    for page in (anna, ben):
        assert await page.wish("user-again", session=s) == "ok"
    await stage.after(130)
    assert anna.session == ben.session == s, "as if the other one had not pressed"
    assert (await ben.seek(), await anna.seek()) == ("waiting", "asking")
    await stage.after(1)
    assert await ben.answer("yes") == "gone"
    for page in (anna, ben):
        await page.wish("user-stop")
    await stage.skip(DAY_MS)
    assert await ben.seek() == "waiting"
    await stage.meet(anna, ben)


def use_up(stage: Stage, guests: list[str], address: str) -> None:
    quotas = stage.p.process.delivery.quotas
    for guest in guests:
        for text in ("x" * 100_000, "x" * 10_000, ""):
            while quotas.charge(guest, network(address), text):
                pass


@on_stage
async def test_who_asks_somebody_whose_day_is_full_is_led_to_somebody_else_at_once(stage: Stage) -> None:
    anna, ben = await stage.p.join("anna"), await stage.p.join("ben")
    assert await anna.seek() == "asking"
    await stage.after(0.1)
    use_up(stage, ["ben"], ben.address)
    carl = await stage.p.join("carl")
    assert await ben.answer("yes") == "gone"
    await stage.after(0.1)
    assert [payload["state"] for payload in anna.events("user-seek")] == ["next", "asking"]
    assert ben.events("user-offer-end") and carl.events("user-offer")
    assert await carl.answer("yes") == "ok"
    await stage.after(0.1)
    assert anna.session == carl.session is not None


@pytest.mark.parametrize("guests", [["ben"], [f"guest{n}" for n in range(21)]], ids=["the guest's", "the network's"])
@on_stage
async def test_chats_without_a_word_are_within_the_bytes_of_a_day(stage: Stage, guests: list[str]) -> None:
    """Each is three rows in the store, and a network may begin twenty a second: a day's bytes in an hour or two."""
    anna, ben, s = await stage.p.talking("anna", "ben")
    await anna.leave()
    use_up(stage, guests, ben.address)
    for page in (anna, ben):
        assert await page.wish("user-again", session=s) == "ok"
    await stage.after(130)
    assert anna.session == ben.session == s, "as if the other one had not pressed"
    use_up(stage, guests, ben.address)
    assert (await ben.seek(), await anna.seek()) == ("waiting", "asking")
    assert await ben.answer("yes") == "gone"
    for page in (anna, ben):
        await page.wish("user-stop")
    await stage.skip(DAY_MS // 10)
    assert await ben.seek() == "waiting"
    await stage.meet(anna, ben)
