"""Who must not notice a flood: ten pairs that talk, and two newcomers a second; what they wait for is the measure."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.floods.guests import JOIN, LYON, STREAM, FloodGuest, Meeting
from tests.server.rawclient import Closed, Refused

PAIRS, PAUSE_S, NEWCOMERS_PER_S = 10, 0.5, 2
NEWCOMER_S = 10.0  # who is not in by then counts as kept out
LOST_S = 15.0  # what a message counts that has not come when the flood is over


@dataclass
class Waits:
    """Seconds that each has waited. ``lags_s``: how late the measuring process itself was."""

    messages_s: list[float] = field(default_factory=list)
    ticks_s: list[float] = field(default_factory=list)
    joins_s: list[float] = field(default_factory=list)
    kept_out: int = 0
    lags_s: list[float] = field(default_factory=list)


class TalkingPair:
    """Two who write in turn; each draws and acks at once what it gets."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self.pages: list[FloodGuest] = []
        self.session = ""
        self._sent_s: dict[tuple[int, int], float] = {}
        self._unticked_s: dict[tuple[int, int], float] = {}
        self._number = 0

    async def meet(self, port: int, address: str, other: str) -> None:
        meeting = Meeting()

        def hears(side: int) -> Any:
            def heard(event: str, payload: Mapping[str, Any]) -> None:
                meeting.heard(event, payload)
                self._heard(side, event, payload)

            return heard

        candidate = await FloodGuest.join(port, other, LYON, hears(1), available=True)
        seeker = await FloodGuest.join(port, address, LYON, hears(0), available=False)
        self.pages = [seeker, candidate]
        self.session = await meeting.held(seeker, candidate)

    def _heard(self, side: int, event: str, payload: Mapping[str, Any]) -> None:
        now_s = time.monotonic()
        if event == "chat-message":
            said = (1 - side, payload["n"])
            if said in self._sent_s:
                self._waits.messages_s.append(now_s - self._sent_s.pop(said))
            self.pages[side].tell("chat-ack", {"s": self.session, "st": payload["st"], "n": payload["n"]})
        elif event == "chat-status" and payload["state"] == "delivered":
            for first, last in payload["ranges"]:
                for number in range(first, last + 1):
                    if (said := (side, number)) in self._unticked_s:
                        self._waits.ticks_s.append(now_s - self._unticked_s.pop(said))

    async def talk(self, until_s: float, random: Random) -> None:
        due_s = time.monotonic() + random.uniform(0, PAUSE_S)
        turn = 0
        while due_s < until_s:
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            self._waits.lags_s.append(time.monotonic() - due_s)
            side, number = turn % 2, turn // 2 + 1
            self._sent_s[side, number] = self._unticked_s[side, number] = time.monotonic()
            said = {"s": self.session, "st": "AB"[side] * len(STREAM), "n": number, "l": turn + 1, "x": "Is it you?"}
            self.pages[side].tell("chat-message", said)
            turn += 1
            due_s += PAUSE_S

    def end(self) -> None:
        """Nothing more is waited for: what has not come counts as if it never would."""
        self._waits.messages_s += [LOST_S] * len(self._sent_s)
        self._waits.ticks_s += [LOST_S] * len(self._unticked_s)


async def newcomer(port: int, address: str, waits: Waits, random: Random) -> None:
    """Comes as our page does: again in a random part of the time it is told."""
    start_s = time.monotonic()
    try:
        async with asyncio.timeout(NEWCOMER_S):
            while True:
                retry_s = 1.0
                with contextlib.suppress(Refused, Closed, OSError, EOFError):
                    page = await FloodGuest.connect(port, address)
                    try:
                        answer = await page.ask("user-join", {**JOIN, "available": False, "position": LYON})
                    finally:
                        await page.close()
                    if answer["ok"]:
                        waits.joins_s.append(time.monotonic() - start_s)
                        return
                    retry_s = answer.get("retry_ms", 1000) / 1000
                await asyncio.sleep(random.uniform(0, retry_s))
    except TimeoutError:
        waits.kept_out += 1


async def newcomers(port: int, until_s: float, waits: Waits, random: Random) -> None:
    """One after the other, each from a network of its own; returns when the last is in or has given up."""
    due_s, coming = time.monotonic(), list[asyncio.Task[None]]()
    while due_s < until_s:
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        address = f"198.18.{len(coming) // 250}.{len(coming) % 250 + 1}"
        coming.append(asyncio.create_task(newcomer(port, address, waits, random)))
        due_s += 1 / NEWCOMERS_PER_S
    await asyncio.gather(*coming)
