"""One process's working parts, wired together: everything between its engines and its edge.

The server and the simulation assemble the same thing here; they differ in what they pass in.
"""

import logging
from collections.abc import Callable, Mapping
from random import Random

from msgspec import Struct

from citychat.delivery import Delivery
from citychat.handlers import ChatEvents, Dispatcher, UserEvents
from citychat.joining import Admission, Joining
from citychat.limits import Buckets, buckets
from citychat.matching import Matching, Moderation, Sessions
from citychat.places import Gazetteer, Places
from citychat.ports import Bus, Clock, History, Lobby, Mailbox
from citychat.server.watchdog import Watchdog
from citychat.tasks import Tasks
from citychat.tokens import SigningKeys

CHECK_S = 15.0  # what nobody could tell: partners who came or went, sessions that began or ended (protocol §2.4)
REFRESH_S = 10.0  # how many are free, told at most so often (product page, Ready)
LEASE_S = 5.0  # a third of what the lobby grants, so that two renewals may be lost (M9)
TIDY_S = 3_600.0
HOUR_S = 3_600.0

log = logging.getLogger(__name__)


class Policy(Struct, frozen=True):
    """What the host has settled: ``consent`` is the version of the rules asked for, ``contact`` may be empty."""

    consent: str
    contact: str
    history_ms: int
    message_burst: int
    message_rate: float
    guests_per_hour: int


class Process:
    """``door`` takes the events of pages, ``joining.closed`` their end. ``counts``: what each engine counts
    of what is odd, for the log."""

    def __init__(
        self,
        *,
        name: str,
        bus: Bus,
        mailbox: Mailbox,
        history: History,
        lobby: Lobby,
        clock: Clock,
        random: Random,
        tasks: Tasks,
        keys: SigningKeys,
        places: Places,
        gazetteer: Gazetteer,
        rules: Policy,
        counts: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        self.name, self.bus, self.clock, self.tasks = name, bus, clock, tasks
        self.counts = counts or {}
        now_s = clock.monotonic_s
        self.delivery = Delivery(
            bus=bus,
            mailbox=mailbox,
            history=history,
            lobby=lobby,
            clock=clock,
            random=random,
            spawn=tasks.spawn,
            take=Buckets(rules.message_burst, rules.message_rate, now_s).take,
        )
        self.sessions = Sessions(
            lobby=lobby,
            bus=bus,
            history=history,
            mailbox=mailbox,
            talk=self.delivery,
            clock=clock,
            random=random,
            tasks=tasks,
            history_ms=rules.history_ms,
        )
        parting = Moderation(self.sessions)
        self.matching = Matching(process=name, sessions=self.sessions, parting=parting)
        self.joining = Joining(
            arrival=Admission(
                consent=rules.consent,
                contact=rules.contact,
                keys=keys,
                places=places,
                gazetteer=gazetteer,
                history=history,
                clock=clock,
                random=random,
                new_guest=Buckets(rules.guests_per_hour, rules.guests_per_hour / HOUR_S, now_s).take,
                again=buckets("joins", now_s).take,
            ),
            process=name,
            history=history,
            lobby=lobby,
            bus=bus,
            delivery=self.delivery,
            matching=self.matching,
            clock=clock,
            spawn=tasks.spawn,
            admit=buckets("joins at once", now_s).take,
        )
        self.door = Dispatcher(
            [UserEvents(self.joining, self.matching, self.sessions, parting), ChatEvents(self.joining, self.delivery)],
            joining=self.joining,
            tasks=tasks,
            now_s=now_s,
        )

    def start(self) -> None:
        """Everything that runs by itself."""
        self._ledger = self.tasks.spawn(self.delivery.ledger.run(), "ledger")
        self.bus.watch(self._resumed)
        self.tasks.spawn(self.matching.renew(), "lease")
        for period_s, step, name in (
            (LEASE_S, self.matching.renew, "lease"),
            (CHECK_S, self.joining.check, "partners"),
            (CHECK_S, self.matching.check, "whereabouts"),
            (REFRESH_S, self.matching.refresh, "free nearby"),
            (TIDY_S, self.sessions.tidy, "tidy"),
            (HOUR_S, self._log_counts, "counts"),
        ):
            self.tasks.every(period_s, step, name, self.clock)

    def watch(self, beat_s: float, alive: Callable[[], None]) -> None:
        """Call ``alive`` every ``beat_s`` while the work goes on (after ``start``)."""
        watchdog = Watchdog(
            name=self.name,
            bus=self.bus,
            history=self.joining.history,
            ledger=self.delivery.ledger,
            running=lambda: self.joining.draining or not self._ledger.done(),
            spawn=self.tasks.spawn,
            now_s=self.clock.monotonic_s,
            alive=alive,
        )
        self.tasks.every(beat_s, watchdog.round, "watchdog", self.clock)

    def _resumed(self) -> None:
        """Records may have been missed, and the lobby may have forgotten everybody (protocol §2.8)."""
        self.matching.reenter_soon()
        self.joining.resumed()

    async def _log_counts(self) -> None:
        """For the host: how it goes, and nothing about anybody."""
        seats = self.sessions.seats.values()
        talking = sum(seat.session is not None for seat in seats)
        odd = dict(self.delivery.counts + self.delivery.ledger.counts)
        for engine, counts in self.counts.items():
            odd |= {f"{engine} {name}": count for name, count in counts.items() if count}
        rest = ", ".join(f"{name} {count}" for name, count in sorted(odd.items())) or "nothing unusual"
        log.info("%d guests are here, %d of them in a chat; since the start: %s", len(seats), talking, rest)

    async def drain(self) -> None:
        """Send everybody away and finish what they have drawn (SIGTERM)."""
        await self.joining.drain()
        self._ledger.cancel()  # it never ends by itself, and closing the tasks would wait for it
