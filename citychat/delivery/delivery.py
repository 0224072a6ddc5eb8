"""The parts that the endpoints of one process share: engines, the history writer, limits and counters."""

from collections import Counter
from collections.abc import Callable

from citychat.delivery.history_writer import HistoryWriter
from citychat.figures import Traffic
from citychat.limits import DayQuotas
from citychat.ports import Engines
from citychat.tasks import Tasks


class Delivery:
    """Delivery in one process. ``take``: the rate limit of messages, of a guest and its network, the seconds to wait
    (0: go on). ``quotas``: what may be written in a day. ``counts``: oddities, for the log; ``traffic``: all,
    since the start."""

    def __init__(self, engines: Engines, tasks: Tasks, take: Callable[[str, str], float], quotas: DayQuotas) -> None:
        self.engines, self.tasks, self.take, self.quotas = engines, tasks, take, quotas
        self.writer = HistoryWriter(engines.history, engines.lobby)
        self.counts: Counter[str] = Counter()
        self.traffic = Traffic()
