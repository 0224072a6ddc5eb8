"""A part of the fault programme (``make faults`` is all of it): each kind of fault once, people in every moment."""

from pathlib import Path
from random import Random

import pytest

from tests.faults import matrix
from tests.faults.injection import Injection, Result
from tests.faults.town import Engines, Town
from tests.services.running import KINDS, is_tested

__test__ = all(map(is_tested, KINDS))

pytestmark = [pytest.mark.timeout(240), pytest.mark.slow]

BY_NAME = {fault.name: fault for fault in matrix.FAULTS}
PAGES = tuple(matrix.short(fault, 5) for fault in matrix.CLIENT_FAULTS)
MUTANTS = {  # what breaks it, and which promise it then breaks
    "ack before history": ("kill -9", "history"),
    "receipt before commit": ("kill -9", "lost"),
    "put without declare and mandatory": ("kill -9", "lost"),
    "mailbox read at connect only": ("Redis kill -9, data lost", "stuck"),
}
PATIENCE_S = 10.0  # the real program needs 3 after these faults; what a mutant breaks stays broken


def told(result: Result) -> str:
    return "\n".join(result.complaints[:20])


def missed(result: Result) -> list[tuple[str, str]]:
    return [key for key, cell in result.cells.items() if not cell.reached]


@pytest.mark.parametrize(
    "name", ["kill -9", "frozen 10 s", "Redis kill -9, data lost", "RabbitMQ kill -9", "MongoDB kill -9"]
)
async def test_nothing_is_lost_repeated_reordered_or_stuck_at_any_moment(
    engines: Engines, tmp_path: Path, name: str
) -> None:
    async with Town(tmp_path, Random(1), engines, name=f"part{sorted(BY_NAME).index(name)}") as town:
        result = await Injection(town, BY_NAME[name]).play()
    assert not result.complaints, told(result)
    assert not missed(result)
    assert {moment for _, moment in result.cells} >= set(matrix.MOMENTS) - set(BY_NAME[name].without)


@pytest.mark.parametrize("half", [0, 1])
async def test_whatever_happens_to_a_page_or_its_link_nothing_is_lost(
    engines: Engines, tmp_path: Path, half: int
) -> None:
    async with Town(tmp_path, Random(2), engines, name=f"pages{half}") as town:
        result = await Injection(town, matrix.CLIENTS, client=PAGES[half::2]).play()
    assert not result.complaints, told(result)
    assert not missed(result)


@pytest.mark.parametrize("mutant", MUTANTS)
async def test_a_rule_left_out_is_noticed(engines: Engines, tmp_path: Path, mutant: str) -> None:
    fault, promise = MUTANTS[mutant]
    program, name = ("tests.faults.mutant", mutant), f"mutant{list(MUTANTS).index(mutant)}"
    async with Town(tmp_path, Random(4), engines, program, name) as town:
        result = await Injection(town, BY_NAME[fault], patience_s=PATIENCE_S).play()
    assert result.broken[promise], told(result)
