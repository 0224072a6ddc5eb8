"""Pages of the floods: as little work of the generator as a page can be, so that what is measured is the server."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Self

from tests.server.rawclient import Closed, Raw, frame

STREAM = "A" * 11
LYON, PARIS = {"lat": 45.764, "lon": 4.8357, "accuracy": 30}, {"lat": 48.8566, "lon": 2.3522, "accuracy": 30}
PONG = frame(b"3")
JOIN = {"v": 1, "consent": "1", "adult": True, "visible": True}

Heard = Callable[[str, Any], None]


def event_frame(event: str, payload: object, number: int | None = None) -> bytes:
    """The frame of one event; with a number it asks for an answer."""
    namespace = event.partition("-")[0]
    head = f"42/{namespace}," if number is None else f"42/{namespace},{number}"
    return frame((head + json.dumps([event, payload], separators=(",", ":"), ensure_ascii=False)).encode())


class RefusedJoin(Exception):
    """The server has not let a page in; ``retry_s`` says when to come back, 0.0 for never."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(answer.get("error"))
        self.retry_s = answer.get("retry_ms", 0) / 1000


class FloodGuest:
    """One connection with a page behind it, seen through the headers of a proxy. ``heard`` gets every event."""

    def __init__(self, raw: Raw, heard: Heard) -> None:
        self.raw, self._heard = raw, heard
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, port: int, address: str, heard: Heard = lambda event, payload: None) -> Self:
        """Raises Refused, Closed, OSError, EOFError."""
        return cls(await Raw.page(port, {"X-Forwarded-For": address}), heard)

    @classmethod
    async def join(
        cls, port: int, address: str, place: object, heard: Heard = lambda event, payload: None, *, available: bool
    ) -> Self:
        """Raises RefusedJoin, and what ``connect`` raises."""
        self = await cls.connect(port, address, heard)
        answer = await self.ask("user-join", {**JOIN, "available": available, "position": place})
        if not answer["ok"]:
            await self.close()
            raise RefusedJoin(answer)
        return self

    @property
    def over(self) -> bool:
        return self._reading.done()

    def tell(self, event: str, payload: object) -> None:
        self.raw.writer.write(event_frame(event, payload))

    async def ask(self, event: str, payload: object) -> Mapping[str, Any]:
        """The answer. Raises Closed."""
        self._number += 1
        answered = self._answers[self._number] = asyncio.get_running_loop().create_future()
        self.raw.writer.write(event_frame(event, payload, self._number))
        return dict(await answered)

    async def _read(self) -> None:
        try:
            while True:
                _, said = await self.raw.receive()
                if said == b"2":
                    self.raw.writer.write(PONG)
                elif said[:2] in (b"42", b"43"):
                    self._take(said.decode())
        except Closed as closed:
            for answered in self._answers.values():
                if not answered.done():
                    answered.set_exception(closed)

    def _take(self, said: str) -> None:
        head, _, body = said.partition("[")
        if head.startswith("42"):
            self._heard(*json.loads(f"[{body}"))
        elif (answered := self._answers.pop(int(head.partition(",")[2]), None)) and not answered.done():
            answered.set_result(json.loads(f"[{body}")[0])

    async def close(self) -> None:
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        await self.raw.close()


class Meeting:
    """Two who are led to each other, alone in their city; ``session`` is their chat's."""

    def __init__(self) -> None:
        self.session: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.offer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def heard(self, event: str, payload: Mapping[str, Any]) -> None:
        if event == "user-offer" and not self.offer.done():
            self.offer.set_result(payload["offer"])
        elif event == "user-session" and not self.session.done():
            self.session.set_result(payload["session"])

    async def held(self, seeker: FloodGuest, candidate: FloodGuest) -> str:
        """The session. Raises TimeoutError."""
        async with asyncio.timeout(30):
            assert (await seeker.ask("user-seek", {}))["ok"]
            answer = await candidate.ask("user-match", {"offer": await self.offer, "answer": "yes"})
            assert answer["ok"], answer
            return await self.session
