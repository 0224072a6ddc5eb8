"""What the terminal guest says when it may not come in."""

from io import BytesIO, TextIOWrapper
from typing import Any

import pytest

from citychat.rules import FOR_GOOD_MS, PAUSE_REASON
from citychat.terminal.console import ENGLISH_WORDS, Output
from citychat.terminal.paused import lifted
from citychat.terminal.screen import Screen

PAUSE: dict[str, Any] = {
    "until": 1_800_000_000_000, "reason": PAUSE_REASON, "rule": "", "automatic": True, "reference": "", "objection": "",
    "answer": "", "contact": "host@example.org", "network": False,
}  # fmt: skip
BY_HOST = {"reason": "threats", "rule": "3", "automatic": False, "reference": "ABCDEFGHIJ"}


def said(told: dict[str, Any], **facts: object) -> tuple[str, list[object]]:
    """What is printed, and whether the guest is sent away (the exit status) or asked for an objection."""
    printed, became = BytesIO(), list[object]()
    out = Output(TextIOWrapper(printed, "utf-8", write_through=True))
    screen = Screen(out, lambda: None, became.append, lambda: became.append("objects"))
    screen.said("user-join" if told else "user-banned", {**told, **PAUSE, **facts})
    return printed.getvalue().decode(), became


@pytest.mark.parametrize(
    ("network", "begins"), [(False, "You cannot use this server until"), (True, "New guests from your network cannot")]
)
@pytest.mark.parametrize("told", [{}, {"ok": False, "error": "banned"}], ids=["while it is here", "at the door"])
def test_who_is_paused_is_told_whether_it_is_they_or_their_network(
    network: bool, begins: str, told: dict[str, Any]
) -> None:
    lines, became = said(told, network=network)
    assert begins in lines and "Automatic, after reports by several people." in lines
    assert "Object: host@example.org" in lines and became == [1]


def test_a_pause_by_the_host_is_told_as_on_the_page_and_takes_an_objection() -> None:
    lines, became = said({}, **BY_HOST, until=FOR_GOOD_MS)
    assert lines.splitlines() == [
        "* You cannot use this server any more.", "* Decided by the host.", "* Rule 3: threats",
        "* Reference: ABCDEFGHIJ",
        "* Object, once, in at most 1,000 characters: type it in one line. quit: go",
    ]  # fmt: skip
    assert became == ["objects"]


@pytest.mark.parametrize(
    ("answer", "line"), [("", "* The host has not answered yet."), ("It was.", "* The host answered: It was.")]
)
def test_what_was_objected_and_answered_is_told(answer: str, line: str) -> None:
    lines, became = said({}, **BY_HOST, objection="It was not me.", answer=answer)
    assert lines.splitlines()[-2:] == ["* You objected: It was not me.", line] and became == [1]


def test_the_end_of_a_pause_is_told_once() -> None:
    english = ENGLISH_WORDS
    storage: dict[str, str] = {}
    assert lifted({}, storage, english) == []
    over = {"lifted": {"at": 5, "answer": "You are right.", "rule": "", "reason": ""}}
    assert lifted(over, storage, english) == ["The host has ended your pause.", "The host answered: You are right."]
    assert lifted(over, storage, english) == []
    assert lifted({"lifted": over["lifted"] | {"at": 6, "answer": ""}}, storage, english) == [
        "The host has ended your pause."
    ]


def test_a_warning_is_told_once_with_its_rule() -> None:
    english = ENGLISH_WORDS
    storage: dict[str, str] = {}
    warned = {"lifted": {"at": 5, "answer": "", "rule": "3", "reason": "threats"}}
    assert lifted(warned, storage, english) == ["The host warns you.", "Rule 3: threats"]
    assert lifted(warned, storage, english) == []
