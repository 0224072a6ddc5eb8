"""Knowledge of one page's end of a chat: who has said something in it, and for how long it has stood there."""

from typing import NamedTuple

from citychat.delivery.endpoint import Endpoint
from citychat.delivery.sender import Sender
from citychat.model import Session


class Voices(NamedTuple):
    """``wrote``: the sides that have written something that can be seen, the page's own since it was loaded, the
    partner's if the page was given anything of it; ``typed``: those that have begun to. ``stands_ms``: since when the
    first word of a side stands, as far as the page knows, which may have been loaded later; ``lasts_ms``: for how long
    the chat has gone on, None where it began before the page was loaded."""

    wrote: frozenset[int]
    typed: frozenset[int]
    stands_ms: tuple[int, int]
    lasts_ms: int | None


def voices(endpoint: Endpoint, session: Session) -> Voices:
    """Return who has said what in the chat of now."""
    own, sender = session.side(endpoint.guest), endpoint.senders.get(session.id)
    said_s = {
        own: _own_word_s(sender) if sender is not None else None,
        1 - own: endpoint.receiver.heard_s(session.id),
    }
    wrote = frozenset(side for side, at_s in said_s.items() if at_s is not None)
    now_s, opened_s = endpoint.engines.clock.monotonic_s(), endpoint.opened_s
    stands_s = [now_s - (opened_s if (at_s := said_s[side]) is None else at_s) for side in (0, 1)]
    lasts_ms = None if endpoint.began_s is None else int((now_s - endpoint.began_s) * 1000)
    return Voices(wrote, frozenset(endpoint.typed), (int(stands_s[0] * 1000), int(stands_s[1] * 1000)), lasts_ms)


def _own_word_s(sender: Sender) -> float | None:
    """Since when the partner has something of the page's own before the eyes. What is held behind a hole nobody has
    seen, so it counts from its receipt; nobody can make such a hole before a first word, and a page that answers
    for nothing is not excused by it."""
    return min((at_s for at_s in (sender.said_s, sender.drawn_s) if at_s is not None), default=None)
