"""Events that cost something: a guest, its network and the process have a bucket each, and refusals are slowed down."""

import pytest

from citychat.limits import bound
from tests.support.spent import spent_by, spent_by_all
from tests.support.stage import Stage, on_stage

SCHOOL, HOME = "203.0.113.7", "203.0.114.8"
COSTLY = {
    "user-seek": "seeks", "user-cities": "cities", "user-place": "places", "user-case": "cases", "user-chats": "chats",
    "chat-ask": "asks", "chat-history": "history pages", "chat-typing": "typing", "user-view": "other events",
    "user-report": "reports",
}  # fmt: skip


@pytest.mark.parametrize(("event", "limit"), COSTLY.items())
@on_stage
async def test_what_a_network_has_used_up_is_busy_for_all_its_guests_and_for_no_others(
    stage: Stage, event: str, limit: str
) -> None:
    anna, ben = await stage.p.join(address=SCHOOL), await stage.p.join(address=HOME)
    spent_by(stage.p.process.door._limits[limit], SCHOOL, bound(f"{limit} of a network"))
    answer = await anna.ask(event, {})
    assert answer["error"] == "busy" and answer["retry_ms"] > 0
    assert (await ben.ask(event, {})).get("error") != "busy"
    await stage.after(answer["retry_ms"] / 1000)
    assert (await anna.ask(event, {})).get("error") != "busy"


@pytest.mark.parametrize(("event", "limit"), COSTLY.items())
@on_stage
async def test_what_the_process_has_used_up_is_busy_for_everybody(stage: Stage, event: str, limit: str) -> None:
    anna = await stage.p.join(address=SCHOOL)
    spent_by_all(stage.p.process.door._limits[limit], bound(f"{limit} of a process"))
    assert (await anna.ask(event, {}))["error"] == "busy"


@pytest.mark.parametrize(("event", "limit"), COSTLY.items())
@on_stage
async def test_what_a_guest_has_used_up_is_busy_for_that_guest(stage: Stage, event: str, limit: str) -> None:
    anna, ben = await stage.p.join(address=SCHOOL), await stage.p.join(address=SCHOOL)
    for _ in range(bound(limit)):
        assert stage.p.process.door._limits[limit].take(anna.client.guest, SCHOOL) == 0.0
    assert (await anna.ask(event, {}))["error"] == "busy"
    assert (await ben.ask(event, {})).get("error") != "busy"


@on_stage
async def test_a_page_that_is_refused_on_and_on_is_heard_at_the_rate_of_the_table(stage: Stage) -> None:
    page = await stage.p.join(address=SCHOOL)
    start_s = stage.clock.monotonic_s()
    for _ in range(bound("refused events")):
        assert (await page.ask("user-nothing"))["error"] == "unknown-event"
    assert stage.clock.monotonic_s() == start_s
    for _ in range(50):
        assert (await page.ask("user-nothing"))["error"] == "unknown-event"
    assert stage.clock.monotonic_s() - start_s == pytest.approx(5, abs=0.2)


@on_stage
async def test_a_refusal_of_a_wrong_payload_counts_too(stage: Stage) -> None:
    page = await stage.p.join(address=SCHOOL)
    for number in range(bound("refused events")):
        assert (await page.ask("user-leave" if number % 2 else "user-cities", {"q": 7}))["ok"] is False
    start_s = stage.clock.monotonic_s()
    assert (await page.ask("user-case", {}))["error"] == "bad-payload"
    assert stage.clock.monotonic_s() > start_s


@pytest.mark.parametrize("whose", ["network", "process"])
@on_stage
async def test_refusals_of_others_in_a_network_or_process_slow_the_next_one(stage: Stage, whose: str) -> None:
    page, other = await stage.p.join(address=SCHOOL), await stage.p.join(address=HOME)
    if whose == "network":
        spent_by(stage.p.process.door._refused, SCHOOL, bound("refused events of a network"))
    else:
        spent_by_all(stage.p.process.door._refused, bound("refused events of a process"))
    start_s = stage.clock.monotonic_s()
    assert (await page.ask("user-nothing"))["error"] == "unknown-event"
    slowed_s = stage.clock.monotonic_s()
    assert slowed_s > start_s
    assert (await other.ask("user-nothing"))["error"] == "unknown-event"
    assert whose == "process" or stage.clock.monotonic_s() == slowed_s


@pytest.mark.parametrize("whose", ["network", "process"])
@on_stage
async def test_a_message_over_what_a_network_or_the_process_has_goes_again_later(stage: Stage, whose: str) -> None:
    anna, ben, s = await stage.p.talking()
    shares = stage.p.process.delivery.take.__self__  # type: ignore[attr-defined]
    if whose == "network":
        spent_by(shares, anna.source, bound("messages of a network"))
    else:
        spent_by_all(shares, bound("messages of a process"))
    await anna.tell("chat-message", {"s": s, "st": "A" * 11, "n": 1, "l": 1, "x": "hi"})
    assert anna.last("chat-busy")["retry_ms"] > 0 and ben.events("chat-message") == []
    await stage.after(10)
    await anna.tell("chat-message", {"s": s, "st": "A" * 11, "n": 1, "l": 1, "x": "hi"})
    await stage.after(0.1)
    assert ben.last("chat-message")["x"] == "hi"
