"""Every published sentence that promises an act of the host, with the command that does it."""

import re
from pathlib import Path

import pytest

from citychat.cases.commands import parse
from citychat.catalogue import ENGLISH
from citychat.rules import CLOSED_MS, DAY_MS

ROOT = Path(__file__).parents[2]
TEXTS = ("citychat/templates/rules.md", "citychat/templates/privacy.md")
CASES, GUESTS = "cases", "guests"
# A piece of the sentence, and the words of a command that does what it says.
PROMISED = {
    "the host gets the last 50 messages of both of you and decides": (CASES, "show CODE", "close CODE --none"),
    "pause them or keep them away for good": (
        GUESTS, "pause CODE --for 1d --rule 1", "ban CODE --rule 1", "lift CODE",
    ),
    "The host sees all of them": (CASES, "list --json"),
    "The host reads it, can answer there and can let you in again": (
        CASES, "show CODE", "answer CODE text", "list --open",
    ),
    "What you object to a pause, and what the host answers, stays": (CASES, "answer CODE text", "prune"),
    "the host is shown reported ones": (CASES, "show CODE --text"),
    "stay until the host has closed the case": (CASES, "close CODE --acted --rule 1", "prune"),
    "or longer where an authority has asked for them": (CASES, "hold CODE --until 2099-01-01", "export CODE"),
    "until the host has closed the case and 30 days more (180 if the host acted)": (CASES, "close CODE --none"),
    "The host's own record of what was looked at and done": (CASES, "audit"),
    "for 30 days after the host has decided, 180 if the host acted": (CASES, "close CODE --none"),
    "the host can read reported ones": (CASES, "show CODE --text"),
    "The host gets the last 50 messages of both of you.": (CASES, "show CODE"),
    "Anything the host should know (optional)": (CASES, "show CODE"),
    "Received. The host has not decided yet.": (CASES, "list --open"),
    "Acted. The host did something about it.": (CASES, "close CODE --acted --rule 1"),
    "No action. The host looked at it.": (CASES, "close CODE --none"),
    "Kept for longer. The host has not decided yet.": (CASES, "hold CODE --until 2099-01-01"),
    "The host acted, and took it back": (GUESTS, "lift CODE"),
    "Decided by the host.": (GUESTS, "pause CODE --for 1d --rule 1"),
    "The host has not answered yet.": (CASES, "list --open", "answer CODE text"),
    "The host answered:": (CASES, "answer CODE text"),
    "The host has ended your pause.": (GUESTS, "lift CODE"),
    "The host warns you.": (GUESTS, "warn CODE --rule 1"),
    "The host can warn a guest": (GUESTS, "warn CODE --rule 1"),
    "Closed reports are deleted after 30 days, after 180 if the host acted": (CASES, "prune"),
}  # fmt: skip
# Sentences with the word in them that promise nothing which a command would have to do.
NO_ACT = (
    "Backups, if the host makes them", "https and localhost only", "This is the host's own network.",
    "until its host has made room", "the host of this server", "The host gives no contact",
    "the host has given none",
)  # fmt: skip


def sentences() -> list[str]:
    """Those of the rules, the privacy notice and the page that speak of a host."""
    words = [*((ROOT / name).read_text("utf-8") for name in TEXTS), *ENGLISH.values()]
    found = (part for text in words for part in re.split(r"(?<=[.!?])\s+|\n", text))
    return [part for part in found if re.search(r"\bhost", part, re.IGNORECASE)]


def test_every_sentence_about_the_host_is_known_here() -> None:
    known = (*PROMISED, *NO_ACT)
    assert len(sentences()) > 15
    assert [found for found in sentences() if not any(piece in found or found in piece for piece in known)] == []


@pytest.mark.parametrize("piece", PROMISED)
def test_a_promise_is_published_and_has_its_command(piece: str) -> None:
    published = [*(" ".join((ROOT / name).read_text("utf-8").split()) for name in TEXTS), *ENGLISH.values()]
    assert any(piece in text for text in published), "nobody is told this any more"
    group, *commands = PROMISED[piece]
    for command in commands:
        assert parse(group, command.split()).command == command.split()[0]


def test_the_days_are_those_of_the_rules() -> None:
    assert CLOSED_MS == {"none": 30 * DAY_MS, "acted": 180 * DAY_MS}
