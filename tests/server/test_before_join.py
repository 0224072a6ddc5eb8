"""Who has not joined, at the program as a host runs it: a few frames, a few tries, and others notice nothing."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.server.host import JOIN, Host
from tests.server.rawclient import Raw, frame

VIEW = b'42/user,5["user-view",{"visible":true}]'


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[tuple[Raw, Raw]]:
    """A server, a page that has joined there, and one that has only connected."""
    async with Host(data) as host:
        pages = await host.page(), await Raw.page(host.port)
        try:
            yield pages
        finally:
            for page in pages:
                await page.close()


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"consent": "0"}, "refused-consent"), ({"v": 2}, "reload"), ({"available": "perhaps"}, "bad-payload")],
)
async def test_three_refused_joins_close_the_connection(tmp_path: Path, wrong: dict[str, object], code: str) -> None:
    asked = json.loads(JOIN.partition("1")[2])[1] | wrong
    async with running(tmp_path) as (talking, page):
        for number in range(3):
            await page.send(f'42/user,{number}["user-join",{json.dumps(asked)}]')
            assert (await page.packet())[1][0]["error"] == code
        assert await page.until_closed() == 1008
        await talking.send(VIEW.decode())
        assert (await talking.packet())[1][0]["ok"]


async def test_a_page_that_has_joined_may_not_join_on_and_on(tmp_path: Path) -> None:
    async with running(tmp_path) as (page, _other):
        for _ in range(3):
            await page.send(JOIN)
            assert (await page.packet())[1][0]["error"] == "bad-payload"
        assert await page.until_closed() == 1008


async def test_twenty_frames_without_a_join_close_the_connection_and_one_with_a_join_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path) as (talking, page):
        for _ in range(18):
            await page.send(VIEW.decode())
            assert (await page.packet())[1][0]["error"] == "not-joined"
        await page.send(VIEW.decode())
        assert await page.until_closed() == 1008
        await talking.raw(frame(VIEW) * 50)
        assert [(await talking.packet())[1][0]["ok"] for _ in range(50)] == [True] * 50
