"""The declines of a page that no answer has come to: a "no" is for ever (M5), also on a dead link.

Each has a name of its own, so that two windows write over nothing of each other. The page's twin is
``static/declines.js``.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from citychat.client.shapes import DECLINE, NUMBER_MAX, OLD_DECLINES, Row, Storage, read, rests_of

DECLINES_MAX = 50  # without an answer; nobody says more in the hour for which the server knows ended offers
NO_ANSWER = ("unavailable", "busy", "internal", "not-joined")  # the server has not taken it yet

Told = Callable[[Mapping[str, Any]], None]


class PendingDeclines:
    """Declines that the server has not answered yet. ``storage`` is what outlives the page, ``emit`` the link's,
    ``later`` the page's timers: name, seconds, what."""

    def __init__(
        self,
        storage: Storage,
        emit: Callable[[str, Row, Told], None],
        later: Callable[[str, float, Callable[[], None]], None],
    ) -> None:
        self.storage, self.emit, self.later = storage, emit, later

    def say(self, answer: Row, told: Told) -> None:
        """Answer an offer (``user-match``); a no is kept first."""
        if answer["answer"] != "no":
            self.emit("user-match", answer, told)
            return
        self._keep(answer["offer"])

        def both(answered: Mapping[str, Any]) -> None:
            self._answered(answer["offer"], answered)
            told(answered)

        self.emit("user-match", answer, both)

    def resend(self) -> None:
        """After a join, before the page looks for anybody."""
        for offer in read(self.storage, OLD_DECLINES) or []:
            self._keep(offer)
        self.storage.pop(OLD_DECLINES, None)
        for _, offer in self._kept():
            self.emit("user-match", {"offer": offer, "answer": "no"}, partial(self._answered, offer))

    def _answered(self, offer: str, answer: Mapping[str, Any]) -> None:
        if answer.get("error") not in NO_ANSWER:
            self.storage.pop(DECLINE + offer, None)
        elif "retry_ms" in answer:
            self.later("declines", answer["retry_ms"] / 1000, self.resend)

    def _kept(self) -> list[tuple[int, str]]:
        """Return offers, the oldest first, numbered."""
        kept = [(read(self.storage, DECLINE + offer), offer) for offer in rests_of(self.storage, DECLINE)]
        return sorted((number, offer) for number, offer in kept if number is not None)

    def _keep(self, offer: str) -> None:
        number = min(max((number for number, _ in self._kept()), default=0) + 1, NUMBER_MAX)
        self.storage[DECLINE + offer] = str(number)
        for _, oldest in self._kept()[:-DECLINES_MAX]:
            del self.storage[DECLINE + oldest]
