"""One process's working parts, wired together: everything between its engines and its edge.

The server and the simulation assemble the same thing here; they differ in what they pass in.
"""

import logging
from collections.abc import Callable, Mapping

from msgspec import Struct

from citychat.delivery import Delivery
from citychat.handlers import ChatEvents, Dispatcher, UserEvents
from citychat.hours import Hours
from citychat.joining import Admission, Joining
from citychat.limits import Buckets, DayQuotas, Shares, bound, buckets, site
from citychat.matching import Matching
from citychat.places import Gazetteer, Places
from citychat.ports import Engines, SignCarrier
from citychat.registry import Registry
from citychat.rules import SEEKER_RESTS_MS
from citychat.server.watchdog import Watchdog
from citychat.tasks import Tasks
from citychat.tokens import SigningKeys

CHECK_S = 15.0  # what nobody could tell: partners who came or went, sessions that began or ended (protocol §2.4)
REFRESH_S = 10.0  # how many are free, told at most so often (product page, Ready)
LEASE_S = 5.0  # a third of what the lobby grants, so that two renewals may be lost (M9)
HOUSE_S = 10.0  # of the 15 s in which the host's word is to be heard everywhere
DATE_S = 60.0  # a clock that steps is in the log before its host wonders
TIDY_S = 3_600.0
HOUR_S = 3_600.0
SITE_NETWORKS = bound("networks of a /48")

log = logging.getLogger(__name__)


def new_guests(per_hour: int, now_s: Callable[[], float]) -> Callable[[str], float]:
    """Return what takes one of a network's new guests, and of those of its IPv6 /48: it answers the seconds to wait."""
    of_network, of_site = (Buckets(most, most / HOUR_S, now_s) for most in (per_hour, SITE_NETWORKS * per_hour))
    return lambda source: of_network.take(source) or of_site.take(site(source))


class Policy(Struct, frozen=True):
    """The host's decisions: ``consent`` is the version of the rules asked for, ``contact`` may be empty."""

    consent: str
    contact: str
    history_ms: int
    message_burst: int
    message_rate: float
    guests_per_hour: int
    connections_per_address: int
    hours: Hours = Hours()


class Process:
    """The working parts of one process. ``door`` takes the events of pages, ``joining.closed`` their end. ``name``:
    under which the lobby knows it. ``counts``: what each engine counts of what is odd, for the log;
    ``rests_ms``: how long a seeker rests, at least and at most; ``carrier``: of signs, for hosts who have made keys for
    them."""

    def __init__(
        self,
        name: str,
        engines: Engines,
        tasks: Tasks,
        *,
        keys: SigningKeys,
        places: Places,
        gazetteer: Gazetteer,
        policy: Policy,
        counts: Mapping[str, Mapping[str, int]] | None = None,
        rests_ms: tuple[int, int] = SEEKER_RESTS_MS,
        carrier: SignCarrier | None = None,
    ) -> None:
        self.name, self.engines, self.tasks, self.counts = name, engines, tasks, counts or {}
        now_s, scale = engines.clock.monotonic_s, max(1.0, policy.connections_per_address / bound("connections"))
        self.registry = Registry()
        messages = Buckets(policy.message_burst, policy.message_rate, now_s)
        messages_of_all = Shares("messages", now_s, scale, guest=messages)
        self.delivery = Delivery(engines, tasks, messages_of_all.take, DayQuotas(now_s))
        self.matching = Matching(
            name, engines, tasks, self.registry, policy.history_ms, rests_ms, carrier, places.neighbours, places.nearby
        )
        self.matching.sessions.house.keep(policy.hours)
        self.joining = Joining(
            process=name,
            engines=engines,
            tasks=tasks,
            registry=self.registry,
            admission=Admission(
                consent=policy.consent,
                contact=policy.contact,
                keys=keys,
                places=places,
                gazetteer=gazetteer,
                engines=engines,
                dates=self.matching.sessions.dates,
                joins=Shares("joins", now_s, scale),
                objections=Shares("objections", now_s, scale),
                new_guest=new_guests(policy.guests_per_hour, now_s),
                again=buckets("joins", now_s).take,
            ),
            delivery=self.delivery,
            matching=self.matching,
        )
        namespaces = [UserEvents(self.joining, self.matching), ChatEvents()]
        self.door = Dispatcher(namespaces, registry=self.registry, tasks=tasks, now_s=now_s, scale=scale)

    def start(self) -> None:
        """Start everything that runs by itself."""
        matching = self.matching
        self._writer = self.tasks.spawn(self.delivery.writer.run(), "history writer")
        self.engines.bus.watch(self._resumed)
        self.tasks.spawn(matching.lease.renew(), "lease")
        self.tasks.spawn(matching.sessions.dates.trusted(), "date")
        self.tasks.spawn(self.tasks.retry(matching.heed_house), "closed or open")
        for period_s, step, name in (
            (LEASE_S, matching.lease.renew, "lease"),
            (CHECK_S, self.joining.check, "partners"),
            (CHECK_S, matching.reconciler.check, "status of guests"),
            (CHECK_S, self.joining.missed.heed_pauses, "new pauses"),
            (HOUSE_S, matching.heed_house, "closed or open"),
            (REFRESH_S, matching.reconciler.refresh, "free nearby"),
            (DATE_S, matching.sessions.dates.trusted, "date"),
            (TIDY_S, matching.sessions.tidy, "tidy"),
            (HOUR_S, self._log_counts, "counts"),
        ):
            self.tasks.every(period_s, step, name)
        if matching.signs.public_key:
            self.tasks.every(CHECK_S, matching.signs.look, "signs")

    def start_watchdog(self, beat_s: float, alive: Callable[[], None]) -> None:
        """Call ``alive`` every ``beat_s`` while the work goes on (after ``start``)."""
        watchdog = Watchdog(
            name=self.name,
            engines=self.engines,
            writer=self.delivery.writer,
            running=lambda: self.joining.draining or not self._writer.done(),
            spawn=self.tasks.spawn,
            alive=alive,
        )
        self.tasks.every(beat_s, watchdog.round, "watchdog")

    def _resumed(self) -> None:
        """Records may have been missed, and the lobby may have forgotten everybody (protocol §2.8)."""
        self.matching.lease.resumed()
        self.matching.sessions.announcements.repeat()
        self.joining.resumed()

    async def _log_counts(self) -> None:
        """For the host: how it goes, and nothing about anybody."""
        talking = sum(client.session is not None for client in self.registry)
        rest = ", ".join(f"{name} {count}" for name, count in sorted(self.odd().items())) or "nothing unusual"
        log.info("%d guests are here, %d of them in a chat; since the start: %s", len(self.registry), talking, rest)

    def odd(self) -> dict[str, int]:
        """Return what is unusual, counted since the start, by a few words of ours for each kind."""
        odd = dict(self.delivery.counts + self.delivery.writer.counts + self.matching.signs.counts)
        for engine, counts in self.counts.items():
            odd |= {f"{engine} {name}": count for name, count in counts.items() if count}
        return odd

    async def drain(self, within_s: float) -> None:
        """Send everybody away and finish what they have drawn (SIGTERM), in that time."""
        await self.joining.drain(within_s)
        self._writer.cancel()  # it never ends by itself, and closing the tasks would wait for it
