"""The sender's process (protocol §2.4) over the simulated bus and mailbox."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest

from citychat.adapters.memory import MemoryLobby
from citychat.delivery.sender import RECEIPT_S, Sender
from citychat.figures import Traffic
from citychat.model import LAMPORT_MAX, Message, Ranges, Session
from citychat.ports import BusEvent, Engines, NewMessage
from tests.simulation.bus import SimBus
from tests.simulation.engines import Machine, Queue, SimMailbox, World
from tests.simulation.history import SimHistory
from tests.support.stores import message
from tests.support.virtual_time import VirtualClock, VirtualLoop


class SenderBench:
    """Ann's sending end; ``heard`` is what ben's process gets over the bus, ``mail`` what waits in his mailbox."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.world = World(self.loop, Random(3))
        machine = Machine(self.world.loop, self.world.random)
        self.bus, self.mailbox = SimBus(self.world, machine), SimMailbox(self.world, machine)
        self.told: list[tuple[str, Ranges, str]] = []
        self.heard: list[tuple[float, Message]] = []
        self.puts: list[float] = []
        clock, lobby = VirtualClock(self.loop, machine.runs), MemoryLobby(lambda: 0, Random(1))
        engines = Engines(self.bus, lobby, self.mailbox, SimHistory(self.world, machine), clock, self.world.random)
        session = Session("s", ("ann", "ben"), ("Amber Fox", "Teal Owl"), "Lyon", 0, 1)
        self.sender = Sender(session, "ann", engines, lambda *told: self.told.append(told), Traffic())

    def listen(self) -> object:
        return self.loop.run_until_complete(self.bus.listen("ben", self._hear))

    def _hear(self, record: BusEvent) -> None:
        assert isinstance(record, NewMessage)
        self.heard.append((self.loop.time(), record.message))

    def wait(self, secs: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(secs))

    def say(self, *numbers: int, st: str = "st") -> None:
        for n in numbers:
            self.sender.say(message(n, st))

    def live(self) -> list[int]:
        return [m.number for _, m in self.heard]

    def mail(self) -> list[int]:
        return [entry.message.number for entry in self.world.queues.get("ben", Queue()).ready]


@pytest.fixture
def bench() -> Iterator[SenderBench]:
    bench = SenderBench()
    yield bench
    bench.loop.close()


def test_a_partner_who_is_here_gets_it_over_the_bus_and_the_mailbox_never_sees_it(bench: SenderBench) -> None:
    bench.listen()
    bench.say(1, 2, 3)
    bench.wait(0.1)
    assert bench.live() == [1, 2, 3]
    bench.sender.receipt("st", [(1, 3)])
    assert bench.told == [("st", [(1, 3)], "delivered")]
    bench.wait(60)
    assert bench.mail() == [] and bench.sender.pending == {}


def test_with_no_listener_it_goes_to_the_mailbox_at_once_and_the_tick_names_exact_ranges(bench: SenderBench) -> None:
    bench.say(1, 2, 5)
    bench.say(1, st="other")
    bench.wait(0.1)
    assert bench.mail() == [1, 2, 5, 1]
    assert bench.told == [("st", [(1, 2), (5, 5)], "stored"), ("other", [(1, 1)], "stored")]


def test_without_a_receipt_for_three_seconds_all_pending_goes_to_the_mailbox_in_order(bench: SenderBench) -> None:
    bench.listen()
    bench.say(1)
    bench.wait(RECEIPT_S - 1)
    bench.say(2)
    assert bench.mail() == []
    bench.wait(1.1)
    assert bench.mail() == [1, 2] and bench.told == [("st", [(1, 2)], "stored")]
    bench.say(3)
    bench.wait(0.1)
    assert bench.mail() == [1, 2, 3] and bench.live() == [1, 2], "away: no more over the bus"


def test_a_receipt_drops_exactly_what_it_names_and_runs_the_three_seconds_anew(bench: SenderBench) -> None:
    bench.listen()
    bench.say(1, 2, 3)
    bench.wait(2)
    bench.sender.receipt("st", [(2, 2)])
    assert list(bench.sender.pending) == [("st", 1), ("st", 3)]
    bench.wait(2)
    assert bench.mail() == []
    bench.wait(1.1)
    assert bench.mail() == [1, 3]


def test_a_receipt_brings_the_live_route_back_also_for_what_was_said_meanwhile(bench: SenderBench) -> None:
    bench.sender.gone()
    bench.world.mailbox_up = False
    bench.say(1)
    bench.listen()
    bench.say(2)
    bench.sender.receipt("st", [(1, 1)])
    bench.wait(0.1)
    assert bench.live() == [2]
    bench.say(3)
    bench.wait(0.1)
    assert bench.live() == [2, 3]


def test_a_receipt_for_all_numbers_there_are_costs_no_more_than_what_is_pending(bench: SenderBench) -> None:
    bench.listen()
    bench.say(1, LAMPORT_MAX)
    bench.say(7, st="other")
    bench.sender.receipt("st", [(1, LAMPORT_MAX)])
    assert list(bench.sender.pending) == [("other", 7)]


def test_a_partner_who_has_joined_gets_everything_unanswered_again_in_order(bench: SenderBench) -> None:
    bench.world.mailbox_up = False
    bench.say(1, 2)
    bench.wait(0.1)
    bench.listen()
    bench.sender.here()
    bench.wait(0.1)
    assert bench.live() == [1, 2]


def test_a_partner_known_to_be_gone_gets_mail_at_once(bench: SenderBench) -> None:
    bench.listen()
    bench.say(1)
    bench.sender.gone()
    bench.wait(0.1)
    assert bench.mail() == [1] and bench.told == [("st", [(1, 1)], "stored")]


def test_what_is_said_while_the_mailbox_is_writing_is_stored_after_it(bench: SenderBench) -> None:
    bench.sender.gone()
    for n in range(1, 6):
        bench.say(n)
    bench.wait(0.1)
    assert bench.mail() == [1, 2, 3, 4, 5]
    assert sorted(n for _, ranges, _ in bench.told for a, b in ranges for n in range(a, b + 1)) == [1, 2, 3, 4, 5]


def test_a_mailbox_that_refuses_is_tried_both_ways_later_and_later_up_to_half_a_minute(bench: SenderBench) -> None:
    bench.world.mailbox_up = False
    bench.listen()
    bench.sender.gone()
    bench.say(1)
    bench.wait(300)
    times = [at_s for at_s, _ in bench.heard]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert bench.told == []
    assert all(0.5 <= wait <= 33.1 for wait in waits), "each attempt takes up to 3 s to fail"
    assert waits[-1] > 15 > waits[0]
    bench.world.mailbox_up = True
    bench.wait(31)
    assert bench.told == [("st", [(1, 1)], "stored")] and bench.mail() == [1]


def test_much_said_while_the_mailbox_is_away_does_not_multiply_the_retries(bench: SenderBench) -> None:
    bench.world.mailbox_up = False
    bench.sender.gone()
    for n in range(1, 33):
        bench.say(n)
        bench.wait(1)
    bench.listen()
    bench.wait(100)
    assert 3 * 32 <= len(bench.heard) <= 7 * 32, "about one round in half a minute"
    assert bench.live()[:32] == list(range(1, 33))


def test_a_confirm_that_gets_lost_leads_to_a_second_copy_and_never_to_none(bench: SenderBench) -> None:
    bench.world.loss = 1.0
    bench.say(1)
    bench.wait(1)
    assert bench.told == []
    bench.world.loss = 0.0
    bench.wait(30)
    assert bench.told == [("st", [(1, 1)], "stored")] and bench.mail() == [1, 1]


def test_a_page_that_goes_leaves_what_was_not_answered_in_the_mailbox(bench: SenderBench) -> None:
    bench.listen()
    bench.say(1, 2)
    bench.sender.close()
    bench.wait(100)
    assert bench.mail() == [1, 2] and bench.told == [] and bench.sender.pending == {}


def test_nothing_pending_means_nothing_planned(bench: SenderBench) -> None:
    bench.listen()
    bench.sender.here()
    bench.sender.gone()
    bench.sender.here()
    bench.sender.close()
    bench.wait(100)
    assert bench.live() == [] and bench.mail() == []
