"""The host's console beside the running server: its link, its listener, and that no guest finds it."""

import asyncio
import re
import stat
from http.cookiejar import CookieJar
from pathlib import Path
from random import Random
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest

from tests.server.host import refusal, run
from tests.support.live_page import LivePage, meet
from tests.support.patience import PATIENCE_S, until
from tests.support.server_process import ServerProcess
from tests.support.stopwatch import Stopwatch

FIVE_MINUTES_S = 300
SAID = "I know where you live"
OF_CONSOLE = (
    "/cases",
    "/cases/AAAAAAAAAA",
    "/paused",
    "/house",
    "/trail",
    "/enter/x",
    "/leave",
    "/console.css",
    "/console",
)


async def link(server: ServerProcess) -> str:
    """What ``citychat console`` prints first."""
    ended = await run("console", "--data", str(server.data))
    assert (ended.status, ended.err) == (0, []), ended
    assert ended.out[1].startswith("It works once, within 5 minutes, ")
    return ended.out[0]


class Browsing:
    """A browser with its cookies."""

    def __init__(self) -> None:
        self.cookies = CookieJar()
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(self.cookies))

    async def opens(self, url: str, **fields: str) -> str:
        """The page at that address, or what a form brings. Raises HTTPError."""
        return await asyncio.to_thread(self._opens, url, urlencode(fields).encode() if fields else None)

    def _opens(self, url: str, body: bytes | None) -> str:
        with self._opener.open(Request(url, body), timeout=PATIENCE_S) as answer:
            text: str = answer.read().decode()
            return text


async def status_of(url: str, body: bytes | None = None) -> int:
    try:
        await asyncio.to_thread(build_opener().open, Request(url, body), None, PATIENCE_S)
    except HTTPError as error:
        return error.code
    return 200


async def test_a_link_opens_it_once_and_it_says_what_status_says(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, "--console", "0", "--name", "Lyon parle") as server:
        url, browser = await link(server), Browsing()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/enter/[\w-]{43}", url)
        assert "Open the console" in await browser.opens(url)
        page = await browser.opens(url, press="")
        assert "Lyon parle console" in page and "0 here: 0 free, 0 looking, 0 in chats" in page
        await until(lambda: "citychat_console" in [cookie.name for cookie in browser.cookies])
        assert await status_of(url, b"") == 403, "it works once"
        site = url.partition("/enter/")[0]
        while "Nothing is counted yet" in page:
            page = await browser.opens(site)
        assert "<polyline" in page
        assert await server.stop() == 0
        started = "\n".join(server.output[server.output.index("Ctrl+C stops it.") :])
        assert "ERROR" not in started and "/enter/" not in started and "127.0.0.1" not in started
        await server.start()
        with pytest.raises(
            HTTPError, match="403"
        ):  # the same port would be luck: no browser keeps its cookie for another
            await browser.opens(f"{(await link(server)).partition('/enter/')[0]}/cases")


async def test_no_guest_finds_it_and_it_has_nothing_of_the_guests(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, "--console", "0") as server:
        url = await link(server)
        key, site = url.rpartition("/")[2], url.partition("/enter/")[0]
        for path in (*OF_CONSOLE, f"/enter/{key}", f"/console/enter/{key}"):
            assert await status_of(server.url + path) == 404, path
            assert await status_of(server.url + path, b"") in (404, 405), path
        assert await status_of(url) == 200, "no guest has used it up"
        for path in ("/socket.io/?EIO=4&transport=websocket", "/static/icon.svg", "/metrics", "/ready", "/notice"):
            assert await status_of(site + path) in (403, 404), path
        (socket_file,) = tmp_path.glob("console-*.sock")
        assert stat.S_IMODE(socket_file.stat().st_mode) == 0o600, "only the server's own user may ask for a link"
        assert await server.stop() == 0
        assert not socket_file.exists()


async def test_nothing_listens_unless_asked_for(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path / "data") as server:
        assert not [line for line in server.output if line.startswith("Console")]
        assert list(server.data.glob("console-*.sock")) == []
        ended = await run("console", "--data", str(server.data))
        assert ended.status == 1 and "no server with a console answers" in ended.err[0]
        assert (await run("console", "now", "--data", str(server.data))).status == 2
        taken = str(server.port)
        line = await refusal("--data", str(tmp_path / "other"), "--port", "0", "--console", taken)
    assert line.startswith(f"cannot listen on 127.0.0.1 port {taken}: ") and line.endswith("with --console")


async def test_it_may_listen_at_a_path_that_only_the_servers_user_can_open(tmp_path: Path) -> None:
    path = tmp_path / "console.sock"
    async with ServerProcess(tmp_path / "data", "--console", str(path)) as server:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        url = await link(server)
        assert url.startswith("http://localhost:8889/enter/")
        assert f"ssh -N -L 8889:{path} USER@THIS-SERVER" in "\n".join(
            (await run("console", "--data", str(server.data))).out
        )
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(
            f"GET /enter/{url.rpartition('/')[2]} HTTP/1.1\r\n"
            "Host: localhost:8889\r\nConnection: close\r\n\r\n".encode()
        )
        assert b"Open the console" in await reader.read()
        writer.close()
        await writer.wait_closed()
        line = await refusal("--data", str(tmp_path / "other"), "--port", "0", "--console", str(path))
        assert line == f"cannot listen on {path}: another program has it, choose another with --console"
        await server.kill()
        await server.start()  # the socket of the one that was killed is in nobody's way
        assert await server.stop() == 0
        assert not path.exists()


async def test_from_a_report_to_the_closed_case_by_what_the_commands_print(tmp_path: Path) -> None:
    """Somebody who has read of ``citychat cases`` in the news of a report, and follows what each command prints."""
    async with ServerProcess(tmp_path) as server:
        anna, ben = LivePage(server.url, Random(1)), LivePage(server.url, Random(2))
        session = await meet(anna, ben)
        ben.say(SAID)
        await ben.screen.until(lambda: list(ben.screen.states.values()) == ["delivered"])
        code = (await anna.asked("user-report", {"session": session, "reason": "threat", "note": ""}))["code"]
        watch = Stopwatch()

        async def types(line: str) -> str:
            watch.types(line)
            ended = await run(*line.replace('"', "").split(" ")[1:], "--data", str(tmp_path))
            assert ended.status == 0, ended
            printed = "\n".join(ended.out)
            watch.reads(printed)
            watch.thinks()
            return printed

        listed = await types("citychat cases")
        hint = re.search(r"citychat cases show CODE", listed)
        assert hint is not None and code in listed
        shown = await types(f"{hint[0].replace('CODE', code)} --text")
        assert SAID in shown
        warn, close = (
            re.search(rf"citychat {each}", shown) for each in ("guests warn .*", "cases close .* --acted .*")
        )
        assert warn is not None and close is not None
        await types(warn[0].replace("--rule N", "--rule 3"))
        closed = await types(close[0].replace("--rule N", "--rule 3").replace('"why"', "threat"))
        assert closed.startswith(f"{code}: acted, rule 3, deleted on ")
        print(f"from the report to the closed case: {watch.passed_s:.0f} s of reading and typing")
        assert watch.passed_s < FIVE_MINUTES_S
        for page in (anna, ben):
            await page.done()
