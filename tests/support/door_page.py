"""A page at the door of a process of the stage: it says what pages say, and notes what it is told."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from citychat.networks import network
from citychat.ports import GuestStatus
from citychat.registry import Client

if TYPE_CHECKING:
    from tests.support.stage import Node

ANSWER_S = 3_600.0  # a scene waits for no answer longer
STREAM = "A" * 11  # what a page calls its first stream

Payload = Mapping[str, object]


class DoorPage:
    """One connection. ``told``: events and answers (``answer user-join``) in the order in which they left.

    As at the edge, nothing leaves from the moment the socket closes, by whichever side, and the process hears of the
    end once the events that still run are over: until then only ``open`` tells.
    """

    def __init__(self, node: "Node", guest: str, token: str, address: str) -> None:
        self.node, self.stage, self.token, self._guest, self._address = node, node.stage, token, guest, address
        self.told: list[tuple[str, dict[str, Any]]] = []
        self._times_s: list[float] = []
        self.closed = ""  # why
        self.pinged: Callable[[], None] = lambda: None
        self.turned = 0  # joins that were refused
        self.is_in = False
        self._running = 0  # events at the door
        self._over = self._ended = False

    # -- what a process sees of it ------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        return self._address

    @property
    def source(self) -> str:
        return network(self._address)

    @property
    def open(self) -> bool:
        return not self.closed

    def emit(self, event: str, payload: Payload) -> None:
        if self.open:
            self.told.append((event, dict(payload)))
            self._times_s.append(self.stage.clock.monotonic_s())

    def ping(self) -> None:
        if self.open:
            self.pinged()

    def let_in(self) -> None:
        self.is_in = True

    def turned_away(self) -> None:
        self.turned += 1

    def close(self, why: str) -> None:
        if self.open:
            self.closed = why
            self.stage.loop.call_soon(self.leaves)  # the browser answers the close

    # -- the socket ---------------------------------------------------------------------------------------------------

    def leaves(self) -> None:
        """The socket closes."""
        self.closed, self._over = self.closed or "gone", True
        if not self._running and not self._ended:
            self._ended = True
            self.node.process.joining.closed(self)

    async def _at_the_door(self, event: str, payload: object, answers: "asyncio.Future[dict[str, Any]] | None") -> None:
        def reply(answer: Payload) -> None:
            self.emit(f"answer {event}", answer)
            if answers is not None and not answers.done():
                answers.set_result(dict(answer))

        self._running += 1
        try:
            rest = self.node.process.door(self, event, payload, reply if answers is not None else None)
            if rest is not None:
                await rest
        finally:
            self._running -= 1
            if self._over:
                self.leaves()

    async def tell(self, event: str, payload: object = None) -> None:
        """Send an event without asking for an answer."""
        await self._at_the_door(event, payload, None)

    async def ask(self, event: str, payload: object = None) -> dict[str, Any]:
        """The answer to an event; also after the page has closed, when it does not leave."""
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        await self._at_the_door(event, payload, answered)
        async with asyncio.timeout(ANSWER_S):
            return await answered

    async def wish(self, event: str, **fields: object) -> str:
        """Ask, and hear no more than ``ok`` or the code of the refusal."""
        answer = await self.ask(event, fields)
        return "ok" if answer["ok"] else str(answer["error"])

    # -- what pages say -----------------------------------------------------------------------------------------------

    async def join(self, have: Mapping[str, int] | None = None, **changes: object) -> dict[str, Any]:
        answer = await self.ask("user-join", self.stage.join_request(have or {}, self.token) | changes)
        self.token = answer.get("token", self.token)
        return answer

    async def seek(self) -> str:
        answer = await self.ask("user-seek")
        return str(answer["state"] if answer["ok"] else answer["error"])

    async def answer(self, how: str, offer: str = "") -> str:
        """Answer an offer, if not this one then the last."""
        return await self.wish("user-match", offer=offer or self.last("user-offer")["offer"], answer=how)

    async def leave(self, s: str = "") -> str:
        """Leave a chat, if not this one then the last."""
        return await self.wish("user-leave", session=s or self.session)

    async def say(self, s: str, n: int, text: str = "", stream: str = STREAM) -> None:
        await self.tell("chat-message", {"s": s, "st": stream, "n": n, "l": n, "x": text or f"text {n}"})

    async def ack(self, s: str, n: int, stream: str = STREAM) -> None:
        await self.tell("chat-ack", {"s": s, "st": stream, "n": n})

    def next_page(self, node: "Node | None" = None) -> "DoorPage":
        """Another page of the same guest, from the same address; this one stays as it is."""
        return DoorPage(node or self.node, self._guest, self.token, self._address)

    async def reload(self, node: "Node | None" = None, **changes: object) -> "DoorPage":
        """Close, and be back on another page."""
        self.leaves()
        await self.stage.after(0.1)
        page = self.next_page(node)
        answer = await page.join(**changes)  # type: ignore[arg-type]
        assert answer["ok"], answer
        return page

    # -- what was told, and what is known of it -----------------------------------------------------------------------

    def events(self, name: str) -> list[dict[str, Any]]:
        return [payload for event, payload in self.told if event == name]

    def last(self, name: str) -> dict[str, Any]:
        return self.events(name)[-1]

    def told_s(self, name: str) -> float:
        """When the page was told this first."""
        return self._times_s[[event for event, _ in self.told].index(name)]

    def told_since(self, seen: int) -> list[tuple[str, dict[str, Any], float]]:
        """What the page was told after so many events and answers, and when."""
        return [(event, payload, at_s) for (event, payload), at_s in zip(self.told, self._times_s, strict=True)][seen:]

    def kinds(self) -> list[str]:
        """The events without their payloads, and without answers."""
        return [event for event, _ in self.told if not event.startswith("answer ")]

    def texts(self) -> list[str]:
        """What the page was given to draw, in order."""
        return [row["x"] for row in self.events("chat-message")]

    def ranges(self, state: str) -> list[list[tuple[int, int]]]:
        """Of which own messages the page was told this."""
        return [status["ranges"] for status in self.events("chat-status") if status["state"] == state]

    @property
    def session(self) -> str:
        """The chat that began last on this page."""
        return str(self.last("user-session")["session"])

    @property
    def guest(self) -> str:
        """The name the stage gave, or the one that is in the token."""
        return self._guest or self.stage.guest_of(self.token)

    @property
    def client(self) -> Client:
        client = self.node.process.registry.find(self.guest)
        assert client is not None, f"{self.guest} is not here"
        return client

    async def where(self) -> GuestStatus:
        """What the lobby knows."""
        return (await self.stage.lobby.status([self.guest]))[0]
