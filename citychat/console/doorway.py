"""The way into the console: a link that works once, and the visit that it begins. All of it is in memory: a restart of
the process ends every visit."""

from collections.abc import Callable
from random import Random

from msgspec import Struct

from citychat.expiring import Expiring
from citychat.limits import buckets
from citychat.model import new_id

BITS = 256
LINK_S = 300  # from the terminal into the browser
IDLE_S = 3_600  # who has gone for lunch presses a link again
VISIT_S = 12 * 3_600
AT_ONCE = 8  # links that wait, and visits; the oldest go first


class Visit(Struct):
    """One browser that has come in by a link. ``who``: for whom it was printed; ``form_key``: in every form of ours, so
    that no other page can send one; ``news``: what the last act has done, until it is shown."""

    who: str
    began_s: float
    form_key: str
    news: list[str]


class Doorway:
    """The links that wait, and the visits. ``now_s`` is monotonic."""

    def __init__(self, now_s: Callable[[], float], random: Random) -> None:
        self._now_s, self._random = now_s, random
        self._links: Expiring[str, str] = Expiring(AT_ONCE, LINK_S, now_s)
        self._visits: Expiring[str, Visit] = Expiring(AT_ONCE, IDLE_S, now_s)
        self._wrong = buckets("console links", now_s)

    def new_link(self, who: str) -> str:
        """Return the key of a link for somebody who may come in."""
        key = self._key()
        self._links[key] = who
        return key

    def waits(self, key: str) -> bool:
        """Tell whether a link still works. One that does not is counted."""
        found = not self.is_shut() and key in self._links
        if not found:
            self._wrong.take("")
        return found

    def is_shut(self) -> bool:
        """Tell whether so many wrong links have come that none is looked at for a while."""
        return self._wrong.wait_s("") > 0

    def enter(self, key: str) -> tuple[str, Visit] | None:
        """Use a link up; return the new visit and what its browser is known by."""
        if not self.waits(key):
            return None
        who = self._links.get(key) or ""
        self._links.discard(key)
        token, visit = self._key(), Visit(who, self._now_s(), self._key(), [])
        self._visits[token] = visit
        return token, visit

    def visit(self, token: str) -> Visit | None:
        """Return the visit of a browser, which goes on for an hour from now and for twelve in all."""
        visit = self._visits.get(token)
        if visit is None:
            return None
        if self._now_s() - visit.began_s >= VISIT_S:
            self.leave(token)
            return None
        self._visits[token] = visit
        return visit

    def leave(self, token: str) -> None:
        """End a visit."""
        self._visits.discard(token)

    def _key(self) -> str:
        return new_id(self._random, BITS)
