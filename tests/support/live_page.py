"""Pages without a browser, for tests and the load programme: ``citychat.client.HeadlessPage`` over a real socket."""

import asyncio
import time
from collections.abc import Callable, Mapping, MutableMapping
from random import Random
from typing import Any, ClassVar

from citychat.client import HeadlessPage
from citychat.client.entries import key_of
from citychat.client.shapes import Row
from citychat.client.socket_link import SocketLink
from citychat.clock import SystemClock
from tests.support.patience import PATIENCE_S

CONSENT = "1"


class Recording:
    """A screen that remembers, and can be waited for."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.states: dict[tuple[str, int], str] = {}
        self.delivered_s: dict[tuple[str, int], float] = {}  # when, by time.monotonic
        self.heard: list[tuple[str, Mapping[str, Any]]] = []
        self._changed = asyncio.Event()

    def draw(self, row: Row, state: str) -> None:
        self.rows.append(row)
        if state:
            self.states[key_of(row)] = state
        self._changed.set()

    def mark(self, session: str, stream: str, number: int, state: str, why: str) -> None:
        self.states[stream, number] = state
        if state == "delivered":
            self.delivered_s.setdefault((stream, number), time.monotonic())
        self._changed.set()

    def said(self, event: str, payload: Mapping[str, Any]) -> None:
        self.heard.append((event, payload))
        self._changed.set()

    def transcript(self, session: str) -> list[str]:
        """The texts of a chat in the order in which they stand on the page."""
        rows = [row for row in self.rows if row["session"] == session]
        return [row["text"] for row in sorted(rows, key=lambda row: (row["lamport"], row["side"], *key_of(row)))]

    async def until(self, true: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait until something that shows here has become true. Raises TimeoutError."""
        async with asyncio.timeout(patience_s):
            while not true():
                self._changed.clear()
                await self._changed.wait()


class LivePage(HeadlessPage):
    """A page on the current event loop, at the server at ``url``; whoever asks for it gets a yes."""

    unfinished: ClassVar[set["LivePage"]] = set()  # whoever ends a test closes them
    link: SocketLink
    screen: Recording

    def __init__(
        self, url: str, random: Random, screen: Recording | None = None, storage: MutableMapping[str, str] | None = None
    ) -> None:
        link = SocketLink(url)
        clock = SystemClock(asyncio.get_running_loop())
        super().__init__(
            link, screen or Recording(), {} if storage is None else storage, clock, random, consent=CONSENT
        )
        link.page = self
        self.unfinished.add(self)

    def in_chat(self) -> bool:
        return bool(self.outbox.running)

    async def asked(self, event: str, payload: Row) -> Mapping[str, Any]:
        """The server's answer. Raises TimeoutError, and AssertionError when it is a refusal."""
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self.ask(event, payload, answer.set_result)
        async with asyncio.timeout(PATIENCE_S):
            told = await answer
        assert told["ok"], told
        return told

    def say(self, text: str) -> None:
        """Raises AssertionError when the page would not take it."""
        why = self.outbox.compose(text, self.now)
        assert not why, why

    def closed(self) -> None:
        super().closed()
        self.screen.said("closed", {})

    def event(self, name: str, payload: Mapping[str, Any]) -> None:
        super().event(name, payload)
        if name == "user-offer" and not payload["looking"]:
            self.answer("yes")

    async def done(self) -> None:
        """Close the page, and wait until its socket is closed."""
        self.unfinished.discard(self)
        self.stop()
        await self.link.finish()


async def meet(a: LivePage, b: LivePage) -> str:
    """Two pages that are alone on their server, from closed to talking; the session's id."""
    for page in (a, b):
        page.looking = True
        page.start()
    for page in (a, b):
        await page.screen.until(page.in_chat)
    assert a.outbox.running == b.outbox.running
    return a.outbox.running
