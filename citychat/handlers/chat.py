"""The events of /chat: the page's side of delivery (protocol §1, §2)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from citychat.delivery import Delivery
from citychat.handlers import Answer, Event, Namespace
from citychat.joining import Joining
from citychat.model import LAMPORT_MAX, BadPayload, ChatError, Id, Number
from citychat.ports import Page
from citychat.visit import Visit

RANGES_MAX = 500  # the outbox holds no more messages


class Said(Struct):
    """``chat-message``. A text too long is no error: its number is used (protocol §2.1)."""

    s: Id
    st: Id
    n: Number
    l: Number  # noqa: E741 - the name on the wire
    x: str
    p: tuple[Id, Number] | None = None
    k: str | None = None


class Drawn(Struct):
    s: Id
    st: Id
    n: Annotated[int, Meta(ge=0, le=LAMPORT_MAX)]


class Ask(Struct):
    s: Id
    st: Id
    ranges: Annotated[list[tuple[Number, Number]], Meta(max_length=RANGES_MAX)]


class Typing(Struct):
    s: Id
    on: bool


class Older(Struct):
    """``before``: a place in the order (l, side, st, n)."""

    s: Id
    limit: Annotated[int, Meta(ge=1, le=100)]
    before: tuple[Number, Literal[0, 1], Id, Number] | None = None


class ChatEvents(Namespace):
    prefix = "chat"

    def __init__(self, joining: Joining, delivery: Delivery) -> None:
        super().__init__(joining)
        self.delivery = delivery
        self.events = {
            "chat-message": Event(self.message, Said, "", failed=refused),
            "chat-ack": Event(self.ack, Drawn, ""),
            "chat-ask": Event(self.ask, Ask),
            "chat-typing": Event(self.typing, Typing, "typing"),
            "chat-history": Event(self.history, Older, "history pages"),
        }

    async def message(self, visit: Visit, said: Said) -> None:
        if said.k is not None:
            raise BadPayload("k: expected none; pages send plain messages only.")
        self.delivery.say(visit.guest, said.s, said.st, said.n, said.l, said.x, said.p)

    async def ack(self, visit: Visit, drawn: Drawn) -> None:
        self.delivery.drawn(visit.guest, drawn.s, drawn.st, drawn.n)

    async def ask(self, visit: Visit, asked: Ask) -> None:
        await self.delivery.ask(visit.guest, asked.s, asked.st, asked.ranges)

    async def typing(self, visit: Visit, sign: Typing) -> None:
        self.delivery.typing(visit.guest, sign.s, sign.on)

    async def history(self, visit: Visit, asked: Older) -> Answer:
        return Answer(await self.delivery.history(visit.guest, asked.s, asked.before, asked.limit))


def refused(page: Page, payload: object, error: ChatError) -> None:
    """A message that was not taken: its status is the answer. What the page did not say of it is left empty."""
    said = payload if isinstance(payload, Mapping) else {}
    s, st = (value if isinstance(value := said.get(name), str) else "" for name in ("s", "st"))
    n = said.get("n")
    ranges = [[n, n]] if isinstance(n, int) and not isinstance(n, bool) else []
    page.emit("chat-status", {"s": s, "st": st, "ranges": ranges, "state": "refused", "error": error.code})
