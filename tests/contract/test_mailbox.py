"""What every mailbox promises (citychat.ports.Mailbox, protocol §2.7)."""

import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citychat.model import Message
from citychat.ports import Mail, Mailbox
from citychat.rules import DAY_MS
from tests.contract.conftest import SteppedClock
from tests.support.killing import killed_after
from tests.support.patience import PATIENCE_S
from tests.support.stores import Store, is_read, message, put, short_lived

READY_MAX = 500
fresh = map("guest{}".format, itertools.count())


class Reader:
    """An opener that remembers what it was given."""

    def __init__(self) -> None:
        self.mail: list[Mail] = []
        self._more = asyncio.Event()

    def __call__(self, mail: Mail) -> None:
        self.mail.append(mail)
        self._more.set()

    async def read(self, count: int) -> list[Message]:
        """The messages, once there are ``count`` of them."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.mail) < count:
                self._more.clear()
                await self._more.wait()
        return [mail.message for mail in self.mail]

    def tags(self, *numbers: int) -> list[int]:
        return [mail.tag for mail in self.mail if mail.message.number in numbers]


async def all_waiting(mailbox: Mailbox, guest: str) -> list[Message]:
    """All that waits for the guest: a last message is put behind it, and nothing can come after that one."""
    last = message(1, st="last")
    assert await put(mailbox, guest, last)
    reader = Reader()
    handle = await mailbox.open(guest, reader)
    count = 1
    while (await reader.read(count))[-1] != last:
        count = len(reader.mail) + 1
    mailbox.ack(handle, [reader.mail[-1].tag])
    await mailbox.close(handle)
    return [mail.message for mail in reader.mail[:-1]]


async def test_what_waits_and_what_comes_is_delivered_in_order_and_whole(mailbox: Mailbox) -> None:
    longest = "né \U0001f98a\n" + "\U0001f98a" * 1_995
    first = Message("s", 1, "stream", 1, 2**52, longest, 1_700_000_000_000, ("older", 7))
    second = Message("s", 1, "stream", 2, 9, "", 5, kind="unknown")
    assert await put(mailbox, "anna", first, second)
    reader = Reader()
    await mailbox.open("anna", reader)
    assert await reader.read(2) == [first, second]
    assert await put(mailbox, "anna", message(3))
    assert await put(mailbox, "anna", message(4), message(5))
    assert await reader.read(5) == [first, second, message(3), message(4), message(5)]


async def test_what_waits_for_everybody_is_counted_where_the_engine_tells(mailbox: Mailbox) -> None:
    await put(mailbox, "anna", message(1), message(2))
    await put(mailbox, "ben", message(3))
    reader = Reader()
    handle = await mailbox.open("anna", reader)
    await reader.read(2)
    told = await mailbox.waiting()
    assert told in (3, None), "what is out unacked waits as well"
    mailbox.ack(handle, reader.tags(1))
    await mailbox.close(handle)
    assert await mailbox.waiting() == (None if told is None else 2)


async def test_puts_that_were_not_waited_for_keep_their_order(mailbox: Mailbox) -> None:
    for n in range(1, 101):
        mailbox.put("anna", [message(n)], lambda kept: None)
    assert await all_waiting(mailbox, "anna") == [message(n) for n in range(1, 101)]


async def test_mail_is_for_its_guest_alone(mailbox: Mailbox) -> None:
    await put(mailbox, "anna", message(1))
    await put(mailbox, "ben", message(2))
    assert await all_waiting(mailbox, "anna") == [message(1)]
    assert await all_waiting(mailbox, "ben") == [message(2)]
    assert await all_waiting(mailbox, "carl") == []


async def test_what_is_acked_is_forgotten_and_the_rest_comes_back_in_its_place(mailbox: Mailbox) -> None:
    await put(mailbox, "anna", *map(message, range(1, 7)))
    reader = Reader()
    handle = await mailbox.open("anna", reader)
    await reader.read(6)
    mailbox.ack(handle, reader.tags(2, 5))
    mailbox.ack(handle, reader.tags(5))
    await mailbox.close(handle)
    await put(mailbox, "anna", message(7))
    assert [m.number for m in await all_waiting(mailbox, "anna")] == [1, 3, 4, 6, 7]


async def test_what_comes_after_all_was_acked_is_delivered_too(mailbox: Mailbox) -> None:
    reader = Reader()
    handle = await mailbox.open("anna", reader)
    for n in range(1, 4):
        assert await put(mailbox, "anna", message(n))
        await reader.read(n)
        mailbox.ack(handle, reader.tags(n))
    assert [mail.message.number for mail in reader.mail] == [1, 2, 3]
    assert len({mail.tag for mail in reader.mail}) == 3


async def test_an_ack_after_the_close_changes_nothing(mailbox: Mailbox) -> None:
    await put(mailbox, "anna", message(1))
    reader = Reader()
    handle = await mailbox.open("anna", reader)
    await reader.read(1)
    await mailbox.close(handle)
    mailbox.ack(handle, reader.tags(1))
    await mailbox.close(handle)
    assert await all_waiting(mailbox, "anna") == [message(1)]


async def test_a_closed_opener_hears_nothing_more(mailbox: Mailbox) -> None:
    reader = Reader()
    await put(mailbox, "anna", *map(message, range(1, 51)))
    await mailbox.close(await mailbox.open("anna", reader))
    heard = len(reader.mail)
    assert await all_waiting(mailbox, "anna") == [message(n) for n in range(1, 51)]
    assert len(reader.mail) == heard


async def test_a_second_opener_gets_everything_unacked_when_the_first_has_closed(mailbox: Mailbox) -> None:
    await put(mailbox, "anna", *map(message, range(1, 41)))
    first, second = Reader(), Reader()
    handle = await mailbox.open("anna", first)
    await first.read(40)
    await mailbox.open("anna", second)
    await put(mailbox, "anna", message(41))
    await first.read(41)
    mailbox.ack(handle, first.tags(1))
    assert second.mail == []
    await mailbox.close(handle)
    assert [m.number for m in await second.read(40)] == list(range(2, 42))


async def test_an_opener_that_gives_up_waiting_holds_nobody_up(mailbox: Mailbox) -> None:
    first, second, third = Reader(), Reader(), Reader()
    handle = await mailbox.open("anna", first)
    waiting = await mailbox.open("anna", second)
    await mailbox.open("anna", third)
    await mailbox.close(waiting)
    await put(mailbox, "anna", message(1))
    await first.read(1)
    await mailbox.close(handle)
    assert await third.read(1) == [message(1)]
    assert second.mail == []


async def test_more_than_500_that_wait_are_refused(mailbox: Mailbox) -> None:
    for n in range(0, READY_MAX, 50):
        assert await put(mailbox, "anna", *(message(n + i) for i in range(1, 51)))
    assert not await put(mailbox, "anna", message(READY_MAX + 1))
    assert await put(mailbox, "ben", message(1))
    reader = Reader()
    handle = await mailbox.open("anna", reader)
    assert [m.number for m in await reader.read(READY_MAX)] == list(range(1, READY_MAX + 1))
    mailbox.ack(handle, [mail.tag for mail in reader.mail])
    await mailbox.close(handle)
    assert await put(mailbox, "anna", message(READY_MAX + 1))


async def test_a_batch_of_which_only_a_part_would_fit_is_refused(mailbox: Mailbox) -> None:
    for n in range(0, READY_MAX - 10, 49):
        assert await put(mailbox, "anna", *(message(n + i) for i in range(1, 50)))
    assert not await put(mailbox, "anna", *(message(READY_MAX - 10 + i) for i in range(20)))
    assert await put(mailbox, "ben", message(1))


async def test_what_is_out_with_its_opener_does_not_count_as_waiting(mailbox: Mailbox) -> None:
    reader = Reader()
    await mailbox.open("anna", reader)
    for n in range(0, READY_MAX, 100):
        assert await put(mailbox, "anna", *(message(n + i) for i in range(1, 101)))
        await reader.read(n + 100)
    assert await put(mailbox, "anna", message(READY_MAX + 1))
    assert len(await reader.read(READY_MAX + 1)) == READY_MAX + 1


async def test_a_window_full_of_unacked_mail_opens_again(mailbox: Mailbox) -> None:
    reader = Reader()
    handle = await mailbox.open("anna", reader)
    total = 1_050
    for n in range(0, total, 50):
        assert await put(mailbox, "anna", *(message(n + i) for i in range(1, 51)))
    while len(reader.mail) < total:
        heard = len(reader.mail)
        mailbox.ack(handle, [mail.tag for mail in reader.mail])
        await reader.read(heard + 1)
    assert [mail.message.number for mail in reader.mail] == list(range(1, total + 1))


async def test_a_marker_comes_out_behind_all_that_was_stored_and_is_no_mail(mailbox: Mailbox) -> None:
    await put(mailbox, "anna", *map(message, range(1, 41)))
    reader = Reader()
    handle = await mailbox.open("anna", reader)
    assert await is_read(mailbox, handle) and len(reader.mail) == 40
    mailbox.ack(handle, reader.tags(1, 2))
    await put(mailbox, "anna", message(41))
    assert await is_read(mailbox, handle) and len(reader.mail) == 41
    await mailbox.close(handle)
    assert await all_waiting(mailbox, "anna") == [message(n) for n in range(3, 42)]


async def test_a_marker_comes_out_of_an_empty_mailbox(mailbox: Mailbox) -> None:
    handle = await mailbox.open("anna", Reader())
    assert await is_read(mailbox, handle)
    assert await is_read(mailbox, handle)


async def test_a_marker_says_nothing_while_another_opener_holds_the_mailbox(mailbox: Mailbox) -> None:
    first, second, answers = Reader(), Reader(), list[bool]()
    handle = await mailbox.open("anna", first)
    waiting = await mailbox.open("anna", second)
    await put(mailbox, "anna", message(1))
    mailbox.mark(waiting, answers.append)
    await put(mailbox, "anna", message(2))
    await first.read(2)
    assert True not in answers and second.mail == []
    await mailbox.close(handle)
    assert await is_read(mailbox, waiting) and await second.read(2) == [message(1), message(2)]


async def test_a_marker_that_nobody_waits_for_is_seen_by_nobody(mailbox: Mailbox) -> None:
    handle = await mailbox.open("anna", Reader())
    mailbox.mark(handle, lambda read: None)
    await mailbox.close(handle)
    await put(mailbox, "anna", message(1))
    assert await all_waiting(mailbox, "anna") == [message(1)]


async def test_a_marker_finds_its_way_through_a_full_window_and_a_full_mailbox(mailbox: Mailbox) -> None:
    """What is missing may wait behind 600 that are held, and 500 more may wait before it is asked for."""
    reader, held = Reader(), 600
    handle = await mailbox.open("anna", reader)
    for n in range(0, held + READY_MAX, 50):
        assert await put(mailbox, "anna", *(message(n + i) for i in range(1, 51)))
        await reader.read(min(held, n + 50))
    assert not await put(mailbox, "anna", message(held + READY_MAX + 1))
    while not await is_read(mailbox, handle):
        pass
    assert {mail.message.number for mail in reader.mail} == set(range(1, held + READY_MAX + 1))


async def test_blanking_empties_the_texts_of_one_side_of_one_session(mailbox: Mailbox) -> None:
    kept = [message(1, s="a", side=0), message(2, s="a", side=1), message(3, s="b", side=1)]
    await put(mailbox, "anna", *kept)
    await put(mailbox, "ben", kept[1])
    await mailbox.blank("anna", "a", 1)
    assert await all_waiting(mailbox, "anna") == [
        kept[0], Message("a", 1, "st", 2, 2, "", kept[1].at), kept[2],
    ]  # fmt: skip
    assert await all_waiting(mailbox, "ben") == [kept[1]]


async def test_what_has_waited_too_long_is_gone(mailbox_store: Store[Mailbox], clock: SteppedClock) -> None:
    async with short_lived(mailbox_store, clock.advance) as (mailbox, grow_old):
        await put(mailbox, "anna", message(1), message(2))
        await grow_old()
        await put(mailbox, "anna", message(3))
        assert await all_waiting(mailbox, "anna") == [message(3)]


@pytest.mark.parametrize("ahead_ms", [-3 * DAY_MS, -30 * 60_000, 2 * 3_600_000, 3 * DAY_MS])
async def test_a_clock_that_is_wrong_and_put_right_makes_no_mail_old(
    mailbox_store: Store[Mailbox], clock: SteppedClock, ahead_ms: int
) -> None:
    """Not over a restart either, and not when texts are blanked meanwhile."""
    clock.ahead_ms = ahead_ms
    async with mailbox_store.open() as mailbox:
        await put(mailbox, "anna", message(1, s="a", side=1), message(2))
        clock.ahead_ms = 0
        await put(mailbox, "anna", message(3))
        await mailbox.blank("anna", "a", 1)
        assert [mail.number for mail in await all_waiting(mailbox, "anna")] == [1, 2, 3]
    async with mailbox_store.open() as mailbox:
        assert [mail.number for mail in await all_waiting(mailbox, "anna")] == [1, 2, 3]


async def test_discarding_takes_away_nothing_that_waits(mailbox: Mailbox) -> None:
    await mailbox.discard("nobody")
    await put(mailbox, "anna", message(1))
    await mailbox.discard("anna")
    assert await all_waiting(mailbox, "anna") == [message(1)]


async def test_mail_outlives_the_process(mailbox_store: Store[Mailbox]) -> None:
    async with mailbox_store.open() as mailbox:
        await put(mailbox, "anna", message(1), message(2), message(3))
        reader = Reader()
        handle = await mailbox.open("anna", reader)
        await reader.read(3)
        mailbox.ack(handle, reader.tags(2))
        await mailbox.close(handle)
    async with mailbox_store.open() as mailbox:
        assert await all_waiting(mailbox, "anna") == [message(1), message(3)]


@pytest.mark.parametrize("lines", [1, 60, 900])
async def test_nothing_stored_is_lost_when_the_process_is_killed(mailbox_store: Store[Mailbox], lines: int) -> None:
    stored = await killed_after("mailbox", mailbox_store.adapter, mailbox_store.folder, lines)
    async with mailbox_store.open() as mailbox:
        waiting: list[int] = []
        for stream in itertools.count():
            mail = [m.number for m in await all_waiting(mailbox, f"st{stream}")]
            if not mail:
                break
            waiting += mail
    assert waiting == sorted(set(waiting))
    assert set(stored) <= set(waiting)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 4)),
        st.tuples(st.just("open"), st.just(0)),
        st.tuples(st.just("ack"), st.integers(0, 2**16 - 1)),
        st.tuples(st.just("close"), st.just(0)),
    ),
    max_size=30,
)


@given(steps=steps)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_interleaving_keeps_all_that_was_not_acked_in_order(
    mailbox: Mailbox, steps: list[tuple[str, int]]
) -> None:
    guest, kept, put_so_far = next(fresh), list[Message](), 0
    readers: list[tuple[Reader, object]] = []  # the first holds the queue; all of the guest's
    for step, value in steps:
        if step == "put":
            new = [message(put_so_far + i + 1) for i in range(value)]
            put_so_far += value
            mailbox.put(guest, new, lambda stored: None)
            kept += new
        elif step == "open" and len(readers) < 3:
            reader = Reader()
            readers.append((reader, await mailbox.open(guest, reader)))
        elif step == "ack" and readers:
            reader, handle = readers[0]
            gone = {mail.tag: mail.message for i, mail in enumerate(reader.mail) if value >> i % 16 & 1}
            mailbox.ack(handle, list(gone))
            kept = [m for m in kept if m not in gone.values()]
        elif step == "close" and readers:
            reader, handle = readers.pop(value if len(readers) == 1 else put_so_far % 2)
            await mailbox.close(handle)
        if readers and step != "put" and put_so_far % 3 == 0 and kept:
            reader = readers[0][0]
            async with asyncio.timeout(PATIENCE_S):
                while kept[-1] not in [mail.message for mail in reader.mail]:
                    await reader.read(len(reader.mail) + 1)
        for reader, _ in readers[1:]:
            assert reader.mail == []
        for reader, _ in readers:
            numbers = [mail.message.number for mail in reader.mail]
            assert numbers == sorted(set(numbers))
    for _, handle in readers:
        await mailbox.close(handle)
    assert await all_waiting(mailbox, guest) == kept
    assert set(kept) <= {message(n + 1) for n in range(put_so_far)}
