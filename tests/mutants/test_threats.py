"""Every threat has a control, every control its tests and a mutant that they must notice."""

import ast
from functools import cache

import pytest

from tests.mutants.attempts import ATTEMPTS, HELD
from tests.mutants.controls import Threat
from tests.mutants.rows import MUTANTS
from tests.mutants.threats import THOUGHT_OF, THREATS
from tests.support.mutation import ROOT

TRIED = [
    "1a", "1b", "1c", "1d", "1e", "2a", "2b", "3", "4", "5", "6", "7a", "7b", "7c", "7d", "8", "9", "10a", "10b",
    "10c", "10d", "10e",
    "11a", "11b", "11c", "11d", "11e", "11f", "11g", "11h", "12a", "12b", "12c", "12d", "12e", "12f",
]  # fmt: skip


@cache
def collected(file: str) -> frozenset[str]:
    """The names of a file's tests, as pytest finds them."""
    path = ROOT / file
    if not (path.is_file() and path.name.startswith("test_") and path.suffix == ".py"):
        return frozenset()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = (node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, functions))
    return frozenset(node.name for node in found if node.name.startswith("test_"))


def is_collected(test: str) -> bool:
    file, _, name = test.partition("::")
    return name in collected(file)


def test_every_threat_that_was_thought_of_or_tried_has_its_row() -> None:
    assert [threat.id for threat in THOUGHT_OF] == [f"T{number}" for number in range(1, 26)]
    ids = [threat.id for threat in THREATS]
    assert len(set(ids)) == len(ids)
    assert sorted(threat.id for threat in ATTEMPTS) == sorted(f"A{id}" for id in TRIED)
    assert [threat.id for threat in HELD] == [f"H{number}" for number in range(1, len(HELD) + 1)]
    assert len(HELD) >= 17


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.id)
def test_what_stands_against_a_threat_is_held_by_tests_that_notice_when_it_is_left_out(threat: Threat) -> None:
    assert threat.controls or threat.see or threat.open, "neither closed nor said to be open"
    assert [id for id in threat.see.split() if not any(each.id == id and each.controls for each in THREATS)] == []
    for control in threat.controls:
        assert control.held_by, control.what
        assert [test for test in control.held_by if not is_collected(test)] == []
        if not control.left_out:
            assert control.library, f"{control.what}: nothing is left out, and nobody else is named who does it"
            continue
        mutant = MUTANTS[f"{threat.id}: {control.what}"]
        assert (mutant.changes, mutant.tests) == (control.left_out, list(control.held_by))


def test_what_is_no_test_is_told() -> None:
    assert is_collected("tests/mutants/test_threats.py::test_what_is_no_test_is_told")
    for other in ("collected", "test_of_nothing"):
        assert not is_collected(f"tests/mutants/test_threats.py::{other}")
    assert not is_collected("tests/mutants/controls.py::control")
