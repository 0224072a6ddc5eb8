"""Limits of everything, each with its reason; and token buckets.

Each number stands here and nowhere else: who needs one asks ``bound`` or ``rate``; docs/limits.md is made from here.
Keys of limits come from the server (guest id, network of the connection), never from a payload.
"""

import math
from collections.abc import Callable
from typing import NamedTuple


class Limit(NamedTuple):
    """One limit. With ``per_s`` it is a bucket: ``value`` at once, then so many a second."""

    name: str
    value: int
    unit: str
    each: str  # who has it: a guest, a connection, a network, a session, a process
    reason: str
    per_s: float | None = None
    setting: str = ""  # the setting that changes it


LIMITS = {
    limit.name: limit
    for limit in (
        Limit("messages", 40, "messages", "guest", "nobody types faster; pasted or queued lines still go out at once",
              5, "message_burst message_rate"),
        Limit("joins", 20, "joins", "guest", "reloads and changes of network are free, two windows in a fight are not",
              1),
        Limit("joins at once", 200, "joins", "process",
              "guests of a process that has gone are back in seconds, and those who talk here notice nothing", 200),
        Limit("seeks", 20, "seeks", "guest", "the server seeks again by itself, the page has no need to", 1),
        Limit("places", 10, "tries", "guest", "correcting the city by hand; changes have their own limit", 1 / 6),
        Limit("cities", 20, "searches", "guest", "one search for each letter typed", 5),
        Limit("cases", 5, "look-ups", "guest", "nobody finds another's report code by trying (product page)", 5 / 60),
        Limit("history pages", 20, "pages", "guest", "scrolling through a long chat, and no more", 5),
        Limit("typing", 2, "signs", "guest", "one in 2 s says all there is to say; on and off may come together", 0.5),
        Limit("other events", 60, "events", "guest", "buttons pressed by a person", 10),
        Limit("frames", 400, "frames", "connection", "twenty acks a second and a whole outbox after a reload fit", 200),
        Limit("frames before the join", 20, "frames", "connection",
              "our pages need three and an answer to each ping; nothing else counts those who are nobody yet"),
        Limit("refused joins", 3, "joins", "connection", "our pages close after one, and connect anew"),
        Limit("new guests", 100, "guests", "network", "a school or a provider's gateway, but no farm of guests",
              100 / 3600, "guests_per_hour"),
        Limit("connections", 200, "connections", "network", "the same; each costs 42 kB", None,
              "connections_per_address"),
        Limit("frame size", 16 * 1024, "bytes", "connection", "four times the longest text; a bigger one is an attack"),
        Limit("text", 2_000, "code points", "message", "a long letter"),
        Limit("text size", 4_096, "bytes", "message", "the same in a script of two bytes a letter"),
        Limit("marks", 4, "combining marks", "letter", "no script in use needs more; a pile covers other lines"),
        Limit("report note", 500, "characters", "report", "enough to say what happened"),
        Limit("pending", 32, "messages", "session", "sent but not yet kept by anybody else; the page waits beyond it"),
        Limit("held", 600, "messages", "session", "out of order; more than a full mailbox and what is on its way"),
        Limit("outbox unsent", 200, "messages", "page", "without ✓; then the composer says so"),
        Limit("outbox", 500, "messages", "page", "without ✓✓, in the browser's storage"),
        Limit("unacked", 32, "messages", "page", "given to it and not yet drawn: of the longest texts 140 KiB"),
        Limit("streams", 4_096, "page loads", "session", "those of a month; a join answer that names all takes 80 KB"),
        Limit("lost messages", 10_000, "messages", "session",
              "a mailbox loses at most 500 a day, so more is a lie; each hole is one row of the history"),
        Limit("streams named", 1_000, "page loads", "join", "our pages name the 200 drawn last"),
        Limit("early events", 1_000, "events", "join", "heard before it is answered; the mailbox has the messages too"),
        Limit("history page", 100, "messages", "request", "more than any screen shows"),
        Limit("mailbox", 500, "messages", "guest", "waiting for somebody who is away, at most 24 h"),
        Limit("mailbox window", 3_000, "messages", "guest",
              "read and not acked yet: opens from 600 on while a hole is behind a full one, up to what 24 MB hold"),
        Limit("outgoing queue", 1024, "packets", "connection", "all held messages in one go; who reads none is closed"),
        Limit("outgoing size", 256 * 1024, "bytes", "connection", "the same, for long texts"),
        Limit("record", 32 * 1024, "bytes", "event of the bus or mail",
              "one text of 4 KiB may grow sixfold when JSON escapes it; the rest is small"),
        Limit("waiting for Redis", 10_000, "commands", "process", "one that stands still must not fill the memory"),
        Limit("unsent to Redis", 8 * 1024 * 1024, "bytes", "process", "the same, for large ones"),
        Limit("waiting for SQLite", 10_000, "jobs", "process", "a disk that stands still must not fill the memory"),
        Limit("waiting for MongoDB", 10_000, "messages", "process", "20 full batches; the same for a server"),
        Limit("unconfirmed chats", 10_000, "chats", "process", "of 0.2 kB each; they wait while the history is away"),
        Limit("recent guests", 10_000, "guests", "process", "of 1 kB each; they come back while the history is away"),
        Limit("unheard", 1_000, "events", "process", "told to nobody while Redis was away; told again when it is back"),
        Limit("receipts asked for", 32, "page loads", "session", "after a cut of Redis; older ones asked as they came"),
        Limit("unanswered by RabbitMQ", 8 * 1024 * 1024, "bytes", "process", "some 20,000 messages being put"),
        Limit("uncommitted texts", 8 * 1024 * 1024, "bytes", "process", "drawn while the history is away"),
        Limit("chats at a join", 10, "chats", "join", "the newest; mail of an older one loads it, My chats lists it"),
        Limit("chat list", 50, "chats", "request", "more than any screen shows"),
        Limit("chats of a pair", 100, "chats a day", "pair", "one each quarter of an hour; more is collecting"),
        Limit("day of a guest", 5_000_000, "bytes a day", "guest", "some 20,000 messages; nobody types more"),
        Limit("day of a network", 100_000_000, "bytes a day", "network", "a school; ten days are 1 GB of the disk"),
        Limit("days counted", 100_000, "guests", "process", "as many networks; some 15 MB, the oldest go first"),
        Limit("free disk", 256 * 1024 * 1024, "bytes", "machine",
              "less, and no new chat begins (embedded storage): those that run need some of it, and a backup"),
        Limit("people met", 1_000, "guests", "guest",
              "whom a block of their network does not keep away; the newest of a month, and no record grows for ever"),
        Limit("place changes", 3, "changes a day", "guest", "nobody finds a stranger by trying cells"),
    )
}  # fmt: skip


class Buckets:
    """A token bucket for each key, remembered as one number: the time at which it will be full again.

    ``max_keys`` bounds the memory: over it the bucket unused for longest, most likely a full one, is forgotten.
    """

    def __init__(self, burst: float, per_s: float, now_s: Callable[[], float], max_keys: int = 100_000) -> None:
        if not (burst >= 1 and 0 < per_s < math.inf and max_keys >= 1):
            raise ValueError(f"a bucket needs burst >= 1, per_s > 0, max_keys >= 1, not {burst}, {per_s}, {max_keys}")
        self._step_s = 1 / per_s
        self._slack_s = (burst - 1) / per_s
        self._now_s = now_s
        self._max_keys = max_keys
        self._full_s: dict[str, float] = {}

    def take(self, key: str) -> float:
        """Take one token and return 0.0, or take none and return the seconds until there is one."""
        now = self._now_s()
        full = max(self._full_s.pop(key, now), now)
        wait = self._wait_s(full, now)
        self._full_s[key] = full if wait else full + self._step_s
        if wait:
            return wait
        if len(self._full_s) > self._max_keys:
            del self._full_s[next(iter(self._full_s))]
        return 0.0

    def wait_s(self, key: str) -> float:
        """Return what ``take`` would, and take nothing."""
        now = self._now_s()
        return self._wait_s(max(self._full_s.get(key, now), now), now)

    def _wait_s(self, full: float, now: float) -> float:
        wait = full - now - self._slack_s
        return wait if wait > 1e-9 else 0.0  # less is the rounding of the sums, not a wait

    def __len__(self) -> int:
        return len(self._full_s)


def bound(name: str) -> int:
    """Return how much the table allows at once. Raises KeyError for a name it does not have."""
    return LIMITS[name].value


def rate(name: str) -> float:
    """Return how many a second. Raises KeyError for a name the table does not have, ValueError for a limit without
    rate."""
    per_s = LIMITS[name].per_s
    if per_s is None:
        raise ValueError(f"{name} is a bound, not a rate")
    return float(per_s)


def buckets(name: str, now_s: Callable[[], float]) -> Buckets:
    """Buckets as the table says. Raises what ``rate`` raises."""
    return Buckets(bound(name), rate(name), now_s)
