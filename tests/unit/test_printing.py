"""What is printed: the commands that are named can be typed as they stand."""

import shlex

import pytest

from citychat.printing import again

TYPED = [
    [], ["--data", "/srv/a folder"], ["--data=/srv/x", "--history", "mongodb://127.0.0.1/citychat"],
    ["--history", "file:///etc/citychat/history.url"],
]  # fmt: skip


@pytest.mark.parametrize("flags", TYPED, ids=str)
def test_a_command_that_is_named_has_the_flags_that_were_typed(flags: list[str]) -> None:
    assert shlex.split(f"citychat cases{again(flags)}") == ["citychat", "cases", *flags]


@pytest.mark.parametrize("address", ["mongodb://anna:secret@mongo.example/x", "redis://:secret@127.0.0.1"])
def test_no_command_that_is_named_has_a_password(address: str) -> None:
    assert again(["--data", "/srv/x", "--history", address]) == ""
