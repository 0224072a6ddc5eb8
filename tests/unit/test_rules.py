"""The numbers of ``rules`` stand there alone, and its rules decide what they say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from citychat import rules
from citychat.adapters.redis.resp import scripts
from citychat.adapters.statements import statements
from citychat.rules import DAY_MS, Accusation, is_third, left_alone_before

PACKAGE = Path(rules.__file__).parent
NUMBERS = {name: value for name, value in vars(rules).items() if name.isupper() and isinstance(value, int | float)}
LOBBY = ["adapters/memory", "adapters/redis"]
# Those that nothing else can be meant by; a 32 may be another 32.
TELLING = {value for value in NUMBERS.values() if value >= 10_000 or value != int(value)}
NOW = 1_700_000_000_000


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in PACKAGE.rglob("*.py"):
        if path != Path(rules.__file__):
            yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text("utf-8"))


def names_set(tree: ast.Module) -> set[str]:
    targets = (target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets)
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def code_of_lua() -> str:
    return re.sub(r"--.*", "", "\n".join(statements("redis/lobby.lua").values()))


def test_no_name_of_the_table_is_set_elsewhere() -> None:
    assert len(NUMBERS) > 20
    assert {file: again for file, tree in modules() if (again := names_set(tree) & NUMBERS.keys())} == {}
    locals_set = re.findall(r"\blocal ([\w, ]+)=", code_of_lua())
    assert set(re.findall(r"\w+", " ".join(locals_set))) & NUMBERS.keys() == set()


def test_no_number_of_the_lobbies_is_spelled_again() -> None:
    assert len(TELLING) >= 7
    for file, tree in modules():
        if file.startswith(tuple(LOBBY)):
            values = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            numbers = {value for value in values if isinstance(value, int | float)}
            assert numbers & TELLING == set(), file
    assert {float(number) for number in re.findall(r"\b\d[\d.]*", code_of_lua())} & TELLING == set()


def test_a_script_begins_with_the_numbers_that_it_names() -> None:
    texts = scripts({"shared": "local a = LEASE_MS", "renew": "return CELL_DEGREES", "drop": "return a"})
    assert texts == {
        "renew": "local CELL_DEGREES = 0.02 local LEASE_MS = 15000 \nlocal a = LEASE_MS\nreturn CELL_DEGREES",
        "drop": "local LEASE_MS = 15000 \nlocal a = LEASE_MS\nreturn a",
    }


def said(reporter: str, *networks: str, at: int = NOW) -> Accusation:
    return Accusation(reporter, at, frozenset(networks))


@pytest.mark.parametrize(
    ("others", "third"),
    [
        ([said("ben", "2"), said("carl", "3")], True),
        ([said("ben", "2", at=NOW - DAY_MS + 1), said("carl", "3")], True),
        ([said("ben", "2", at=NOW + DAY_MS - 1), said("carl", "3")], True),  # another process's clock
        ([said("ben", "2"), said("carl", "3", "2"), said("dora", "4")], True),
        ([said("anna", "2"), said("ben", "2"), said("carl", "3")], True),
        ([], False),
        ([said("ben", "2")], False),
        ([said("ben", "2"), said("ben", "3")], False),
        ([said("ben", "2"), said("anna", "3")], False),
        ([said("ben", "2"), said("carl", "2")], False),
        ([said("ben", "1", "2"), said("carl", "3")], False),
        ([said("ben"), said("carl", "3")], False),
        ([said("ben", "2", at=NOW - DAY_MS), said("carl", "3")], False),
        ([said("ben", "2", at=NOW - DAY_MS // 2), said("carl", "3", at=NOW + DAY_MS // 2)], False),
    ],
)
def test_three_guests_on_three_networks_within_a_day_pause_the_accused(others: list[Accusation], third: bool) -> None:
    assert is_third(said("anna", "1"), others) is third
    assert is_third(said("anna", "1"), others[::-1]) is third
    assert not is_third(said("anna"), others)


def test_a_chat_is_left_alone_after_a_day() -> None:
    assert left_alone_before(NOW) == NOW - DAY_MS
