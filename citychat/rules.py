"""The numbers and rules that more than one adapter or part keeps: each stands here, and nowhere else.

The scripts of the Redis lobby get their numbers from here too (``scripts`` in ``citychat/adapters/redis/resp.py``).
Rules are pure: adapters fetch what a rule must know, and ask it.
"""

from collections.abc import Iterable
from itertools import combinations
from typing import Literal, NamedTuple

DAY_MS = 86_400_000
CLOCK_TOLERANCE_MS = 300_000  # how far apart the clocks of one site may be, and one that is set back a little

# -- the lobby (protocol §3) ------------------------------------------------------------------------------------------

RING_S = 15  # how long an offer waits for an answer, unless the host says otherwise
SLOW_RING_S = 60  # "Give me more time"
LEASE_MS = 15_000  # M9
RING_PAUSE_MS = 120_000  # M15
RINGS_UNANSWERED = 2  # M15
REST_MS = 600_000  # a pair after no answer
FORGET_MS = REST_MS  # nothing that is kept of an absent guest matters for longer
ENDED_MS = 3_600_000  # how late a no may come from a page that was cut off when it was said (M5)
ENDED_MAX = 20_000  # of those offers, some 10 MB; the oldest go first
KEY_MS = 2 * DAY_MS  # a key of a guest, a place or a process that nobody has touched for so long is nobody's any more
STANDING_MS = 900_000  # who has not been mended for so long is not counted nearby any more
AVOIDED_MS = DAY_MS  # how long a block keeps new guests of the blocked one's network away (M5)
COUNTED_NEARBY = 6  # product page: none = 0, few = 1-5, many = 6 or more

LOOKING_IN_VIEW, LOOKING_HIDDEN, IDLE_IN_VIEW, UNASKED = range(4)  # best first; the last is counted, never drawn
CELLS_WALKED = 64
DRAWN_PER_CELL = 32
CELL_DEGREES = 0.02  # about 2 km: the finest position kept anywhere, against finding a stranger by three distances
CELLS_ROUND = round(360 / CELL_DEGREES)  # the earth
TOP_LEVEL = 8  # of the tiles of 4 x 4: one is wider than the earth, 4**8 cells

# -- the mailbox (protocol §2.7) --------------------------------------------------------------------------------------

MAILBOX_MS = DAY_MS  # how long a message waits for somebody who is away


def mailbox_expires_ms(mail_ms: int = MAILBOX_MS) -> int:
    """Return how long after it was last opened a mailbox goes in which mail waits for ``mail_ms``: never before the
    mail in it."""
    return mail_ms + DAY_MS


# -- the history ------------------------------------------------------------------------------------------------------

ALONE_MS = DAY_MS  # a chat that both have left alone for so long is over (M12)
WISH_MS = DAY_MS  # "Talk again"
FRESH_WISH_MS = 600_000  # who pressed it longer ago is asked once more: they may be anywhere by now
PENDING_MS = 3_600_000  # a session that is still pending then never began, and is deleted
ERASED_MS = 3 * DAY_MS  # product page, Vanish: how long an erased text can still become evidence
EVIDENCE_MESSAGES = 50
PAUSE_MS = DAY_MS
PAUSE_REASON = "reported by several people"
REPORTS_WITHIN_MS = DAY_MS
REPORTS_LOOKED_AT = 100  # the newest of a day: enough to find three, and a flood of them stays cheap

Held = Literal["mail", "avoided network", "wish", "erased text"]
HELD_MS: dict[Held, int] = {
    "mail": MAILBOX_MS,
    "avoided network": AVOIDED_MS,
    "wish": WISH_MS,
    "erased text": ERASED_MS,
}


def held_until(kind: Held, since: int) -> int:
    """Return the time from which on nothing is left of what is held since then."""
    return since + HELD_MS[kind]


def held_after(kind: Held, now: int) -> int:
    """Return the time: what is held since a later one still holds, and all else is over."""
    return now - HELD_MS[kind]


def paused_until(reported: int) -> int:
    """Return the end of the pause that the third report brings."""
    return reported + PAUSE_MS


class Retention(NamedTuple):
    """Times of deletion: all that bears one of these, or an earlier one, goes.

    ``due``: sessions with their messages, and pauses, by the end that stands in them, as whatever is kept with the time
    of ``held_until``. ``erased_texts``, ``avoided_networks``, ``wishes``: by since when they are held. ``guests``: by
    when they were last seen, but never before the last of their sessions.
    """

    due: int
    erased_texts: int
    avoided_networks: int
    wishes: int
    guests: int


def retention(now: int, history_ms: int) -> Retention:
    """Return what is deleted now by a host who keeps chats, and guests, for ``history_ms``."""
    return Retention(
        due=now,
        erased_texts=held_after("erased text", now),
        avoided_networks=held_after("avoided network", now),
        wishes=held_after("wish", now),
        guests=now - history_ms,
    )


def confirmed(prepared: int, newest: int, history_ms: int) -> tuple[int, int]:
    """Return when a session counts as begun that was ``prepared`` then, and when it expires. Its start is behind
    ``newest``, that of all other sessions of its two, whatever clock has set it."""
    started = max(prepared, newest + 1)
    return started, started + history_ms


def met_after(now: int) -> int:
    """Return the time: chats that began after it are of the day in which a pair may have so many (M16)."""
    return now - DAY_MS


def is_expired(expires: int, now: int) -> bool:
    """Tell whether the date of a session has come: it ends, and ``retention`` deletes it."""
    return expires <= now


def left_alone_before(now: int) -> int:
    """Return the time: a chat that began before it, and whose members were all last seen before it, is left alone."""
    return now - ALONE_MS


def is_left_alone(started: int, seen: Iterable[int], now: int) -> bool:
    """Tell whether a running chat is over because all its members were away for too long (M12), if none of them is
    here now. ``seen``: when each was, of those of whom anybody knows; a chat that has just begun is not left alone."""
    return max((started, *seen)) < left_alone_before(now)


def reports_around(at: int) -> tuple[int, int]:
    """Return the time after which and the time before which the other reports were made that ``is_third`` must know."""
    return at - REPORTS_WITHIN_MS, at + REPORTS_WITHIN_MS


class Accusation(NamedTuple):
    """A report, as the rule of three needs it: who made it, when, on which networks."""

    reporter: str
    at: int
    networks: frozenset[str]


def is_third(report: Accusation, others: Iterable[Accusation]) -> bool:
    """Tell whether ``report`` pauses the accused: with two of the others it comes from three guests on three networks
    within 24 h. Who has no network counts for nothing. Later ones count as well: the clocks of processes differ, and
    what is written last may bear the earliest time."""
    strangers = [other for other in others if _apart(report, other)]
    return any(_apart(a, b) for a, b in combinations(strangers, 2))


def _apart(a: Accusation, b: Accusation) -> bool:
    if a.reporter == b.reporter or abs(a.at - b.at) >= REPORTS_WITHIN_MS:
        return False
    return bool(a.networks and b.networks) and a.networks.isdisjoint(b.networks)
