"""Requests over plain HTTP that no browser sends: bodies, ambiguities, foreign methods."""

import asyncio
import contextlib

import pytest

from tests.server.conftest import Open, is_well
from tests.server.rawclient import SOCKETIO, answer

BODY_BYTES = 70_000


async def answered(site: Open, request: bytes) -> int:
    """The status, 0 when the connection was closed without a word."""
    at = site()
    raw = await at.tcp()
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await raw.raw(request)
        return (await answer(raw.reader))[0]
    return 0


def post(*headers: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"POST {SOCKETIO} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode() + body


async def test_a_body_over_64_kib_is_not_read(site: Open) -> None:
    assert await answered(site, post(f"Content-Length: {BODY_BYTES}", body=b"x" * BODY_BYTES)) in (0, 400, 413)
    assert await answered(site, post("Content-Length: 60000", body=b"x" * 60_000)) == 400


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
