"""Evenings of two guests, and of an evil one, on a real server that logs all it can: nothing of anybody is in it."""

import asyncio
import contextlib
import json
import os
import re
import signal
import struct
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.host import LAST_LINE
from tests.server.rawclient import Closed, Raw, Refused
from tests.support.patience import PATIENCE_S
from tests.support.server_process import ROOT

TEXT, NOTE, QUERY, EVIL = "canary-text-8711", "canary-note-4219", "canary-query-1180", "canary-evil-7303"
ANNA, BEN, EVE, IPV6 = "203.0.113.77", "198.51.100.23", "192.0.2.149", "2001:db8:dead:beef::7"
LAT, LON = 45.7640437, 4.8356591
ST = "c4n4rystr34m"
# The program with every logger at DEBUG, none of which can be turned down, with handlers that fail with what they got.
WRAPPED = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
logging.Logger.setLevel = lambda logger, level: None
from citychat import __main__, delivery
from citychat.matching import moderation
from citychat.handlers import pages
def fails(self, *what):
    raise ValueError(f"crashed with {what}")
async def fails_later(self, *what):
    fails(self, *what)
delivery.Endpoint.typing = fails
moderation.Moderation.case = fails_later
pages.HealthHandler.get = lambda handler, which: fails(handler, handler.request)
sys.exit(__main__.main())
"""


class LoggedServer:
    """Everything it printed is in ``log`` when it has ended."""

    def __init__(self, child: asyncio.subprocess.Process, port: int, printed: str) -> None:
        self.child, self.port, self.log = child, port, printed

    async def end(self) -> str:
        self.child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            out, _ = await self.child.communicate()
        assert self.child.returncode == 0
        self.log += out.decode()
        return self.log


@contextlib.asynccontextmanager
async def server(data: Path, *flags: str) -> AsyncIterator[LoggedServer]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRAPPED, "--port", "0", "--data", str(data), *flags,
        cwd=ROOT, env=os.environ | {"PYTHONASYNCIODEBUG": "1"}, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert child.stdout is not None
    printed = ""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while LAST_LINE not in printed:
                line = (await child.stdout.readline()).decode()
                assert line, printed
                printed += line
        port = re.search(r"http://localhost:(\d+)", printed)
        assert port is not None
        yield LoggedServer(child, int(port[1]), printed)
    finally:
        if child.returncode is None:
            child.kill()
            await child.communicate()


class ProxiedGuest:
    """One page behind a proxy, which says where it comes from."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.heard: list[str] = []
        self._number = 0

    @classmethod
    async def joined(cls, port: int, address: str, **more: object) -> tuple["ProxiedGuest", dict[str, Any]]:
        guest = cls(await Raw.page(port, {"X-Forwarded-For": address}))
        position = {"lat": LAT, "lon": LON, "accuracy": 12.5}
        asked = {"v": 1, "consent": "1", "adult": True, "available": True, "visible": True, "position": position}
        answer = await guest.ask("user-join", asked | more)
        assert answer["ok"]
        return guest, answer

    async def tell(self, event: str, payload: object) -> None:
        await self.raw.send(f"42/{event.partition('-')[0]},{json.dumps([event, payload])}")

    async def ask(self, event: str, payload: object) -> dict[str, Any]:
        self._number += 1
        prefix = f"/{event.partition('-')[0]},{self._number}"
        await self.raw.send(f"42{prefix}{json.dumps([event, payload])}")
        while True:
            head, body = await self._packet()
            if head == f"43{prefix}":
                return dict(body[0])

    async def hear(self, event: str) -> dict[str, Any]:
        while True:
            head, body = await self._packet()
            if head.startswith("42") and body[0] == event:
                return dict(body[1])

    async def _packet(self) -> tuple[str, Any]:
        packet = await self.raw.packet()
        self.heard.append(json.dumps(packet))
        return packet


async def evening(port: int) -> list[str]:
    """Anna and ben meet, talk, report and vanish; every secret that came up."""
    anna, joined = await ProxiedGuest.joined(port, ANNA)
    ben, _ = await ProxiedGuest.joined(port, BEN)
    assert joined["place"]["city"] == "Lyon"
    await anna.ask("user-cities", {"q": QUERY})
    await anna.ask("user-seek", {})
    offer = await ben.hear("user-offer")
    await ben.ask("user-match", {"offer": offer["offer"], "answer": "yes"})
    session = await anna.hear("user-session")
    s = session["session"]
    await anna.tell("chat-message", {"s": s, "st": ST, "n": 1, "l": 1, "x": TEXT})
    await ben.hear("chat-message")
    await ben.tell("chat-ack", {"s": s, "st": ST, "n": 1})
    await anna.hear("chat-status")
    assert TEXT in json.dumps(await ben.ask("chat-history", {"s": s, "limit": 10}))
    assert (await anna.ask("chat-typing", {"s": s, "on": True}))["error"] == "internal"
    assert (await anna.ask("user-case", {"code": EVIL}))["error"] == "internal"
    code = (await ben.ask("user-report", {"session": s, "reason": "hate", "note": NOTE}))["code"]
    again, _ = await ProxiedGuest.joined(port, ANNA, token=joined["token"])
    assert (await again.ask("user-erase", {"confirm": True}))["ok"]
    for guest in (anna, ben, again):
        await guest.raw.close()
    return [joined["token"], s, offer["offer"], code, session["alias"], session["you"]]


WRONG: list[object] = [
    EVIL,
    7,
    None,
    [EVIL],
    {"s": EVIL, "x": EVIL},
    {"session": EVIL, "reason": EVIL, "note": EVIL * 50},
]
EVENTS = ("user-seek", "user-match", "user-report", "user-place", "chat-message", "chat-ask", "chat-history", EVIL)


async def attack(port: int) -> None:
    """Wrong payloads to every kind of event, then frames and requests that are none."""
    eve, _ = await ProxiedGuest.joined(port, EVE, token=EVIL)
    for event in EVENTS:
        for payload in WRONG:
            if event.startswith(("user", "chat")):
                await eve.tell(event, payload)
    for text in ("\ud800" + EVIL, EVIL + "\0", "\u202e" + EVIL):
        await eve.tell("chat-message", {"s": EVIL, "st": ST, "n": 1, "l": 1, "x": text})
        await eve.tell("user-report", {"session": EVIL, "reason": "spam", "note": text})
    await eve.raw.close()
    half = f'42/user,["user-join",{{"token":"{EVIL}"'
    for frame in (EVIL, f"42/chat,{EVIL}", half, f'45/user,["{EVIL}"]', "4" * 20_000):
        for _ in range(10):
            raw = await Raw.page(port, {"X-Forwarded-For": EVE})
            await raw.send(frame)
            await raw.until_closed()
            await raw.close()
    for path in (f"/{EVIL}", f"/live?{EVIL}", f"/static/{EVIL}?{EVIL}", f"/socket.io/?{EVIL}"):
        with pytest.raises(Refused):
            await Raw.connect(port, {"X-Forwarded-For": IPV6, "Origin": f"http://{EVIL}"}, path)
    broken = await Raw.tcp(port)
    await broken.raw(f"{EVIL} / HTTP/1.1\r\n{EVIL}\r\n\r\n".encode())
    await broken.close()


async def test_no_text_address_position_or_id_is_printed_or_logged_by_anything(tmp_path: Path) -> None:
    async with server(tmp_path / "data") as running:
        secrets = await evening(running.port)
        await attack(running.port)
        secrets += await evening(running.port)
        log = await running.end()
    for secret in (TEXT, NOTE, QUERY, EVIL, ANNA, BEN, EVE, IPV6, ST, "Lyon", *secrets):
        assert secret not in log, secret
    since_start = log.partition(LAST_LINE)[2]  # before it stand a port and a folder, of any digits
    for coordinate in (f"{LAT:.3f}"[:-1], f"{LON:.3f}"[:-1], "2288", "241,", "(2288"):
        assert coordinate not in since_start, coordinate
    assert not re.search(r"\d+\.\d+\.\d+\.\d+", since_start)


async def test_no_position_is_kept_in_any_file_or_told_to_anybody(tmp_path: Path) -> None:
    async with server(tmp_path / "data") as running:
        anna, _ = await ProxiedGuest.joined(running.port, ANNA)
        ben, _ = await ProxiedGuest.joined(running.port, BEN)
        position = {"lat": LAT, "lon": LON, "accuracy": 12.5}
        assert (await anna.ask("user-place", {"position": position}))["ok"]
        await anna.ask("user-seek", {})
        offer = await ben.hear("user-offer")
        await ben.ask("user-match", {"offer": offer["offer"], "answer": "yes"})
        session = (await anna.hear("user-session"))["session"]
        for guest in (anna, ben):
            await guest.ask("user-chats", {})
            await guest.ask("chat-history", {"s": session, "limit": 10})
            await guest.raw.close()
        await running.end()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert session.encode() in kept
    for number in (LAT, LON):
        written = f"{number:.3f}"[:-1]
        assert written.encode() not in kept and struct.pack(">d", number) not in kept
        assert [said for said in (*anna.heard, *ben.heard) if written in said] == []


async def test_what_is_logged_names_our_faults_and_refusals_and_is_not_much(tmp_path: Path) -> None:
    async with server(tmp_path / "data") as running:
        await evening(running.port)
        await attack(running.port)
        log = await running.end()
    lines = [line for line in log.splitlines() if line.startswith(("WARNING", "ERROR", "INFO", "CRITICAL"))]
    for failed in ("chat-typing failed: ", "user-case failed: ", "tornado.application: ValueError at "):
        assert sum(failed in line for line in lines) == 1, lines
    assert 1 <= sum("Refused: " in line for line in lines) <= 3, lines  # one a minute for each source
    assert [line.split(":", 2)[2] for line in lines[-2:]] == ["Stopping: 0 pages are sent away to come back", "Stopped"]
    assert len(lines) < 10, lines


async def test_an_ignored_forwarding_header_is_told_once_with_the_setting_and_no_address(tmp_path: Path) -> None:
    async with server(tmp_path / "data", "--trusted-proxies", "10.9.9.9") as running:
        for _ in range(20):
            with contextlib.suppress(Closed):
                await (await Raw.page(running.port, {"X-Forwarded-For": ANNA})).close()
        log = await running.end()
    warnings = [line for line in log.splitlines() if "forwarding header" in line]
    assert len(warnings) == 1 and "trusted_proxies" in warnings[0]
    assert ANNA not in log
