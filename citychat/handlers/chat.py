"""The events of /chat: the page's side of delivery (protocol §1, §2)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, ValidationError, convert

from citychat.handlers.dispatcher import Answer, AtOnce, Event, Namespace
from citychat.limits import bound
from citychat.model import LAMPORT_MAX, WIRE_LETTERS, BadPayload, ChatError, Id, Number
from citychat.ports import RANGES_MAX, Page
from citychat.registry import Client


class MessageRequest(Struct, rename=WIRE_LETTERS):
    """Payload of ``chat-message``. A text too long is no error: its number is used (protocol §2.1)."""

    session: Id
    stream: Id
    number: Number
    lamport: Number
    text: str
    previous: tuple[Id, Number] | None = None
    kind: str | None = None


class AckRequest(Struct, rename=WIRE_LETTERS):
    session: Id
    stream: Id
    number: Annotated[int, Meta(ge=0, le=LAMPORT_MAX)]


class AskRequest(Struct, rename=WIRE_LETTERS):
    session: Id
    stream: Id
    ranges: Annotated[list[tuple[Number, Number]], Meta(max_length=RANGES_MAX)]


class TypingRequest(Struct, rename=WIRE_LETTERS):
    session: Id
    on: bool


class HistoryRequest(Struct, rename=WIRE_LETTERS):
    """Payload of ``chat-history``. ``before``: a place in the order: lamport, side, stream, number."""

    session: Id
    limit: Annotated[int, Meta(ge=1, le=bound("history page"))]
    before: tuple[Number, Literal[0, 1], Id, Number] | None = None


class ChatEvents(Namespace):
    prefix = "chat"

    def __init__(self) -> None:
        self.events = {
            "chat-message": AtOnce(self.message, MessageRequest, failed=refused),
            "chat-ack": AtOnce(self.ack, AckRequest),
            "chat-ask": Event(self.ask, AskRequest, "asks"),
            "chat-typing": Event(self.typing, TypingRequest, "typing"),
            "chat-history": Event(self.history, HistoryRequest, "history pages"),
        }

    def message(self, client: Client, said: MessageRequest) -> None:
        if said.kind is not None:
            raise BadPayload("k: expected none; pages send plain messages only.")
        client.endpoint.say(said.session, said.stream, said.number, said.lamport, said.text, said.previous)

    def ack(self, client: Client, drawn: AckRequest) -> None:
        client.endpoint.drawn(drawn.session, drawn.stream, drawn.number)

    async def ask(self, client: Client, asked: AskRequest) -> None:
        await client.endpoint.ask(asked.session, asked.stream, asked.ranges)

    async def typing(self, client: Client, sign: TypingRequest) -> None:
        client.endpoint.typing(sign.session, sign.on)

    async def history(self, client: Client, asked: HistoryRequest) -> Answer:
        return Answer(await client.endpoint.older(asked.session, asked.before, asked.limit))


def refused(page: Page, payload: object, error: ChatError) -> None:
    """A message that was not taken: its status is the answer. What the page did not say of it, or what is no id or
    number, is left empty: nothing comes back that only its sender could read."""
    said = payload if isinstance(payload, Mapping) else {}
    session, stream = (_as(Id, said.get(name)) or "" for name in ("s", "st"))
    number = _as(Number, said.get("n"))
    ranges = [[number, number]] if number is not None else []
    page.emit("chat-status", {"s": session, "st": stream, "ranges": ranges, "state": "refused", "error": error.code})


def _as(kind: Any, value: object) -> Any:
    """The value, or None where it is none of this kind."""
    try:
        return convert(value, kind)
    except ValidationError:
        return None
