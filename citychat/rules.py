"""The numbers and rules that more than one adapter or part keeps: each stands here, and nowhere else.

The scripts of the Redis lobby get their numbers from here too (``scripts`` in ``citychat/adapters/redis/resp.py``).
Rules are pure: adapters fetch what a rule must know, and ask it.
"""

from base64 import b32encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import combinations
from typing import Literal, NamedTuple

from citychat.limits import bound

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
AVOIDED_MS = DAY_MS  # how long a block keeps strangers of the blocked one's network away (M5)
COUNTED_NEARBY = 6  # product page: none = 0, few = 1-5, many = 6 or more

LETDOWN_MS = 3_600_000  # how long a letdown counts, and how long nobody is led to who has many
FIRST_WORD_MS = 13_000  # 3 s to read what the other one says, 10 to begin to write on a phone; typing is enough
ANSWERED_WITHIN_MS = 5_000  # a shorter silence is none, and a shorter chat leaves no time for an answer
BEHIND_MS = 600_000  # how long who has some ranks behind everybody
PATIENT_MS = 10_000  # how long others are waited for, before somebody is led to who ranks behind them
BEHIND_AFTER, ALONE_AFTER, LETDOWNS_KEPT = bound("letdowns"), bound("many letdowns"), bound("letdowns kept")
LETDOWNS_OF_ONE = ALONE_AFTER * FIRST_WORD_MS // ANSWERED_WITHIN_MS  # if all are the smallest parts
COMPLAINTS = bound("complaints")
LOOKERS_LEAST = bound("lookers of one network")
OTHERS_FOR_ONE = 9  # of ten who take part one is of a network, where that is more
MET_MS = 60_000  # who was led to somebody of another network takes part for so long, whatever comes of it

TOWNS_KM, TOWNS_MAX = 50.0, bound("towns nearby")  # "Also nearby towns": from the middle of one to that of the other
ROAMERS = LOOKERS_LEAST  # of one network, wherever they are, so many meet guests of other towns
DRAWN_PER_TOWN = 16  # of each rank
LANGUAGE_MS, LANGUAGES_MAX = 10_000, bound("languages")  # how long only guests with a common one are led together
LANGUAGE_SHARE = 8  # of those tried else one in so many is tried meanwhile: a rare language costs no more than others

# Best first; the last is counted, never drawn.
LOOKING_IN_VIEW, LOOKING_HIDDEN, IDLE_IN_VIEW, BEHIND, UNASKED = range(5)
DISTRICTS_WALKED = 64
DRAWN_PER_DISTRICT = 32
LOOKERS_DRAWN = DISTRICTS_WALKED * DRAWN_PER_DISTRICT  # of a pool, as if they all stood in one district
COORDINATE_DEGREES = 0.01  # what the coordinates of a district count
COORDINATES_ROUND = round(360 / COORDINATE_DEGREES)  # the earth
SEEKER_RESTS_MS = 5_000, 15_000  # between two guests who do not look: nobody watches in which order they are asked
TOP_LEVEL = 8  # of the tiles of 4 x 4: one is wider than the earth, 4**8 coordinates

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
BLAMED_AFTER_MS = 60_000  # a shorter chat is no ground for a pause: bots meet and report within a second
SPRAY_REPORTS, SPRAY_WITHIN_MS = 3, 3_600_000  # who reports so many in so short a time pauses nobody by any of them
REPORTS_LOOKED_AT = 100  # the newest of a day: enough to find three, and a flood of them stays cheap


def notice_id(code: str) -> str:
    """Return what a notice of somebody who is no guest has in place of a session: no session has a dot in its id."""
    return f"notice.{code}"


Outcome = Literal["acted", "none"]
Told = Literal["received", "held", "acted", "none", "lifted", "objected"]


class Decided(NamedTuple):
    """The part of a case by which its reporter is told what came of it; times, where something was done."""

    state: Literal["received", "acted", "none"]
    closed: int | None
    held: int
    objected: int | None
    lifted: int | None


CLOSED_MS: dict[Outcome, int] = {"none": 30 * DAY_MS, "acted": 180 * DAY_MS}  # how long a closed case is kept
FOR_GOOD_MS = 253_402_300_799_000  # the end of a pause that has none: the last second that a date can say
# What is proposed for a guest, from a warning on, and never done by itself; a step is forgotten after 30 days.
LADDER_MS = (0, 3_600_000, DAY_MS, 7 * DAY_MS, 30 * DAY_MS, FOR_GOOD_MS)
LADDER_STEP_MS = 30 * DAY_MS
LIFTED_MS = 30 * DAY_MS  # for how long a guest whose pause was lifted is told so
TRAIL_LEAST_MS, TRAIL_MOST_MS = 730 * DAY_MS, 1_095 * DAY_MS  # two whole years can be counted; cut once a year

TOKEN_MS = 30 * DAY_MS  # how long a token makes its guest again, from the last join on

Held = Literal["mail", "avoided network", "wish", "erased text", "erased guest", "blamed network", "reporter"]
HELD_MS: dict[Held, int] = {
    "mail": MAILBOX_MS,
    "avoided network": AVOIDED_MS,
    "wish": WISH_MS,
    "erased text": ERASED_MS,
    "erased guest": TOKEN_MS + CLOCK_TOLERANCE_MS,  # as long as the token would hold
    "blamed network": DAY_MS,  # where an erased guest came from: what is said of them still reaches who comes next
    "reporter": REPORTS_WITHIN_MS,
}


def held_until(kind: Held, since: int) -> int:
    """Return the time from which on nothing is left of what is held since then."""
    return since + HELD_MS[kind]


def held_after(kind: Held, now: int) -> int:
    """Return the time: what is held since a later one still holds, and all else is over."""
    return now - HELD_MS[kind]


def bar_goes(since: int) -> int:
    """Return when a pair that never meets again is looked at: it was barred then, or the row of one of the two went
    then. If one of them has no row at that time, nobody has a token of that guest any more, and the bar goes; else it
    stays until a row goes."""
    return held_until("erased guest", since)


def paused_until(reported: int) -> int:
    """Return the end of the pause that the third report brings."""
    return reported + PAUSE_MS


def case_goes(outcome: Outcome, closed: int, held: int) -> int:
    """Return when a case that was closed then goes, with its evidence: never before the date until which it is held."""
    return max(closed + CLOSED_MS[outcome], held)


def proposed_pause_ms(acted: Iterable[int], now: int) -> int:
    """Return for how long to pause a guest against whom the host has acted at these times: a step up the ladder for
    each within 30 days (0: a warning, it is the first time)."""
    steps = sum(at > now - LADDER_STEP_MS for at in acted)
    return LADDER_MS[min(steps, len(LADDER_MS) - 1)]


def lifted_until(until: int, lifted: int) -> int:
    """Return how long a pause that was to end then, and was lifted, is remembered."""
    return min(until, lifted + LIFTED_MS)


def reference(session: str, reporter: str) -> str:
    """Return by which ten letters a paused guest and the host speak of a case. They lead neither to its code, which its
    reporter alone has, nor to the reporter, whose id nobody is told."""
    return b32encode(sha256(f"{session}:{reporter}".encode()).digest())[:10].decode()


def told_of(case: Decided, now: int) -> Told:
    """Return what the reporter of a case is told: what the host has decided last. Who closes a case knows that its
    pause was lifted before."""
    if case.closed is None:
        return "held" if case.held > now else "received"
    if case.state == "acted" and case.lifted is not None and case.lifted >= case.closed:
        return "lifted" if case.objected is None else "objected"
    return case.state


def trail_goes(oldest: int, now: int) -> int:
    """Return the time: rows of the trail of then and before go (0: none does). Cutting it leaves a row, so it is cut
    seldom."""
    return now - TRAIL_LEAST_MS if oldest <= now - TRAIL_MOST_MS else 0


def turn_goes(until: int) -> int:
    """Return when a turn that ended then may be forgotten: who has looked at it just before has long decided by it."""
    return until + DAY_MS


class Retention(NamedTuple):
    """Times of deletion: all that bears one of these, or an earlier one, goes.

    ``due``: sessions with their messages, pauses, and closed cases with their evidence, by the end that stands in them,
    as whatever is kept with the time of ``held_until``. ``guests``: by when they were last seen, but never before the
    last of their sessions. All others by since when they are held.
    """

    due: int
    erased_texts: int
    avoided_networks: int
    wishes: int
    guests: int
    erased_guests: int
    blamed_networks: int
    reporters: int


def retention(now: int, history_ms: int) -> Retention:
    """Return what is deleted now by a host who keeps chats, and guests, for ``history_ms``."""
    return Retention(
        due=now,
        erased_texts=held_after("erased text", now),
        avoided_networks=held_after("avoided network", now),
        wishes=held_after("wish", now),
        guests=now - history_ms,
        erased_guests=held_after("erased guest", now),
        blamed_networks=held_after("blamed network", now),
        reporters=held_after("reporter", now),
    )


def is_covered(made: int, until: int) -> bool:
    """Tell whether a pause that ends then, of another guest of the network, covers a guest: who was made since it
    began. Whoever was there before it goes on."""
    return made >= until - PAUSE_MS


def confirmed(prepared: int, newest: int, history_ms: int) -> tuple[int, int]:
    """Return when a session counts as begun that was ``prepared`` then, and when it expires. Its start is behind
    ``newest``, that of all other sessions of its two, whatever clock has set it."""
    started = max(prepared, newest + 1)
    return started, expires(started, history_ms)


def expires(started: int, history_ms: int) -> int:
    """Return the date of a session that began then, of a host who keeps chats for so long."""
    return started + history_ms


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
    """A report, as the rule of three needs it: who made it, when, on which networks; whether it may count
    (``is_founded``, ``sprayed``)."""

    reporter: str
    at: int
    networks: frozenset[str]
    counts: bool


def is_founded(wrote: bool, started: int, ended: int | None, reported: int) -> bool:
    """Tell whether a report may count: the accused ``wrote`` in that chat, and it lasted a minute until it ended or was
    reported. Whoever says nothing, or was only just met, can be accused of nothing."""
    over = reported if ended is None else min(ended, reported)
    return wrote and over - started >= BLAMED_AFTER_MS


def sprayed(times: Mapping[str, int]) -> set[str]:
    """Return which of these reports of one reporter, or of one network, count for nothing, by their codes: each that
    is one of three within an hour."""
    in_order = sorted(times, key=lambda code: times[code])
    runs = (in_order[first : first + SPRAY_REPORTS] for first in range(len(in_order) - SPRAY_REPORTS + 1))
    return {code for run in runs if times[run[-1]] - times[run[0]] < SPRAY_WITHIN_MS for code in run}


def is_third(report: Accusation, others: Iterable[Accusation]) -> bool:
    """Tell whether ``report`` pauses the accused: with two of the others it comes from three guests on three networks
    within 24 h, and all three count. Who has no network counts for nothing. Later ones count as well: the clocks of
    processes differ, and what is written last may bear the earliest time."""
    strangers = [other for other in others if _apart(report, other)]
    return any(_apart(a, b) for a, b in combinations(strangers, 2))


def _apart(a: Accusation, b: Accusation) -> bool:
    if a.reporter == b.reporter or abs(a.at - b.at) >= REPORTS_WITHIN_MS or not (a.counts and b.counts):
        return False
    return bool(a.networks and b.networks) and a.networks.isdisjoint(b.networks)


def reports_of_an_hour(at: int) -> tuple[int, int]:
    """Return the time after which and the time before which the reports of one reporter were made that ``sprayed`` must
    know."""
    return at - SPRAY_WITHIN_MS, at + SPRAY_WITHIN_MS


def is_avoided(at: int | None, has_met: bool, now: int) -> bool:
    """Tell whether somebody of a network is kept away from the guest who has avoided it last ``at``: all but those who
    have talked with that guest, whenever they were made (M5)."""
    return at is not None and not has_met and now < held_until("avoided network", at)
