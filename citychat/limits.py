"""Limits of everything, each with its reason; token buckets, of one key or of a guest, its network and all; quotas.

Each number stands here and nowhere else: who needs one asks ``bound`` or ``rate``; docs/limits.md is made from here.
Keys of limits come from the server (guest id, network of the connection), never from a payload.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

ROUNDING_S = 1e-9  # less is of the sums, not a wait
COMMON_PART = 0.25  # of what a process has; the rest is kept for networks that ask for little,
COMMON, KEPT = 0, 1
CALM_PARTS = 100  # each for so small a part of the whole rate,
DAY_S = 86_400.0
ROW_BYTES, CHAT_BYTES = 200, 600  # what a message costs beside its text, in the store and its indexes; and a chat
CALM_BURST = 8  # and for so many at once: the pages of a household


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
        Limit("joins", 20, "joins", "guest", "reloads, changes of network; not two windows in a fight", 1),
        Limit("seeks", 20, "seeks", "guest", "the server seeks again by itself, the page has no need to", 1),
        Limit("places", 10, "tries", "guest", "correcting city or languages by hand; cities: see below", 1 / 6),
        Limit("cities", 20, "searches", "guest", "one search for each letter typed", 5),
        Limit("cases", 5, "look-ups", "guest", "nobody finds another's report code by trying (product page)", 5 / 60),
        Limit("reports", 10, "reports", "guest", "each keeps 50 messages; three an hour count for nothing", 10 / 3600),
        Limit("objections", 3, "objections", "guest", "one for each pause; the host has to read them", 3 / 3600),
        Limit("signs", 3, "asks", "guest", "“Tell me once”, which is one notice each", 1 / 3600),
        Limit("history pages", 20, "pages", "guest", "scrolling through a long chat, and no more", 5),
        Limit("typing", 2, "signs", "guest", "one in 2 s says all there is to say; on and off may come together", 0.5),
        Limit("asks", 40, "asks", "guest", "what became of the messages of each earlier page load, after a cut", 2),
        Limit("chats", 20, "lists", "guest", "the list of one's chats, opened and opened again", 1),
        Limit("refused events", 60, "events", "guest", "our pages make few; beyond it the page's next events wait", 10),
        Limit("other events", 60, "events", "guest", "buttons pressed by a person", 10),
        Limit("frames", 400, "frames", "connection", "twenty acks a second and a whole outbox after a reload fit", 200),
        Limit("frames before the join", 20, "frames", "connection", "our pages need three, and one a ping; nobody yet"),
        Limit("console links", 5, "wrong links", "process", "nobody guesses 256 bits; a host mistypes", 1 / 12),
        Limit("refused joins", 3, "joins", "connection", "our pages close after one, and connect anew"),
        Limit("new guests", 100, "guests", "network", "a school or gateway, no farm", 100 / 3600, "guests_per_hour"),
        Limit("connections", 200, "connections", "network", "the same; 42 kB each", None, "connections_per_address"),
        Limit("networks of a /48", 10, "networks", "/48 of IPv6", "new guests, connections of so many; it has 65,536"),
        Limit("frame size", 32 * 1024, "bytes", "connection", "a text in escapes, 12 bytes a sign; more is an attack"),
        Limit("text", 2_000, "code points", "message", "a long letter, in every script: at most 8,000 bytes"),
        Limit("marks", 4, "combining marks", "letter", "no script in use needs more; a pile covers other lines"),
        Limit("marks in a row", 30, "marks", "letter", "before composing, which takes the square of a row's length"),
        Limit("report note", 500, "characters", "report", "enough to say what happened"),
        Limit("objection", 1_000, "characters", "pause", "two pages of a letter; the host's answer has as many"),
        Limit("host's word", 300, "letters", "site", "while the house is closed: a few lines on a phone"),
        Limit("notice size", 16 * 1024, "bytes", "notice", "the form with all its fields full, in any script"),
        Limit("pending", 32, "messages", "session", "sent but not yet kept by anybody else; the page waits beyond it"),
        Limit("held", 600, "messages", "session", "out of order; more than a full mailbox and what is on its way"),
        Limit("outbox unsent", 200, "messages", "page", "without ✓; then the composer says so"),
        Limit("outbox", 500, "messages", "page", "without ✓✓, in the browser's storage"),
        Limit("unacked", 32, "messages", "page", "given to it and not yet drawn: of the longest texts 260 KiB"),
        Limit("streams", 4_096, "page loads", "session", "those of a month; a join answer that names all takes 80 KB"),
        Limit("lost messages", 10_000, "messages", "session", "a mailbox loses 500 a day at most: more is a lie"),
        Limit("streams named", 1_000, "page loads", "join", "our pages name the 200 drawn last"),
        Limit("early events", 1_000, "events", "join", "heard before it is answered; the mailbox has the messages too"),
        Limit("history page", 100, "messages", "request", "more than any screen shows"),
        Limit("mailbox", 500, "messages", "guest", "waiting for somebody who is away, at most 24 h"),
        Limit("mailbox window", 3_000, "messages", "guest", "unacked: from 600 on while a hole is behind, up to 24 MB"),
        Limit("outgoing queue", 1024, "packets", "connection", "all held messages in one go; who reads none is closed"),
        Limit("outgoing size", 512 * 1024, "bytes", "connection", "the same, and a page of history, for long texts"),
        Limit("record", 32 * 1024, "bytes", "event of the bus or mail", "the longest text in escapes: 24 kB"),
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
        Limit("guest's day", 5_000_000, "bytes a day", "guest", "some 20,000 messages, half of them at once"),
        Limit("network's day", 100_000_000, "bytes a day", "network", "a school, or an IPv6 /48; ten days are 1 GB"),
        Limit("days counted", 100_000, "guests", "process", "as many networks; some 15 MB, the oldest go first"),
        Limit("free disk", 256 * 1024 * 1024, "bytes", "machine",
              "less, and no new chat begins (embedded storage): those that run need some of it, and a backup"),
        Limit("signs waiting", 5_000, "guests", "site", "who are to be told once; of 1 kB each, looked at every 15 s"),
        Limit("people met", 1_000, "guests", "guest", "whom a block of their network does not keep away; the newest"),
        Limit("wishes of a guest", 5, "wishes", "guest", "to talk again, tried for 10 minutes; more than anybody has"),
        Limit("wishes", 1_000, "guests", "process", "each is looked at every 15 s; the oldest go first"),
        Limit("bars on their way", 10_000, "pairs", "process", "of 2 kB each, while the history is away"),
        Limit("letdowns", 2, "letdowns", "guest", "offers taken back, chats unanswered; then behind for 10 minutes"),
        Limit("many letdowns", 5, "letdowns", "guest", "in an hour; then an hour in which it is led to nobody"),
        Limit("complaints", 3, "guests", "network", "in an hour; few must not put a town behind all"),
        Limit("letdowns kept", 10_000, "guests", "lobby", "of 0.8 kB each; as many who complain; oldest go first"),
        Limit("lookers of one network", 3, "guests", "pool", "or a tenth of all, while others look: in nobody's way"),
        Limit("towns nearby", 30, "towns", "guest", "the nearest within 50 km; a search looks into no more of them"),
        Limit("languages", 5, "languages", "guest", "as many as somebody speaks; nobody is found by naming them all"),
        Limit("place changes", 3, "changes a day", "guest", "nobody finds a stranger by trying districts"),
        Limit("joins of a network", 200, "joins", "network", "all pages of a school come back, then wifi cuts", 4),
        Limit("joins of a process", 200, "joins", "process",
              "guests of a process that has gone are back in seconds, and those who talk here notice nothing", 200),
        Limit("refused joins of a network", 200, "joins", "network", "old pages of a school; then the first closes", 2),
        Limit("refused joins of a process", 400, "joins", "process", "of 0.2 ms each, and of a handshake", 100),
        Limit("frames of a network", 1200, "frames", "network", "pages of a school are back; a hall of 100 talks", 600),
        Limit("frames of a process", 8000, "frames", "process", "of 40 µs each, the cheapest: a third of a core", 8000),
        Limit("arrivals of a network", 1200, "connections", "network", "twelve of each browser in a hall of 100", 100),
        Limit("arrivals of a process", 4000, "connections", "process", "of 0.1 ms each: a fifth of a core", 2000),
        Limit("handshakes of a network", 400, "handshakes", "network", "every connection twice, at a restart", 20),
        Limit("handshakes of a process", 100, "handshakes", "process", "of 1.2 ms each: a quarter of a core", 200),
        Limit("requests of a network", 5000, "requests", "network", "a hall of a hundred that opens the page", 300),
        Limit("requests of a process", 800, "requests", "process", "of 0.7 ms each: most of a core", 1200),
        Limit("requests of a visit", 60, "requests", "network", "page and files: even while others flood", None),
        Limit("held requests", 2000, "requests", "process", "of 20 kB each, that wait; beyond it: busy at once"),
        Limit("messages of a network", 400, "messages", "network", "a hall of a hundred, one each second", 100),
        Limit("messages of a process", 2000, "messages", "process", "of 0.4 ms each: most of a core", 2000),
        Limit("seeks of a network", 200, "seeks", "network", "a hall of a hundred looks at once, and again", 20),
        Limit("seeks of a process", 400, "seeks", "process", "a fifth of a core", 200),
        Limit("places of a network", 100, "tries", "network", "a hall of a hundred corrects its city", 2),
        Limit("places of a process", 100, "tries", "process", "a twentieth of a core", 50),
        Limit("cities of a network", 300, "searches", "network", "a class of thirty types at once", 30),
        Limit("cities of a process", 400, "searches", "process", "of 0.3 ms each: a twentieth of a core", 200),
        Limit("cases of a network", 20, "look-ups", "network", "nobody finds a code with many guests either", 20 / 60),
        Limit("cases of a process", 80, "look-ups", "process", "nor with many networks", 5),
        Limit("reports of a network", 60, "reports", "network", "a school in a bad hour; and one may block", 60 / 3600),
        Limit("reports of a process", 100, "reports", "process", "of 5 ms of the store each: a hundredth of it", 2),
        Limit("objections of a network", 20, "objections", "network", "all who were paused in a school", 20 / 3600),
        Limit("objections of a process", 100, "objections", "process", "of 5 ms of the store each", 2),
        Limit("signs of a network", 30, "asks", "network", "a hall of a hundred, before the first has come", 30 / 3600),
        Limit("signs of a process", 100, "asks", "process", "of 5 ms of the store each", 1),
        Limit("notices of a network", 5, "notices", "network", "a person, or a family", 5 / 3600),
        Limit("notices of a process", 40, "notices", "process", "a bad day; more is to keep the host busy", 100 / 3600),
        Limit("history pages of a network", 40, "pages", "network", "a tenth of a hall scrolls at the same time", 10),
        Limit("history pages of a process", 80, "pages", "process", "of 2 ms each, when full: a tenth of a core", 40),
        Limit("typing of a network", 300, "signs", "network", "a hall of a hundred, all writing", 60),
        Limit("typing of a process", 1000, "signs", "process", "a tenth of a core", 500),
        Limit("asks of a network", 200, "asks", "network", "a school's pages after a cut, then one in 30 s each", 20),
        Limit("asks of a process", 200, "asks", "process", "of 0.8 ms each, the longest: a sixth of a core", 200),
        Limit("chats of a network", 200, "lists", "network", "a hall of a hundred looks at its chats", 10),
        Limit("chats of a process", 400, "lists", "process", "of 1 ms each, the longest: a tenth of a core", 100),
        Limit("other events of a network", 400, "events", "network", "a hall of a hundred, each pressing a button", 60),
        Limit("other events of a process", 800, "events", "process", "a quarter of a core", 500),
        Limit("refused events of a network", 200, "events", "network", "of old pages, or programs being written", 50),
        Limit("refused events of a process", 400, "events", "process", "a twentieth of a core", 400),
    )
}  # fmt: skip


class Buckets:
    """A token bucket for each key, remembered as one number: the time at which it will be full again.

    ``max_keys`` bounds the memory: over it the bucket unused for longest, most likely a full one, is forgotten. Full
    ones are forgotten one by one as others are taken from, so that the memory is that of who has come lately.
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
        wait = max(0.0, self._full_s.get(key, now) - now - self._slack_s)
        if wait <= ROUNDING_S:
            wait = 0.0
        self.put_down(key, now, 0 if wait else 1)
        return wait

    def wait_s(self, key: str, now: float | None = None, tokens: int = 1) -> float:
        """Return what ``take`` would, for so many, and take nothing. ``now``: of ``now_s``, when it is known."""
        now = self._now_s() if now is None else now
        wait = self._full_s.get(key, now) - now - self._slack_s + (tokens - 1) * self._step_s
        return wait if wait > ROUNDING_S else 0.0

    def put_down(self, key: str, now: float, tokens: int = 1) -> None:
        """Write down that so many tokens were taken, and that the bucket was used; there may have been fewer."""
        full = self._full_s
        full[key] = max(full.pop(key, now), now) + tokens * self._step_s
        oldest = next(iter(full))
        if full[oldest] <= now or len(full) > self._max_keys:
            del full[oldest]

    def __len__(self) -> int:
        return len(self._full_s)


class Shares:
    """The buckets of one kind of event, of three kinds at once: a guest's (row ``name`` of the table, where it has one
    for guests), its network's (``name of a network``), and the process's (``name of a process``).

    The process has two buckets: a quarter of its row is everybody's, the rest is kept for networks that ask for
    little, a hundredth of the row each; of IPv6 to a whole /48, or one household were scores of them. What scores of
    others flood keeps nobody else out, and costs a part of what the process can do. Loopback is no network (""): it has
    both buckets of the process, and no other.

    ``scale``: how many times a network's row its buckets are, for hosts who let more of one address in. ``calm``: what
    a network that asks for little may take at once. ``guest``: instead of the guest's row, where a host has changed it.

    Each message passes here: what is the process's are plain numbers, and no call more than needed is made.
    """

    def __init__(
        self,
        name: str,
        now_s: Callable[[], float],
        scale: float = 1.0,
        *,
        calm: int = CALM_BURST,
        guest: Buckets | None = None,
    ) -> None:
        each, network, process = LIMITS.get(name), f"{name} of a network", f"{name} of a process"
        burst, per_s = bound(process), rate(process)
        if guest is None and each is not None and each.each == "guest":
            guest = buckets(name, now_s)
        self._guest = guest
        self._network = Buckets(bound(network) * scale, rate(network) * scale, now_s)
        self._calm = Buckets(calm, per_s / CALM_PARTS, now_s)
        self._full_s = [-math.inf, -math.inf]  # when the process's two, the common and the kept one, are full again
        self._slack_s = (burst - 1 / COMMON_PART) / per_s, (burst - 1 / (1 - COMMON_PART)) / per_s
        self._step_s = 1 / per_s / COMMON_PART, 1 / per_s / (1 - COMMON_PART)
        self._now_s = now_s

    def take(self, guest: str, source: str, patience_s: float = 0.0, tokens: int = 1) -> float:
        """Take so many of each and return the seconds until they may be used, at most ``patience_s``. If that would be
        longer take none and return it. ``guest``, ``source``: "" for none."""
        now, which = self._now_s(), COMMON
        wait = self._full_s[COMMON] - now - self._slack_s[COMMON]
        if wait > ROUNDING_S and not (source and self._calm.wait_s(site(source), now)):
            kept = self._full_s[KEPT] - now - self._slack_s[KEPT]
            which, wait = (KEPT, kept) if kept < wait else (COMMON, wait)
        wait = wait if wait > ROUNDING_S else 0.0
        if source:
            wait = max(wait, self._network.wait_s(source, now))
        if guest and self._guest is not None:
            wait = max(wait, self._guest.wait_s(guest, now))
        if wait > patience_s + ROUNDING_S:
            return wait
        self._full_s[which] = max(self._full_s[which], now) + tokens * self._step_s[which]
        if which == KEPT and source:
            self._calm.put_down(site(source), now, tokens)
        if source:
            self._network.put_down(source, now, tokens)
        if guest and self._guest is not None:
            self._guest.put_down(guest, now, tokens)
        return wait

    def wait_s(self, guest: str, source: str) -> float:
        """Return what ``take`` would, and take nothing."""
        return self.take(guest, source, patience_s=-math.inf)


class DayQuotas:
    """Bytes that a guest and a network may have had written down, for messages and chats, in any 24 hours: half of them
    at once, the other half comes back in the course of a day. So there is no hour around which twice as many fit. Each
    process counts for itself: a message costs no trip for it, and a start begins anew."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._guests, self._networks = self._of(bound("guest's day")), self._of(bound("network's day"))

    def _of(self, day: int) -> Buckets:
        return Buckets(day / 2, day / 2 / DAY_S, self._now_s, bound("days counted"))

    def charge(self, guest: str, network: str, text: str) -> bool:
        """Count a message; whether guest and network ("": none; of IPv6 its ``site``) had room for it."""
        return self._count(guest, network, len(text.encode(errors="replace")) + ROW_BYTES)

    def charge_chat(self, guest: str, source: str) -> bool:
        """Count a chat likewise, of whatever network of a ``site``."""
        return self._count(guest, site(source), CHAT_BYTES)

    def _count(self, guest: str, network: str, size: int) -> bool:
        now = self._now_s()
        if self._guests.wait_s(guest, now, size) or (network and self._networks.wait_s(network, now, size)):
            return False
        self._guests.put_down(guest, now, size)
        if network:
            self._networks.put_down(network, now, size)
        return True


def site(network: str) -> str:
    """Of a network's name a name of all that one line of a provider may have: of an IPv6 /64 the /48 it lies in."""
    return ":".join([*network[:-5].split(":"), "0", "0"][:3]) if network[-3:] == "/64" else network


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
