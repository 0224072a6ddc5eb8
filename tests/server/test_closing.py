"""The host closes the house beside the running server, and opens it: pages, terminal guests, restarts, the trail."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from tests.server.host import Host, run
from tests.server.terminal import TerminalGuest
from tests.support.live_page import LivePage, meet
from tests.support.server_process import ServerProcess

TEXT = "Back tomorrow at eight – <b>promised</b>."


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path / "data") as running:
        yield running


async def command(data: Path, *words: str) -> str:
    ended = await run(*words, "--data", str(data))
    assert (ended.status, ended.err) == (0, []), ended
    return "\n".join(ended.out)


def said(page: LivePage) -> list[object]:
    return [payload["text"] for event, payload in page.screen.heard if event == "user-closed"]


async def test_pages_and_terminal_guests_are_told_chats_go_on_and_nobody_new_is_led_together(
    server: ServerProcess,
) -> None:
    pages = [LivePage(server.url, Random(n)) for n in range(3)]
    anna, ben, carl = pages
    await meet(anna, ben)
    carl.start()
    await carl.screen.until(lambda: carl.joined)
    carl.seek()
    async with TerminalGuest(server.url, "--yes") as guest:
        await guest.sees("find: Find someone")
        assert "Within 15 s every page says so" in await command(server.data, "close", TEXT)
        for page in pages:
            await page.screen.until(lambda page=page: said(page) == [TEXT])  # type: ignore[misc]
        assert not carl.looking
        await guest.sees(TEXT)
        guest.type("find")
        await guest.sees(TEXT, times=2)
        anna.say("still here")
        await anna.screen.until(lambda: "delivered" in anna.screen.states.values())
        assert "Open." in await command(server.data, "open")
        await carl.screen.until(lambda: said(carl) == [TEXT, ""])
        carl.seek()
        await guest.sees("would like to talk")
    trail = await command(server.data, "cases", "audit", "--rows")
    assert re.search(r"^1 .*  close the house   until it is opened: Back tomorrow", trail, re.MULTILINE)
    assert re.search(r"^2 .*  open the house ", trail, re.MULTILINE)
    for page in pages:
        await page.done()


async def test_a_page_that_opens_says_it_before_its_guest_has_joined_and_a_restart_forgets_nothing(
    tmp_path: Path,
) -> None:
    async with Host(tmp_path) as host:
        assert 'data-closed=""' in (await host.get("/"))[1]
    await command(tmp_path, "close", TEXT, "--until", "2d")
    async with Host(tmp_path) as host:
        page = await host.page()
        assert (await page.packet())[1] == ["user-closed", {"text": TEXT}]
        html = (await host.get("/"))[1]
        assert 'data-closed="Back tomorrow at eight – &lt;b&gt;promised&lt;/b&gt;."' in html
