"""The door: who may send what, how it is answered, and what never happens whatever is sent."""

import asyncio
import logging
from types import SimpleNamespace

import pytest

from citychat.handlers import Namespace
from citychat.model import Unavailable
from tests.support.stage import NOWHERE, Stage, on_stage

EVENTS = [
    "user-join", "user-seek", "user-stop", "user-match", "user-leave", "user-available", "user-prefer", "user-view",
    "user-cities", "user-place", "user-chats", "user-block", "user-report", "user-case", "user-again", "user-sign",
    "user-erase",
    "chat-message", "chat-ack", "chat-ask", "chat-typing", "chat-history",
]  # fmt: skip

HOSTILE: list[object] = [
    None, [], [1, 2], 5, "text", True, {}, {"session": 5}, {"session": "x\n"}, {"session": "x" * 44}, {"session": ""},
    {"offer": "x", "answer": "perhaps"}, {"offer": None, "answer": "yes"}, {"on": 1}, {"visible": "yes"}, {"q": 7},
    {"city": {}}, {"city": "0"}, {"position": {"lat": "north"}}, {"code": "x" * 30}, {"code": "ABCDEFGHIJ"},
    {"want": "all"}, {"want": "ask", "left_ms": -1}, {"want": "ask", "endpoint": "https://127.0.0.1/"},
    {"confirm": False}, {"session": "nowhere", "reason": "dislike"}, {"session": "nowhere", "reason": "spam"},
    {"session": "nowhere", "reason": "spam", "note": "x" * 501},
    {"s": "nowhere", "st": "st", "n": 1, "l": 1, "x": "hi"},
    {"s": "nowhere", "st": "st", "n": 0, "l": 1, "x": "hi"},
    {"s": "nowhere", "st": "st", "n": 2**60, "l": 1, "x": "hi"},
    {"s": "nowhere", "st": "st", "n": 1, "l": 1, "x": "hi", "k": "gap"}, {"s": ["x"], "st": {}, "n": True},
    {"s": "nowhere", "st": "st", "ranges": [[1, 2]] * 501}, {"s": "nowhere", "st": "st", "ranges": [[2]]},
    {"s": "nowhere", "on": True}, {"s": "nowhere", "limit": 101}, {"s": "nowhere", "limit": 5, "before": [1]},
    {"s": "nowhere", "limit": 5}, {"v": 1}, {"v": "1"},
    {"v": 1, "consent": "7", "adult": True, "have": {"a": "b"}},
    {"v": 1, "consent": "7", "adult": True, "available": True, "visible": True, "have": {"a": 10**30, "a b": 1}},
]  # fmt: skip


@on_stage
async def test_before_the_join_answer_everything_but_the_join_is_not_joined(stage: Stage) -> None:
    page = stage.p.page()
    for event in (*EVENTS[1:], "user-nothing", "connect", "", "chat-"):
        assert (await page.ask(event, {}))["error"] == "not-joined"
        await page.tell(event, {"s": "x" * 10_000})
    assert page.kinds() == []


@on_stage
async def test_the_tables_hold_the_events_of_the_protocol_under_their_own_prefix(stage: Stage) -> None:
    assert sorted(stage.p.process.door._events) == sorted(EVENTS)


@on_stage
async def test_every_event_starts_with_the_prefix_of_its_namespace(stage: Stage) -> None:
    namespaces = [kind for kind in Namespace.__subclasses__() if kind.__module__.startswith("citychat.")]
    assert {kind.prefix for kind in namespaces} == {"user", "chat"}
    for name, event in stage.p.process.door._events.items():
        assert name.split("-")[0] == type(event.handle.__self__).prefix  # type: ignore[union-attr]


@on_stage
async def test_an_unknown_event_is_said_to_be_unknown(stage: Stage) -> None:
    page = await stage.p.join()
    for event in ("user-nothing", "connect", "disconnect", "on_seek", "", "chat-", "user-offer"):
        assert (await page.ask(event, {}))["error"] == "unknown-event"


@on_stage
async def test_whatever_is_sent_every_event_is_answered_once_and_never_with_internal(stage: Stage) -> None:
    for event in EVENTS:
        for payload in HOSTILE:
            page = await stage.p.join() if event != "user-join" else stage.p.page()
            answer = await page.ask(event, payload)
            assert answer["ok"] is True or answer["error"] != "internal", (event, payload, answer)
            await stage.after(1)
            assert page.events(f"answer {event}") == [answer]
            page.leaves()


@on_stage
async def test_whoever_asks_for_no_answer_gets_none(stage: Stage) -> None:
    page = await stage.p.join()
    before = len(page.told)
    for event, payload in (("user-view", {"visible": True}), ("user-cities", {"q": 1}), ("user-nothing", None)):
        await page.tell(event, payload)
    assert len(page.told) == before


@on_stage
async def test_a_bad_payload_is_told_which_field_is_wrong_and_what_was_expected(stage: Stage) -> None:
    page = await stage.p.join()
    for event, payload, expected in (
        ("user-cities", {"q": 7}, "q: Expected `str`, got `int`."),
        ("user-leave", {}, "Object missing required field `session`."),
        ("user-match", {"offer": "x", "answer": "perhaps"}, "answer: expected one of yes, no, later."),
        ("user-erase", {"confirm": False}, "confirm: expected true."),
        ("user-view", 5, "Expected `object`, got `int`."),
    ):
        answer = await page.ask(event, payload)
        assert (answer["ok"], answer["error"], answer["message"]) == (False, "bad-payload", expected)
    for no_id in ("", "x" * 44, "x\n", "a b", "../x", "ä"):
        assert (await page.ask("user-leave", {"session": no_id}))["error"] == "bad-payload"


@on_stage
async def test_unknown_fields_are_ignored(stage: Stage) -> None:
    page = await stage.p.join()
    assert (await page.ask("user-view", {"visible": True, "colour": "red"}))["ok"]


@on_stage
async def test_a_page_of_another_version_reloads_whatever_else_it_says(stage: Stage) -> None:
    assert (await stage.p.page().ask("user-join", {"v": 2}))["error"] == "reload"


@on_stage
async def test_a_join_without_the_consent_asked_for_learns_its_version(stage: Stage) -> None:
    for changes in ({"consent": "6"}, {"consent": None}, {"adult": False}, {"adult": "yes"}):
        answer = await stage.p.page().join(**changes)
        assert (answer["error"], answer["consent"]) == ("refused-consent", "7")


@on_stage
async def test_a_join_without_any_consent_is_told_the_rules_and_nothing_about_fields(stage: Stage) -> None:
    nothing_said: list[object] = [None, [], 5, {}, {"v": 1}, {"v": 1, "have": 5}, {"v": 1, "consent": "7", "token": 5}]
    for payload in nothing_said:
        answer = await stage.p.page().ask("user-join", payload)
        assert (answer["error"], answer["consent"]) == ("refused-consent", "7")


@on_stage
async def test_a_join_names_what_a_page_can_have_drawn(stage: Stage) -> None:
    for have in ({"stream": 2**52 + 1}, {"stream": 10**30}, {"stream": -1}, {"no id": 1}, {"": 1}):
        assert (await stage.p.page().join(have=have))["error"] == "bad-payload"
    assert (await stage.p.page().join(have={"stream": 2**52}))["ok"]


@on_stage
async def test_the_join_answer_leaves_before_any_other_event(stage: Stage) -> None:
    anna = await stage.p.join()
    await anna.ask("user-seek")
    ben = await stage.p.join()
    await stage.after(6)
    assert ben.told[0][0] == "answer user-join" and ben.events("user-offer")


@on_stage
async def test_a_page_joins_once(stage: Stage) -> None:
    page = await stage.p.join()
    assert (await page.join())["error"] == "bad-payload"
    assert (await page.ask("user-view", {"visible": True}))["ok"]


@on_stage
async def test_too_many_of_one_event_are_busy_and_say_for_how_long(stage: Stage) -> None:
    page = await stage.p.join()
    for _ in range(20):
        assert (await page.ask("user-cities", {"q": "Ly"}))["ok"]
    answer = await page.ask("user-cities", {"q": "Ly"})
    assert answer["error"] == "busy" and 0 < answer["retry_ms"] <= 201
    assert (await page.ask("user-view", {"visible": True}))["ok"], "another event has its own limit"
    await stage.after(answer["retry_ms"] / 1000)
    assert (await page.ask("user-cities", {"q": "Ly"}))["ok"]


@on_stage
async def test_a_fault_of_ours_is_internal_and_logged_without_what_the_page_said(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    page = await stage.p.join()
    quotes = SimpleNamespace(city={}.__getitem__)  # raises KeyError with what was searched for
    stage.p.process.joining.admission.gazetteer = quotes  # type: ignore[assignment]
    with caplog.at_level(logging.DEBUG):
        answer = await page.ask("user-cities", {"q": "my secret street"})
    assert answer["error"] == "internal" and "secret" not in str(answer)
    failures = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(failures) == 1 and "user-cities" in failures[0] and "KeyError" in failures[0]
    assert "secret" not in caplog.text


@on_stage
async def test_a_service_that_is_away_is_unavailable_with_a_time_to_come_back(stage: Stage) -> None:
    page = await stage.p.join()
    stage.p.lobby.away = {"seek"}
    answer = await page.ask("user-seek")
    assert (answer["error"], answer["retry_ms"]) == (Unavailable.code, Unavailable.retry_ms)


@on_stage
async def test_an_answer_that_waits_for_the_history_does_not_hold_up_the_next_event(stage: Stage) -> None:
    anna, _ben, _s = await stage.p.talking()
    stage.p.history.away = {"sessions.end"}
    leaving = asyncio.ensure_future(anna.leave())
    await stage.after(0.1)
    assert await anna.seek() == "waiting" and not leaving.done()
    stage.p.history.away = set()
    await stage.after(31)
    assert leaving.done() and anna.events("answer user-leave") == [{"ok": True}]


# -- the events of /user -----------------------------------------------------------------------------------------------


@on_stage
async def test_the_session_follows_the_answer_of_the_one_who_accepts(stage: Stage) -> None:
    _anna, ben, s = await stage.p.talking()
    names = [event for event, _ in ben.told]
    assert names.index("answer user-match") + 1 == names.index("user-session")
    assert ben.last("user-session")["session"] == s


@on_stage
async def test_no_and_later_are_answered_and_a_late_answer_is_gone(stage: Stage) -> None:
    anna, ben = await stage.asking()
    offer = ben.last("user-offer")["offer"]
    assert await ben.ask("user-match", {"offer": offer, "answer": "no"}) == {"ok": True}
    assert (await ben.ask("user-match", {"offer": offer, "answer": "later"}))["error"] == "gone"
    carl = await stage.p.join()
    await stage.after(6)
    offer = carl.last("user-offer")["offer"]
    assert await carl.ask("user-match", {"offer": offer, "answer": "later"}) == {"ok": True}
    assert await anna.ask("user-stop") == {"ok": True}


@on_stage
async def test_a_guest_leaves_sees_the_chat_among_theirs_and_reports_it(stage: Stage) -> None:
    anna, ben, s = await stage.p.talking()
    assert await anna.ask("user-leave", {"session": s}) == {"ok": True}
    assert ben.last("user-left")["how"] == "left"
    chats = (await anna.ask("user-chats"))["chats"]
    assert [chat["session"] for chat in chats] == [s]
    reported = await anna.ask("user-report", {"session": s, "reason": "minor", "note": "he said so"})
    again = await anna.ask("user-report", {"session": s, "reason": "minor"})
    assert reported["ok"] and reported["code"] == again["code"]
    assert await ben.ask("user-case", {"code": reported["code"]}) == {"ok": True, "state": "received"}
    assert await anna.ask("user-block", {"session": s}) == {"ok": True}
    assert await ben.ask("user-again", {"session": s}) == {"ok": True}


@on_stage
async def test_erasing_closes_the_page_after_its_answer_and_the_row_does_not_come_back(stage: Stage) -> None:
    anna, ben, s = await stage.p.talking()
    guest = anna.guest
    assert await anna.ask("user-erase", {"confirm": True}) == {"ok": True}
    assert anna.told[-1][0] == "answer user-erase" and anna.closed == "erased"
    assert ben.events("chat-erased") == [{"s": s}]
    await stage.after(5)
    assert await stage.history.guests.find(guest) is None


@on_stage
async def test_a_city_is_searched_and_chosen(stage: Stage) -> None:
    page = stage.p.page(address=NOWHERE)
    assert (await page.join())["place"] is None
    assert (await page.ask("user-seek"))["error"] == "no-place"
    city = (await page.ask("user-cities", {"q": "Lyon"}))["cities"][0]
    assert city["country"] == "FR"
    assert (await page.ask("user-place", {"city": city["id"]}))["place"]["city"] == "Lyon"
    assert (await page.ask("user-seek"))["state"] == "waiting"
    assert (await page.ask("user-place", {}))["error"] == "bad-payload"
    assert (await page.ask("user-place", {"city": "0"}))["error"] == "bad-payload"


@on_stage
async def test_availability_and_view_reach_the_lobby(stage: Stage) -> None:
    anna, ben = await stage.p.join(), await stage.p.join()
    assert (await ben.ask("user-available", {"on": False}))["ok"]
    assert (await anna.ask("user-seek"))["state"] == "waiting"
    assert (await ben.ask("user-available", {"on": True, "slow": True}))["ok"]
    await stage.after(6)
    assert ben.last("user-offer")["seconds"] == 60


# -- the events of /chat -----------------------------------------------------------------------------------------------


@on_stage
async def test_a_message_goes_to_the_partner_and_its_ack_brings_delivered(stage: Stage) -> None:
    anna, ben, s = await stage.p.talking()
    await anna.tell("chat-message", {"s": s, "st": "stream", "n": 1, "l": 1, "x": "hello"})
    await stage.after(0.1)
    said = ben.last("chat-message")
    assert (said["x"], said["side"], said["st"], said["n"], said["l"]) == ("hello", 0, "stream", 1, 1)
    await ben.tell("chat-ack", {"s": s, "st": "stream", "n": 1})
    await stage.after(1)
    assert anna.last("chat-status")["state"] == "delivered"
    history = await ben.ask("chat-history", {"s": s, "limit": 10})
    assert [row["x"] for row in history["messages"]] == ["hello"] and history["more"] is False
    for before in ([2**63, 0, "a", 1], [1, 2, "a", 1], [1, 0, "a b", 1]):
        assert (await ben.ask("chat-history", {"s": s, "limit": 10, "before": before}))["error"] == "bad-payload"
    await anna.tell("chat-ask", {"s": s, "st": "stream", "ranges": [[1, 5]]})
    assert anna.last("chat-status")["ranges"] == [(1, 1)]


@on_stage
async def test_a_message_that_is_not_taken_is_refused_by_its_status(stage: Stage) -> None:
    anna, _ben, s = await stage.p.talking()
    good = {"s": s, "st": "stream", "n": 1, "l": 1, "x": "hello"}
    for changes, error, ranges in (
        ({"s": "nowhere"}, "no-session", [[1, 1]]),
        ({"n": 0}, "bad-payload", []),
        ({"n": 10**30}, "bad-payload", []),
        ({"n": "1"}, "bad-payload", []),
        ({"k": "gap"}, "bad-payload", [[1, 1]]),
        ({"x": 5}, "bad-payload", [[1, 1]]),
        ({"n": 2, "p": ["other", 1]}, "bad-payload", [[2, 2]]),
    ):
        said = good | changes
        await anna.tell("chat-message", said)
        status = anna.last("chat-status")
        assert status == {"s": said["s"], "st": "stream", "ranges": ranges, "state": "refused", "error": error}
    await anna.tell("chat-message", {"s": "x" * 10_000, "st": "no id", "n": 1})
    assert anna.last("chat-status") == {
        "s": "",
        "st": "",
        "ranges": [[1, 1]],
        "state": "refused",
        "error": "bad-payload",
    }


@on_stage
async def test_typing_is_passed_on_at_most_so_often_and_never_outside_the_chat(stage: Stage) -> None:
    anna, ben, s = await stage.p.talking()
    for _ in range(5):
        await anna.tell("chat-typing", {"s": s, "on": True})
    await anna.tell("chat-typing", {"s": "nowhere", "on": True})
    await stage.after(0.1)
    assert ben.events("chat-typing") == [{"s": s, "on": True}] * 2


@on_stage
async def test_nobody_reads_the_history_of_others(stage: Stage) -> None:
    _anna, _ben, s = await stage.p.talking()
    eve = await stage.p.join()
    assert (await eve.ask("chat-history", {"s": s, "limit": 10}))["error"] == "no-session"
    await eve.tell("chat-message", {"s": s, "st": "stream", "n": 1, "l": 1, "x": "hello"})
    assert eve.last("chat-status")["error"] == "no-session"
