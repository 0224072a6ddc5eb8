"""The outbox, the page's part of delivery (protocol §2.3, §2.6): what to send, what to draw, what to keep.

The Python twin of ``static/outbox.js``, call for call: the terminal guest, the simulation and the load test are pages
by it. No socket, no screen and no clock: time comes in as ``now`` (ms of a clock that nobody sets), everything that
must happen goes out through ``Calls``, and only ``storage`` (the browser's localStorage) outlives the page. The hour,
which somebody may set, is asked for where it is shown or outlives the page: ``Calls.wall``.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from citychat.client.entries import Entries
from citychat.client.shapes import Row, Storage
from citychat.limits import bound
from citychat.model import LAMPORT_MAX, by_stream, clean_text, fits
from citychat.rules import MAILBOX_MS

WINDOW = bound("pending")  # unanswered messages on the way; the server holds as many pending
WAITING_MAX = bound("outbox unsent")  # beyond it the composer says so
STORED_MAX = bound("outbox")  # a tick older than these is learnt from history only
ACK_MS, ACK_ROWS = 50, 8
HEAD_MS = 10_000  # a message without any answer for so long is sent again
ASK_MS = 30_000
UNDELIVERED_MS = MAILBOX_MS + 600_000  # ten minutes for clocks and late receipts
FINAL = ("no-session", "bad-payload")  # a message refused for another reason is sent again
HAVE_MAX = 200  # of the longest ids 13 KB, and a frame holds 16; the history knows about the streams before them
ANSWER_MS = 10_000  # what an ask may take before its silence counts as "history does not hold it"


class Calls(Protocol):
    """The calls that an outbox makes to its page."""

    def emit(self, event: str, payload: Row) -> None: ...

    def draw(self, row: Row, state: str) -> None:
        """Show a message at its place (l, side, st, n); ``state`` is "" for the partner's."""

    def mark(self, s: str, st: str, n: int, state: str, why: str) -> None:
        """Change the tick: waiting, stored, delivered, refused (with the reason) or undelivered."""

    def alarm(self, at: float) -> None:
        """Call ``tick`` at that time or soon after; an earlier alarm stays."""

    def wall(self) -> int:
        """Tell the hour, ms since 1970: for what is shown or outlives the page. Somebody may set it at any moment."""


class Chat:
    """One session as this page has drawn it; ``top``: the largest Lamport number."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.top = 0
        self.drawn: set[tuple[int, str, int]] = set()


class Outbox:
    """One page's outbox; ``page`` is its id, ``new_stream`` draws a stream id.

    ``seen``: the last n drawn of each stream of a partner, the one drawn last at the end.
    """

    def __init__(self, storage: Storage, page: str, new_stream: Callable[[], str], calls: Calls) -> None:
        self.new_stream, self.calls = new_stream, calls
        self.entries = Entries(storage, page)
        self.chats: dict[str, Chat] = {}
        self.seen: dict[str, int] = {}
        self.living = ""  # the session that can be written to
        self.stream, self.n = "", 0
        self.live = False
        self.partner_here = False
        self.sent: dict[tuple[str, int], float] = {}
        self.paused_until = 0.0
        self.asked_at = 0.0
        self.asked_wall = 0
        self.acks: dict[str, tuple[str, int]] = {}
        self.ack_count = 0
        self.acked_at = -1.0e12

    # -- the link -------------------------------------------------------------------------------------------------

    def have(self) -> dict[str, int]:
        """Return, for ``user-join``, per stream the last n that this page has drawn."""
        return dict(list(self.seen.items())[-HAVE_MAX:])

    @property
    def writes(self) -> bool:
        """True while this page is the one that writes, and no other window."""
        return self.entries.ours

    def joined(self, answer: Mapping[str, Any], now: float) -> None:
        """Begin to write: the join was answered."""
        self.entries.take()
        self.live, self.sent, self.paused_until = True, {}, 0.0
        self.acks, self.ack_count = {}, 0
        session = answer.get("session")
        self._adopt(session, now)
        if session:
            self._rows(session["session"], answer.get("messages") or [], answer.get("seen") or {})
        self._draw_entries()
        self._pump(now)
        self._ask(now)

    def closed(self) -> None:
        """The link is gone; what was not answered will be sent after the next join."""
        self.live, self.sent, self.acks, self.ack_count = False, {}, {}, 0

    def inherit(self, name: str, text: str, now: float) -> None:
        """Take what another page of this browser has written to its own outbox after this page has taken over (a
        ``storage`` event)."""
        if self.entries.inherit(name, text):
            self._draw_entries()
            self._pump(now)
            self._alarm_ask(now)

    def session(self, session: Mapping[str, Any], now: float) -> None:
        """A session has begun (``user-session``)."""
        self.entries.keep(lambda e: e["state"] in ("waiting", "stored"))
        self.entries.save()
        self._adopt(session, now)

    def ended(self, s: str) -> None:
        """Take nothing more for ``s``: the chat is over."""
        if self.living == s:
            self.living = ""

    def partner(self, here: bool, now: float) -> None:
        self.partner_here = here
        if here:
            self._alarm_ask(now)

    def _adopt(self, session: Mapping[str, Any] | None, now: float) -> None:
        alive = session["session"] if session and not session.get("ended") else ""
        if alive != self.living:
            self.living, self.stream, self.n = alive, "", 0
        if session:
            self.chats.setdefault(session["session"], Chat(session["side"]))
            self.partner(bool(session.get("here")), now)

    def _rows(self, s: str, rows: list[Row], seen: Mapping[str, int]) -> None:
        """History's rows: mine all (delivered, so they leave the outbox), the partner's up to ``seen``.

        A gap of mine stands for what the partner never got: no line of my transcript, and no tick.
        """
        chat = self.chats[s]
        for st, n in seen.items():
            self.seen[st] = max(n, self.seen.get(st, 0))
        rows = [row for row in rows if row["side"] != chat.side or row.get("k") != "gap"]
        mine = {(row["st"], row["n"]) for row in rows if row["side"] == chat.side}
        self._settle(s, [e for e in self.entries.all if e["s"] == s and (e["st"], e["n"]) in mine])
        for row in rows:
            if row["side"] == chat.side:
                self._draw(row, "delivered")
            elif row["n"] <= self.seen.get(row["st"], 0):
                self._draw(row, "")

    def older(self, s: str, side: int, rows: list[Row]) -> None:
        """A page of ``chat-history``: drawn where it belongs, ticks included."""
        chat = self.chats.setdefault(s, Chat(side))
        for row in rows:
            if row["side"] == chat.side and row.get("k") == "gap":
                continue
            if row["side"] == chat.side or s != self.living or row["n"] <= self.seen.get(row["st"], 0):
                self._draw(row, "delivered" if row["side"] == chat.side else "")
        self._draw_entries()

    def _draw_entries(self) -> None:
        for entry in self.entries.all:
            self._draw(entry, str(entry["state"]))

    # -- mine -----------------------------------------------------------------------------------------------------

    def refusal(self, text: str) -> str:
        """Tell why this text cannot be written now: "", closed, elsewhere, empty, too-long or full."""
        if not self.living:
            return "closed"
        if not self.writes:
            return "elsewhere"
        text = clean_text(text)
        if not text.strip():
            return "empty"
        if not fits(text):
            return "too-long"
        return "full" if len(self.entries.in_state("waiting")) >= WAITING_MAX else ""

    def compose(self, text: str, now: float) -> str:
        """Write a message: kept, drawn, sent. Answers why not, or ""."""
        why = self.refusal(text)
        if why:
            return why
        chat = self.chats[self.living]
        if not self.stream:
            self.stream = self.new_stream()
        self.n += 1
        entry: Row = {
            "s": self.living, "side": chat.side, "st": self.stream, "n": self.n,
            "l": min(chat.top + 1, LAMPORT_MAX), "x": clean_text(text), "at": self.calls.wall(),
            "state": "waiting",
        }  # fmt: skip
        last = self.entries.last(self.living)
        if self.n == 1 and last:
            entry["p"] = last
        self.entries.add(entry)
        self._draw(entry, "waiting")
        self._pump(now)
        return ""

    def status(self, payload: Mapping[str, Any], now: float) -> None:
        """Take a ``chat-status``: exact ranges are stored, delivered or refused."""
        s, st, state = payload["s"], payload["st"], payload["state"]
        hit = self.entries.covered(s, st, payload["ranges"])
        if state == "delivered":
            self._settle(s, hit)
        elif state == "stored" or payload.get("error") in FINAL:
            for entry in [e for e in hit if e["state"] == "waiting"]:
                entry["state"], entry["since"] = state, self.calls.wall()
                self.calls.mark(s, st, entry["n"], state, payload.get("error") or "")
            stored = self.entries.in_state("stored")
            forgotten = stored[: max(0, len(stored) - STORED_MAX)]
            self.entries.keep(lambda e: e not in forgotten)
            if hit:
                self.entries.save()
        self._pump(now)
        self._alarm_ask(now)

    def busy(self, payload: Mapping[str, Any], now: float) -> None:
        """Take a ``chat-busy``: everything unanswered goes again, in order, after that."""
        self.paused_until, self.sent = now + payload["retry_ms"], {}
        self.calls.alarm(self.paused_until)

    def _settle(self, s: str, delivered: list[Row]) -> None:
        self.entries.keep(lambda e: e not in delivered)
        for entry in delivered:
            self.calls.mark(s, entry["st"], entry["n"], "delivered", "")
        if delivered:
            self.entries.save()

    def _pump(self, now: float) -> None:
        if not self.live or now < self.paused_until:
            return
        waiting = self.entries.in_state("waiting")
        for entry in waiting[:WINDOW]:
            key = (entry["st"], entry["n"])
            if key not in self.sent:
                self.sent[key] = now
                row: Row = {k: entry[k] for k in ("s", "st", "n", "l", "x", "p") if k in entry}
                self.calls.emit("chat-message", row)
        if waiting:
            self.calls.alarm(self.sent[waiting[0]["st"], waiting[0]["n"]] + HEAD_MS)

    def _ask(self, now: float) -> None:
        """Ask which of my kept messages history holds (``chat-ask``)."""
        self.asked_at, self.asked_wall = now, self.calls.wall()
        stored = self.entries.in_state("stored")
        for s in dict.fromkeys(e["s"] for e in stored):
            for st, ranges in by_stream([(e["st"], e["n"]) for e in stored if e["s"] == s]).items():
                self.calls.emit("chat-ask", {"s": s, "st": st, "ranges": [list(r) for r in ranges]})
        self._alarm_ask(now)

    def _alarm_ask(self, now: float) -> None:
        stored = self.entries.in_state("stored")
        if stored and self.live:
            if self.partner_here:
                self.calls.alarm(self.asked_at + ASK_MS)
            lost_at = now + stored[0]["since"] + UNDELIVERED_MS - self.calls.wall()
            self.calls.alarm(max(lost_at, self.asked_at + ANSWER_MS))

    # -- theirs ---------------------------------------------------------------------------------------------------

    def message(self, row: Row, now: float) -> None:
        """Take a ``chat-message``: drawn if it is the next of its stream (or a gap line), acked in any case."""
        self.chats.setdefault(row["s"], Chat(1 - row["side"]))  # perhaps another of my chats, not opened by this page
        seen = self.seen.get(row["st"], 0)
        if row["n"] == seen + 1 or (row.get("k") == "gap" and row["n"] > seen):
            self.seen.pop(row["st"], None)
            self.seen[row["st"]] = row["n"]
            self._draw(row, "")
        self.acks[row["st"]] = (row["s"], self.seen.get(row["st"], 0))
        self.ack_count += 1
        if now - self.acked_at >= ACK_MS or self.ack_count >= ACK_ROWS:
            self._flush_acks(now)
        else:
            self.calls.alarm(self.acked_at + ACK_MS)

    def _flush_acks(self, now: float) -> None:
        for st, (s, n) in self.acks.items():
            self.calls.emit("chat-ack", {"s": s, "st": st, "n": n})
        self.acks, self.ack_count, self.acked_at = {}, 0, now

    # -- time and memory ------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Do whatever is due; harmless at any time."""
        if not self.live:
            return
        if self.acks and now - self.acked_at >= ACK_MS:
            self._flush_acks(now)
        elif self.acks:  # woken by an earlier alarm: this one is still to come
            self.calls.alarm(self.acked_at + ACK_MS)
        waiting = self.entries.in_state("waiting")
        if waiting and now - self.sent.get((waiting[0]["st"], waiting[0]["n"]), now) >= HEAD_MS:
            self.sent = {}
        self._pump(now)
        if self.partner_here and now - self.asked_at >= ASK_MS:
            self._ask(now)
        elif now - self.asked_at >= ANSWER_MS:
            self._give_up(now)
        self._alarm_ask(now)

    def _give_up(self, now: float) -> None:
        wall = self.calls.wall()
        late = [e for e in self.entries.in_state("stored") if wall >= e["since"] + UNDELIVERED_MS]
        for entry in late:
            if entry["since"] + UNDELIVERED_MS > self.asked_wall:  # history was not asked since: ask before despairing
                self._ask(now)
                return
        for entry in late:
            entry["state"] = "undelivered"
            self.calls.mark(entry["s"], entry["st"], entry["n"], "undelivered", "")
        if late:
            self.entries.save()

    def _draw(self, row: Row, state: str) -> None:
        chat = self.chats.get(row["s"])
        key = (row["side"], row["st"], row["n"])
        if chat is None or key in chat.drawn:
            return
        chat.drawn.add(key)
        chat.top = max(chat.top, row["l"])
        self.calls.draw({k: v for k, v in row.items() if k not in ("state", "since")}, state)
