"""People for the fault programme: pages behind a proxy of their own, and the log of everything they did and saw.

A person outlives pages: a reload or a second tab is the next page on the same storage. The log has one entry for each
thing said, each tick, each line drawn; the checker reads nothing else of a person.
"""

import asyncio
import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from citychat.client.entries import kept
from citychat.client.shapes import DECLINE, TOKEN, Row, rests_of
from tests.support.live_page import LivePage, Recording
from tests.support.patience import PATIENCE_S
from tests.support.proxy import Proxy
from tests.support.services import ANSWER_S

Key = tuple[str, int, str, int]  # session, side, stream, number
HISTORY_ROWS = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """``what``: said, waiting, stored, delivered, refused, undelivered, shown, read, gap, session, left, joined,
    turned away, closed, drain, replaced, asked, no, yes, answered. ``load``: which page of the person. ``text``: the
    message, the session or the answer."""

    at_s: float
    load: int
    what: str
    key: Key | None = None
    text: str = ""


class Witness(Recording):
    """The screen of one page: everything that shows goes into the person's log."""

    def __init__(self, person: "Resident", load: int) -> None:
        super().__init__()
        self.person, self.load = person, load
        self.reading = False  # older rows come in at their place and not at the end

    def note(self, what: str, key: Key | None = None, text: str = "") -> None:
        self.person.log.append(Entry(time.monotonic(), self.load, what, key, text))

    def draw(self, row: Row, state: str) -> None:
        super().draw(row, state)
        key = row["session"], row["side"], row["stream"], row["number"]
        if not state:
            what = "gap" if row.get("kind") == "gap" else "read" if self.reading else "shown"
            self.note(what, key, row["text"])
        elif state != "waiting":
            self.note(state, key)

    def mark(self, session: str, stream: str, number: int, state: str, why: str) -> None:
        super().mark(session, stream, number, state, why)
        self.note(state, (session, self.person.sides[session], stream, number), why)

    def said(self, event: str, payload: Mapping[str, Any]) -> None:
        match event:
            case "user-join" if "ok" in payload:
                self.note("joined" if payload["ok"] else "turned away", text=str(payload.get("error", "")))
                self._in_session(payload.get("session"))
            case "user-session":
                self._in_session(payload)
            case "user-left" if payload["how"] == "left":
                self.note("left", text=payload["session"])
            case "user-match":
                self.note("answered", text="ok" if payload["ok"] else payload["error"])
            case "user-offer":
                self.note("asked", text=payload["offer"])
            case "closed":
                self.note("closed")
            case "user-replaced" | "user-drain":
                self.note(event.removeprefix("user-"))
        super().said(event, payload)

    def _in_session(self, session: Mapping[str, Any] | None) -> None:
        if session:
            self.person.sides[session["session"]] = session["side"]
            if not session.get("ended"):
                self.note("session", text=session["session"])


class FaultPage(LivePage):
    """A page whose person decides: ``answers`` is yes, no, or "" for not yet."""

    screen: Witness
    person: "Resident"

    def answer(self, yes_no_later: str) -> None:
        """Once decided, it is the same again when the first answer was not taken."""
        if not self.joined or self.offer is None:
            return
        decided, offer = self.person.decided, str(self.offer["offer"])
        word = decided.get(offer) or self.person.answers(yes_no_later)
        if word:
            decided[offer] = word
            self.screen.note(word, text=offer)
            super().answer(word)

    def heard(self) -> None:
        super().heard()
        self.person.heard_s = time.monotonic()


class Resident:
    """``ports``: of the processes; ``port``: of the person's own proxy. ``moment``: what the person is for."""

    def __init__(self, name: str, home: int, random: Random, ports: Callable[[], Sequence[int]], port: int) -> None:
        self.name, self.home, self.random = name, home, random
        self.ports = ports
        self.proxy = Proxy(self._route, port)
        self.storage: dict[str, str] = {}
        self.sides: dict[str, int] = {}  # of this person in each session
        self.log: list[Entry] = []
        self.pages: list[FaultPage] = []
        self.spoken = 0
        self.answers: Callable[[str], str] = lambda word: word
        self.decided: dict[str, str] = {}  # by offer
        self.moment = self.fault = ""
        self.looking = False
        self.shy = False  # not to be asked while not looking
        self.heard_s = 0.0
        self.curt = 0  # chats left before both have said a word: after five of them nobody is led to who left
        self._tries = 0

    @property
    def page(self) -> FaultPage:
        return self.pages[-1]

    @property
    def here(self) -> bool:
        """Whether there is a page that was not closed."""
        return bool(self.pages) and not self.page.stopped

    def _route(self) -> list[int]:
        """Home first; each further connection begins at the next process, as behind a balancer."""
        ports = list(self.ports())
        start = (self.home + self._tries) % len(ports)
        self._tries += 1
        return ports[start:] + ports[:start]

    # -- pages --------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """A new page on the person's storage: the first, a reload or a second tab."""
        await self.proxy.up()
        load = len(self.pages)
        url, random = f"http://127.0.0.1:{self.proxy.port}", Random(self.random.random())
        page = FaultPage(url, random, Witness(self, load), self.storage)
        page.person = self
        page.available = not self.shy
        page.looking = self.looking
        self.pages.append(page)
        page.start()

    async def reload(self) -> None:
        self.page.stop()
        await self.open()

    async def close(self) -> None:
        """Close every page and the way to them."""
        await asyncio.gather(*(page.done() for page in self.pages))
        await self.proxy.__aexit__()

    # -- deeds --------------------------------------------------------------------------------------------------------

    def seek(self) -> None:
        self.looking = True
        self.page.seek()

    def leave(self) -> None:
        """Leave the chat."""
        if self.chat:
            self.curt += not self.has_talked()
            self.page.screen.note("left", text=self.chat)
            self.page.leave()

    def speak(self, times: int = 1) -> bool:
        """Write so many messages, if this page may write now."""
        for _ in range(times):
            outbox, text = self.page.outbox, f"{self.name} {self.spoken}"
            if not self.here or outbox.refusal(text):
                return False
            self.page.say(text)
            self.spoken += 1
            key = outbox.running, self.sides[outbox.running], outbox.stream, outbox.number
            self.page.screen.note("said", key, text)
        return True

    async def read_older(self) -> None:
        """Scroll up to the beginning of the running chat."""
        page, session = self.page, self.page.outbox.running
        page.screen.reading = True
        before: list[object] | None = None
        while True:
            asked: Row = {"session": session, "limit": HISTORY_ROWS} | ({} if before is None else {"before": before})
            answer = await self._history(asked)
            rows = answer["messages"]
            page.outbox.older(session, self.sides[session], rows)
            if not answer["more"]:
                return
            before = [rows[0][part] for part in ("lamport", "side", "stream", "number")]

    async def _history(self, asked: Row) -> Mapping[str, Any]:
        """As a page does: a part of the server may still be away, and an answer may go with its connection. Raises
        AssertionError or TimeoutError when it stays so."""
        end_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                async with asyncio.timeout(ANSWER_S):
                    return await self.page.asked("chat-history", asked)
            except (AssertionError, TimeoutError):
                if time.monotonic() > end_s:
                    raise
                await asyncio.sleep(1)

    # -- how it stands ------------------------------------------------------------------------------------------------

    @property
    def guest(self) -> str:
        """The guest's id, out of the token; "" before the first join."""
        token = self.storage.get(TOKEN)
        if token is None:
            return ""
        payload = token.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["guest"])

    @property
    def chat(self) -> str:
        """The running session, "" without one or without a page."""
        return self.page.outbox.running if self.here else ""

    def entries(self, *states: str) -> list[Row]:
        """What the outbox still has in these states."""
        return [entry for entry in kept(self.storage) if entry["state"] in states]

    def pending_declines(self) -> int:
        """Declines that no server has answered yet."""
        return len(rests_of(self.storage, DECLINE))

    def settled(self) -> bool:
        """Joined; no message without a tick, and none of the running chat without both."""
        page = self.page
        stored = [entry for entry in self.entries("stored") if entry["session"] == page.outbox.running]
        return page.joined and not self.entries("waiting") and not stored and not self.pending_declines()

    def has_talked(self) -> bool:
        """Whether both have said a word in the running chat, and it has come."""
        said = {entry.what for entry in self.log if entry.key is not None and entry.key[0] == self.chat}
        return "shown" in said and bool(said & {"stored", "delivered"})

    def has_seen(self, other: "Resident") -> bool:
        """Whether everything that ``other`` has said was shown here."""
        seen = {entry.key for entry in self.log if entry.what in ("shown", "read")}
        return all(entry.key in seen for entry in other.log if entry.what == "said")
