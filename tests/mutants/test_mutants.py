"""Each mutant can be made, and a few of them are; ``make mutants`` makes all."""

from pathlib import Path

import pytest

from tests.faults.mutant import MUTANTS as OF_THE_FAULTS
from tests.mutants.__main__ import Found, keep, kept, main, run
from tests.mutants.mutant_row import Mutant
from tests.mutants.play import simulated, tried
from tests.mutants.rows import MUTANTS
from tests.simulation.run import WORLDS
from tests.support.document import commit
from tests.support.mutation import ROOT, Change, Misplaced, changed, check

SAMPLE = ("no fence", "sqlite: two who are kept apart are confirmed")  # a world and a suite
PARTS = ("delivery", "matching", "joining", "edge", "memory", "redis", "sqlite", "mongo")


@pytest.mark.parametrize("name", MUTANTS)
def test_the_rule_that_a_mutant_leaves_out_is_still_where_it_says_and_python_reads_what_is_left(name: str) -> None:
    check(MUTANTS[name].changes)
    for file in {change.file for change in MUTANTS[name].changes if change.file.endswith(".py")}:
        compile(changed(file, (ROOT / file).read_text("utf-8"), MUTANTS[name].changes), file, "exec")


@pytest.mark.parametrize("name", OF_THE_FAULTS)
def test_so_is_what_the_fault_programme_leaves_out(name: str) -> None:
    check(OF_THE_FAULTS[name])


def test_every_mutant_has_a_world_or_a_suite_that_is_there() -> None:
    for mutant in MUTANTS.values():
        files = [word for word in mutant.world.split(" -k ")[0].split() if not mutant.is_simulated]
        assert mutant.is_simulated <= (mutant.world in WORLDS), mutant.name
        assert all((ROOT / file.partition("::")[0]).exists() for file in files), mutant.name
    files = [change.file for mutant in MUTANTS.values() for change in mutant.changes]
    assert [part for part in PARTS if not any(f"/{part}/" in file for file in files)] == []
    assert len(MUTANTS) >= 30


def test_a_mutant_whose_text_is_gone_fails_loudly() -> None:
    gone, twice = Change("a.py", "never said", ""), Change("a.py", "said", "")
    for change in (gone, twice):
        with pytest.raises(Misplaced, match=r"a\.py: expected once"):
            changed("a.py", "said, said again", [change])


def test_without_a_change_nothing_is_noticed() -> None:
    assert simulated(Mutant("none", "", "windows", ()), range(2)) is None


def test_a_mutant_that_nothing_notices_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--only", "lua: rings without a pause", "--seeds", "0", "--state", str(tmp_path / "found.json")]
    assert main(asked) == 1
    assert "0 of 1 were noticed" in capsys.readouterr().out


def test_of_tests_that_are_named_each_has_to_notice(capsys: pytest.CaptureFixture[str]) -> None:
    (change,) = MUTANTS["T21: a key shows in no text of itself"].changes
    notices, does_not = (
        f"tests/unit/test_tokens.py::test_{name}" for name in ("secrets_are_in_no_repr", "the_current_key_signs")
    )
    assert tried(Mutant("two tests", "", f"{notices} {does_not}", (change,))) is None
    assert capsys.readouterr().err == f"these do not fail: ['{does_not}']\n"


@pytest.mark.parametrize("name", SAMPLE)
def test_a_rule_left_out_is_noticed(name: str) -> None:
    found = run(MUTANTS[name], 30, "")
    assert found.is_noticed, found.what


def test_what_was_noticed_at_this_commit_is_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "found.json"
    name = "lua: rings without a pause"
    keep({name: Found("7", "M5", commit())}, state)
    assert main(["--only", name, "--seeds", "0", "--state", str(state), "--resume", "--workers", "1"]) == 0
    assert "| seed 7 |" in capsys.readouterr().out
    assert kept(state) == {name: Found("7", "M5", commit())}
