"""A terminal guest is paused, says what they object, and reads the answer and the end at their next visits."""

import re
from pathlib import Path
from random import Random

from tests.server.host import run
from tests.server.terminal import TerminalGuest
from tests.support.live_page import LivePage
from tests.support.server_process import ServerProcess


async def host(server: ServerProcess, *words: str) -> str:
    ended = await run(*words, "--data", str(server.data))
    assert (ended.status, ended.err) == (0, []), ended
    return "\n".join(ended.out)


async def test_a_terminal_guest_objects_in_a_line_and_reads_the_answer_at_the_next_visit(tmp_path: Path) -> None:
    kept = ("--yes", "--token-file", str(tmp_path / "token"))
    async with ServerProcess(tmp_path / "data") as server:
        anna = LivePage(server.url, Random(1))
        anna.start()
        await anna.screen.until(lambda: anna.joined)
        async with TerminalGuest(server.url, *kept) as guest:
            await guest.sees("find: Find someone")
            guest.type("find")
            await guest.sees("You are talking with")
            await anna.screen.until(anna.in_chat)
            report = {"session": anna.outbox.running, "reason": "threat"}
            code = str((await anna.asked("user-report", report))["code"])
            await host(server, "guests", "pause", code, "--for", "7d", "--rule", "3", "--reason", "threats")
            await guest.sees("Rule 3: threats")
            reference = re.findall("Reference: (\\w+)", await guest.sees("Reference: "))[0]
            guest.type("", "It was\u202e not me.")
            await guest.sees("You objected: It was not me.")
            assert await guest.ended() == 1
        assert "It was not me." in await host(server, "cases", "show", code)
        await host(server, "cases", "answer", reference, "It was.")
        async with TerminalGuest(server.url, *kept) as guest:
            await guest.sees("The host answered: It was.")
            assert await guest.ended() == 1
        await host(server, "guests", "lift", code)
        async with TerminalGuest(server.url, *kept) as guest:
            await guest.sees("The host has ended your pause.")
            await guest.sees("find: Find someone")
        async with TerminalGuest(server.url, *kept) as guest:
            await guest.sees("find: Find someone")
            assert not any("has ended your pause" in line for line in guest.lines)
        await anna.done()
