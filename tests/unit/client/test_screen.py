"""What the terminal guest says when it may not come in."""

from io import BytesIO, TextIOWrapper

import pytest

from citychat.rules import PAUSE_REASON
from citychat.terminal.console import Output
from citychat.terminal.screen import Screen

PAUSE = {"until": 1_800_000_000_000, "reason": PAUSE_REASON, "contact": "host@example.org"}


@pytest.mark.parametrize(
    ("network", "begins"), [(False, "You cannot use this server until"), (True, "New guests from your network cannot")]
)
@pytest.mark.parametrize("told", [{}, {"ok": False, "error": "banned"}], ids=["while it is here", "at the door"])
def test_who_is_paused_is_told_whether_it_is_they_or_their_network(
    network: bool, begins: str, told: dict[str, object]
) -> None:
    printed, over = BytesIO(), list[int]()
    screen = Screen(Output(TextIOWrapper(printed, "utf-8", write_through=True)), lambda: None, over.append)
    screen.said("user-join" if told else "user-banned", {**told, **PAUSE, "network": network})
    line = printed.getvalue().decode()
    assert begins in line and PAUSE_REASON in line and "host@example.org" in line
    assert over == [1]
