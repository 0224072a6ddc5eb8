"""Hostile frames: each ends the connection that sent it, cleanly, and no other."""

import asyncio
import logging
import random

import pytest

from citychat.edge import Bounds
from tests.server.conftest import Open, Site, is_well
from tests.server.rawclient import BINARY, PING, Raw, frame
from tests.support.patience import PATIENCE_S

LONG = "9" * 200
MALFORMED = [
    "", "x", "0", "2", "2probe", "5", "6", "7", "34", "3x", "b", "bAAAA", "4", "4x", "49", "44", "\0", "4\0",
    f"42/user,{LONG}[\"a\"]", "42/user,1234567890123456[\"a\"]", "42/user,", "42/user,1", "42/user,[]", "42/user,{}",
    "42/user,[1]", "42/user,[null]", "42/user,[\"a\"", "42/user,[\"a\"]x", "42/user,[\"a\",NaN]", "42/user,\"a\"",
    "42/user,[\"a\"," + "[" * 8000, "42/user,[\"a\"," + "9" * 8000 + "]", "42/user,['a']", "42/user[\"a\"]",
    "451-/user,[\"a\",{\"_placeholder\":true,\"num\":0}]", "459999999999-/user,[\"a\"]", "461-/user,1[1]",
    "45[\"a\"]", "4\u0662/user,[\"a\"]", "42/user,\u0661[\"a\"]", "44/user,{\"message\":\"x\"}", "42/" + "a" * 9000,
]  # fmt: skip
WRONG_WIRE = {
    "binary": frame(b"\x04", BINARY),
    "not UTF-8": frame(b'42/user,["\xff"]'),
    "reserved bits": b"\xf1\x81\0\0\0\0x",
    "a continuation of nothing": frame(b"x", 0),
    "an unknown opcode": frame(b"x", 0x3),
    "a fragmented ping": frame(b"x", PING, final=False),
    "a long ping": frame(b"x" * 126, PING),
}


async def is_cut_cleanly(at: Site, page: Raw, caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await page.until_closed()
        await page.close()
        await at.until(lambda: at.edge.connections == 1)
    assert len(at.closed) == 1
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert len(caplog.records) <= 1


@pytest.mark.parametrize("text", MALFORMED, ids=lambda text: repr(text[:24]))
async def test_a_malformed_frame_ends_its_connection_and_no_other(
    site: Open, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    at = site()
    watching, page = await at.page(), await at.page()
    await page.send(text)
    await is_cut_cleanly(at, page, caplog)
    await is_well(watching)
    assert [event for _, event, _ in at.events] == ["user-join"]


@pytest.mark.parametrize("data", WRONG_WIRE.values(), ids=WRONG_WIRE)
async def test_a_frame_that_breaks_websocket_ends_its_connection_and_no_other(
    site: Open, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    at = site()
    watching, page = await at.page(), await at.page()
    await page.raw(data)
    await is_cut_cleanly(at, page, caplog)
    await is_well(watching)


@pytest.mark.parametrize(
    "text", ["42[\"a\"]", "42/other,[\"a\"]", "43/user,1[]", "40", "40/other,", "40/user,", "40/user,{\"sid\":1}"]
)  # fmt: skip
async def test_a_frame_that_is_merely_odd_ends_its_connection_the_third_time(site: Open, text: str) -> None:
    at = site()
    watching, page = await at.page(), await at.page()
    for _ in range(2):
        await page.send(text)
    await page.send('42/user,0["user-join",{}]')
    while (await page.packet())[0] != "43/user,0":
        pass
    await page.send(text)
    assert await page.until_closed() == 1008
    await is_well(watching)
    assert [event for _, event, _ in at.events] == ["user-join", "user-join"]


@pytest.mark.parametrize("size", [32 * 1024 + 1, 1024 * 1024, 2**40])
async def test_a_frame_over_32_kib_is_too_big_before_it_is_read(site: Open, size: int) -> None:
    at = site()
    page = await at.page()
    whole = frame(b"4" * (32 * 1024 + 1))
    await page.raw(whole if size < 33 * 1024 else b"\x81\xff" + size.to_bytes(8, "big") + b"\0\0\0\0")
    assert await page.until_closed() in (1009, None)
    await page.close()
    await at.until(lambda: at.edge.connections == 0)


async def test_a_message_over_32_kib_in_fragments_is_too_big(site: Open) -> None:
    at = site()
    page = await at.page()
    for part in range(5):
        await page.raw(frame(b"4" * 8192, 0 if part else 1, final=False))
    assert await page.until_closed() in (1009, None)
    await page.close()
    await at.until(lambda: at.edge.connections == 0)


async def test_a_message_of_32_kib_passes(site: Open) -> None:
    at = site()
    page = await at.page()
    head, tail = '42/user,0["user-join","', '"]'
    await page.send(head + "x" * (32 * 1024 - len(head + tail)) + tail)
    assert (await page.packet())[0] == "43/user,0"


async def test_random_frames_never_disturb_two_pages_that_talk(site: Open, caplog: pytest.LogCaptureFixture) -> None:
    at = site(bounds=Bounds(frames_burst=1e6))
    draw = random.Random(7)
    pieces = ["0", "1", "2", "3", "4", "40", "41", "42", "43", "45", "/user,", "/chat,", "/", ",", "1-", "7", LONG, "[",
              "]", "{", "}", '"', '"user-join"', "null", "\\ud800", "é", "\0", "-1", "1e400", "x" * 300]  # fmt: skip
    talking = await at.page()
    for number in range(300):
        page = await at.page()
        for _ in range(10):
            text = "".join(draw.choice(pieces) for _ in range(draw.randrange(1, 8)))
            await page.raw(frame(text.encode(), draw.choice((1, 1, 1, 1, 2, 9)), final=draw.random() < 0.95))
        await is_well(talking, number)
        page.writer.transport.abort()
    await at.until(lambda: at.edge.connections == 1)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert len(caplog.records) <= 1
