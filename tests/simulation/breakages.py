"""The protocol with one rule left out. Each must be caught: a checker that never fails proves nothing.

A breakage is (class, method, what it becomes); the test puts it in place for one run.
"""

from collections.abc import Callable, Sequence
from typing import Any

from citychat.adapters.memory import lobby as local_lobby
from citychat.adapters.memory.lobby_guest import LobbyGuest, strangers
from citychat.adapters.memory.lobby_state import LobbyState
from citychat.delivery import Endpoint, HistoryWriter
from citychat.delivery.receiver import Receiver, Stream
from citychat.matching import Sessions
from citychat.matching.lease import Lease
from citychat.matching.reconciler import Reconciler
from citychat.model import Message, Offer, Session, by_stream, new_aliases, new_id
from citychat.ports import BusEvent, Receipt
from citychat.registry import Client
from tests.simulation.engines import Consumer, Queue, SimMailbox

Breakage = tuple[object, str, Callable[..., Any]]


async def _no_fence(self: HistoryWriter) -> None:
    """Receipts leave for whoever has drawn, whether or not a newer page has taken over."""
    unsure, self.unsure = self.unsure, []
    self._kept.clear()
    for (drawer, message), is_gap in unsure:
        self.bytes -= message.size_bytes
        drawer.settled(*(([], [message]) if is_gap else ([message], [])))


def _no_hold(self: Receiver, stream: Stream, message: Message) -> bool:
    """Whatever comes goes to the page."""
    return message.number > stream.sent


def _no_link(self: Receiver, stream: Stream, message: Message) -> bool:
    """A new stream does not wait for the end of the one before."""
    return message.number == stream.sent + 1 and not stream.skipping and len(self.out) < 32


def _ack_first(self: Endpoint, message: Message) -> None:
    """The mailbox forgets a message as soon as the page has drawn it."""
    self.inbox.forget(*self.receiver.take_tags([message.key]))
    self.shared.writer.add(self, message)


def _receipt_first(self: Endpoint, message: Message) -> None:
    """The sender hears "delivered" as soon as the page has drawn it."""
    for st, ranges in by_stream([message.key]).items():
        self.engines.bus.publish(
            self.sessions[message.session].partner(self.guest), Receipt(message.session, st, ranges)
        )
    self.shared.writer.add(self, message)


async def _given_up(self: Endpoint, session_id: str, answer: Callable[[bool], None]) -> None:
    """A hole becomes a gap after its time, whatever waits in the mailbox."""
    answer(True)


BREAKAGES: dict[str, Breakage] = {
    "no fence": (HistoryWriter, "_fence", _no_fence),
    "no hold": (Receiver, "_is_next", _no_hold),
    "stream without link": (Receiver, "_is_next", _no_link),
    "ack before history": (Endpoint, "_drawn", _ack_first),
    "receipt before commit": (Endpoint, "_drawn", _receipt_first),
    "gap without marker": (Endpoint, "_ask_whether_read", _given_up),
}


def _block_nobody(self: LobbyState, a: str, b: str) -> Offer | None:
    """A no ends the offer and is forgotten."""
    offer = self.people[a].offer if a in self.people else None
    if offer is not None and b in (offer.seeker, offer.candidate):
        self.close(offer)
        return offer
    return None


def _deaf(self: Reconciler, client: Client, event: BusEvent) -> None:
    """Records of offers and sessions are not heard; only timers look."""


def _ring_on(candidate: LobbyGuest, seeker: LobbyGuest, now: int) -> bool:
    """Neither rests nor the two minutes between rings."""
    return not strangers(candidate, seeker, now)


async def _durable_later(self: Sessions, members: tuple[str, str], city: str) -> Session:
    """A session begins before its row is kept."""
    now = self.clock.wall_ms()
    session = Session(new_id(self.random), members, new_aliases(self.random), city, now, now + self.history_ms)
    self.tasks.spawn(self.history.sessions.begin(session), "begin")
    return session


async def _unconfirmed(self: Sessions, session_id: str, members: Sequence[str]) -> Session | None:
    """Whoever the lobby has in a session is told of it, whatever the history says."""
    return await self.history.sessions.find(session_id)


CROWD_BREAKAGES: dict[str, Breakage] = {
    "a no is forgotten": (LobbyState, "block", _block_nobody),
    "records are not heard": (Reconciler, "heard", _deaf),
    "rings without a pause": (local_lobby, "may_be_asked", _ring_on),
    "a session before its row": (Sessions, "prepare", _durable_later),
    "a session before it is confirmed": (Sessions, "confirm", _unconfirmed),
}


async def _not_again(self: Lease) -> None:
    """Who was in the lobby before it lost everything is left to be found by chance."""


async def _only_renew(self: Lease) -> None:
    """What the lobby answers to a renewal is not heard."""
    await self.lobby.renew(self.process)


def _to_the_end(self: SimMailbox, consumer: Consumer) -> None:
    """A broker that puts what was not acked behind what waits."""
    queue = self.world.queues.get(consumer.guest, Queue())
    if consumer in queue.consumers:
        queue.consumers.remove(consumer)
        queue.ready.extend(reversed(queue.unacked.values()))
        queue.unacked.clear()
        self.world.push(consumer.guest)


def _dropped(self: SimMailbox, consumer: Consumer) -> None:
    """A broker that forgets what was not acked."""
    queue = self.world.queues.get(consumer.guest, Queue())
    if consumer in queue.consumers:
        queue.consumers.remove(consumer)
        queue.unacked.clear()
        self.world.push(consumer.guest)


SERVICE_BREAKAGES: dict[str, Breakage] = {
    "nobody is entered again": (Lease, "reenter", _not_again),
    "a renewal's no is not heard": (Lease, "renew", _only_renew),
    "a requeue is lost": (SimMailbox, "requeue", _dropped),
}

# What a broker may do and no reader notices.
DISORDER: Breakage = (SimMailbox, "requeue", _to_the_end)
