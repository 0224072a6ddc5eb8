"""Hostile clients at a real server on real sockets, and two honest pages that talk meanwhile.

A find is: the server ends, writes a line that is no refusal, leaves the honest pages waiting, or keeps memory.
"""

import asyncio
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.fuzz.grammar import turned
from tests.fuzz.layers import packet
from tests.server.host import JOIN, LAST_LINE
from tests.server.rawclient import BINARY, SOCKETIO, Closed, Raw, Refused, frame
from tests.support.live_page import LivePage, meet
from tests.support.patience import PATIENCE_S, until
from tests.support.process_size import memory_bytes
from tests.support.server_process import ServerProcess

AT_ONCE, FRAMES = 6, 60  # connections at a time, and frames of each
BROKEN = 0.03  # of the packets: each ends its connection, and what comes before it shall get far
SAID_EVERY_S = 0.5
WARM = 60  # connections before memory is measured: pools and caches are filled by then
MEMORY_MAX_BYTES = 64 * 1024 * 1024  # guests who came once are remembered for ten minutes, some kB each
HARMLESS = re.compile(r"Refused: |guests are here")
LEARNT = re.compile(r'"(session|offer|s)":"([\w-]+)"')
HANDSHAKE = (
    f"GET {SOCKETIO} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@dataclass
class Attacked:
    """What was sent, and what was found. ``said``: messages of the honest pages, each delivered in time."""

    frames: int = 0
    connections: int = 0
    said: int = 0
    grown_bytes: int = 0
    finds: list[str] = field(default_factory=list)


class Attacker:
    """One hostile connection. Its frames come from the seed and its number alone, but for ids that it was told."""

    def __init__(self, seed: int, number: int) -> None:
        self.random = Random(f"{seed} socket {number}")
        self.sent = 0
        self._told: dict[str, str] = {}

    async def attack(self, port: int) -> None:
        """Until it is closed, or has sent everything."""
        random = self.random
        if random.random() < 0.1:
            return await self._shake_wrongly(await Raw.tcp(port))
        client = await Raw.connect(port)
        listening = asyncio.create_task(self._listen(client))
        try:
            if random.random() < 0.9:
                for text in ("40/user,", "40/chat,", JOIN):
                    await self._send(client, frame(text.encode()))
            for _ in range(FRAMES):
                await self._send(client, self._frame())
                if random.random() < 0.1:
                    await asyncio.sleep(random.uniform(0, 0.05))
        finally:
            listening.cancel()
            await client.close()

    async def _send(self, client: Raw, data: bytes) -> None:
        await client.raw(data)
        self.sent += 1

    def _frame(self) -> bytes:
        random = self.random
        text = "4" + packet(random, BROKEN)
        if random.random() < 0.5:
            text = LEARNT.sub(lambda found: f'"{found[1]}":"{self._told.get(found[1], found[2])}"', text)
        raw = text.encode("utf-8", "replace")
        match random.randrange(60):
            case 0:
                return turned(random, frame(raw))
            case 1:
                return frame(turned(random, raw), random.choice((1, 1, 2, BINARY)), final=random.random() < 0.5)
            case 2:
                return frame(random.choice((b"3", b"2", b"3probe", b"1x", b"")))
        return frame(raw)

    async def _shake_wrongly(self, client: Raw) -> None:
        try:
            await self._send(client, turned(self.random, HANDSHAKE.encode()))
            client.writer.write_eof()
            await client.reader.read(65_536)
        finally:
            await client.close()

    async def _listen(self, client: Raw) -> None:
        """Read on, so that nothing is held up, and learn ids."""
        while True:
            for name, value in LEARNT.findall(await client.text()):
                self._told[name] = value


async def besiege(seed: int, folder: Path, until_s: float, frames: int = 10**9) -> Attacked:
    """Attack one process on embedded engines until then (by ``time.monotonic``), or for so many frames."""
    found = Attacked()
    async with ServerProcess(folder / "data") as server:
        await until(lambda: any(line.startswith(LAST_LINE) for line in server.output))
        quiet = len(server.output)
        pages = [LivePage(server.url, Random(number)) for number in (1, 2)]
        try:
            await meet(*pages)
            talking = asyncio.create_task(_talk(pages, found))
            warm_bytes = _size(server)
            while time.monotonic() < until_s and found.frames < frames and not talking.done() and _size(server):
                await _wave(seed, server, found)
                if found.connections <= WARM:
                    warm_bytes = _size(server)
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            found.grown_bytes = _size(server) - warm_bytes
        finally:
            for page in pages:
                await page.done()
        found.finds += [f"the log: {line}" for line in server.output[quiet:] if not HARMLESS.search(line)]
        if not server.running:
            found.finds.append("the server has ended")
        elif await server.stop():
            found.finds.append("the server did not end in order")
    if found.grown_bytes > MEMORY_MAX_BYTES:
        found.finds.append(f"the server has grown by {found.grown_bytes} bytes")
    return found


def _size(server: ServerProcess) -> int:
    """What it has in memory; 0 when it has ended."""
    return memory_bytes(server.pid) if server.running else 0


async def _wave(seed: int, server: ServerProcess, found: Attacked) -> None:
    """Some connections at once."""
    attackers = [Attacker(seed, found.connections + number) for number in range(AT_ONCE)]
    await asyncio.gather(*(_survived(attacker.attack(server.port)) for attacker in attackers))
    found.connections += AT_ONCE
    found.frames += sum(attacker.sent for attacker in attackers)


async def _survived(attack: Awaitable[None]) -> None:
    """Being refused and closed is what attackers may expect; not being answered is not."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await attack
    except (Closed, Refused, OSError, asyncio.IncompleteReadError):
        pass


async def _talk(pages: list[LivePage], found: Attacked) -> None:
    """The honest ones; each message is waited for."""
    while True:
        speaker = pages[found.said % 2]
        speaker.say(f"honest {found.said}")
        key = speaker.outbox.stream, speaker.outbox.number
        try:
            await speaker.screen.until(lambda: speaker.screen.states.get(key) == "delivered")  # noqa: B023
        except TimeoutError:
            found.finds.append(f"message {found.said} of the honest pages was not delivered")
            return
        found.said += 1
        await asyncio.sleep(SAID_EVERY_S)
