"""What every bus promises (citychat.ports.Bus)."""

import asyncio
from typing import cast

import pytest

from citychat.model import Message
from citychat.ports import RECORD_MAX_BYTES, Bus, BusEvent, NewerPage, NewMessage, PartnerTyping, Receipt
from tests.support.patience import PATIENCE_S, until


async def published(bus: Bus, guest: str, record: BusEvent) -> int:
    """Publish and wait for the listener count."""
    counts: list[int] = []
    bus.publish(guest, record, counts.append)
    await until(lambda: bool(counts))
    return counts[0]


async def settled(bus: Bus, guest: str, listeners: int) -> None:
    """Wait until so many are counted: a server learns of the end of a subscription after ``unlisten`` has returned."""
    async with asyncio.timeout(PATIENCE_S):
        while await bus.listeners([guest]) != [listeners]:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


async def test_a_listener_hears_what_is_published_to_its_guest_and_nothing_else(bus: Bus) -> None:
    anna: list[BusEvent] = []
    ben: list[BusEvent] = []
    await bus.listen("anna", anna.append)
    await bus.listen("ben", ben.append)
    bus.publish("anna", PartnerTyping("s", True))
    bus.publish("ben", PartnerTyping("s", False))
    await until(lambda: len(anna) == len(ben) == 1)
    assert (anna, ben) == ([PartnerTyping("s", True)], [PartnerTyping("s", False)])


async def test_records_to_one_guest_keep_their_order(bus: Bus) -> None:
    heard: list[BusEvent] = []
    await bus.listen("anna", heard.append)
    sent: list[BusEvent] = [NewerPage(n) for n in range(500)]
    for record in sent:
        bus.publish("anna", record)
    await until(lambda: len(heard) == len(sent))
    assert heard == sent


async def test_answers_come_in_the_order_of_the_publishes(bus: Bus) -> None:
    await bus.listen("anna", lambda _: None)
    answers: list[tuple[str, int]] = []
    for n in range(100):
        guest = "anna" if n % 2 else "nobody"
        bus.publish(guest, NewerPage(n), lambda count, guest=guest: answers.append((guest, count)))  # type: ignore[misc]
    await until(lambda: len(answers) == 100)
    assert answers == [("nobody", 0), ("anna", 1)] * 50


async def test_neither_delivery_nor_answer_comes_before_publish_has_returned(bus: Bus) -> None:
    came: list[object] = []
    await bus.listen("anna", came.append)
    bus.publish("anna", NewerPage(1), came.append)
    assert came == []
    await until(lambda: len(came) == 2)


async def test_a_publish_tells_whether_somebody_listens(bus: Bus) -> None:
    assert await published(bus, "anna", NewerPage(1)) == 0
    handle = await bus.listen("anna", lambda _: None)
    assert await published(bus, "anna", NewerPage(2)) == 1
    bus.unlisten(handle)
    await settled(bus, "anna", 0)
    assert await published(bus, "anna", NewerPage(3)) == 0


async def test_two_listeners_of_one_guest_both_hear_and_end_one_by_one(bus: Bus) -> None:
    old: list[BusEvent] = []
    new: list[BusEvent] = []
    handle = await bus.listen("anna", old.append)
    await bus.listen("anna", new.append)
    await published(bus, "anna", NewerPage(1))
    await until(lambda: len(old) == len(new) == 1)
    bus.unlisten(handle)
    await published(bus, "anna", NewerPage(2))
    await until(lambda: len(new) == 2)
    assert (old, new) == ([NewerPage(1)], [NewerPage(1), NewerPage(2)])


async def test_after_unlisten_nothing_is_heard_not_even_what_was_on_its_way(bus: Bus) -> None:
    heard: list[BusEvent] = []
    handle = await bus.listen("anna", heard.append)
    bus.publish("anna", NewerPage(1))
    bus.unlisten(handle)
    await bus.listen("anna", lambda _: None)
    await published(bus, "anna", NewerPage(2))
    assert heard == []


async def test_unlisten_is_idempotent_and_leaves_the_others_alone(bus: Bus) -> None:
    first = await bus.listen("anna", lambda _: None)
    bus.unlisten(first)
    heard: list[BusEvent] = []
    await bus.listen("anna", heard.append)
    bus.unlisten(first)
    assert await published(bus, "anna", NewerPage(1)) == 1
    await until(lambda: heard == [NewerPage(1)])


async def test_a_listener_may_end_itself_or_the_other_while_it_hears(bus: Bus) -> None:
    heard: list[str] = []
    handles: list[object] = []

    def hear(name: str) -> None:
        heard.append(name)
        for handle in handles:
            bus.unlisten(handle)

    handles.append(await bus.listen("anna", lambda _: hear("first")))
    handles.append(await bus.listen("anna", lambda _: hear("second")))
    await published(bus, "anna", NewerPage(1))
    await until(lambda: bool(heard))
    await settled(bus, "anna", 0)
    assert await published(bus, "anna", NewerPage(2)) == 0
    assert len(heard) == 1


async def test_a_listener_may_publish_and_the_answer_to_it_is_heard_later(bus: Bus) -> None:
    heard: list[BusEvent] = []
    await bus.listen("anna", lambda _: bus.publish("ben", NewerPage(2)))
    await bus.listen("ben", heard.append)
    bus.publish("anna", NewerPage(1))
    await until(lambda: heard == [NewerPage(2)])


async def test_listeners_counts_every_guest_asked_for(bus: Bus) -> None:
    await bus.listen("anna", lambda _: None)
    handle = await bus.listen("ben", lambda _: None)
    assert await bus.listeners(["ben", "nobody", "anna", "ben"]) == [1, 0, 1, 1]
    bus.unlisten(handle)
    await settled(bus, "ben", 0)
    assert await bus.listeners(["anna", "ben"]) == [1, 0]
    assert await bus.listeners([]) == []


async def test_a_guest_with_a_second_listener_is_still_there_when_the_first_has_ended(bus: Bus) -> None:
    """Both may count as one where a process has one subscription at its server: only none or some is promised."""
    first = await bus.listen("anna", lambda _: None)
    await bus.listen("anna", lambda _: None)
    assert await published(bus, "anna", NewerPage(1)) in (1, 2)
    bus.unlisten(first)
    await settled(bus, "anna", 1)
    assert await published(bus, "anna", NewerPage(2)) == 1


async def test_a_whole_message_arrives_as_it_was(bus: Bus) -> None:
    heard: list[BusEvent] = []
    await bus.listen("anna", heard.append)
    message = Message("s", 1, "st", 1, 2**52, 'é\n"\\ \u20ac 🦊' * 250, 1_700_000_000_000, ("before", 3), "kind")
    bus.publish("anna", NewMessage(message))
    await until(lambda: bool(heard))
    assert heard == [NewMessage(message)]


async def test_listeners_never_share_an_object(bus: Bus) -> None:
    heard: list[BusEvent] = []
    await bus.listen("anna", heard.append)
    await bus.listen("anna", heard.append)
    ranges = [(1, 3)]
    bus.publish("anna", Receipt("s", "st", ranges))
    ranges.append((9, 9))
    await until(lambda: len(heard) == 2)
    assert heard == [Receipt("s", "st", [(1, 3)])] * 2
    assert heard[0] is not heard[1]


@pytest.mark.parametrize(
    "garbage",
    [PartnerTyping("s" * RECORD_MAX_BYTES, True), PartnerTyping(cast(str, 5), True), NewerPage(cast(int, "soon"))],
    ids=["too large", "number for text", "text for number"],
)
async def test_what_is_not_a_record_is_dropped_and_the_next_one_is_heard(bus: Bus, garbage: BusEvent) -> None:
    heard: list[BusEvent] = []
    await bus.listen("anna", heard.append)
    assert await published(bus, "anna", garbage) == 1
    await published(bus, "anna", NewerPage(1))
    await until(lambda: bool(heard))
    assert heard == [NewerPage(1)]


async def test_what_one_process_publishes_the_other_hears_in_order(bus: Bus, elsewhere: Bus) -> None:
    here: list[BusEvent] = []
    there: list[BusEvent] = []
    await bus.listen("anna", here.append)
    await elsewhere.listen("ben", there.append)
    sent: list[BusEvent] = [NewerPage(n) for n in range(500)]
    for record in sent:
        bus.publish("ben", record)
        elsewhere.publish("anna", record)
    await until(lambda: len(here) == len(there) == len(sent))
    assert here == there == sent


async def test_a_publish_counts_the_listeners_of_all_processes(bus: Bus, elsewhere: Bus) -> None:
    heard: list[BusEvent] = []
    handle = await elsewhere.listen("anna", heard.append)
    assert await bus.listeners(["anna", "ben"]) == [1, 0]
    assert await published(bus, "anna", NewerPage(1)) == 1
    await bus.listen("anna", heard.append)
    assert await published(elsewhere, "anna", NewerPage(2)) == 2
    await until(lambda: len(heard) == 3)
    elsewhere.unlisten(handle)
    await settled(bus, "anna", 1)
    assert await published(elsewhere, "anna", NewerPage(3)) == 1
    await until(lambda: len(heard) == 4)
    assert heard == [NewerPage(1), NewerPage(2), NewerPage(2), NewerPage(3)]


async def test_listen_has_not_returned_before_other_processes_are_heard(bus: Bus, elsewhere: Bus) -> None:
    for n in range(50):
        heard: list[BusEvent] = []
        await bus.listen(f"guest {n}", heard.append)
        assert await published(elsewhere, f"guest {n}", NewerPage(n)) == 1
        await until(lambda heard=heard: bool(heard))  # type: ignore[misc]


async def test_subscriptions_asked_for_at_once_are_all_heard(bus: Bus, elsewhere: Bus) -> None:
    heard: list[BusEvent] = []
    await asyncio.gather(*(bus.listen(f"guest {n % 300}", heard.append) for n in range(600)))
    counts = await asyncio.gather(*(published(elsewhere, f"guest {n}", NewerPage(n)) for n in range(300)))
    assert min(counts) >= 1
    await until(lambda: len(heard) == 600)


async def test_nobody_is_told_to_catch_up_while_nothing_was_missed(bus: Bus) -> None:
    resumed: list[bool] = []
    bus.watch(lambda: resumed.append(True))
    handle = await bus.listen("anna", lambda _: None)
    await published(bus, "anna", NewerPage(1))
    bus.unlisten(handle)
    await settled(bus, "anna", 0)
    assert resumed == []
