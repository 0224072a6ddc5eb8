"""The parts that the endpoints of one process share: engines, the history writer, limits and counters."""

from collections import Counter
from collections.abc import Callable

from citychat.delivery.history_writer import HistoryWriter
from citychat.ports import Engines
from citychat.tasks import Tasks


class Delivery:
    """Delivery in one process. ``take``: the guests' message rate limit, the seconds to wait (0: go on). ``counts``:
    oddities, for the log."""

    def __init__(self, engines: Engines, tasks: Tasks, take: Callable[[str], float]) -> None:
        self.engines, self.tasks, self.take = engines, tasks, take
        self.writer = HistoryWriter(engines.history, engines.lobby)
        self.counts: Counter[str] = Counter()
