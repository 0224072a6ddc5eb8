"""The outbox, the page's part of delivery (protocol §2.3, §2.6): what to send, what to draw, what to keep.

The Python twin of ``static/outbox.js``, call for call: the terminal guest, the simulation and the load test are pages
by it. No socket, no screen and no clock: time comes in as ``now`` (ms of a clock that nobody sets), everything that
must happen goes out through ``Calls``, and only ``storage`` (the browser's localStorage) outlives the page. The hour,
which somebody may set, is asked for where it is shown or outlives the page: ``Calls.wall``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from citychat.client.acks import Acks
from citychat.client.calls import Calls
from citychat.client.drawn import Drawn
from citychat.client.entries import Entries, key_of
from citychat.client.shapes import Row, Storage
from citychat.limits import bound
from citychat.model import LAMPORT_MAX, MessageKey, by_stream, clean_text, fits, is_blank
from citychat.rules import MAILBOX_MS

WINDOW = bound("pending")  # unanswered messages on the way; the server holds as many pending
WAITING_MAX = bound("outbox unsent")  # beyond it the composer says so
STORED_MAX = bound("outbox")  # a tick older than these is learnt from history only
HEAD_MS = 10_000  # a message without any answer for so long is sent again
ASK_MS = 30_000
UNDELIVERED_MS = MAILBOX_MS + 600_000  # ten minutes for clocks and late receipts
FINAL = ("no-session", "bad-payload", "day-full")  # a message refused for another reason is sent again
ANSWER_MS = 10_000  # what an ask may take before its silence counts as "history does not hold it"


class Outbox:
    """One page's outbox; ``page`` is its id, ``new_stream`` draws a stream id."""

    def __init__(self, storage: Storage, page: str, new_stream: Callable[[], str], calls: Calls) -> None:
        self.new_stream, self.calls = new_stream, calls
        self.entries, self.drawn, self.acks = Entries(storage, page), Drawn(calls), Acks(calls)
        self.running = ""  # the session that can be written to
        self.stream, self.number = "", 0  # mine, in the running session, and the last one written in it
        self.live = False
        self.partner_here = False
        self.sent: dict[MessageKey, float] = {}  # when each message on the way was sent
        self.paused_until = 0.0
        self.asked_at = 0.0
        self.asked_wall = 0

    # -- the link -------------------------------------------------------------------------------------------------

    def have(self) -> dict[str, int]:
        """Return, for ``user-join``, per stream the last number that this page has drawn."""
        return self.drawn.have()

    @property
    def writes(self) -> bool:
        """True while this page is the one that writes, and no other window."""
        return self.entries.ours

    def joined(self, answer: Mapping[str, Any], now: float) -> None:
        """Begin to write: the join was answered."""
        self.entries.take()
        self.live, self.sent, self.paused_until = True, {}, 0.0
        self.acks.drop()
        session = answer.get("session")
        self._adopt(session, now)
        if (last := self.entries.last(self.running)) and last[0] != self.stream:
            self.stream = ""  # another window has written since: mine is linked to that
        if session:
            self._draw_history(session["session"], answer.get("messages") or [], answer.get("seen") or {})
        self._draw_entries()
        self._pump(now)
        self._ask(now)

    def closed(self) -> None:
        """The link is gone; what was not answered will be sent after the next join."""
        self.live, self.sent = False, {}
        self.acks.drop()

    def inherit(self, name: str, text: str, now: float) -> None:
        """Take what another page of this browser has written to its own outbox after this page has taken over (a
        ``storage`` event)."""
        if self.entries.inherit(name, text):
            self._draw_entries()
            self._pump(now)
            self._alarm_ask(now)

    def session(self, session: Mapping[str, Any], now: float) -> None:
        """A session has begun (``user-session``)."""
        self.entries.keep(lambda entry: entry["state"] in ("waiting", "stored"))
        self.entries.save()
        self._adopt(session, now)

    def ended(self, session: str) -> None:
        """Take nothing more for a session: it is over."""
        if self.running == session:
            self.running = ""

    def partner(self, here: bool, now: float) -> None:
        self.partner_here = here
        if here:
            self._alarm_ask(now)

    def side_in(self, session: str) -> int | None:
        """Return my side in a session that this page knows."""
        drawn = self.drawn.find(session)
        return drawn.side if drawn else None

    def _adopt(self, session: Mapping[str, Any] | None, now: float) -> None:
        running = session["session"] if session and not session.get("ended") else ""
        if running != self.running:
            self.running, self.stream = running, ""
        if session:
            self.drawn.of(session["session"], session["side"]).told = True
            self.partner(bool(session.get("here")), now)

    def _draw_history(self, session: str, rows: list[Row], seen: Mapping[str, int]) -> None:
        """History's messages: mine all (delivered, so they leave the outbox), the partner's up to ``seen``.

        A gap of mine stands for what the partner never got: no line of my transcript, and no tick.
        """
        side = self.side_in(session)
        self.drawn.learn(seen)
        rows = [row for row in rows if row["side"] != side or row.get("kind") != "gap"]
        mine = {key_of(row) for row in rows if row["side"] == side}
        self._settle([entry for entry in self.entries.all if entry["session"] == session and key_of(entry) in mine])
        for row in rows:
            if row["side"] == side:
                self.drawn.draw(row, "delivered")
            elif row["number"] <= self.drawn.last(row["stream"]):
                self.drawn.draw(row, "")

    def older(self, session: str, side: int, rows: list[Row]) -> None:
        """A page of ``chat-history``: drawn where it belongs, ticks included."""
        mine = self.drawn.of(session, side).side
        for row in rows:
            if row["side"] == mine:
                if row.get("kind") != "gap":
                    self.drawn.draw(row, "delivered")
            elif session != self.running or row["number"] <= self.drawn.last(row["stream"]):
                self.drawn.draw(row, "")
        self._draw_entries()

    def _draw_entries(self) -> None:
        for entry in self.entries.all:
            self.drawn.draw(entry, str(entry["state"]))

    # -- mine -----------------------------------------------------------------------------------------------------

    def refusal(self, text: str) -> str:
        """Tell why this text cannot be written now: "", closed, elsewhere, empty, too-long or full."""
        if not self.running:
            return "closed"
        if not self.writes:
            return "elsewhere"
        text = clean_text(text)
        if is_blank(text):
            return "empty"
        if not fits(text):
            return "too-long"
        return "full" if len(self.entries.in_state("waiting")) >= WAITING_MAX else ""

    def compose(self, text: str, now: float) -> str:
        """Write a message: kept, drawn, sent. Answers why not, or ""."""
        why = self.refusal(text)
        if why:
            return why
        drawn = self.drawn.of(self.running, 0)
        last = self.entries.last(self.running)
        lamport = max(drawn.highest_lamport, last[2] if last else 0) + 1
        if not self.stream:
            self.stream, self.number = self.new_stream(), 0
        self.number += 1
        entry: Row = {
            "session": self.running, "side": drawn.side, "stream": self.stream, "number": self.number,
            "lamport": min(lamport, LAMPORT_MAX), "text": clean_text(text), "at": self.calls.wall(),
            "state": "waiting",
        }  # fmt: skip
        if last and self.number == 1:
            entry["previous"] = last[:2]
        self.entries.add(entry)
        self.drawn.draw(entry, "waiting")
        self._pump(now)
        return ""

    def status(self, payload: Mapping[str, Any], now: float) -> None:
        """Take a ``chat-status``: exact ranges are stored, delivered or refused."""
        state, error = payload["state"], payload.get("error") or ""
        hit = self.entries.covered(payload["session"], payload["stream"], payload["ranges"])
        if state == "delivered":
            self._settle(hit)
        elif state == "stored" or error in FINAL:
            for entry in [entry for entry in hit if entry["state"] == "waiting"]:
                entry["state"], entry["since"] = state, self.calls.wall()
                self._mark(entry, error)
            stored = self.entries.in_state("stored")
            forgotten = stored[: max(0, len(stored) - STORED_MAX)]
            self.entries.keep(lambda entry: entry not in forgotten)
            if hit:
                self.entries.save()
        self._pump(now)
        self._alarm_ask(now)

    def busy(self, payload: Mapping[str, Any], now: float) -> None:
        """Take a ``chat-busy``: everything unanswered goes again, in order, after that."""
        self.paused_until, self.sent = now + payload["retry_ms"], {}
        self.calls.alarm(self.paused_until)

    def _settle(self, delivered: list[Row]) -> None:
        self.entries.keep(lambda entry: entry not in delivered)
        for entry in delivered:
            self._mark({**entry, "state": "delivered"})
        if delivered:
            self.entries.save()

    def _pump(self, now: float) -> None:
        if not self.live or now < self.paused_until:
            return
        waiting = self.entries.in_state("waiting")
        for entry in waiting[:WINDOW]:
            if key_of(entry) not in self.sent:
                self.sent[key_of(entry)] = now
                message = {name: value for name, value in entry.items() if name not in ("side", "at", "state")}
                self.calls.emit("chat-message", message)
        if waiting:
            self.calls.alarm(self.sent[key_of(waiting[0])] + HEAD_MS)

    def _ask(self, now: float) -> None:
        """Ask which of my kept messages history holds (``chat-ask``)."""
        self.asked_at, self.asked_wall = now, self.calls.wall()
        stored = self.entries.in_state("stored")
        for session in dict.fromkeys(entry["session"] for entry in stored):
            keys = [key_of(entry) for entry in stored if entry["session"] == session]
            for stream, ranges in by_stream(keys).items():
                asked = {"session": session, "stream": stream, "ranges": [list(one) for one in ranges]}
                self.calls.emit("chat-ask", asked)
        self._alarm_ask(now)

    def _alarm_ask(self, now: float) -> None:
        stored = self.entries.in_state("stored")
        if stored and self.live:
            if self.partner_here:
                self.calls.alarm(self.asked_at + ASK_MS)
            self.calls.alarm(max(now + _lost_at(stored[0]) - self.calls.wall(), self.asked_at + ANSWER_MS))

    # -- theirs ---------------------------------------------------------------------------------------------------

    def message(self, row: Row, now: float) -> None:
        """Take a ``chat-message``: drawn if it is the next of its stream, a gap line, or late (it takes the place of a
        gap); acked in any case."""
        session, stream = row["session"], row["stream"]
        self.drawn.of(session, 1 - row["side"])  # perhaps another of my chats, not opened by this page
        if self.drawn.advance(row) or row.get("kind") == "late":
            self.drawn.draw(row, "")
        self.acks.add(session, stream, self.drawn.last(stream), now)

    # -- time and memory ------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Do whatever is due; harmless at any time."""
        if not self.live:
            return
        self.acks.tick(now)
        waiting = self.entries.in_state("waiting")
        if waiting and now - self.sent.get(key_of(waiting[0]), now) >= HEAD_MS:
            self.sent = {}
        self._pump(now)
        if self.partner_here and now - self.asked_at >= ASK_MS:
            self._ask(now)
        elif now - self.asked_at >= ANSWER_MS:
            self._give_up(now)
        self._alarm_ask(now)

    def _give_up(self, now: float) -> None:
        wall = self.calls.wall()
        late = [entry for entry in self.entries.in_state("stored") if wall >= _lost_at(entry)]
        if any(_lost_at(entry) > self.asked_wall for entry in late):
            self._ask(now)  # history was not asked since: ask before despairing
            return
        # What became of a message after the end of its chat nobody is told: it is forgotten as it is.
        self.entries.keep(lambda entry: entry["session"] == self.running or entry not in late)
        for entry in (entry for entry in late if entry["session"] == self.running):
            entry["state"] = "undelivered"
            self._mark(entry)
        if late:
            self.entries.save()

    def _mark(self, entry: Row, why: str = "") -> None:
        self.calls.mark(entry["session"], entry["stream"], entry["number"], entry["state"], why)


def _lost_at(entry: Row) -> int:
    """Return when, by the wall, a stored message that the history does not hold counts as lost."""
    return int(entry["since"]) + UNDELIVERED_MS
