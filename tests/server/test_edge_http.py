"""Requests over plain HTTP that no browser sends: bodies, ambiguities, foreign methods."""

import asyncio
import contextlib

import pytest

from tests.server.conftest import Open, is_well
from tests.server.rawclient import SOCKETIO, answer


async def answered(site: Open, request: bytes) -> bytes:
    """What comes back until the connection is closed, or the body of the one answer."""
    at = site()
    raw = await at.tcp()
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await raw.raw(request)
        return (await answer(raw.reader))[2]
    return b""


def post(*headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"POST {SOCKETIO} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode() + body


@pytest.mark.parametrize(("size", "is_read"), [(65_000, True), (66_000, False)])
async def test_a_body_over_64_kib_is_not_read(site: Open, size: int, is_read: bool) -> None:
    said = await answered(site, post(f"Content-Length: {size}", body=b"x" * size))
    assert (b"websocket-only" in said) is is_read


@pytest.mark.parametrize(("size", "is_read"), [(9_000, True), (32_000, True), (41_000, False)])
async def test_headers_over_40_kib_are_not_read(site: Open, size: int, is_read: bool) -> None:
    said = await answered(site, post("Content-Length: 0", f"Cookie: {'y' * size}"))
    assert (b"websocket-only" in said) is is_read


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 4", "Transfer-Encoding: chunked"], ["Content-Length: +4"], ["Content-Length: 4, 5"],
        ["Content-Length: 4", "Content-Length: 5"], ["Transfer-Encoding: chunked, identity"], ["Content-Length : 4"],
    ],
)  # fmt: skip
async def test_a_request_that_two_readers_would_end_at_two_places_ends_its_connection(
    site: Open, headers: list[str]
) -> None:
    behind = f"GET {SOCKETIO} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    at = site()
    raw = await at.tcp()
    with contextlib.suppress(ConnectionError):
        await raw.raw(post(*headers, body=b"0\r\n\r\n" + behind))
        said = await raw.reader.read()
        assert said.count(b"HTTP/1.1") <= 1, "what stands behind is no second request"
    await is_well(await at.page())
