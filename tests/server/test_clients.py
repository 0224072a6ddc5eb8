"""Both official clients walk the whole path, told nothing but the protocol."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import socketio

from tests.support import node
from tests.support.live_page import CONSENT
from tests.support.patience import PATIENCE_S
from tests.support.server_process import ServerProcess

NAMESPACES = ["/user", "/chat"]
Told = Mapping[str, Any]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path / "data") as running:
        yield running


class RawGuest:
    """python-socketio's client and nothing else."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        self.told: list[tuple[str, Told]] = []
        self._news = asyncio.Event()
        for namespace in NAMESPACES:
            self.client.on("*", self._hear, namespace=namespace)

    def _hear(self, event: str, payload: Told) -> None:
        self.told.append((event, payload))
        self._news.set()

    async def connect(self, url: str) -> None:
        await self.client.connect(url, transports=["websocket"], namespaces=NAMESPACES)

    async def ask(self, event: str, payload: Told) -> Any:
        namespace = "/" + event.partition("-")[0]
        return await self.client.call(event, payload, namespace=namespace, timeout=PATIENCE_S)

    async def tell(self, event: str, payload: Told) -> None:
        await self.client.emit(event, payload, namespace="/" + event.partition("-")[0])

    async def hear(self, event: str, **expected: object) -> Told:
        """The first such event with these fields, told already or still to come."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for name, payload in self.told:
                    if name == event and expected.items() <= payload.items():
                        return payload
                self._news.clear()
                await self._news.wait()


async def walk(a: RawGuest, b: RawGuest) -> dict[str, Any]:
    """From the join to the history and the leaving: what each was told."""
    join = {"v": 1, "consent": CONSENT, "adult": True, "available": True, "visible": True}
    joined = [await a.ask("user-join", join), await b.ask("user-join", join)]
    sought = await a.ask("user-seek", {})
    offer = await b.hear("user-offer")
    matched = await b.ask("user-match", {"offer": offer["offer"], "answer": "yes"})
    sessions = [await a.hear("user-session"), await b.hear("user-session")]
    s, messages = sessions[0]["session"], []
    for sender, receiver, letter, number, text in ((a, b, "A", 1, "Salut ✓"), (b, a, "B", 2, "Bonsoir 👋")):
        st = letter * 11
        await sender.tell("chat-message", {"s": s, "st": st, "n": 1, "l": number, "x": text})
        messages.append(await receiver.hear("chat-message", st=st))
        await receiver.tell("chat-ack", {"s": s, "st": st, "n": 1})
        await sender.hear("chat-status", st=st, state="delivered")
    histories = [await guest.ask("chat-history", {"s": s, "limit": 100}) for guest in (a, b)]
    left = await a.ask("user-leave", {"session": s})
    parted = await b.hear("user-left", how="left")
    return {
        "joined": joined, "sought": sought, "offer": offer, "matched": matched, "sessions": sessions,
        "messages": messages, "histories": histories, "left": left, "parted": parted,
    }  # fmt: skip


def check(told: dict[str, Any]) -> None:
    for joined in told["joined"]:
        assert joined["ok"] and joined["state"] == "free"
        place = {"key": "network", "city": "This network", "country": "", "source": "network", "towns": 0}
        assert joined["place"] == place
        assert set(joined) == {"ok", "token", "same", "place", "state", "free_nearby", "now"}
    assert told["sought"] == {"ok": True, "state": "asking"}
    assert set(told["offer"]) == {"offer", "city", "seconds", "looking"}
    assert told["offer"]["looking"] is False
    assert told["matched"]["ok"] is True
    a, b = told["sessions"]
    assert a["session"] == b["session"] and (a["side"], b["side"]) == (0, 1)
    assert (a["alias"], a["you"]) == (b["you"], b["alias"])
    assert [row["x"] for row in told["messages"]] == ["Salut ✓", "Bonsoir 👋"]
    assert [row["side"] for row in told["messages"]] == [a["side"], b["side"]]
    for history in told["histories"]:
        assert history["ok"] is True and history["more"] is False
        assert history["messages"] == told["messages"]
    assert told["left"]["ok"] is True
    assert told["parted"]["session"] == a["session"]


async def test_python_socketios_client_walks_from_join_to_history(server: ServerProcess) -> None:
    a, b = RawGuest(), RawGuest()
    try:
        await a.connect(server.url)
        await b.connect(server.url)
        check(await walk(a, b))
    finally:
        await a.client.disconnect()
        await b.client.disconnect()


async def test_the_official_javascript_client_walks_from_join_to_history(server: ServerProcess, tmp_path: Path) -> None:
    executable = await node.installed(tmp_path)
    shutil.copy(Path(__file__).with_name("client.mjs"), tmp_path)
    printed = await node.run(executable, "client.mjs", server.url, CONSENT, folder=tmp_path)
    check(json.loads(printed))
