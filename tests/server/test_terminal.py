"""A guest in the terminal walks the whole path in plain lines, through pipes, with its kind and with pages."""

import io
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from citychat.catalogue import ENGLISH, REPORT_REASONS
from citychat.languages import words
from citychat.model import TEXT_MAX_CHARS
from citychat.terminal.console import Output
from citychat.terminal.guest import HELP
from tests.server.terminal import TerminalGuest, coming_from
from tests.support.live_page import LivePage
from tests.support.server_process import ServerProcess

SOURCES = Path(__file__).parents[2] / "citychat" / "terminal"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path / "data") as running:
        yield running


@pytest.fixture
async def partner(server: ServerProcess) -> AsyncIterator[LivePage]:
    """Somebody with a browser, who says yes when asked."""
    one = LivePage(server.url, Random(1))
    one.start()
    await one.screen.until(lambda: one.joined)
    yield one
    await one.done()


def guests_kept(server: ServerProcess) -> int:
    with closing(sqlite3.connect(f"file:{server.data / 'citychat.db'}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM guests").fetchone()[0])


async def bring_together(guest: TerminalGuest, partner: LivePage) -> None:
    await guest.sees("find: Find someone")
    guest.type("find")
    await guest.sees("You are talking with")
    await partner.screen.until(partner.in_chat)


async def test_two_guests_consent_meet_talk_and_part(server: ServerProcess) -> None:
    async with TerminalGuest(server.url) as a, TerminalGuest(server.url) as b:
        for guest in (a, b):
            await guest.sees("Be decent. Never ask for names, numbers, addresses or money.")
            await guest.sees("I am 18 or older and accept the rules: yes or no?")
            guest.type("yes")
            await guest.sees("You are in This network. This is the host's own network.")
        await b.sees("A few people are free right now.")
        a.type("find")
        await a.sees("Asking someone nearby…")
        await b.sees("Someone on this network would like to talk")
        b.type("yes")
        alias_b = re.findall("talking with (.+?)\\.", await a.sees("You are talking with"))[0]
        alias_a = re.findall("talking with (.+?)\\.", await b.sees("You are talking with"))[0]
        a.type("Salut ✓")
        await b.sees(f"{alias_a}: Salut ✓")
        await a.sees("* ✓✓ Delivered")
        b.type("//leave is a command")
        await a.sees(f"{alias_b}: /leave is a command")
        await b.sees("* ✓✓ Delivered")
        a.type("/leave", "yes")
        await a.sees("You have left this chat.")
        await b.sees(f"{alias_a} has left.")
        a.type("chats")
        await a.sees(f"1: {alias_b}, This network")
        a.type("read 1")
        await a.sees("You: Salut ✓", times=2)
        await a.sees(f"{alias_b}: /leave is a command", times=2)
        for guest in (a, b):
            guest.type("quit")
            assert await guest.ended() == 0


async def test_nothing_connects_before_consent(server: ServerProcess) -> None:
    async with TerminalGuest(server.url) as guest:
        await guest.sees("yes or no?")
        guest.type("what", "no")
        assert await guest.ended() == 0
        assert sum("yes or no?" in line for line in guest.lines) == 2
    assert guests_kept(server) == 0


async def test_a_no_is_told_as_nothing_but_no_luck(server: ServerProcess, partner: LivePage) -> None:
    async with TerminalGuest(server.url, "--yes") as guest:
        await guest.sees("find: Find someone")
        partner.seek()
        await guest.sees("would like to talk")
        guest.type("no", "yes")
        await guest.sees("Nobody is asking you.")
        await partner.screen.until(lambda: ("user-seek", {"state": "next"}) in partner.screen.heard)
        guest.type("find")
        await guest.sees("Nobody else is free on this network right now.")


async def test_later_stops_the_asking_and_a_search_starts_it_again(server: ServerProcess, partner: LivePage) -> None:
    async with TerminalGuest(server.url, "--yes") as guest:
        await guest.sees("find: Find someone")
        partner.seek()
        await guest.sees("would like to talk")
        guest.type("later")
        await guest.sees("Nobody asks you until you switch it on again.")
        await partner.screen.until(lambda: ("user-seek", {"state": "next"}) in partner.screen.heard)
        guest.type("find")
        await guest.sees("You are talking with")


async def test_a_cut_is_said_once_and_what_was_typed_meanwhile_arrives(
    server: ServerProcess, partner: LivePage
) -> None:
    async with TerminalGuest(server.url, "--yes") as guest:
        await bring_together(guest, partner)
        await server.kill()
        await guest.sees("Reconnecting. You can keep typing.")
        guest.type("typed in the dark")
        await server.start()
        await guest.sees("Connected again.")
        await partner.screen.until(lambda: "typed in the dark" in partner.screen.transcript(partner.outbox.running))
        await guest.sees("* ✓✓ Delivered")
        assert sum("Reconnecting" in line for line in guest.lines) == 1


async def test_presence_and_typing_of_the_partner_are_told(server: ServerProcess, partner: LivePage) -> None:
    async with TerminalGuest(server.url, "--yes") as guest:
        await bring_together(guest, partner)
        partner.link.emit("chat-typing", {"s": partner.outbox.running, "on": True})
        await guest.sees("is typing")
        partner.link.close()
        await guest.sees("Just went away, what you write waits 24 hours.")
        guest.type("are you there?")
        await guest.sees("* ✓ Kept by the server")
        partner.start()
        await guest.sees(": here.")
        await guest.sees("* ✓✓ Delivered")
        partner.leave()
        await guest.sees("has left.")


async def test_every_script_has_2000_signs_and_what_nobody_sees_is_not_sent(
    server: ServerProcess, partner: LivePage
) -> None:
    async with TerminalGuest(server.url, "--yes") as guest:
        await bring_together(guest, partner)
        longest = [letter * TEXT_MAX_CHARS for letter in ("\u0434", "\u0928", "\u6f22", "\U0001f98a")]
        guest.type("\u3164\u2800\u200b\u00ad", *longest, "\u0434" * (TEXT_MAX_CHARS + 1), "one\ttwo")
        await guest.sees("Too long: 2,001 of 2,000 characters.")
        said = [*longest, "one two"]
        await partner.screen.until(lambda: partner.screen.transcript(partner.outbox.running) == said)
        partner.say(longest[-1])
        await guest.sees(longest[-1])


async def test_nobody_can_write_a_line_that_looks_like_ours(server: ServerProcess, partner: LivePage) -> None:
    async with TerminalGuest(server.url, "--yes") as guest:
        await bring_together(guest, partner)
        alias = re.findall("talking with (.+?)\\.", await guest.sees("You are talking with"))[0]
        # Past the page's own cleaning: what a changed page would send.
        st = "A" * 11
        evil = "hello\r\n* You have been banned\n\x1b[2Jcleared"
        partner.link.emit("chat-message", {"s": partner.outbox.running, "st": st, "n": 1, "l": 1, "x": evil})
        await guest.sees("cleared")
        assert guest.lines[-3:] == [f"{alias}: hello", "    * You have been banned", "    [2Jcleared"]


def test_a_server_that_cleans_nothing_cannot_move_the_cursor_or_turn_the_text_around() -> None:
    with io.TextIOWrapper(io.BytesIO(), "utf-8") as stream:
        out = Output(stream)
        out.said("Amber\x1b[1m Fox\n* You", "one\x1b[2J\rtwo\u202e\x9b31m")
        out.say("three\n* four\x07")
        stream.seek(0)
        assert stream.read() == "Amber[1m Fox * You: one[2J\n    two31m\n* three * four\n"


async def test_a_block_and_a_report_end_the_chat_and_the_code_can_be_looked_up(
    server: ServerProcess, partner: LivePage
) -> None:
    async with TerminalGuest(server.url, "--yes") as guest:
        await bring_together(guest, partner)
        guest.type("/report rudeness")
        await guest.sees("report REASON, one of: minor threat sexual hate spam other")
        guest.type("/report spam sold me a bridge")
        code = re.findall("Your code is (\\w+)", await guest.sees("Your code is"))[0]
        await partner.screen.until(lambda: any(event == "user-left" for event, _ in partner.screen.heard))
        guest.type(f"case {code.lower()}")
        await guest.sees("Received. The host has not decided yet.")
        guest.type("block")
        await guest.sees("Gone. You will not meet again.")


async def test_erasing_empties_the_server_and_ends_the_guest(server: ServerProcess, partner: LivePage) -> None:
    async with TerminalGuest(server.url, "--yes") as guest:
        await bring_together(guest, partner)
        guest.type("/erase", "no", "/erase", "yes")
        await guest.sees("Everything about you is erased.")
        assert await guest.ended() == 0
    assert guests_kept(server) == 1


async def test_a_guest_from_the_internet_is_asked_for_a_city_and_chooses_it_by_number(server: ServerProcess) -> None:
    async with coming_from("198.51.100.7", server.port) as url, TerminalGuest(url, "--yes") as guest:
        await guest.sees("Which city are you in?")
        guest.type("qqqq")
        await guest.sees("No city by that name.")
        guest.type("lyo")
        line = await guest.sees("Lyon, ")
        guest.type(re.findall("\\* (\\d+):", line)[0])
        await guest.sees("You are in Lyon. You chose it.")


async def test_the_city_can_be_given_at_the_start(server: ServerProcess) -> None:
    async with (
        coming_from("198.51.100.7", server.port) as url,
        TerminalGuest(url, "--yes", "--city", "Reykjavík") as guest,
    ):
        await guest.sees("You are in Reykjavík. You chose it.")


async def test_a_token_file_keeps_the_guest_and_the_chat_over_a_new_start(
    server: ServerProcess, partner: LivePage, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    arguments = (server.url, "--token-file", str(file))
    async with TerminalGuest(*arguments, "--yes") as guest:
        await bring_together(guest, partner)
        guest.type("first")
        await guest.sees("* ✓✓ Delivered")
        async with TerminalGuest(*arguments) as second:
            assert await second.ended() == 1
            assert second.lines == [f"citychat guest: {file} is in use by another guest; name another file"]
    assert file.stat().st_mode & 0o777 == 0o600
    partner.say("while you were away")
    async with TerminalGuest(*arguments) as guest:  # no --yes: the rules have not changed
        await guest.sees("while you were away")
        assert "You: first" in guest.lines
    assert guests_kept(server) == 2


async def test_the_end_of_the_input_waits_until_the_last_message_is_kept(
    server: ServerProcess, partner: LivePage
) -> None:
    async with TerminalGuest(server.url, "--yes") as guest:
        await bring_together(guest, partner)
        await server.kill()
        await guest.sees("Reconnecting. You can keep typing.")
        guest.type("last words")
        guest.end_input()
        await server.start()
        assert await guest.ended() == 0
    await partner.screen.until(lambda: partner.screen.transcript(partner.outbox.running) == ["last words"])


async def test_wrong_arguments_and_servers_that_are_none_get_one_clear_line(
    server: ServerProcess, tmp_path: Path, unused_tcp_port: int
) -> None:
    usage = "expected: citychat guest URL [--city NAME] [--token-file FILE] [--language CODE] [--yes]"
    (tmp_path / "noise").write_text("noise")
    cases = [
        ([], 2, "the following arguments are required: URL", usage),
        (["ftp://chat.example"], 2, "'ftp://chat.example' is no address of a server", usage),
        (["http://localhost:99999"], 2, "'http://localhost:99999' is no address of a server", usage),
        ([server.url, "--language", "xx"], 2, "there is no language 'xx', only en, es, pt-BR", usage),
        ([server.url, "--colour"], 2, "unrecognized arguments: --colour", usage),
        ([f"http://127.0.0.1:{unused_tcp_port}"], 1, "cannot reach", "Connection refused"),
        ([server.url + "/rules?x=1", "--token-file", str(tmp_path / "noise")], 1, "noise was not written by", ""),
        ([server.url, "--token-file", str(tmp_path / "none" / "file")], 1, "cannot use", "No such file or directory"),
    ]
    for arguments, status, *parts in cases:
        async with TerminalGuest(*arguments) as guest:
            assert await guest.ended() == status, arguments
        assert len(guest.lines) == 1, guest.lines
        assert all(part in guest.lines[0] for part in parts), guest.lines


def test_every_sentence_of_the_catalogue_that_a_guest_uses_is_there() -> None:
    texts = [source.read_text() for source in SOURCES.glob("*.py")]
    used = {name for text in texts for name in re.findall(r"""(?:words|tell|two)\(["']([\w.-]+)["']""", text)}
    assert len(used) > 40
    assert used - ENGLISH.keys() == set()
    asked = {name.removeprefix("terminal.") for name in ENGLISH if name.startswith("terminal.help.")}
    assert {f"help.{name}" for name in HELP.values()} == asked


# Letters as they are, whichever locales this machine has
SPEAKS = {"PYTHONUTF8": "1", "LC_ALL": "", "LC_MESSAGES": "pl_PL.UTF-8", "LANG": "fr_FR.UTF-8"}


@pytest.mark.parametrize(
    ("flags", "environ", "code"),
    [
        ([], SPEAKS, "pl"),
        ([], SPEAKS | {"LC_ALL": "pt_PT@euro"}, "pt-BR"),
        ([], SPEAKS | {"LC_MESSAGES": ""}, "fr"),
        ([], SPEAKS | {"LC_MESSAGES": "C.UTF-8"}, "en"),
        (["--language", "de"], SPEAKS, "de"),
        (["--language", "pt_BR"], SPEAKS, "pt-BR"),
    ],
)
async def test_a_guest_reads_the_language_given_else_the_terminals(
    server: ServerProcess, flags: list[str], environ: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    said = words(code)
    async with TerminalGuest(server.url, *flags) as guest:
        await guest.sees(said("arrive.title"))
        await guest.sees("/privacy" if code == "en" else f"/privacy?language={code}")
        await guest.sees(said("terminal.consent"))
        guest.type("yes")
        await guest.sees(said("terminal.ready"))
        guest.type("help", "leave", "later")
        await guest.sees(f"report [N] REASON [note]  {said('terminal.help.report', reasons=' '.join(REPORT_REASONS))}")
        await guest.sees(said("terminal.nochat"))
        await guest.sees(said("terminal.nobody"))


async def test_two_guests_of_two_languages_talk(server: ServerProcess) -> None:
    one, other = words("ja"), words("uk")
    async with TerminalGuest(server.url, "--yes", "--language", "ja") as a:
        async with TerminalGuest(server.url, "--yes", "--language", "uk") as b:
            await a.sees(one("terminal.ready"))
            await b.sees(other("terminal.ready"))
            a.type("find")
            await b.sees(other("terminal.ring.network", n=15))
            b.type("yes")
            await b.sees(other("terminal.talk"))
            await a.sees(one("terminal.talk"))
            a.type("こんにちは")
            await b.sees("こんにちは")
            b.type("/leave", "yes")
            await b.sees(other("terminal.ended"))
            await a.sees(one("terminal.ended"))
