"""What a message costs the server, from a sender's socket to its ✓✓: ``python -m bench.talk``; Linux only.

Starts a server of its own with embedded storage and pairs that talk over raw frames, at a rate or each when its last
message is delivered, and counts the processor time of the server's process alone.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any, Self

from bench.idle import HANDSHAKE, JOIN, cpu_s, frame
from tests.support.patience import PATIENCE_S
from tests.support.server_process import ServerProcess

WARM_S = 2.0
STREAM = "A" * 11
LIMITS = ("--message-rate", "100", "--message-burst", "1000")  # of a guest: a pair in the closed loop writes as it can
TEXT = "a message of some eighty bytes, as people write them in a chat, number {number:,}"


class Talker(asyncio.Protocol):
    """Half of a pair, seen through the header of a proxy: acks what it gets, and knows what became of what it wrote."""

    def __init__(self, address: str) -> None:
        loop = asyncio.get_running_loop()
        self.joined: asyncio.Future[object] = loop.create_future()
        self.offer: asyncio.Future[str] = loop.create_future()
        self.session: asyncio.Future[str] = loop.create_future()
        self.delivered = asyncio.Event()
        self.text: dict[str, object] = {}  # written last
        self._handshake = HANDSHAKE.replace("Host:", f"X-Forwarded-For: {address}\r\nHost:", 1).encode()
        self._heard = b""
        self.transport: asyncio.Transport

    @classmethod
    async def join(cls, port: int, number: int, *, available: bool) -> Self:
        """Raises RuntimeError."""
        address, place = f"203.0.{number // 200}.{number % 200 + 1}", {"lat": 45 + number * 0.001, "lon": 4.8}
        _, self = await asyncio.get_running_loop().create_connection(lambda: cls(address), "127.0.0.1", port)
        self.tell("user-join", JOIN | {"available": available, "position": {**place, "accuracy": 30}}, answered=True)
        await self.joined
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._handshake + frame("40/user,") + frame("40/chat,"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.joined.done():
            self.joined.set_exception(RuntimeError("a guest was closed before the join"))

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if self._heard.startswith(b"HTTP"):
            _, end, rest = self._heard.partition(b"\r\n\r\n")
            if not end:
                return
            self._heard = rest
        while len(self._heard) > 3 or (len(self._heard) == 3 and self._heard[1] == 1):
            at, size = (4, int.from_bytes(self._heard[2:4], "big")) if self._heard[1] == 126 else (2, self._heard[1])
            if len(self._heard) < at + size:
                return
            said, self._heard = self._heard[at : at + size], self._heard[at + size :]
            self._take(said)

    def _take(self, said: bytes) -> None:
        if said == b"2":
            self.transport.write(frame("3"))
        elif said.startswith(b"43/user,1") and not self.joined.done():
            (answer,) = json.loads(said.partition(b",1")[2])
            self.joined.set_result(answer) if answer["ok"] else self.joined.set_exception(RuntimeError(answer["error"]))
        elif said.startswith(b"42"):
            self._act(*json.loads(said.partition(b",")[2]))

    def _act(self, event: str, payload: Any) -> None:
        match event:
            case "user-offer" if not self.offer.done():
                self.offer.set_result(payload["offer"])
            case "user-session" if not self.session.done():
                self.session.set_result(payload["session"])
            case "chat-message":
                self.tell("chat-ack", {name: payload[name] for name in ("s", "st", "n")})
            case "chat-status" if payload["state"] == "delivered":
                self.delivered.set()
            case "chat-busy":  # the process takes 2,000 a second
                asyncio.get_running_loop().call_later(payload["retry_ms"] / 1000, self.say)

    def tell(self, event: str, payload: object, *, answered: bool = False) -> None:
        self.transport.write(
            frame(f"42/{event.partition('-')[0]},{1 if answered else ''}" + json.dumps([event, payload]))
        )

    def say(self) -> None:
        self.tell("chat-message", self.text)


async def pair(port: int, number: int) -> tuple[Talker, Talker]:
    """Bring two together; the one who writes is the first. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        asked, asks = await Talker.join(port, number, available=True), await Talker.join(port, number, available=False)
        asks.tell("user-seek", {})
        asked.tell("user-match", {"offer": await asked.offer, "answer": "yes"})
        await asks.session
    return asks, asked


async def talk(writer: Talker, pause_s: float, written: list[int]) -> None:
    """Write for ever; every ``pause_s`` seconds, or with 0 when the last one is delivered."""
    session = writer.session.result()
    for number in count(1):
        writer.delivered.clear()
        writer.text = {"s": session, "st": STREAM, "n": number, "l": number, "x": TEXT.format(number=number)}
        writer.say()
        written[0] += 1
        await (asyncio.sleep(pause_s) if pause_s else writer.delivered.wait())


async def measure(pairs: int, rate: float, seconds: float) -> None:
    written = [0]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="citychat-talk-")))
        server = await stack.enter_async_context(ServerProcess(folder, *LIMITS))
        found = [await pair(server.port, number) for number in range(pairs)]
        group = await stack.enter_async_context(asyncio.TaskGroup())
        talks = [group.create_task(talk(writer, pairs / rate if rate else 0, written)) for writer, _ in found]
        await asyncio.sleep(WARM_S)
        before_s, first, began_s = cpu_s(server.pid), written[0], time.monotonic()
        await asyncio.sleep(seconds)
        spent_s, messages, took_s = cpu_s(server.pid) - before_s, written[0] - first, time.monotonic() - began_s
        for each in talks:
            each.cancel()
        for talker in (talker for both in found for talker in both):
            talker.transport.close()
    how = f"{rate:g} messages/s asked for" if rate else "each when the last one is delivered"
    print(f"{pairs} pairs, {how}: {messages / took_s:.0f}/s, {spent_s / messages * 1e6:.0f} µs CPU a message")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.talk")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--rate", type=float, default=400.0, help="messages a second of all pairs; then without a rate")
    parser.add_argument("--seconds", type=float, default=15.0)
    given = parser.parse_args(argv)
    for rate in (given.rate, 0.0):
        asyncio.run(measure(given.pairs, rate, given.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
