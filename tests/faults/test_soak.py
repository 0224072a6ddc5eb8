"""What a soak keeps between its runs, and when it says that something was left behind; no server is needed."""

from collections import Counter
from pathlib import Path

from tests.faults import matrix
from tests.faults.injection import Result
from tests.faults.soak import Rest, Soaked, load, programme, save

START = Rest(memory_bytes=50_000_000, files=20, keys=4, queues=0)


def result(**broken: int) -> Result:
    counts = Counter(sent=120, acknowledged=110, shown=115, history=115)
    return Result("kill -9", {}, counts, Counter(broken), [f"kill -9, {promise}" for promise in broken])


def test_a_soak_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    state, soaked = tmp_path / "state" / "soak.json", Soaked(commit="c0ffee", seed=7)
    soaked.add(result())
    soaked.measured(START, START)
    save(soaked, state)
    again = load(state)
    assert again == soaked
    again.add(result(lost=1))
    assert (again.audited, again.rounds, again.broken, again.complaints) == (220, 2, {"lost": 1}, ["kill -9, lost"])
    assert "| acknowledged | 220 |" in list(again.lines())
    assert load(tmp_path / "none.json") == Soaked()


def test_what_a_stretch_leaves_behind_is_a_complaint() -> None:
    for left in (Rest(keys=1), Rest(queues=1), Rest(files=120), Rest(memory_bytes=60_000_000)):
        end = Rest(*(start + more for start, more in zip(vars(START).values(), vars(left).values(), strict=True)))
        soaked = Soaked()
        soaked.measured(START, end)
        assert soaked.grown == left and len(soaked.complaints) == 1
    soaked.measured(START, Rest(40_000_000, 25, 4, 0))
    assert len(soaked.complaints) == 1, "caches and pools may stay, and less is no harm"


def test_every_fault_of_the_programme_has_its_turn() -> None:
    faults = programme()
    assert {fault.name for fault, _ in faults} == {fault.name for fault in (*matrix.FAULTS, matrix.CLIENTS)}
    assert sorted(row.name for _, rows in faults for row in rows) == sorted(row.name for row in matrix.CLIENT_FAULTS)
