"""A page from its first event until its join is answered: no Client yet, and known to nobody else."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from citychat.delivery import Endpoint
from citychat.joining.bus_dispatch import BusListener
from citychat.model import NotJoined
from citychat.ports import Clock, Page, Timer
from citychat.registry import Registry

PING_S = 2.0  # a page waits 5 s for a sign of life (protocol §2.3)
PINGS_MAX = 30  # a join that takes a minute is given up by its page

T = TypeVar("T")


class JoiningPage:
    """One page on its way in. What its join makes stays in here until ``Registry.add`` lets it be seen: a join that
    comes back late from a slow read can take nothing from a newer page.

    ``epoch`` is 0 until the lobby has been entered. ``unread``: the history was away, and is read later.
    """

    def __init__(self, page: Page, registry: Registry) -> None:
        self.page, self._registry = page, registry
        self.guest, self.epoch = "", 0
        self.endpoint: Endpoint | None = None
        self.listener: BusListener | None = None
        self.subscription: object | None = None
        self.unread = False

    async def step(self, work: Awaitable[T]) -> T:
        """Do one step of the join. Raises NotJoined when the page has closed meanwhile or a newer one has entered.

        The connection's own flag is asked: the edge tells of a closed page only after its running event is over.
        """
        result = await work
        self.check()
        return result

    def check(self) -> None:
        """Raise NotJoined when the page has closed or a newer one has entered."""
        newest = self.epoch == 0 or self._registry.is_newest(self.guest, self.epoch)
        replaced = self.listener is not None and self.listener.replaced
        if not self.page.open or replaced or not newest:
            raise NotJoined


@contextmanager
def pinged(page: Page, clock: Clock) -> Iterator[None]:
    """Ping a page while its join is worked on. A store may take seconds for each answer, and a page that gave up and
    asked again would begin anew with the first of them, and leave the work it has begun to nobody."""
    timers: list[Timer] = []

    def ping() -> None:
        page.ping()
        if len(timers) < PINGS_MAX:
            timers.append(clock.later(PING_S, ping))

    timers.append(clock.later(PING_S, ping))
    try:
        yield
    finally:
        timers[-1].cancel()
