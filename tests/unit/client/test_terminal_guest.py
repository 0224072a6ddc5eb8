"""What the terminal guest makes of the lines that are typed, and how it prints its own."""

import os
import pty
from io import BytesIO, TextIOWrapper
from random import Random

import pytest

from citychat.terminal.console import Output
from citychat.terminal.guest import LATE_S, TerminalGuest
from citychat.terminal.site import Site

SESSION = {"session": "s", "side": 0, "alias": "Teal Fox", "you": "Red Owl", "city": "Lyon", "started": 1, "expires": 2}


class Booth:
    """A guest whose server is not there; ``lines`` is what it has printed."""

    def __init__(self) -> None:
        self.printed = BytesIO()
        out = Output(TextIOWrapper(self.printed, "utf-8", write_through=True))
        self.guest = TerminalGuest(Site("http://localhost:1", "1", 30, "1"), {}, Random(1), out, "")
        page = self.guest.page
        page.joined = True
        page.outbox.joined({}, page.now)
        page.event("user-session", {**SESSION, "here": True})

    @property
    def lines(self) -> list[str]:
        return self.printed.getvalue().decode().splitlines()

    @property
    def written(self) -> list[str]:
        return [str(entry["text"]) for entry in self.guest.page.outbox.entries.all]


@pytest.mark.parametrize("word", ["talk", "no", "Find", "yes", "later", "stop", "Talk!", "y", "ok", "ask off"])
async def test_an_answer_typed_a_moment_too_late_is_no_message_until_it_is_typed_again(word: str) -> None:
    booth = Booth()
    booth.guest.line(word)
    assert booth.written == [] and booth.lines[-1].startswith(f"* Not sent: {word}.")
    booth.guest.line(word)
    booth.guest.line("no idea")
    assert booth.written == [word, "no idea"]
    booth.guest.screen.began_s -= LATE_S
    booth.guest.line("no")
    assert booth.written == [word, "no idea", "no"]


async def test_a_reload_of_the_partner_is_not_told_as_going_away() -> None:
    booth = Booth()
    left = {"session": "s", "how": "away", "since": 1}
    booth.guest.page.event("user-left", left)
    booth.guest.page.event("user-join", {"session": "s"})
    assert booth.guest.screen._away_due is None
    booth.guest.page.event("user-left", left)
    assert not any("away" in line or line.endswith("here.") for line in booth.lines)
    assert booth.guest.screen._away_due is not None
    booth.guest.screen._away()
    assert "Just went away" in booth.lines[-1]


def test_a_terminal_gets_lines_that_end_between_words_and_a_pipe_whole_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        out = Output(terminal)
        out.said("Teal Fox", "the quick brown fox jumps over the lazy dog")
        out.say("Nobody else is here, wait")
        shown = ""
        while "wait" not in shown:
            shown += os.read(master, 1_000).decode()
    os.close(master)
    fox = ["Teal Fox: the quick", "    brown fox jumps over", "    the lazy dog"]
    assert shown.splitlines() == [*fox, "* Nobody else is here,", "  wait"]
    printed = BytesIO()
    pipe = TextIOWrapper(printed, "utf-8", write_through=True)
    Output(pipe).say("word " * 30)
    assert printed.getvalue().count(b"\n") == 1


async def test_towns_and_languages_are_said_and_remembered() -> None:
    booth = Booth()
    asked: list[tuple[str, object]] = []
    booth.guest.page.link.emit = lambda event, payload, answer=None: asked.append((event, payload))  # type: ignore[method-assign]
    for line in ("/towns on", "/languages FR en fr", "/languages fr-FR", "/languages a b c d e f", "/towns perhaps"):
        booth.guest.line(line)
    assert asked == [
        ("user-prefer", {"towns": True, "languages": []}),
        ("user-prefer", {"towns": True, "languages": ["fr", "en"]}),
    ]
    assert booth.lines[-3:-1] == ["* languages: expected up to 5 codes, such as: languages fr en"] * 2
    assert booth.guest.page.storage == {"citychat.towns": "yes", "citychat.spoken": '["fr", "en"]'} | {
        name: text for name, text in booth.guest.page.storage.items() if name.startswith("citychat.outbox")
        or name == "citychat.writer"
    }  # fmt: skip
    booth.guest.line("/languages nb no IW")
    assert asked[-1] == ("user-prefer", {"towns": True, "languages": ["no", "he"]})
    booth.guest.line("/towns off")
    assert "citychat.towns" not in booth.guest.page.storage


async def test_a_first_question_is_shown_unless_it_was_switched_off() -> None:
    booth = Booth()
    booth.guest.screen.questions = ["What is on your table?"]

    def begin(session: str) -> list[str]:
        before = len(booth.lines)
        booth.guest.page.event("user-session", {**SESSION, "session": session, "here": True})
        return [line for line in booth.lines[before:] if "on your table" in line]

    assert len(begin("a")) == 1
    for line in ("/question", "/question off"):
        booth.guest.line(line)
    assert booth.lines[-2:] == ["* question on, or question off?", "* Show a first question: off"]
    assert begin("b") == [] and booth.guest.page.storage["citychat.question"] == "no"
    booth.guest.line("/question on")
    assert len(begin("c")) == 1 and "citychat.question" not in booth.guest.page.storage


async def test_a_chat_of_two_towns_names_both() -> None:
    booth = Booth()
    booth.guest.page.event("user-session", {**SESSION, "session": "t", "city": "Lyon – Vienne", "here": True})
    assert "* You two are in Lyon – Vienne." in booth.lines
