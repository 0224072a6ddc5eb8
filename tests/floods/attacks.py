"""The floods, one function each: ``python -m tests.floods.attacks NAME SIZE PORT ADDRESSES`` until its input ends.

A process of its own, of low priority: who talks and who comes is measured by another. It prints ``ready`` when it
begins, and at its end how many frames or requests it has sent, and in how many seconds.
"""

import asyncio
import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import cycle

from tests.floods.guests import JOIN, PARIS, STREAM, FloodGuest, Meeting, RefusedJoin, event_frame
from tests.server.rawclient import PING, SOCKETIO, Closed, Raw, Refused, frame

LONG = "ä" * 2000  # 4,000 bytes
MARKS = "a" + "\u0301\u0323" * 3900  # one letter: a whole frame of marks that Unicode wants in another order
ESCAPED = r"\ud800" + r"\n" * 8100  # half of a surrogate pair, and a whole frame of escapes
PAGE_MESSAGES = 100
OVER = (Refused, Closed, OSError, EOFError)


class Flood:
    """What all attackers of one process share. ``sent`` counts frames and requests."""

    def __init__(self, port: int, addresses: list[str], size: int) -> None:
        self.port, self.size, self.sent = port, size, 0
        self._addresses = cycle(addresses)
        self.begun = asyncio.Event()

    def address(self) -> str:
        return next(self._addresses)

    async def guest(self, meeting: Meeting | None = None, *, available: bool = False) -> FloodGuest:
        """A page that has joined, in a city of the attackers' own; it waits as told."""
        address = self.address()
        while True:
            try:
                heard = meeting.heard if meeting else lambda event, payload: None
                return await FloodGuest.join(self.port, address, PARIS, heard, available=available)
            except RefusedJoin as refused:
                await asyncio.sleep(refused.retry_s or 1)

    async def pair(self) -> tuple[FloodGuest, FloodGuest, str]:
        meeting = Meeting()
        ben = await self.guest(meeting, available=True)
        anna = await self.guest()
        return anna, ben, await meeting.held(anna, ben)


async def steadily(flood: Flood, guest: FloodGuest, said: Callable[[int], bytes], per_s: float) -> None:
    """So many frames a second, a tenth of a second together, for as long as the server listens."""
    number, due_s, together = 0, time.monotonic(), max(1, round(per_s / 10))
    while not guest.over:
        await guest.raw.raw(b"".join(said(number + each) for each in range(together)))
        number += together
        flood.sent += together
        due_s += together / per_s
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))


async def searching(flood: Flood) -> None:
    """Guests that search cities, at the rate that is each one's own."""
    guests = [await flood.guest() for _ in range(flood.size)]
    flood.begun.set()
    typed = ["a", "b", "sa", "s", "la", "m", "san", "l"]
    await asyncio.gather(
        *(
            steadily(flood, guest, lambda n: event_frame("user-cities", {"q": typed[n % 8]}, n + 1000), 6.3)
            for guest in guests
        )
    )


async def unknown(flood: Flood) -> None:
    """Connections that send events which are refused, 176 a second each: joined, as long as the server lets them."""
    said = event_frame("user-nothing", {"x": 1})

    async def one() -> None:
        while True:
            try:
                guest = await FloodGuest.connect(flood.port, flood.address())
            except OVER:
                await asyncio.sleep(0.05)
                continue
            with contextlib.suppress(*OVER):
                guest.tell("user-join", {**JOIN, "available": False, "position": PARIS})
                await steadily(flood, guest, lambda n: said, 176)
            await guest.close()

    flood.begun.set()
    await asyncio.gather(*(one() for _ in range(flood.size)))


async def wrong_joins(flood: Flood) -> None:
    """Connections that join with other rules, ten times in one go, and come back."""
    said = event_frame("user-join", {**JOIN, "consent": "0", "available": False}, 1) * 10

    async def one() -> None:
        while True:
            try:
                raw = await Raw.page(flood.port, {"X-Forwarded-For": flood.address()})
            except OVER:
                await asyncio.sleep(0.01)
                continue
            with contextlib.suppress(*OVER):
                await raw.raw(said)
                flood.sent += 10
                await raw.until_closed()
            await raw.close()

    flood.begun.set()
    await asyncio.gather(*(one() for _ in range(flood.size)))


async def paging(flood: Flood) -> None:
    """Guests that read pages of 100 long messages."""
    pairs = [await flood.pair() for _ in range(flood.size // 2)]
    await asyncio.gather(*(written(anna, ben, s) for anna, ben, s in pairs))
    flood.begun.set()
    await asyncio.gather(
        *(
            steadily(
                flood, guest,
                lambda n, s=s: event_frame("chat-history", {"s": s, "limit": PAGE_MESSAGES}, n + 1000), 6,  # type: ignore[misc]
            )
            for anna, ben, s in pairs
            for guest in (anna, ben)
        )
    )  # fmt: skip


async def written(anna: FloodGuest, ben: FloodGuest, session: str) -> None:
    """A full page of long messages, drawn by the one who gets them."""
    for number in range(1, PAGE_MESSAGES + 1):
        anna.tell("chat-message", {"s": session, "st": STREAM, "n": number, "l": number, "x": LONG})
        if number > 32:
            await asyncio.sleep(0.21)
        ben.tell("chat-ack", {"s": session, "st": STREAM, "n": number})


async def asking(flood: Flood) -> None:
    """Guests that ask what became of 500 ranges of their messages."""
    pairs = [await flood.pair() for _ in range(flood.size // 2)]
    ranges = [[2 * each + 1, 2 * each + 1] for each in range(500)]
    flood.begun.set()
    await asyncio.gather(
        *(
            steadily(
                flood, guest,
                lambda n, s=s: event_frame("chat-ask", {"s": s, "st": STREAM, "ranges": ranges}), 12.8,  # type: ignore[misc]
            )
            for anna, ben, s in pairs
            for guest in (anna, ben)
        )
    )  # fmt: skip


async def writing(flood: Flood, text: str = LONG) -> None:
    """Pairs of guests, one of whom writes five times a second; the other draws."""
    pairs = [await flood.pair() for _ in range(flood.size // 2)]
    flood.begun.set()

    def said(ben: FloodGuest, session: str) -> Callable[[int], bytes]:
        def frame_of(n: int) -> bytes:
            if n > 4:
                ben.tell("chat-ack", {"s": session, "st": STREAM, "n": n - 4})
            return event_frame("chat-message", {"s": session, "st": STREAM, "n": n + 1, "l": n + 1, "x": text})

        return frame_of

    await asyncio.gather(*(steadily(flood, anna, said(ben, s), 5) for anna, ben, s in pairs))


async def piling(flood: Flood) -> None:
    """The same with the dearest texts."""
    await writing(flood, MARKS)


async def escaping(flood: Flood) -> None:
    """Guests that send the dearest frames, as many as a connection may."""
    guests = [await flood.guest() for _ in range(flood.size)]
    said = frame(f'42/chat,["chat-typing",{{"x":"{ESCAPED}"}}]'.encode())
    flood.begun.set()
    await asyncio.gather(*(steadily(flood, guest, lambda n: said, 190) for guest in guests))


async def getting(flood: Flood) -> None:
    """Connections that ask for the page, again as soon as they have it."""

    async def one() -> None:
        asked = f"GET / HTTP/1.1\r\nHost: localhost:{flood.port}\r\nX-Forwarded-For: {flood.address()}\r\n\r\n".encode()
        while True:
            with contextlib.suppress(*OVER, asyncio.IncompleteReadError):
                raw = await Raw.tcp(flood.port)
                while True:
                    await raw.raw(asked)
                    flood.sent += 1
                    head = await raw.reader.readuntil(b"\r\n\r\n")
                    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or b"0")
                    await raw.reader.readexactly(length)
            await asyncio.sleep(0.01)

    flood.begun.set()
    await asyncio.gather(*(one() for _ in range(flood.size)))


async def connecting(flood: Flood) -> None:
    """WebSockets that are opened and closed, again and again."""

    async def one() -> None:
        while True:
            flood.sent += 1
            with contextlib.suppress(*OVER):
                raw = await Raw.connect(flood.port, {"X-Forwarded-For": flood.address()})
                await raw.close()
            await asyncio.sleep(0)

    flood.begun.set()
    await asyncio.gather(*(one() for _ in range(flood.size)))


async def silent(flood: Flood) -> None:
    """Sockets that say nothing, half of their headers, or nothing after the handshake; opened anew when closed."""
    half = f"GET {SOCKETIO} HTTP/1.1\r\nHost: localhost\r\nX-Half: ".encode()

    async def one(number: int) -> None:
        await asyncio.sleep(number / 1000)
        while True:
            flood.sent += 1
            with contextlib.suppress(*OVER):
                if number % 3 == 2:
                    raw = await Raw.connect(flood.port, {"X-Forwarded-For": flood.address()})
                else:
                    raw = await Raw.tcp(flood.port)
                    await raw.raw(half * (number % 3))
                await raw.reader.read()
                await raw.close()
            await asyncio.sleep(1)

    flood.begun.set()
    await asyncio.gather(*(one(number) for number in range(flood.size)))


async def blasting(flood: Flood) -> None:
    """Connections that have joined and send as fast as the socket takes it, pings too, and come back when closed."""
    blob = (event_frame("user-view", {"visible": True}) + frame(b"", PING)) * 50

    async def one() -> None:
        while True:
            guest = None
            with contextlib.suppress(*OVER, RefusedJoin):
                guest = await FloodGuest.join(flood.port, flood.address(), PARIS, available=False)
                while not guest.over:
                    await guest.raw.raw(blob)
                    flood.sent += 100
            if guest is not None:
                await guest.close()
            await asyncio.sleep(0.01)

    flood.begun.set()
    await asyncio.gather(*(one() for _ in range(flood.size)))


ATTACKS: dict[str, Callable[[Flood], Awaitable[None]]] = {
    "city search": searching,
    "refused events": unknown,
    "refused joins": wrong_joins,
    "history pages": paging,
    "chat-ask": asking,
    "messages": writing,
    "piles of marks": piling,
    "escapes": escaping,
    "GET /": getting,
    "connect and hang up": connecting,
    "silent": silent,
    "over the limit": blasting,
}


async def until_told(flood: Flood, name: str) -> None:
    attack = asyncio.ensure_future(ATTACKS[name](flood))
    begun = asyncio.ensure_future(flood.begun.wait())
    await asyncio.wait([attack, begun], return_when=asyncio.FIRST_COMPLETED)
    if attack.done():
        await attack
    print("ready", flush=True)
    start_s, before = time.monotonic(), flood.sent
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps([flood.sent - before, time.monotonic() - start_s]), flush=True)
    os._exit(0)  # its connections end with it; what they still wait for is nobody's


def main(name: str, size: str, port: str, addresses: str) -> None:
    os.nice(10)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(until_told(Flood(int(port), addresses.split(","), int(size)), name))


if __name__ == "__main__":
    main(*sys.argv[1:])
