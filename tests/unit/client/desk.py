"""A page that writes down what its outbox asks of it: for the tests of the outbox and of what it keeps."""

from typing import Any

from citychat.client import Outbox
from citychat.client.shapes import Row

NOW = 1_700_000_000_000


class Desk:
    """A page that writes down what its outbox asks of it. ``now`` is moved by the test."""

    def __init__(self, storage: dict[str, str] | None = None, name: str = "p0") -> None:
        self.storage = {} if storage is None else storage
        self.emitted: list[tuple[str, Row]] = []
        self.drawn: list[tuple[Row, str]] = []
        self.marks: list[tuple[int, str, str]] = []
        self.alarms: list[float] = []
        self.now: float = NOW
        self.ahead = 0  # the wall clock, of the one that nobody sets
        self.streams = 0
        self.box = Outbox(self.storage, name, lambda: self._stream(name), self)

    def _stream(self, name: str) -> str:
        self.streams += 1
        return f"{name}-st{self.streams}"

    def emit(self, event: str, payload: Row) -> None:
        self.emitted.append((event, payload))

    def draw(self, row: Row, state: str) -> None:
        self.drawn.append((row, state))

    def mark(self, session: str, stream: str, number: int, state: str, why: str) -> None:
        self.marks.append((number, state, why))

    def alarm(self, at: float) -> None:
        self.alarms.append(at)

    def wall(self) -> int:
        return round(self.now) + self.ahead

    def join(self, **answer: Any) -> "Desk":
        self.box.joined({"session": session(), **answer}, self.now)
        return self

    def say(self, *texts: str) -> None:
        for text in texts:
            assert self.box.compose(text, self.now) == ""

    def status(self, state: str, *ranges: list[int], stream: str = "p0-st1", **more: str) -> None:
        self.box.status({"session": "s", "stream": stream, "ranges": list(ranges), "state": state, **more}, self.now)

    def hear(self, *numbers: int, stream: str = "theirs", **more: Any) -> None:
        for number in numbers:
            self.box.message(theirs(number, stream, **more), self.now)

    def sent(self) -> list[int]:
        return [payload["number"] for event, payload in self.emitted if event == "chat-message"]

    def acks(self) -> list[int]:
        return [payload["number"] for event, payload in self.emitted if event == "chat-ack"]

    def texts(self) -> list[str]:
        return [row["text"] for row, _ in self.drawn]

    def states(self) -> list[str]:
        return [entry["state"] for entry in self.box.entries.all]


def session(name: str = "s", **more: Any) -> dict[str, Any]:
    return {"session": name, "side": 0, "here": True, **more}


def theirs(number: int, stream: str = "theirs", **more: Any) -> Row:
    told = {"session": "s", "side": 1, "stream": stream, "number": number, "lamport": number, "at": NOW}
    return {**told, "text": f"theirs {number}", **more}
