"""Handshakes that no browser makes: what RFC 6455 §4.2.1 asks of a client, and what it asks the server to answer."""

import pytest

from tests.server.conftest import Open, is_well
from tests.server.rawclient import SOCKETIO, answer

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HEADERS = {
    "Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}  # fmt: skip


async def status(site: Open, http: str = "HTTP/1.1", **changed: str) -> tuple[int, dict[str, str]]:
    """What a handshake with these headers gets; "" leaves one out."""
    at = site()
    headers = HEADERS | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value]
    raw = await at.tcp()
    await raw.raw("\r\n".join([f"GET {SOCKETIO} {http}", *lines, "", ""]).encode("latin-1"))
    got, answered, _ = await answer(raw.reader)
    if got != 101:
        await is_well(await at.page())
        assert at.edge.connections == 1, "nobody owns a socket that was refused"
    return got, answered


@pytest.mark.parametrize("key", [KEY, "AAAAAAAAAAAAAAAAAAAAAA==", "+/+/+/+/+/+/+/+/+/+/+w=="])
async def test_a_key_of_sixteen_bytes_is_answered(site: Open, key: str) -> None:
    assert (await status(site, Sec_WebSocket_Key=key))[0] == 101


@pytest.mark.parametrize(
    "key",
    ["x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZTE=", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25_ZQ==",
     "dGhl IHNhbXBsZSBub25jZQ==", f"{KEY}, {KEY}", f"{KEY}\r\nSec-WebSocket-Key: {KEY}", "\xe9GhlIHNhbXBsZSBub25jZQ==",
     "A" * 9_000],
)  # fmt: skip
async def test_what_is_no_key_of_sixteen_bytes_is_400(site: Open, key: str) -> None:
    assert (await status(site, Sec_WebSocket_Key=key))[0] == 400


@pytest.mark.parametrize("version", ["", "8", "0", "013", "13, 8", "8, 13", "13\r\nSec-WebSocket-Version: 13", "+13"])
async def test_another_version_is_426_and_says_which_one_is_spoken(site: Open, version: str) -> None:
    got, headers = await status(site, Sec_WebSocket_Version=version)
    assert (got, headers["sec-websocket-version"]) == (426, "13")


@pytest.mark.parametrize("http", ["HTTP/1.0", "HTTP/0.9"])
async def test_http_before_1_1_has_no_upgrade(site: Open, http: str) -> None:
    assert (await status(site, http))[0] == 400


@pytest.mark.parametrize("connection", ["", "close", "keep-alive", "Upgrades", "no Upgrade"])
async def test_who_does_not_ask_for_an_upgrade_gets_none(site: Open, connection: str) -> None:
    assert (await status(site, Connection=connection))[0] == 400


@pytest.mark.parametrize("host", ["", "127.0.0.1\r\nHost: 127.0.0.1"])
async def test_a_handshake_names_one_host(site: Open, host: str) -> None:
    assert (await status(site, Host=host))[0] in (400, 421)
