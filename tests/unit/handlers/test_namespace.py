"""The door: who may send what, how it is answered, and what never happens whatever is sent."""

import logging
from pathlib import Path

import pytest

from citychat.handlers import Namespace
from citychat.model import Unavailable
from tests.unit.handlers.doorway import House, behind_the_door

EVENTS = [
    "user-join", "user-seek", "user-stop", "user-match", "user-leave", "user-available", "user-view", "user-cities",
    "user-place", "user-chats", "user-block", "user-report", "user-case", "user-again", "user-erase",
    "chat-message", "chat-ack", "chat-ask", "chat-typing", "chat-history",
]  # fmt: skip

HOSTILE: list[object] = [
    None, [], [1, 2], 5, "text", True, {}, {"session": 5}, {"session": "x\n"}, {"session": "x" * 44}, {"session": ""},
    {"offer": "x", "answer": "perhaps"}, {"offer": None, "answer": "yes"}, {"on": 1}, {"visible": "yes"}, {"q": 7},
    {"city": {}}, {"city": "0"}, {"position": {"lat": "north"}}, {"code": "x" * 30}, {"code": "ABCDEFGHIJ"},
    {"confirm": False}, {"session": "nowhere", "reason": "dislike"}, {"session": "nowhere", "reason": "spam"},
    {"session": "nowhere", "reason": "spam", "note": "x" * 501},
    {"s": "nowhere", "st": "st", "n": 1, "l": 1, "x": "hi"},
    {"s": "nowhere", "st": "st", "n": 0, "l": 1, "x": "hi"},
    {"s": "nowhere", "st": "st", "n": 2**60, "l": 1, "x": "hi"},
    {"s": "nowhere", "st": "st", "n": 1, "l": 1, "x": "hi", "k": "gap"}, {"s": ["x"], "st": {}, "n": True},
    {"s": "nowhere", "st": "st", "ranges": [[1, 2]] * 501}, {"s": "nowhere", "st": "st", "ranges": [[2]]},
    {"s": "nowhere", "on": True}, {"s": "nowhere", "limit": 101}, {"s": "nowhere", "limit": 5, "before": [1]},
    {"s": "nowhere", "limit": 5}, {"v": 1}, {"v": "1"}, {"consent": "7", "v": 1, "have": {"a": "b"}},
]  # fmt: skip


@behind_the_door
async def test_before_the_join_answer_everything_but_the_join_is_not_joined(house: House) -> None:
    page = house.page()
    for event in (*EVENTS[1:], "user-nothing", "connect", "", "chat-"):
        assert (await page.ask(event, {}))["error"] == "not-joined"
    assert [event for event, _ in page.told if not event.startswith("answer")] == ["chat-status"]


@behind_the_door
async def test_the_tables_hold_the_events_of_the_protocol_under_their_own_prefix(house: House) -> None:
    assert sorted(house.process.door._events) == sorted(EVENTS)


def test_every_event_starts_with_the_prefix_of_its_namespace(tmp_path: Path) -> None:
    @behind_the_door
    async def scene(house: House) -> None:
        namespaces = [kind for kind in Namespace.__subclasses__() if kind.__module__.startswith("citychat.")]
        assert {kind.prefix for kind in namespaces} == {"user", "chat"}
        for name, event in house.process.door._events.items():
            assert name.split("-")[0] == type(event.handle.__self__).prefix  # type: ignore[attr-defined]

    scene(tmp_path)


@behind_the_door
async def test_an_unknown_event_is_said_to_be_unknown(house: House) -> None:
    page = await house.joined()
    for event in ("user-nothing", "connect", "disconnect", "on_seek", "", "chat-", "user-offer"):
        assert (await page.ask(event, {}))["error"] == "unknown-event"


@behind_the_door
async def test_whatever_is_sent_every_event_is_answered_once_and_never_with_internal(house: House) -> None:
    for event in EVENTS:
        for payload in HOSTILE:
            page = await house.joined() if event != "user-join" else house.page()
            answer = await page.ask(event, payload)
            assert answer["ok"] is True or answer["error"] != "internal", (event, payload, answer)
            page.close("done")
            await house.after(1)


@behind_the_door
async def test_whoever_asks_for_no_answer_gets_none(house: House) -> None:
    page = await house.joined()
    before = len(page.told)
    for event, payload in (("user-view", {"visible": True}), ("user-cities", {"q": 1}), ("user-nothing", None)):
        await page.send(event, payload)
    assert len(page.told) == before


@behind_the_door
async def test_a_bad_payload_is_told_which_field_is_wrong_and_what_was_expected(house: House) -> None:
    page = await house.joined()
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


@behind_the_door
async def test_unknown_fields_are_ignored(house: House) -> None:
    page = await house.joined()
    assert (await page.ask("user-view", {"visible": True, "colour": "red"}))["ok"]


@behind_the_door
async def test_a_page_of_another_version_reloads_whatever_else_it_says(house: House) -> None:
    assert (await house.page().ask("user-join", {"v": 2}))["error"] == "reload"


@behind_the_door
async def test_a_join_without_the_consent_asked_for_learns_its_version(house: House) -> None:
    for changes in ({"consent": "6"}, {"adult": False}):
        answer = await house.page().join(**changes)
        assert (answer["error"], answer["consent"]) == ("refused-consent", "7")


@behind_the_door
async def test_the_join_answer_leaves_before_any_other_event(house: House) -> None:
    anna = await house.joined()
    await anna.ask("user-seek")
    ben = await house.joined()
    await house.after(6)
    assert ben.told[0][0] == "answer user-join" and ben.events("user-offer")


@behind_the_door
async def test_a_page_joins_once(house: House) -> None:
    page = await house.joined()
    assert (await page.join())["error"] == "bad-payload"
    assert (await page.ask("user-view", {"visible": True}))["ok"]


@behind_the_door
async def test_too_many_of_one_event_are_busy_and_say_for_how_long(house: House) -> None:
    page = await house.joined()
    for _ in range(20):
        assert (await page.knock("user-cities", {"q": "Ly"}))[0]["ok"]
    answer = (await page.knock("user-cities", {"q": "Ly"}))[0]
    assert answer["error"] == "busy" and 0 < answer["retry_ms"] <= 201
    assert (await page.knock("user-view", {"visible": True}))[0]["ok"], "another event has its own limit"
    await house.after(answer["retry_ms"] / 1000)
    assert (await page.knock("user-cities", {"q": "Ly"}))[0]["ok"]


def test_a_fault_of_ours_is_internal_and_logged_without_what_the_page_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @behind_the_door
    async def scene(house: House) -> None:
        page = await house.joined()
        house.process.joining.admission.gazetteer = None  # type: ignore[assignment]
        answer = await page.ask("user-cities", {"q": "my secret street"})
        assert answer["error"] == "internal" and "secret" not in str(answer)

    with caplog.at_level(logging.DEBUG):
        scene(tmp_path)
    failures = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(failures) == 1 and "user-cities" in failures[0] and "AttributeError" in failures[0]
    assert "secret" not in caplog.text


@behind_the_door
async def test_a_service_that_is_away_is_unavailable_with_a_time_to_come_back(house: House) -> None:
    page = await house.joined()
    house.lobby.away = {"seek"}
    answer = await page.ask("user-seek")
    assert (answer["error"], answer["retry_ms"]) == (Unavailable.code, Unavailable.retry_ms)


@behind_the_door
async def test_an_answer_that_waits_for_the_history_does_not_hold_up_the_next_event(house: House) -> None:
    anna, _ben, s = await house.talking()
    house.history.away = {"sessions.end"}
    answers = await anna.knock("user-leave", {"session": s})
    assert (await anna.ask("user-seek"))["ok"] and answers == []
    house.history.away = set()
    await house.after(31)
    assert answers == [{"ok": True}]


# -- the events of /user -----------------------------------------------------------------------------------------------


@behind_the_door
async def test_the_session_follows_the_answer_of_the_one_who_accepts(house: House) -> None:
    _anna, ben, s = await house.talking()
    names = [event for event, _ in ben.told]
    assert names.index("answer user-match") + 1 == names.index("user-session")
    assert ben.last("user-session")["session"] == s


@behind_the_door
async def test_no_and_later_are_answered_and_a_late_answer_is_gone(house: House) -> None:
    anna, ben = await house.joined(), await house.joined()
    await anna.ask("user-seek")
    offer = ben.last("user-offer")["offer"]
    assert await ben.ask("user-match", {"offer": offer, "answer": "no"}) == {"ok": True}
    assert (await ben.ask("user-match", {"offer": offer, "answer": "later"}))["error"] == "gone"
    carl = await house.joined()
    await house.after(5)
    offer = carl.last("user-offer")["offer"]
    assert await carl.ask("user-match", {"offer": offer, "answer": "later"}) == {"ok": True}
    assert await anna.ask("user-stop") == {"ok": True}


@behind_the_door
async def test_a_guest_leaves_sees_the_chat_among_theirs_and_reports_it(house: House) -> None:
    anna, ben, s = await house.talking()
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


@behind_the_door
async def test_erasing_closes_the_page_after_its_answer_and_the_row_does_not_come_back(house: House) -> None:
    anna, ben, s = await house.talking()
    guest = house.process.registry.by_page[anna].guest
    assert await anna.ask("user-erase", {"confirm": True}) == {"ok": True}
    assert anna.told[-1][0] == "answer user-erase" and anna.closed == "erased"
    assert ben.events("chat-erased") == [{"s": s}]
    await house.after(5)
    assert await house.history.guests.find(guest) is None


@behind_the_door
async def test_a_city_is_searched_and_chosen(house: House) -> None:
    page = house.page("203.0.113.7")
    assert (await page.join())["place"] is None
    assert (await page.ask("user-seek"))["error"] == "no-place"
    city = (await page.ask("user-cities", {"q": "Lyon"}))["cities"][0]
    assert city["country"] == "FR"
    assert (await page.ask("user-place", {"city": city["id"]}))["place"]["city"] == "Lyon"
    assert (await page.ask("user-seek"))["state"] == "waiting"
    assert (await page.ask("user-place", {}))["error"] == "bad-payload"
    assert (await page.ask("user-place", {"city": "0"}))["error"] == "bad-payload"


@behind_the_door
async def test_availability_and_view_reach_the_lobby(house: House) -> None:
    anna, ben = await house.joined(), await house.joined()
    assert (await ben.ask("user-available", {"on": False}))["ok"]
    assert (await anna.ask("user-seek"))["state"] == "waiting"
    assert (await ben.ask("user-available", {"on": True, "slow": True}))["ok"]
    await house.after(6)
    assert ben.last("user-offer")["seconds"] == 60


# -- the events of /chat -----------------------------------------------------------------------------------------------


@behind_the_door
async def test_a_message_goes_to_the_partner_and_its_ack_brings_delivered(house: House) -> None:
    anna, ben, s = await house.talking()
    await anna.send("chat-message", {"s": s, "st": "stream", "n": 1, "l": 1, "x": "hello"})
    await house.after(0.1)
    said = ben.last("chat-message")
    assert (said["x"], said["side"], said["st"], said["n"], said["l"]) == ("hello", 0, "stream", 1, 1)
    await ben.send("chat-ack", {"s": s, "st": "stream", "n": 1})
    await house.after(1)
    assert anna.last("chat-status")["state"] == "delivered"
    history = await ben.ask("chat-history", {"s": s, "limit": 10})
    assert [row["x"] for row in history["messages"]] == ["hello"] and history["more"] is False
    for before in ([2**63, 0, "a", 1], [1, 2, "a", 1], [1, 0, "a b", 1]):
        assert (await ben.ask("chat-history", {"s": s, "limit": 10, "before": before}))["error"] == "bad-payload"
    await anna.send("chat-ask", {"s": s, "st": "stream", "ranges": [[1, 5]]})
    assert anna.last("chat-status")["ranges"] == [(1, 1)]


@behind_the_door
async def test_a_message_that_is_not_taken_is_refused_by_its_status(house: House) -> None:
    anna, _ben, s = await house.talking()
    good = {"s": s, "st": "stream", "n": 1, "l": 1, "x": "hello"}
    for changes, error, ranges in (
        ({"s": "nowhere"}, "no-session", [[1, 1]]),
        ({"n": 0}, "bad-payload", [[0, 0]]),
        ({"n": "1"}, "bad-payload", []),
        ({"k": "gap"}, "bad-payload", [[1, 1]]),
        ({"x": 5}, "bad-payload", [[1, 1]]),
        ({"n": 2, "p": ["other", 1]}, "bad-payload", [[2, 2]]),
    ):
        said = good | changes
        await anna.send("chat-message", said)
        status = anna.last("chat-status")
        assert status == {"s": said["s"], "st": "stream", "ranges": ranges, "state": "refused", "error": error}


@behind_the_door
async def test_typing_is_passed_on_at_most_so_often_and_never_outside_the_chat(house: House) -> None:
    anna, ben, s = await house.talking()
    for _ in range(5):
        await anna.send("chat-typing", {"s": s, "on": True})
    await anna.send("chat-typing", {"s": "nowhere", "on": True})
    await house.after(0.1)
    assert ben.events("chat-typing") == [{"s": s, "on": True}] * 2


@behind_the_door
async def test_nobody_reads_the_history_of_others(house: House) -> None:
    _anna, _ben, s = await house.talking()
    eve = await house.joined()
    assert (await eve.ask("chat-history", {"s": s, "limit": 10}))["error"] == "no-session"
    await eve.send("chat-message", {"s": s, "st": "stream", "n": 1, "l": 1, "x": "hello"})
    assert eve.last("chat-status")["error"] == "no-session"
