"""A page without a browser: the part of ``static/socket.js`` that decides, in Python (protocol §1, §2.3, §3).

The terminal guest, the simulation and the load test are this page with different links and screens. Time comes from a
Clock and chance from a Random, so that a simulation can replay every run.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Protocol

from citychat.client.declines import PendingDeclines
from citychat.client.kept_tokens import KeptTokens
from citychat.client.outbox import Outbox
from citychat.client.shapes import Row, Storage
from citychat.client.wire import answer_from_wire, from_wire, to_wire
from citychat.model import PROTOCOL_VERSION, new_id
from citychat.ports import Clock, Timer

JOIN_S = 5.0  # of silence: without it a join lost on a half-open link stalls the page for ever
BACKOFF_S, BACKOFF_MAX_S = 0.5, 30.0
SILENT_S, PROBE_S = 20.0, 2.0
YES_S = 2.0  # "Found someone. Starting in 2… Stop"

Answer = Callable[[Mapping[str, Any]], None]


class Link(Protocol):
    """A connection to the server. Its owner calls the page's ``opened``, ``event`` and ``closed``."""

    def open(self) -> None: ...

    def emit(self, event: str, payload: Row, answer: Answer | None = None) -> None: ...

    def close(self) -> None:
        """Give this connection up; ``closed`` is not called for it."""


class View(Protocol):
    """Interface of what a person sees. ``said`` gets events of /user and join answers, once the page has acted."""

    def draw(self, row: Row, state: str) -> None: ...

    def mark(self, session: str, stream: str, number: int, state: str, why: str) -> None: ...

    def said(self, event: str, payload: Mapping[str, Any]) -> None: ...


class HeadlessPage:
    """A page without a browser. ``storage`` outlives it (localStorage). ``looking``: it wants to meet somebody."""

    def __init__(
        self,
        link: Link,
        screen: View,
        storage: Storage,
        clock: Clock,
        random: Random,
        *,
        consent: str,
        position: Mapping[str, float] | None = None,
        available: bool = True,
    ) -> None:
        self.link, self.screen, self.storage, self.clock, self.random = link, screen, storage, clock, random
        self.consent, self.position, self.available = consent, position, available
        self.id = new_id(random)
        self.outbox = Outbox(storage, self.id, lambda: new_id(random, 64), self)
        self.tokens = KeptTokens(storage)
        self.declines = PendingDeclines(storage, link.emit, self._later)
        self.visible = True
        self.objected: Row = {}  # what a paused guest says to it
        self.wishes: Row = {}  # whom the guest would like to meet: ``towns``, ``languages``
        self.leaving = ""  # the chat that was left without the server knowing yet
        self.looking = self.stopped = self.connected = self.joined = self.answered = False
        self.session: dict[str, Any] | None = None
        self.offer: Mapping[str, Any] | None = None
        self._tries, self._heard_s, self._alarm_at = 0, 0.0, 0.0
        self._timers: dict[str, Timer] = {}

    @property
    def now(self) -> int:
        """The time in ms, by a clock that nobody sets."""
        return round(self.clock.monotonic_s() * 1000)

    # -- the link -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._heard_s = self.clock.monotonic_s()
        self._watch()
        self.link.open()

    def stop(self) -> None:
        """Close the page for good."""
        self.stopped = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.link.close()

    def opened(self) -> None:
        self.connected = True
        self._heard_s = self.clock.monotonic_s()
        asked: Row = {
            "v": PROTOCOL_VERSION, "consent": self.consent, "adult": True, "available": self.available,
            "visible": self.visible, "have": self.outbox.have(), **self.tokens.asked(), **self.objected, **self.wishes,
        }  # fmt: skip
        if self.position is not None:
            asked["position"] = dict(self.position)
        self._later("join", JOIN_S, self._doubt_join)
        self.ask("user-join", asked, self._join_answered)

    def closed(self) -> None:
        """The link broke: back after a random time, longer after each failure."""
        self._return(0)

    def reconnect(self) -> None:
        """Give the link up and try at once: it is silent, or the page came back into view."""
        self._tries = 0
        self.link.close()
        self._lost()
        self._later("open", 0, self._open)

    def _doubt_join(self) -> None:
        """No answer yet. A server that works on it pings, however long a slow store takes."""
        left_s = self._heard_s + JOIN_S - self.clock.monotonic_s()
        if left_s > 0:
            return self._later("join", left_s, self._doubt_join)
        self._return(0)

    def _return(self, retry_ms: int) -> None:
        """Give the link up and open another after a random part of ``retry_ms``, or of more after several failures."""
        self.link.close()
        self._lost()
        most_s = max(retry_ms / 1000, min(BACKOFF_MAX_S, BACKOFF_S * 2**self._tries))
        self._later("open", self.random.uniform(0, most_s), self._open)
        self._tries += 1

    def _lost(self) -> None:
        self.connected, self.joined, self.offer = False, False, None
        self.outbox.closed()
        for name in ("join", "probe", "yes", "seek", "leave", "declines"):
            self._cancel(name)

    def _open(self) -> None:
        """A page that was answered once comes back by itself only while no other page writes."""
        if not self.answered or self.outbox.writes:
            self.link.open()

    def _join_answered(self, answer: Mapping[str, Any]) -> None:
        self._cancel("join")
        if not answer["ok"]:
            if answer["error"] in ("unavailable", "busy"):
                self._return(int(answer.get("retry_ms", 2000)))
            elif answer["error"] in ("banned", "refused-consent", "reload"):
                self.stop()
            else:
                self._return(0)
            self.screen.said("user-join", answer)
            return
        self._tries, self.joined, self.answered = 0, True, True
        self.tokens.keep(answer)
        self.session = answer.get("session")
        self.looking = self.looking and answer["state"] == "free"  # perhaps found while the link was gone
        self.outbox.joined(answer, self.now)
        self.declines.resend()
        self.screen.said("user-join", answer)
        if self.leaving and self.outbox.running == self.leaving:
            self.leave()
        if self.looking:
            self.seek()

    def _watch(self) -> None:
        """A link silent for 20 s must answer within 2 s."""
        self._later("watch", PROBE_S, self._watch)
        if self.joined and self.clock.monotonic_s() - self._heard_s > SILENT_S and "probe" not in self._timers:
            self._later("probe", PROBE_S, self.reconnect)
            self.link.emit("user-view", {"visible": self.visible}, lambda answer: self._cancel("probe"))

    # -- events -------------------------------------------------------------------------------------------------------

    def heard(self) -> None:
        """A sign of life that is no event: an answer, a ping of the transport."""
        self._heard_s = self.clock.monotonic_s()

    def event(self, name: str, payload: Mapping[str, Any]) -> None:
        """Take whatever the server sends. Before the join answer there is nothing to hear."""
        self.heard()
        if not self.joined:
            return
        payload = from_wire(payload) if name.startswith("chat-") else payload
        match name:
            case "chat-message":
                self.outbox.message(dict(payload), self.now)
            case "chat-status":
                self.outbox.status(payload, self.now)
            case "chat-busy":
                self.outbox.busy(payload, self.now)
            case _:
                self._act(name, payload)
        self.screen.said(name, payload)

    def _act(self, name: str, payload: Mapping[str, Any]) -> None:
        match name:
            case "user-session":
                self.offer, self.looking, self.session = None, False, dict(payload)
                self._cancel("yes")
                self.outbox.session(payload, self.now)
            case "user-join" if self._is_current(payload):
                self.outbox.partner(True, self.now)
            case "user-left" if self._is_current(payload):
                self.outbox.partner(False, self.now)
                if payload["how"] == "left":
                    self.outbox.ended(payload["session"])
            case "user-offer":
                self.offer = payload
                if payload["looking"] and self.visible:
                    self._later("yes", YES_S, lambda: self.answer("yes"))
            case "user-offer-end" if self.offer is None or self.offer["offer"] == payload["offer"]:
                self.offer = None
                self.looking = self.looking and payload["looking"]
                self._cancel("yes")
            case "user-replaced" | "user-banned":  # a page that came back would replace the other, which came back, ...
                self.stop()
            case "user-closed" if payload["text"]:
                self.looking = False
            case "user-drain":
                self._return(payload["retry_ms"])

    def _is_current(self, payload: Mapping[str, Any]) -> bool:
        return self.session is not None and self.session["session"] == payload["session"]

    # -- wishes -------------------------------------------------------------------------------------------------------

    def seek(self) -> None:
        """Look for somebody, now and after every join, until it succeeds or is stopped."""
        self.looking = True
        if self.joined:
            self.link.emit("user-seek", {}, self._sought)

    def _sought(self, answer: Mapping[str, Any]) -> None:
        self.looking = self.looking and answer.get("error") != "closed"
        if "retry_ms" in answer:
            self._later("seek", answer["retry_ms"] / 1000, self._seek_again)
        self.screen.said("user-seek", answer)

    def _seek_again(self) -> None:
        if self.looking:
            self.seek()

    def answer(self, yes_no_later: str) -> None:
        """Answer the open offer. What the server could not take may be said again; a no says itself again."""
        offer = self.offer
        if not self.joined or offer is None:
            return
        self._cancel("yes")

        def told(answer: Mapping[str, Any]) -> None:
            runs_on = yes_no_later == "yes" if answer["ok"] else answer["error"] == "unavailable"
            if self.offer is offer and (yes_no_later == "no" or not runs_on):
                self.offer = None
            self.screen.said("user-match", answer)

        self.declines.say({"offer": offer["offer"], "answer": yes_no_later}, told)

    def leave(self) -> None:
        """Leave the chat; without a link now, right after the next join."""
        if self.outbox.running:
            self.leaving = self.outbox.running
            self.outbox.ended(self.leaving)
        self._tell_leaving()

    def _tell_leaving(self) -> None:
        if self.joined and self.leaving:
            self.link.emit("user-leave", {"session": self.leaving}, self._left)

    def _left(self, answer: Mapping[str, Any]) -> None:
        if answer["ok"] or "retry_ms" not in answer:
            self.leaving = ""
        else:
            self._later("leave", answer["retry_ms"] / 1000, self._tell_leaving)
        self.screen.said("user-leave", answer)

    def ask(self, event: str, payload: Row, answer: Answer) -> None:
        """Any event with an answer."""
        asked = to_wire(payload) if event.startswith("chat-") else payload
        self.link.emit(event, asked, lambda told: answer(answer_from_wire(told)))

    # -- what the outbox asks of its page -----------------------------------------------------------------------------

    def emit(self, event: str, payload: Row) -> None:
        self.link.emit(event, to_wire(payload))

    def draw(self, row: Row, state: str) -> None:
        self.screen.draw(row, state)

    def mark(self, session: str, stream: str, number: int, state: str, why: str) -> None:
        self.screen.mark(session, stream, number, state, why)

    def alarm(self, at: float) -> None:
        if "alarm" not in self._timers or at < self._alarm_at:
            self._alarm_at = at
            self._later("alarm", max(0.0, (at - self.now) / 1000), lambda: self.outbox.tick(self.now))

    def wall(self) -> int:
        return self.clock.wall_ms()

    # -- timers -------------------------------------------------------------------------------------------------------

    def _later(self, name: str, delay_s: float, call: Callable[[], None]) -> None:
        self._cancel(name)

        def due() -> None:
            self._timers.pop(name, None)
            call()

        if not self.stopped:
            self._timers[name] = self.clock.later(delay_s, due)

    def _cancel(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
