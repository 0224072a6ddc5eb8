"""The declines of a page that no answer has come to: a "no" is for ever (M5), also on a dead link.

The page's twin is ``static/declines.js``.
"""

import json
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import Any

from citychat.client.outbox import Row

KEY = "citychat.noes"
DECLINES_MAX = 50  # without an answer; nobody says more in the hour for which the server knows ended offers
NO_ANSWER = ("unavailable", "busy", "internal", "not-joined")  # the server has not taken it yet

Told = Callable[[Mapping[str, Any]], None]


class PendingDeclines:
    """Declines that the server has not answered yet. ``storage`` is what outlives the page, ``emit`` the link's,
    ``later`` the page's timers: name, seconds, what."""

    def __init__(
        self,
        storage: MutableMapping[str, str],
        emit: Callable[[str, Row, Told], None],
        later: Callable[[str, float, Callable[[], None]], None],
    ) -> None:
        self.storage, self.emit, self.later = storage, emit, later

    def say(self, answer: Row, told: Told) -> None:
        """Answer an offer (``user-match``); a no is kept first."""
        if answer["answer"] != "no":
            self.emit("user-match", answer, told)
            return
        self._keep([*self._without(answer["offer"]), answer["offer"]])

        def both(answered: Mapping[str, Any]) -> None:
            self._answered(answer["offer"], answered)
            told(answered)

        self.emit("user-match", answer, both)

    def resend(self) -> None:
        """After a join, before the page looks for anybody."""
        for offer in self._kept():
            self.emit("user-match", {"offer": offer, "answer": "no"}, partial(self._answered, offer))

    def _answered(self, offer: str, answer: Mapping[str, Any]) -> None:
        if answer.get("error") not in NO_ANSWER:
            self._keep(self._without(offer))
        elif "retry_ms" in answer:
            self.later("declines", answer["retry_ms"] / 1000, self.resend)

    def _kept(self) -> list[str]:
        kept: list[str] = json.loads(self.storage.get(KEY, "[]"))
        return kept

    def _without(self, offer: str) -> list[str]:
        return [kept for kept in self._kept() if kept != offer]

    def _keep(self, offers: list[str]) -> None:
        if offers:
            self.storage[KEY] = json.dumps(offers[-DECLINES_MAX:])
        else:
            self.storage.pop(KEY, None)
