"""How a page comes in: the order of a join, and joins that fail or are too many."""

import asyncio
from typing import Any

import pytest

from tests.support.door_page import DoorPage
from tests.support.lines import Line
from tests.support.stage import Node, Stage, on_stage

# -- the order -------------------------------------------------------------------------------------------------------


@on_stage
async def test_lobby_then_bus_then_history_then_the_answer(stage: Stage) -> None:
    here = stage.p
    _anna, ben, _s = await here.talking()
    ben.leaves()
    await stage.after(0.1)
    here.calls.clear()
    await ben.next_page().join()
    order = [name for name in here.calls if name in ("enter", "listen", "messages.progress", "messages.page")]
    assert order == ["enter", "listen", "messages.progress", "messages.page"]


@on_stage
async def test_the_first_guests_of_a_process_that_started_before_its_lobby_are_found_at_once(stage: Stage) -> None:
    here = stage.node("here")
    here.lobby.away = {"all"}
    here.process.start()
    await stage.after(0.1)
    here.lobby.away = set()
    ben, anna = await here.join(), await stage.q.join()
    await anna.seek()
    await stage.after(0.1)
    assert ben.events("user-offer") and not ben.events("user-offer-end")
    assert here.calls.count("enter") == 1, "nothing was forgotten, so nobody enters again"


@on_stage
async def test_whatever_is_said_during_a_join_comes_after_its_answer_and_nothing_is_missed(stage: Stage) -> None:
    here = stage.p
    anna, ben, s = await here.talking()
    ben.leaves()
    await stage.after(0.1)
    released = here.history.hold("messages.page")
    back = ben.next_page()
    joining = asyncio.ensure_future(back.join())
    await stage.after(0.1)
    for n in (1, 2, 3):
        await anna.say(s, n)
    await anna.ask("chat-typing", {"s": s, "on": True})
    await here.joining.check()  # sees ben listening, and tells him nothing yet
    await stage.after(0.5)
    assert back.told == []
    released.set()
    answer = await joining
    await stage.after(5)
    assert back.told[0][0] == "answer user-join"
    assert (answer["state"], answer["session"]["session"], answer["session"]["here"]) == ("chat", s, True)
    assert {row["x"] for row in back.events("chat-message")} == {"text 1", "text 2", "text 3"}
    assert back.events("chat-typing") == [{"s": s, "on": True}]
    assert anna.events("user-join")[-1] == {"session": s} and back.events("user-join") == []


@on_stage
async def test_the_check_says_nothing_to_a_page_before_its_answer(stage: Stage) -> None:
    here = stage.p
    anna, ben, s = await here.talking()
    for page in (anna, ben):
        page.leaves()
    await stage.after(0.1)
    back = anna.next_page()
    loaded = here.history.hold("messages.progress")
    joining = asyncio.ensure_future(back.join())
    await stage.after(0.1)
    shown = here.history.hold("guests.find")
    loaded.set()
    await stage.after(0.1)
    await here.joining.check()
    shown.set()
    assert (await joining)["session"]["here"] is False
    await here.joining.check()
    assert back.kinds() == []
    await ben.reload()
    await stage.after(0.1)
    assert back.events("user-join") == [{"session": s}]


@on_stage
async def test_who_left_during_a_join_has_left_right_after_the_answer(stage: Stage) -> None:
    here = stage.p
    anna, ben, s = await here.talking()
    ben.leaves()
    await stage.after(0.1)
    released = here.lobby.hold("nearby")
    back = ben.next_page()
    joining = asyncio.ensure_future(back.join())
    await stage.after(0.1)
    assert await anna.leave() == "ok"
    released.set()
    assert (await joining)["state"] == "chat"
    await stage.after(0.5)
    assert [(left["session"], left["how"]) for left in back.events("user-left")] == [(s, "left")]


@on_stage
async def test_before_the_answer_the_page_is_nobody(stage: Stage) -> None:
    here = stage.p
    page = here.page()
    assert await page.seek() == "not-joined"
    released = here.lobby.hold("nearby")
    joining = asyncio.ensure_future(page.join())
    await stage.after(0.1)
    assert await page.seek() == "not-joined"
    released.set()
    assert (await joining)["ok"]
    assert await page.seek() == "waiting"


@on_stage
async def test_a_connection_joins_once(stage: Stage) -> None:
    here = stage.p
    page = await here.join()
    assert (await page.join())["error"] == "bad-payload"
    assert await page.seek() == "waiting"
    assert await stage.bus.listeners([page.guest]) == [1]


@on_stage
async def test_a_refused_page_may_try_again_on_its_connection(stage: Stage) -> None:
    here = stage.p
    page = here.page()
    assert (await page.join(consent="0"))["error"] == "refused-consent"
    assert (await page.join(have={str(n): 1 for n in range(1_001)}))["error"] == "bad-payload"
    assert here.registry.by_page == {}
    assert (await page.join())["ok"]


@on_stage
async def test_two_first_visits_at_once_are_two_guests(stage: Stage) -> None:
    here = stage.p
    one, other = here.page(), here.page()
    await asyncio.gather(one.join(), other.join())
    assert one.guest != other.guest


# -- joins that fail -------------------------------------------------------------------------------------------------

STEPS = [
    ("history", "guests.dossier"), ("history", "guests.keep"), ("history", "sessions.confirm"),
    ("history", "messages.progress"), ("history", "messages.page"), ("lobby", "enter"), ("lobby", "nearby"),
    ("bus", "listen"), ("bus", "listeners"),
]  # fmt: skip


async def ben_is_away(here: Node) -> tuple[DoorPage, str]:
    """Anna waits in a chat for ben, who has gone."""
    _anna, ben, s = await here.talking()
    ben.leaves()
    await here.stage.after(0.1)
    assert await here.left_behind(ben.guest) == []
    return ben, s


@pytest.mark.parametrize(("line", "step"), STEPS)
@on_stage
async def test_a_service_that_is_away_answers_unavailable_and_nothing_stays_behind(
    stage: Stage, line: str, step: str
) -> None:
    here = stage.p
    ben, s = await ben_is_away(here)
    way: Line = getattr(here, line)
    way.away = {step}
    page = ben.next_page()
    answer = await page.join()
    assert (answer["error"], answer["retry_ms"]) == ("unavailable", 2_000)
    assert [event for event, _ in page.told] == ["answer user-join"]
    way.away = set()
    assert await here.left_behind(ben.guest) == []
    assert (await page.join())["session"]["session"] == s


@pytest.mark.parametrize(("line", "step"), STEPS)
@on_stage
async def test_a_join_that_is_cancelled_or_whose_socket_closes_leaves_nothing_behind(
    stage: Stage, line: str, step: str
) -> None:
    here = stage.p
    ben, s = await ben_is_away(here)
    way: Line = getattr(here, line)
    for cancelled in (True, False):
        released = way.hold(step)
        page = ben.next_page()
        joining = asyncio.ensure_future(page.join())
        await stage.after(2)
        assert page.told == []
        page.leaves()
        if cancelled:
            joining.cancel()  # the edge gives up on an event whose page has long gone
        released.set()
        await asyncio.gather(joining, return_exceptions=True)
        assert await here.left_behind(ben.guest) == []
        assert page.told == []
    assert (await ben.next_page().join())["session"]["session"] == s


# -- many at once ----------------------------------------------------------------------------------------------------


@on_stage
async def test_a_process_takes_so_many_joins_at_once_and_tells_the_others_when_to_come_back(stage: Stage) -> None:
    here = stage.p
    pages = [here.page() for _ in range(210)]
    answers = await asyncio.gather(*(page.join() for page in pages))
    refused = [answer for answer in answers if not answer["ok"]]
    assert 5 <= len(refused) <= 10, "200, and those whom the time of the joins itself has let in"
    assert {(answer["error"], answer["retry_ms"]) for answer in refused} == {("busy", 2_000)}
    assert len(here.registry.by_page) == 210 - len(refused)
    await stage.after(1)
    again = [page for page, answer in zip(pages, answers, strict=True) if not answer["ok"]]
    assert all([(await page.join())["ok"] for page in again])


MANY = 1_000  # in no time at all: five times what a process takes


@pytest.mark.parametrize(
    "wrong",
    [
        {"v": 2},
        {"consent": "6"},
        {"adult": False},
        {"have": {str(n): 1 for n in range(2_000)}},
        {"token": "no token of ours", "address": "203.0.113.7"},
        {"guest": "anna"},
    ],
    ids=["version", "consent", "age", "streams", "new guests of one network", "one token"],
)
@on_stage
async def test_joins_that_are_refused_keep_nobody_else_out(stage: Stage, wrong: dict[str, Any]) -> None:
    here = stage.node("here", guests_per_hour=20)
    who = {"guest": wrong.pop("guest", ""), "address": wrong.pop("address", "")}
    answers = await asyncio.gather(*(here.page(**who).join(**wrong) for _ in range(MANY)))
    assert sum(answer["ok"] for answer in answers) <= 20
    newcomers = await asyncio.gather(*(here.page().join() for _ in range(100)))
    assert all(answer["ok"] for answer in newcomers)


@on_stage
async def test_who_has_to_come_back_later_has_cost_the_network_no_new_guest(stage: Stage) -> None:
    here = stage.node("here", guests_per_hour=20)
    await asyncio.gather(*(here.page().join() for _ in range(200)))
    for _ in range(5):
        answers = await asyncio.gather(*(here.page(address="203.0.113.7").join() for _ in range(20)))
        assert {answer["error"] for answer in answers if not answer["ok"]} == {"busy"}
    await stage.after(1)
    answers = await asyncio.gather(*(here.page(address="203.0.113.7").join() for _ in range(15)))
    assert all(answer["ok"] for answer in answers)


@on_stage
async def test_the_edge_hears_of_each_join_that_is_refused_and_of_the_one_that_is_not(stage: Stage) -> None:
    page = stage.p.page()
    for wrong in ({"v": 2}, {"consent": "6"}, {"available": "perhaps"}):
        assert not (await page.join(**wrong))["ok"]
    assert (page.turned, page.is_in) == (3, False)
    assert (await page.join())["ok"]
    assert await page.wish("user-match", offer="", answer="never") == "bad-payload"
    assert (page.turned, page.is_in) == (3, True)
