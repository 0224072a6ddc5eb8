"""The receiver's process (protocol §2.5.2 to 2.5.4) as a plain state machine, in virtual time."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citychat.delivery.receiver import (
    HALF_OPEN_S,
    HELD_MAX,
    LOST_MAX,
    OUT_MAX,
    STREAMS_MAX,
    Receiver,
)
from citychat.model import LAMPORT_MAX, Message, MessageKey
from tests.support.stores import message
from tests.support.virtual_time import VirtualClock, VirtualLoop

PATIENCE_S = 60.0


class ReceiverBench:
    """A receiving end; ``page`` is what the page was sent, ``history`` what it has drawn, ``gaps`` what history is to
    have before the page."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.page: list[Message] = []
        self.history: list[Message] = []
        self.gaps: list[Message] = []
        self.dropped: list[MessageKey] = []
        self.closed: list[float] = []
        self.patience = {"s": PATIENCE_S}
        self.asked: list[Callable[[bool], None]] = []  # whether a hole may be given up
        self.answers: Callable[[], None] = lambda: self.asked.pop()(True)
        self.receiving = Receiver(
            clock=VirtualClock(self.loop),
            emit=self.page.append,
            drawn=self.history.append,
            write_gap=self.gaps.append,
            drop=self.dropped.extend,
            half_open=lambda: self.closed.append(self.loop.time()),
            patience_s=lambda s: self.patience.get(s, PATIENCE_S),
            may_give_up=self._ask,
        )

    def _ask(self, s: str, answer: Callable[[bool], None]) -> None:
        self.asked.append(answer)
        self.answers()

    def wait(self, secs: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(secs))

    def take(self, *numbers: int, st: str = "st", s: str = "s") -> None:
        for n in numbers:
            self.receiving.incoming(message(n, st, s=s))

    def sent(self) -> list[tuple[str, int]]:
        return [m.key for m in self.page]

    def ack(self) -> None:
        """As an honest page does, with everything."""
        for m in list(self.page):
            self.receiving.drawn(m.stream, m.last)


@contextmanager
def opened() -> Iterator[ReceiverBench]:
    bench = ReceiverBench()
    try:
        yield bench
    finally:
        bench.loop.close()


@pytest.fixture
def bench() -> Iterator[ReceiverBench]:
    with opened() as bench:
        yield bench


# -- in order, once ----------------------------------------------------------------------------------------------------


def test_the_next_goes_to_the_page_and_what_it_has_drawn_to_the_history(bench: ReceiverBench) -> None:
    bench.take(1, 2)
    assert bench.sent() == [("st", 1), ("st", 2)] and bench.history == []
    bench.receiving.drawn("st", 1)
    assert [m.number for m in bench.history] == [1]
    bench.receiving.drawn("st", 2)
    assert [m.number for m in bench.history] == [1, 2]


copies = st.permutations([(stream, n) for stream, last in (("a", 5), ("b", 4), ("c", 3)) for n in range(1, last + 1)])


@given(copies, st.lists(st.sampled_from([("a", 1), ("a", 5), ("b", 1), ("b", 4), ("c", 2)])), st.data())
@settings(max_examples=150)
def test_copies_in_any_order_and_number_reach_the_page_once_in_the_order_of_the_links(
    first: list[MessageKey], again: list[MessageKey], data: st.DataObject
) -> None:
    links = {"b": ("a", 5), "c": ("b", 4)}
    with opened() as bench:
        for stream, n in (*first, *again):
            bench.receiving.incoming(message(n, stream, p=links.get(stream) if n == 1 else None))
            if data.draw(st.booleans()):
                bench.ack()
        bench.ack()
    expected = [(stream, n) for stream, last in (("a", 5), ("b", 4), ("c", 3)) for n in range(1, last + 1)]
    assert bench.sent() == expected
    assert list(dict.fromkeys(m.key for m in bench.history)) == expected
    assert bench.receiving.held == 0 and bench.receiving.out == {}


def test_a_copy_of_what_was_drawn_goes_to_the_history_again_and_one_on_its_way_nowhere(bench: ReceiverBench) -> None:
    bench.receiving.start({"st": 3})
    bench.take(2, 4, 4)
    assert [m.number for m in bench.history] == [2]
    assert bench.sent() == [("st", 4)]


def test_of_two_texts_with_one_number_the_first_stays(bench: ReceiverBench) -> None:
    bench.receiving.incoming(message(2, x="first"))
    bench.receiving.incoming(message(2, x="second"))
    bench.take(1)
    bench.receiving.incoming(message(2, x="third"))
    bench.ack()
    assert [m.text for m in bench.page] == ["text 1", "first"]
    assert [m.text for m in bench.history] == ["text 1", "first"]


def test_a_new_stream_waits_for_the_end_of_the_one_before(bench: ReceiverBench) -> None:
    bench.receiving.incoming(message(1, "new", p=("old", 2)))
    bench.take(1, st="old")
    assert bench.sent() == [("old", 1)]
    bench.take(2, st="old")
    assert bench.sent() == [("old", 1), ("old", 2), ("new", 1)]


def test_at_most_32_are_on_their_way_and_the_rest_follows_the_acks(bench: ReceiverBench) -> None:
    bench.take(*range(1, 101))
    assert len(bench.page) == OUT_MAX
    bench.receiving.drawn("st", 10)
    assert len(bench.page) == OUT_MAX + 10
    for _ in range(10):
        bench.ack()
    assert bench.sent() == [("st", n) for n in range(1, 101)] and bench.gaps == []


def test_of_the_live_route_600_are_held_and_of_the_mailbox_all(bench: ReceiverBench) -> None:
    bench.take(*range(2, HELD_MAX + 2))
    bench.take(HELD_MAX + 2)
    assert bench.receiving.held == HELD_MAX
    bench.receiving.incoming(message(HELD_MAX + 2), tag=1)
    assert bench.receiving.held == HELD_MAX + 1
    bench.take(1, s="another", st="theirs")
    assert bench.sent() == [("theirs", 1)], "what is next needs no room"
    bench.take(1)
    for _ in range(HELD_MAX):
        bench.ack()
    assert bench.sent()[-1] == ("st", HELD_MAX + 2)


def test_an_ack_of_what_was_not_sent_is_an_ack_of_what_was(bench: ReceiverBench) -> None:
    bench.receiving.drawn("st", 5)
    bench.take(1, 2, 4)
    bench.receiving.drawn("st", LAMPORT_MAX)
    bench.receiving.drawn("nobody's", LAMPORT_MAX)
    bench.receiving.drawn("st", 0)
    assert [m.number for m in bench.history] == [1, 2]
    bench.take(3)
    assert bench.sent()[-2:] == [("st", 3), ("st", 4)]


def test_the_tags_of_all_copies_are_given_back_once(bench: ReceiverBench) -> None:
    for tag in (7, 8):
        bench.receiving.incoming(message(1), tag)
    bench.receiving.incoming(message(2), 9)
    assert bench.receiving.take_tags([("st", 1)]) == [7, 8]
    assert bench.receiving.take_tags([("st", 1), ("st", 2)]) == [9]


# -- holes -------------------------------------------------------------------------------------------------------------


def test_a_hole_becomes_one_line_after_its_time_once_history_has_it(bench: ReceiverBench) -> None:
    bench.take(1, 4, 5)
    bench.wait(PATIENCE_S - 1)
    assert bench.gaps == []
    bench.wait(2)
    (gap,) = bench.gaps
    assert (gap.number, gap.to, gap.kind, gap.text, gap.lamport, gap.side, gap.session) == (2, 3, "gap", "", 3, 0, "s")
    assert len(bench.page) == 1, "not before history has it"
    bench.receiving.gap_written(gap)
    assert [(m.number, m.kind) for m in bench.page] == [(1, None), (2, "gap"), (4, None), (5, None)]
    bench.ack()
    assert bench.receiving.out == {}, "a page acks the last number of a gap"
    assert [m.number for m in bench.history] == [1, 4, 5], "which the history has already"


def test_a_hole_that_may_not_be_given_up_is_waited_for_anew_and_asked_for_again(bench: ReceiverBench) -> None:
    bench.answers = lambda: bench.asked[-1](False)
    bench.take(2)
    bench.wait(3 * PATIENCE_S + 1)
    assert len(bench.asked) == 3 and bench.gaps == [] and bench.page == []
    bench.answers = lambda: bench.asked[-1](True)
    bench.wait(PATIENCE_S)
    assert [(gap.number, gap.to) for gap in bench.gaps] == [(1, None)]


def test_what_came_to_be_missing_after_the_question_is_not_given_up_with_its_answer(bench: ReceiverBench) -> None:
    bench.answers = lambda: None
    bench.take(4)
    bench.wait(PATIENCE_S + 1)
    bench.take(2)
    bench.take(3, st="other")
    bench.asked[0](True)
    assert [(*gap.key, gap.to) for gap in bench.gaps] == [("st", 1, None)]


@pytest.mark.parametrize("change", ["moved", "partner", "closed"])
def test_an_answer_that_is_late_counts_for_nothing(bench: ReceiverBench, change: str) -> None:
    bench.answers = lambda: None
    bench.take(3)
    bench.wait(PATIENCE_S + 1)
    if change == "moved":
        bench.take(1)
    elif change == "partner":
        bench.receiving.wait_for_gap()
    else:
        bench.receiving.close()
    bench.asked[0](True)
    assert bench.gaps == []
    bench.wait(PATIENCE_S - 1)
    assert len(bench.asked) == 1
    bench.wait(2)
    assert len(bench.asked) == (1 if change == "closed" else 2)


def test_a_copy_that_comes_while_its_gap_is_written_is_drawn_and_one_that_comes_later_goes_to_the_history(
    bench: ReceiverBench,
) -> None:
    bench.take(1, 5)
    bench.wait(PATIENCE_S + 1)
    bench.take(2)
    bench.receiving.gap_written(bench.gaps[0])
    bench.take(3)  # the line is on its way to the page
    bench.ack()
    bench.take(4)
    assert [(m.number, m.kind) for m in bench.page] == [(1, None), (2, None), (3, "gap"), (5, None)]
    assert [m.number for m in bench.history] == [3, 1, 2, 5, 4]


def test_a_line_waits_for_its_turn_and_what_comes_meanwhile_takes_its_place(bench: ReceiverBench) -> None:
    bench.take(*range(1, 31), 33)
    bench.wait(PATIENCE_S + 1)
    bench.take(34)
    bench.receiving.gap_written(bench.gaps[0], [message(31)])
    assert bench.sent()[-1] == ("st", 32), "a message that stood there, and the line"
    bench.wait(3 * PATIENCE_S)
    assert len(bench.gaps) == 1


def test_what_comes_for_a_line_that_waits_for_its_turn_goes_to_the_history(bench: ReceiverBench) -> None:
    bench.take(1, 4)
    bench.wait(PATIENCE_S + 1)
    bench.take(*range(1, 32), st="other")
    assert len(bench.page) == OUT_MAX
    bench.receiving.gap_written(bench.gaps[0])
    bench.take(2, 3)
    bench.wait(20)
    bench.ack()
    assert [m.key for m in bench.page][OUT_MAX:] == [("st", 2), ("st", 4)]
    assert {m.key for m in bench.history if m.kind is None} >= {("st", 2), ("st", 3)}


def test_the_hole_before_a_linked_stream_is_in_the_stream_it_links_to(bench: ReceiverBench) -> None:
    bench.take(1, st="old")
    bench.receiving.incoming(message(1, "new", p=("old", 3)))
    bench.take(2, st="new")
    bench.wait(PATIENCE_S + 1)
    (gap,) = bench.gaps
    assert (*gap.key, gap.to) == ("old", 2, 3)
    bench.receiving.gap_written(gap)
    assert bench.sent() == [("old", 1), ("old", 2), ("new", 1), ("new", 2)]


def test_holes_in_a_chain_of_streams_are_closed_from_the_first_on(bench: ReceiverBench) -> None:
    bench.receiving.incoming(message(1, "c", p=("b", 2)))
    bench.receiving.incoming(message(2, "b"))
    bench.receiving.incoming(message(3, "a"))
    for _ in range(3):
        bench.wait(PATIENCE_S + 1)
        for gap in bench.gaps:
            bench.receiving.gap_written(gap)
        bench.gaps.clear()
        bench.ack()
    assert bench.sent() == [("b", 1), ("b", 2), ("c", 1), ("a", 1), ("a", 3)]


def test_the_time_runs_anew_when_the_session_has_moved_and_not_when_another_has(bench: ReceiverBench) -> None:
    bench.take(2, 4)
    bench.wait(40)
    bench.take(1)
    bench.wait(40)
    assert bench.gaps == []
    bench.take(1, s="another", st="theirs")
    bench.receiving.drawn("theirs", 1)
    bench.wait(21)
    assert bench.gaps[0].key == ("st", 3)


def test_the_time_runs_anew_when_the_partner_comes_or_goes(bench: ReceiverBench) -> None:
    bench.take(2)
    bench.wait(59)
    bench.patience["s"] = 1000.0
    bench.receiving.wait_for_gap()
    bench.wait(999)
    assert bench.gaps == []
    bench.patience["s"] = 5.0
    bench.receiving.wait_for_gap()
    bench.wait(6)
    assert len(bench.gaps) == 1


def test_a_gap_that_history_could_not_take_is_tried_again(bench: ReceiverBench) -> None:
    bench.take(2)
    bench.wait(PATIENCE_S + 1)
    bench.receiving.gap_failed(bench.gaps[0])
    bench.wait(PATIENCE_S + 1)
    assert len(bench.gaps) == 2
    bench.receiving.gap_failed(bench.gaps[1])
    bench.take(1)
    bench.wait(300)
    assert bench.sent() == [("st", 1), ("st", 2)] and len(bench.gaps) == 2


def test_a_gap_that_history_could_not_take_does_not_count(bench: ReceiverBench) -> None:
    bench.take(LOST_MAX // 2)
    for _ in range(5):
        bench.wait(PATIENCE_S + 1)
        bench.receiving.gap_failed(bench.gaps.pop())
    assert bench.dropped == []


def test_a_page_that_is_slow_makes_no_holes(bench: ReceiverBench) -> None:
    bench.take(*range(1, 40))
    bench.wait(HALF_OPEN_S - 1)
    bench.receiving.drawn("st", 0)
    bench.wait(HALF_OPEN_S - 1)
    bench.receiving.drawn("st", 0)
    bench.wait(HALF_OPEN_S - 1)
    assert bench.gaps == [] and bench.closed == []


# -- liars -------------------------------------------------------------------------------------------------------------


def test_a_number_too_far_away_is_dropped_and_stops_nothing_else(bench: ReceiverBench) -> None:
    bench.receiving.incoming(message(LAMPORT_MAX), tag=1)
    bench.receiving.incoming(message(LAMPORT_MAX - 1), tag=2)
    bench.take(1, st="good")
    bench.wait(PATIENCE_S + 1)
    assert bench.gaps == [] and sorted(bench.dropped) == [("st", LAMPORT_MAX - 1), ("st", LAMPORT_MAX)]
    assert bench.receiving.held == 0
    bench.take(2, st="good")
    bench.take(1)
    assert bench.sent() == [("good", 1), ("good", 2), ("st", 1)]


def test_lost_messages_are_counted_over_all_streams_of_a_session(bench: ReceiverBench) -> None:
    for i in range(10):
        bench.take(LOST_MAX // 4, st=f"lie{i}")
    bench.wait(PATIENCE_S + 1)
    assert sum(gap.last for gap in bench.gaps) <= LOST_MAX
    assert len(bench.dropped) == 10 - len(bench.gaps) == 6
    for gap in bench.gaps:
        bench.receiving.gap_written(gap)
    bench.take(3, s="another", st="honest")
    bench.wait(PATIENCE_S + 1)
    assert (*bench.gaps[-1].key, bench.gaps[-1].to) == ("honest", 1, 2)


def test_what_was_lost_before_a_join_counts_after_it(bench: ReceiverBench) -> None:
    bench.receiving.start({"st": 1}, "s", LOST_MAX - 2)
    bench.take(5)
    bench.take(3, st="other")
    bench.wait(PATIENCE_S + 1)
    assert [gap.stream for gap in bench.gaps] == ["other"] and bench.dropped == [("st", 5)]


@pytest.mark.parametrize("links", [{"a": ("a", 1)}, {"a": ("b", 1), "b": ("a", 1)}, {"a": ("b", 9), "b": ("a", 9)}])
def test_links_in_a_circle_are_given_up(bench: ReceiverBench, links: dict[str, MessageKey]) -> None:
    for stream, link in links.items():
        bench.receiving.incoming(message(1, stream, p=link), tag=1)
    for _ in range(4):
        bench.wait(PATIENCE_S + 1)
        for gap in bench.gaps:
            bench.receiving.gap_written(gap)
        bench.gaps.clear()
        bench.ack()
    assert bench.receiving.held == 0 and bench.receiving.out == {}
    assert {m.stream for m in bench.page if m.kind is None} == set(links)


def test_a_link_to_a_stream_that_never_was_is_a_hole_or_a_lie(bench: ReceiverBench) -> None:
    bench.receiving.incoming(message(1, "a", p=("never", 2)))
    bench.receiving.incoming(message(1, "b", p=("never either", LAMPORT_MAX)), tag=1)
    bench.wait(PATIENCE_S + 1)
    assert [(*gap.key, gap.to) for gap in bench.gaps] == [("never", 1, 2)]
    assert bench.dropped == [("b", 1)]


def test_streams_without_end_fill_one_session_and_no_other(bench: ReceiverBench) -> None:
    for i in range(STREAMS_MAX + 5):
        bench.take(1, st=f"st{i}")
        bench.receiving.drawn(f"st{i}", 1)
    assert len(bench.page) == STREAMS_MAX and len(bench.dropped) == 5
    bench.take(2, st="st0")
    bench.take(1, s="another", st="theirs")
    assert bench.sent()[-2:] == [("st0", 2), ("theirs", 1)]


def test_a_stream_that_is_begun_anew_counts_once(bench: ReceiverBench) -> None:
    bench.receiving.start({f"st{i}": 1 for i in range(STREAMS_MAX - 1)}, "s")
    bench.receiving.start({"st0": 0}, "s")
    bench.take(1, st="st0")
    bench.take(1, st="the last")
    assert bench.sent() == [("st0", 1), ("the last", 1)] and not bench.dropped


def test_streams_that_history_knows_count(bench: ReceiverBench) -> None:
    bench.receiving.start({f"old{i}": 1 for i in range(STREAMS_MAX)}, "s")
    bench.take(1, st="new")
    bench.take(1, s="another", st="theirs")
    assert bench.dropped == [("new", 1)] and bench.sent() == [("theirs", 1)]


# -- half-open ---------------------------------------------------------------------------------------------------------


def test_a_page_that_acks_nothing_for_30_seconds_is_closed(bench: ReceiverBench) -> None:
    bench.wait(100)
    bench.take(1)
    bench.wait(HALF_OPEN_S + 0.1)
    assert bench.closed == [100 + HALF_OPEN_S]


def test_the_30_seconds_count_from_the_last_ack(bench: ReceiverBench) -> None:
    bench.take(1, 2)
    bench.wait(20)
    bench.receiving.drawn("st", 1)
    bench.wait(HALF_OPEN_S - 1)
    assert bench.closed == []
    bench.wait(2)
    assert bench.closed == [20 + HALF_OPEN_S]


def test_a_page_with_nothing_to_ack_is_left_alone(bench: ReceiverBench) -> None:
    for n in range(1, 6):
        bench.take(n)
        bench.ack()
        bench.wait(HALF_OPEN_S - 1)
    bench.take(6)
    bench.wait(HALF_OPEN_S - 1)
    assert bench.closed == []
    bench.ack()
    bench.wait(1000)
    assert bench.closed == []


def test_a_closed_end_does_nothing_more(bench: ReceiverBench) -> None:
    bench.take(1, 3)
    bench.receiving.close()
    bench.wait(1000)
    assert bench.closed == [] and bench.gaps == []
