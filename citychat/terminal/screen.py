"""Screen of a terminal guest: every event of the page as a plain line, in the words of the catalogue."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from citychat.catalogue import ENGLISH
from citychat.client import HeadlessPage, Row
from citychat.ports import Timer
from citychat.questions import which
from citychat.terminal.console import Output
from citychat.terminal.paused import lifted, paused, takes_objection
from citychat.terminal.refusals import refusal

TICKS_S = 0.3  # ticks of one breath make one line
AWAY_S = 2.0  # a reload of the partner's page is over by then
TYPING_S = 5.0  # protocol §1: typing expires


class Screen:
    """A ``page.View``. Set ``page`` first. ``nowhere`` is called when the guest must choose a city, ``over`` with the
    exit status when the server sends the guest away, ``objects`` when the guest may say something to that.
    ``questions``: first questions of chats, if the host shows any; ``asks``: whether the guest wants one."""

    page: HeadlessPage
    questions: Sequence[str] = ()
    asks = True

    def __init__(
        self, out: Output, nowhere: Callable[[], None], over: Callable[[int], None], objects: Callable[[], None]
    ) -> None:
        self.out, self.nowhere, self.over, self.objects = out, nowhere, over, objects
        self.chats: dict[str, Mapping[str, Any]] = {}  # by session, as far as seen
        self.ringing = self.welcomed = self._composing = self._cut = False
        self.began_s, self._typing_s = -math.inf, -TYPING_S  # when the chat on screen was introduced; typing was said
        self._away_due: Timer | None = None
        self._over, self._ticks = set[str](), dict[str, int]()
        self._place: Mapping[str, str] | None = None
        self._nearby = self._looking = ""
        self._ticks_due: Timer | None = None

    @property
    def chat(self) -> Mapping[str, Any] | None:
        """The chat on screen, which may have ended."""
        return self.page.session

    def draw(self, row: Row, state: str) -> None:
        self._introduce(row["session"])
        if row.get("kind") == "gap":
            self.out.tell("talk.gap")
        elif not row["text"]:
            pass  # void: its number is used, and there is nothing to see
        elif not state:
            self._typing_s = -TYPING_S
            self.out.said(self.alias(row["session"]), row["text"])
        elif not (self._composing and self.out.echoes):
            self.out.said(self.out.words("talk.mine"), row["text"])

    def typed(self, text: str) -> str:
        """Send what was typed; answers why not, or ""."""
        self._composing = True
        why = self.page.outbox.compose(text, self.page.now)
        self._composing = False
        return why

    async def all_kept(self, patience_s: float) -> None:
        """Wait until no message waits for its tick, and no objection for its answer: without one it would be lost with
        this page's memory."""
        clock = self.page.clock
        until_s = clock.monotonic_s() + patience_s
        while self.page.outbox.entries.in_state("waiting") or self.page.objected:
            if clock.monotonic_s() > until_s:
                return
            await asyncio.sleep(0.05)

    def mark(self, session: str, stream: str, number: int, state: str, why: str) -> None:
        match state:
            case "refused":
                reason = self.out.words(f"why.{why}" if f"why.{why}" in ENGLISH else "why.other")
                self.out.say("✗ " + self.out.words("tick.refused", why=reason))
            case "undelivered":
                self.out.say("✗ " + self.out.words("tick.lost"))
            case "stored" | "delivered":
                self._ticks[state] = self._ticks.get(state, 0) + 1
                if self._ticks_due is None:
                    self._ticks_due = self.page.clock.later(TICKS_S, self._show_ticks)

    def _show_ticks(self) -> None:
        ticks, self._ticks, self._ticks_due = self._ticks, {}, None
        for state, sign in (("stored", "✓"), ("delivered", "✓✓")):
            if state in ticks:
                count = f" ({ticks[state]})" if ticks[state] > 1 else ""
                self.out.say(f"{sign} {self.out.words(f'tick.{state}')}{count}")

    def alias(self, session: str) -> str:
        chat = self.chats.get(session) or (self.chat if self.chat and self.chat["session"] == session else None)
        return str(chat["alias"]) if chat else self.out.words("terminal.somebody")

    def _introduce(self, session: str) -> None:
        """Once a chat, before its first line."""
        chat = self.chat
        if chat is None or chat["session"] != session or session in self.chats:
            return
        self.chats[session] = chat
        self.began_s = self.page.clock.monotonic_s()
        self.out.say(self.out.words.two("talk.intro", "talk.you", alias=chat["alias"], you=chat["you"]))
        if " – " in chat["city"]:  # of two towns
            self.out.tell("talk.cities", cities=chat["city"])
        if chat.get("ended"):
            self._over.add(session)
        else:
            if self.asks and self.questions:
                self.out.tell("talk.question", question=which(session, self.questions))
            self.out.tell("terminal.talk")

    # -- the link -----------------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """The link is down; said once."""
        self.ringing = False
        self._forget_away()
        if not self._cut:
            self._cut = True
            self.out.tell("link.cut" if self.welcomed else "terminal.connecting")

    def _joined(self, answer: Mapping[str, Any]) -> None:
        self._place = answer["place"]
        self._nearby, self.page.objected = answer["free_nearby"], {}
        if self._cut and self.welcomed:
            self.out.tell("terminal.connected")
        self._cut = False
        for line in lifted(answer, self.page.storage, self.out.words):
            self.out.say(line)
        session = answer.get("session")
        if session and not session.get("ended"):
            self._introduce(session["session"])
            if not self.welcomed and not session["here"]:
                self._away()
        elif session and session["session"] in self.chats and session["session"] not in self._over:
            self._over.add(session["session"])
            self._ended(self.out.words("talk.ended", alias=session["alias"]))
        elif not self.welcomed and self._place is not None:
            self.where()
        self.welcomed = True
        if self._place is None and answer["state"] == "free":
            self.nowhere()

    def _refused(self, answer: Mapping[str, Any]) -> None:
        match answer["error"]:
            case "banned":
                self._banned(answer)
            case "refused-consent":
                self.out.tell("arrive.changed")
                self.over(1)
            case "reload":
                self.out.tell("terminal.update")
                self.over(1)
            case "busy":
                self.out.say(refusal(answer, self.out.words))
            case "unavailable":
                self.out.tell("link.unavailable")

    def _banned(self, told: Mapping[str, Any]) -> None:
        for line in paused(told, self.out.words):
            self.out.say(line)
        self.objects() if takes_objection(told) else self.over(1)

    # -- where, and how many ------------------------------------------------------------------------------------------

    def where(self) -> None:
        """You are in Lyon, why, and how many are free."""
        if self._place is None:
            return self.nowhere()
        source = self._place["source"]
        city = self.out.words("ready.network.name") if source == "network" else self._place["city"]
        self.out.tell("terminal.where", city=city, why=self.out.words(f"ready.{source}"))
        self.out.say(self._crowd())
        self.out.tell("terminal.ready")

    def placed(self, place: Mapping[str, str]) -> None:
        self._place = place
        self.where()

    def _crowd(self) -> str:
        return self._about(f"ready.{self._nearby}", self._place["city"] if self._place else "")

    def _about(self, name: str, city: str, **values: object) -> str:
        """Return a sentence about the place; the host's own network, and towns nearby, have some of their own."""
        place, roams = self._place or {}, self.page.wishes.get("towns")
        kind = "network" if place.get("source") == "network" else "towns" if roams and place.get("towns") else ""
        return self.out.words(f"{name}.{kind}" if f"{name}.{kind}" in ENGLISH else name, city=city, **values)

    def _counted(self, nearby: str) -> None:
        was, self._nearby = self._nearby, nearby
        if was != nearby and not self.page.looking and not self.page.outbox.running and self._place:
            self.out.say(self._crowd())

    # -- events -------------------------------------------------------------------------------------------------------

    def said(self, event: str, payload: Mapping[str, Any]) -> None:
        """Answers carry ``ok``, events do not."""
        if "ok" in payload:
            self._answered(event, payload)
            return
        match event:
            case "user-session":
                self.ringing, self._looking = False, ""
                self._introduce(payload["session"])
            case "user-offer":
                self._offered(payload)
            case "user-offer-end":
                self._offer_ended(payload)
            case "user-seek":
                self._seeking(payload["state"])
            case "user-nearby":
                self._counted(payload["free_nearby"])
            case "user-closed":
                self._looking = ""
                self.out.say(payload["text"] or self.out.words("terminal.ready"))
            case "user-drain":
                self.out.tell("link.drain")
                self._cut = True
            case "user-replaced":
                self.out.tell("terminal.elsewhere")
                self.over(1)
            case "user-banned":
                self._banned(payload)
            case _:
                self._print_chat_event(event, payload)

    def _answered(self, event: str, answer: Mapping[str, Any]) -> None:
        if event == "user-join":
            self._joined(answer) if answer["ok"] else self._refused(answer)
        elif not answer["ok"]:
            self.page.looking = self.page.looking and event != "user-seek"
            self.out.say(refusal(answer, self.out.words))
        elif event == "user-seek":
            self._seeking(answer["state"])

    def _print_chat_event(self, event: str, payload: Mapping[str, Any]) -> None:
        session = str(payload.get("session", ""))
        if session not in self.chats or session in self._over:
            return
        match event:
            case "user-join" if self._forget_away():
                pass  # nobody was told that they were away
            case "user-join":
                self.out.tell("terminal.here", alias=self.alias(session))
            case "user-left" if payload["how"] == "away":
                self._forget_away()
                self._away_due = self.page.clock.later(AWAY_S, self._away)
            case "user-left":
                self._forget_away()
                self._over.add(session)
                self._ended(self.out.words("talk.ended", alias=self.alias(session)))
            case "chat-typing" if payload["on"]:
                now_s = self.page.clock.monotonic_s()
                if now_s - self._typing_s >= TYPING_S:
                    self.out.tell("talk.typing", alias=self.alias(session))
                self._typing_s = now_s
            case "chat-erased":
                self.out.tell("talk.erased", alias=self.alias(session))
            case "chat-busy":
                self.out.tell("link.busy", n=max(1, round(payload["retry_ms"] / 1000)))

    def _forget_away(self) -> bool:
        """Say no more that the partner is away; whether it was about to be said."""
        due, self._away_due = self._away_due, None
        if due is not None:
            due.cancel()
        return due is not None

    def _away(self) -> None:
        self._away_due = None
        assert self.chat is not None
        self.out.tell("terminal.away", alias=self.chat["alias"])

    def _ended(self, how: str) -> None:
        self.out.say(how)
        self.out.tell("terminal.ended")

    def left(self) -> None:
        """This guest has left."""
        assert self.chat is not None
        self.forget(self.chat["session"])
        self._ended(self.out.words("talk.ended.you"))

    def forget(self, session: str) -> None:
        """Say nothing more about this chat, whose end was said already."""
        self._forget_away()
        self._over.add(session)

    def _seeking(self, state: str) -> None:
        if state != self._looking and state != "matched":
            self.out.say(self._about(f"look.{state}", self._place["city"] if self._place else ""))
        self._looking = state

    def stopped(self) -> None:
        """This guest looks no more."""
        self._looking = ""
        self.where()

    def _offered(self, offer: Mapping[str, Any]) -> None:
        self.out.ring()
        if offer["looking"]:
            self.out.tell("terminal.found", n=2)
            return
        self.ringing = True
        self.out.say(self._about("terminal.ring", offer["city"], n=offer["seconds"]))
        self.out.tell("terminal.answers")
        self.out.tell("ring.no.text")

    def _offer_ended(self, payload: Mapping[str, Any]) -> None:
        if self.ringing:
            self.out.tell("ring.over")
        self.ringing = False
        if self._looking and not payload["looking"]:
            self._looking = ""
            self.out.tell("terminal.still")
