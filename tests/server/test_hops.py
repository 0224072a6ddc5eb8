"""How far one message travels through the code: counted in a running server, calls and files of the package."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
import socketio

import citychat
from citychat.server.app import serve
from citychat.server.listeners import SPARE_FILES
from citychat.server.startup import consent_version, prepare
from citychat.server.systemd import SystemdNotifier
from citychat.settings import load

PACKAGE = str(Path(citychat.__file__).parent) + "/"
STREAM = "A" * 11
CALLS_MAX, FILES_MAX = 31, 14  # one way, of one message; reading and writing frames is two files of them, and the
# bytes of a day are three calls
TRIES = 4
TRIPS_MAX = 6  # to the history, for a guest who comes back to a chat


@dataclass
class Walk:
    """The calls into the package, in order, until a frame of the socket leaves or a message is on the bus."""

    calls: list[str] = field(default_factory=list)

    @property
    def files(self) -> list[str]:
        return list(dict.fromkeys(call.partition(":")[0] for call in self.calls))

    def __str__(self) -> str:
        return f"{len(self.calls)} calls in {len(self.files)} files: {', '.join(self.files)}"


class Hook:
    """Counts calls of Python functions of the package, a coroutine that goes on again not counted."""

    def __init__(self) -> None:
        self.walk = Walk()
        self._running: set[FrameType] = set()

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:
        code: CodeType = frame.f_code
        if event != "call" or not code.co_filename.startswith(PACKAGE) or frame in self._running:
            return
        if code.co_flags & 0x80:  # a coroutine: its frame comes back with each step
            self._running.add(frame)
        self.walk.calls.append(f"{code.co_filename.removeprefix(PACKAGE)}:{code.co_name}")


class HoppingGuest:
    """A page of the official client."""

    def __init__(self, url: str, consent: str) -> None:
        self.url, self.consent = url, consent
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        for namespace in ("/user", "/chat"):
            self.client.on("*", self._take, namespace=namespace)

    async def _take(self, event: str, payload: object) -> None:
        self.heard.put_nowait((event, payload))

    async def connect(self) -> None:
        await self.client.connect(self.url, transports=["websocket"], namespaces=["/user", "/chat"])

    async def join(self, **changes: object) -> None:
        asked = {"v": 1, "consent": self.consent, "adult": True, "available": True, "visible": True, **changes}
        answer = await self.client.call("user-join", asked, namespace="/user")
        assert answer["ok"]
        self.token = answer["token"]

    async def say(self, s: str, n: int) -> None:
        said = {"s": s, "st": STREAM, "n": n, "l": n, "x": f"text {n}"}
        await self.client.emit("chat-message", said, namespace="/chat")

    async def ack(self, s: str, n: int) -> None:
        await self.client.emit("chat-ack", {"s": s, "st": STREAM, "n": n}, namespace="/chat")

    async def until(self, name: str) -> Mapping[str, Any]:
        async with asyncio.timeout(60):
            while True:
                event, payload = await self.heard.get()
                if event == name:
                    assert isinstance(payload, Mapping)
                    return payload


async def measured(act: Awaitable[object], answer: Awaitable[object]) -> Walk:
    hook = Hook()
    sys.setprofile(hook)
    try:
        await act
        await answer
    finally:
        sys.setprofile(None)
    return hook.walk


def least(walks: list[Walk]) -> Walk:
    """The shortest: what the process does besides, now and then, is in some of them."""
    return min(walks, key=lambda walk: len(walk.calls))


def parted(walk: Walk, at: Callable[[str], bool]) -> tuple[Walk, Walk]:
    """The walk before and from the first call that ``at`` knows."""
    first = next(i for i, call in enumerate(walk.calls) if at(call))
    return Walk(walk.calls[:first]), Walk(walk.calls[first:])


@contextlib.asynccontextmanager
async def running(data: Path, flags: Sequence[str] = ()) -> AsyncIterator[Callable[[], HoppingGuest]]:
    """A server, on embedded engines unless ``flags`` say otherwise; makes guests of it."""
    resources = prepare(load(["--port", "0", "--data", str(data), *flags], {}))
    lines: list[str] = []
    server = asyncio.create_task(
        serve(resources, lines.append, 4 * SPARE_FILES, SystemdNotifier({}), lambda: resources.settings)
    )
    while not any(line.startswith("You ") for line in lines) and not server.done():  # noqa: ASYNC110 - it prints
        await asyncio.sleep(0.01)
    url, consent = next(line.split()[1] for line in lines if line.startswith("You ")), consent_version(resources.texts)
    guests: list[HoppingGuest] = []

    def guest() -> HoppingGuest:
        guests.append(HoppingGuest(url, consent))
        return guests[-1]

    try:
        yield guest
    finally:
        for one in guests:
            await one.client.disconnect()
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)


async def talking(guest: Callable[[], HoppingGuest]) -> tuple[HoppingGuest, HoppingGuest, str]:
    """Two who talk, and their session."""
    anna, ben = guest(), guest()
    for one in (anna, ben):
        await one.connect()
        await one.join()
    await anna.client.call("user-seek", {}, namespace="/user")
    offer = (await ben.until("user-offer"))["offer"]
    await ben.client.call("user-match", {"offer": offer, "answer": "yes"}, namespace="/user")
    return anna, ben, (await anna.until("user-session"))["session"]


async def test_a_message_is_few_calls_in_few_files_on_its_way_in_and_on_its_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path) as guest:
        anna, ben, s = await talking(guest)
        boths, ackeds = [], []
        for n in range(1, TRIES + 1):  # what only the first message of a chat costs is no part of the count
            boths.append(await measured(anna.say(s, n), ben.until("chat-message")))
            ackeds.append(await measured(ben.ack(s, n), anna.until("chat-status")))
    both, acked = least(boths), least(ackeds)
    way_in, way_out = parted(both, lambda call: call.endswith(":_deliver"))
    with capsys.disabled():
        print(f"\na message in: {way_in}\na message out: {way_out}\nacked, kept and receipted: {acked}")
    for walk in (way_in, way_out):
        assert len(walk.calls) <= CALLS_MAX and len(walk.files) <= FILES_MAX, "\n".join(walk.calls)


async def test_a_join_asks_the_database_few_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with running(tmp_path) as guest:
        anna, ben, s = await talking(guest)
        await anna.say(s, 1)
        await ben.until("chat-message")
        await ben.client.disconnect()
        await anna.until("user-left")
        trips = {}
        for name, token in (("a new guest", None), ("back in a chat", ben.token)):
            counts = []
            for _ in range(TRIES):
                page = guest()
                await page.connect()
                walk = await measured(page.join(token=token), asyncio.sleep(0))
                counts.append(walk.calls.count("adapters/sqlite/database.py:run"))
            trips[name] = min(counts)
    with capsys.disabled():
        print("\ndatabase trips of a join: " + ", ".join(f"{name} {count}" for name, count in trips.items()))
    assert trips["a new guest"] <= 1
    assert trips["back in a chat"] <= TRIPS_MAX
