"""A host handles a first report beside the running server, in the words of docs/moderation.md."""

import asyncio
import re
import shlex
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.server.host import run
from tests.support.ending import communicated
from tests.support.live_page import LivePage, meet
from tests.support.server_process import PROGRAM, ROOT, ServerProcess

CANARY = "the canary sings at dawn"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path / "data", "--console", "0") as running:
        yield running


async def reports(anna: LivePage, ben: LivePage) -> str:
    """Anna meets ben, who writes something and is reported; the code."""
    session = await meet(anna, ben)
    ben.say(CANARY)
    await ben.screen.until(lambda: list(ben.screen.states.values()) == ["delivered"])
    report = {"session": session, "reason": "threat", "note": "help"}
    return str((await anna.asked("user-report", report))["code"])


async def reported(server: ServerProcess) -> tuple[str, LivePage]:
    """The code of a report, and the page of the accused; both are gone."""
    pages = LivePage(server.url, Random(1)), LivePage(server.url, Random(2))
    code = await reports(*pages)
    for page in pages:
        await page.done()
    return code, pages[1]


async def objects(server: ServerProcess, accused: LivePage) -> None:
    """The accused comes again, is told of the pause, and says what there is to say."""
    page = LivePage(server.url, Random(3), storage=accused.storage)
    page.objected = {"objection": "It was not me."}
    page.start()
    await page.screen.until(lambda: [told["objection"] for _, told in page.screen.heard] == ["It was not me."])
    await page.done()


async def command(server: ServerProcess, *words: str) -> str:
    """What ``citychat cases`` prints beside the server."""
    ended = await run("cases", *words, "--data", str(server.data))
    assert (ended.status, ended.err) == (0, []), ended
    return "\n".join(ended.out)


async def test_a_host_lists_reads_and_closes_a_report_while_the_server_runs_and_its_reporter_hears_of_it(
    server: ServerProcess,
) -> None:
    anna, ben = LivePage(server.url, Random(1)), LivePage(server.url, Random(2))
    code = await reports(anna, ben)
    assert (await anna.asked("user-case", {"code": code}))["state"] == "received"

    listed = await command(server)
    assert re.search(rf"^  {code}  Threat or danger .* UTC  open$", listed, re.MULTILINE)
    shown = await command(server, "show", code)
    assert "help" in shown and CANARY not in shown
    assert f"accused   {CANARY}" in await command(server, "show", code, "--text")
    proposed = next(line.strip() for line in shown.splitlines() if line.strip().startswith("citychat cases close"))
    assert proposed == f'citychat cases close {code} --none --note "why" --data {server.data}'
    typed = shlex.split(proposed)[2:-2]
    assert (await command(server, *typed)).startswith(f"{code}: no action, deleted on ")
    assert (await anna.asked("user-case", {"code": code}))["state"] == "none"
    closed = await command(server, "close", code, "--acted", "--rule", "3", "--note", "a threat")
    assert closed.startswith(f"{code}: acted, rule 3, deleted on ")
    assert (await anna.asked("user-case", {"code": code}))["state"] == "acted"
    assert (await command(server, "audit")).startswith("Whole: rows 1 to 6, since ")

    assert "storage does not work" not in "\n".join(server.output), "two write into one file"
    await anna.done()
    await ben.done()


async def test_a_host_who_types_the_page_handles_a_first_report(server: ServerProcess, tmp_path: Path) -> None:
    """Every command of docs/moderation.md, from top to bottom, on one report."""
    page = (ROOT / "docs" / "moderation.md").read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    typed = [line for block in blocks for line in block.splitlines()]
    assert len(typed) > 10
    code, accused = await reported(server)
    said = []
    for line in typed:
        if " answer CODE " in line:
            await objects(server, accused)
        line = line.replace("CODE", code).replace("/var/lib/citychat", str(server.data))
        line = line.replace("/tmp/citychat-case", str(tmp_path / "case"))
        program = PROGRAM or f"{sys.executable} -m citychat"
        child = await asyncio.create_subprocess_shell(
            line.replace("/opt/citychat/current/bin/citychat", program), cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await communicated(child)
        assert (child.returncode, err) == (0, b""), (line, err)
        said.append(out.decode())
    assert sum(CANARY in out for out in said) == 1, "where it was asked for"
    await server.stop()
    with closing(sqlite3.connect(server.data / "citychat.db", isolation_level=None)) as somebody:
        somebody.execute("DROP TRIGGER trail_stands")
        ((row,),) = somebody.execute("SELECT n FROM trail WHERE words LIKE '%a threat%'").fetchall()
        somebody.execute("UPDATE trail SET words = replace(words, 'a threat', 'a treat') WHERE n = ?", (row,))
    broken = await run("cases", "audit", "--data", str(server.data))
    assert broken.status == 1 and f"the trail is broken at row {row}:" in "".join(broken.err), "one letter"
    assert "case.txt: OK" in "".join(said) and "deleted on 2099-12-31 (held)" in "".join(said)


async def test_words_that_make_no_sense_and_folders_without_a_store_are_one_matter_of_the_host(tmp_path: Path) -> None:
    for words, status, said in (
        (("close", "CODE"), 2, "one of the arguments --acted --none is required"),
        (("show", "CODE"), 1, "nothing is kept there"),
        (("--data",), 2, "expected one argument"),
    ):
        ended = await run("cases", "--data", str(tmp_path), *words)
        assert ended.status == status and said in "\n".join(ended.err), ended
    assert list(tmp_path.iterdir()) == []
    assert "usage: citychat cases" in "\n".join((await run("cases", "--help")).out)
