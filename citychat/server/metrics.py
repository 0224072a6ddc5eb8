"""Metrics for Prometheus, on a listener of their own: ``--metrics``. Loaded only when that is given.

The library writes them down; they are counted elsewhere, as plain numbers, and read when somebody scrapes. Labels are
words of this program alone: nothing that comes from a guest, an address or a city.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from tornado.web import Application, RequestHandler

from citychat.figures import Figures, Spread
from citychat.server.own_figures import OwnFigures

PARTS = ("bus", "mailbox", "history", "disk", "clock", "process")


def application(own: OwnFigures) -> Application:
    """Make what answers ``/metrics``."""
    return Application([(r"/metrics", MetricsHandler, {"own": own})])


class MetricsHandler(RequestHandler):
    def initialize(self, own: OwnFigures) -> None:
        self._own = own

    async def get(self) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Scrape(self._own, await self._own.now()))
        ProcessCollector(registry=registry)
        self.set_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
        self.finish(generate_latest(registry))

    async def head(self) -> None:
        await self.get()


class _Scrape(Collector):
    """One answer: the gauges of now, and what was counted since the start."""

    def __init__(self, own: OwnFigures, now: Figures) -> None:
        self._own, self._now = own, now

    def collect(self) -> Iterable[Metric]:
        yield from self._guests()
        yield from self._messages()
        yield from self._machine()

    def _guests(self) -> Iterator[Metric]:
        now, meetings = self._now, self._own.meetings
        guests = GaugeMetricFamily("citychat_guests", "Guests whose page is here, by what they do.", labels=["state"])
        for state in ("free", "looking", "talking"):
            guests.add_metric([state], getattr(now, state))
        yield guests
        yield GaugeMetricFamily("citychat_connections", "Open connections of pages.", self._own.sockets())
        yield CounterMetricFamily("citychat_searches", "Searches begun by guests.", meetings.searches)
        yield CounterMetricFamily("citychat_matches", "Chats begun.", meetings.matches)
        waited = "Time from the begin of a search to its chat."
        yield _histogram("citychat_search_wait_seconds", waited, meetings.waits)

    def _messages(self) -> Iterator[Metric]:
        now, traffic = self._now, self._own.traffic
        yield CounterMetricFamily("citychat_messages", "Messages taken in from guests.", traffic.taken)
        stored = "Messages put into the mailbox for partners who were away."
        yield CounterMetricFamily("citychat_messages_stored", stored, traffic.stored)
        delivered = "Messages that partners who were here have drawn and the history has."
        yield CounterMetricFamily("citychat_messages_delivered", delivered, traffic.delivered)
        took = "Time from taking a message in to its second tick, for partners who were here; once a receipt."
        yield _histogram("citychat_delivery_seconds", took, traffic.times)
        missing = "Gaps shown to readers in place of messages that have not come."
        yield CounterMetricFamily("citychat_gaps", missing, self._own.process.delivery.counts["gap rows"])
        if now.mail is not None:
            yield GaugeMetricFamily("citychat_mail_waiting", "Messages that wait for absent guests.", now.mail)
        if now.reports is not None:
            yield GaugeMetricFamily("citychat_reports_open", "Reports that wait for the host.", now.reports)

    def _machine(self) -> Iterator[Metric]:
        now = self._now
        info = GaugeMetricFamily("citychat_info", "Always 1; the version is in its label.", labels=["version"])
        info.add_metric([now.version], 1)
        yield info
        yield GaugeMetricFamily("citychat_ready", "1 when guests can be served.", now.ready)
        parts = GaugeMetricFamily("citychat_part_ok", "1 for each part that is in order.", labels=["part"])
        for part in PARTS:
            parts.add_metric([part], part not in now.wrong)
        yield parts
        odd = CounterMetricFamily("citychat_odd", "What the log tells every hour as unusual.", labels=["kind"])
        for kind, count in self._own.process.odd().items():
            odd.add_metric([kind.replace(" ", "_")], count)
        yield odd
        free = "Free room on the data folder's disk."
        yield GaugeMetricFamily("citychat_disk_free_bytes", free, now.free_disk_bytes)
        yield GaugeMetricFamily("citychat_disk_size_bytes", "Size of the data folder's disk.", now.disk_bytes)
        if now.backup_at is not None:
            made = "When the newest backup was made; 0 while there is none."
            yield GaugeMetricFamily("citychat_last_backup_timestamp_seconds", made, now.backup_at)
        if now.city_database_at is not None:
            built = "When the city database in use was built."
            yield GaugeMetricFamily("citychat_city_database_timestamp_seconds", built, now.city_database_at)


def _histogram(name: str, said: str, spread: Spread) -> Metric:
    below, buckets = 0, list[tuple[str, float]]()
    for bound, count in zip([*map(str, spread.bounds_s), "+Inf"], spread.counts, strict=True):
        below += count
        buckets.append((bound, below))
    return HistogramMetricFamily(name, said, buckets=buckets, sum_value=spread.total_s)
