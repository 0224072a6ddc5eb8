"""A part of the fault programme (``make faults`` is all of it): each kind of fault once, people in every moment."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.faults import matrix
from tests.faults.injection import Injection, Result
from tests.faults.town import Engines, NotBegun, Town
from tests.support.services.running import KINDS, is_tested

__test__ = all(map(is_tested, KINDS))

BY_NAME = {fault.name: fault for fault in matrix.FAULTS}
PAGES = tuple(matrix.short(fault, 5) for fault in matrix.CLIENT_FAULTS)
MUTANTS = {  # what breaks it, which promise it then breaks, and whose
    "ack before history": ("kill -9", "history", {matrix.DEEP, matrix.TALKING}),
    "put without declare and mandatory": ("kill -9", "lost", {matrix.TALKING, matrix.PUBLISHED, matrix.PUSHED}),
    "receipt before commit": ("kill -9", "lost", {matrix.PUSHED, matrix.DRAWN}),
    "mailbox read at connect only": ("Redis kill -9, data lost", "stuck", {matrix.TALKING, matrix.PUBLISHED}),
}
# Each takes a quarter of a minute of a processor: that the checker can fail one shows here, and ``make prove`` all
NOTICED = list(MUTANTS)[: int(os.environ.get("CITYCHAT_FAULT_MUTANTS", 1))]
MUTANT_S = 10.0  # the real program needs 3 after these faults; what a mutant breaks stays broken
AFTER_S = 1.0  # a few hundred messages; a slow machine has all its patience for them
WINDOW_S = 1.0  # a mutant never gets where people of the real program do: no use in waiting for it
TRIES = 8  # some moments last 3 s (protocol §2.4), and a slow machine comes too late for one of them now and then


async def played(
    engines: Engines, folder: Path, name: str, fault: matrix.Fault, client: Sequence[matrix.ClientFault] = ()
) -> Result:
    """Break it as soon as people stand in every moment. Raises NotBegun when they never do."""
    for attempt in range(TRIES):
        (own := folder / f"try{attempt}").mkdir()
        async with Town(own, Random(attempt), engines, name=f"{name}-{attempt}") as town:
            try:
                return await Injection(town, fault, client=client, whole=True, after_s=AFTER_S).play()
            except NotBegun as error:
                print(error)
    raise NotBegun(f"{name}: not in {TRIES} tries")


def told(result: Result) -> str:
    return "\n".join(result.complaints[:20])


@pytest.mark.parametrize(
    "name", ["kill -9", "frozen 10 s", "Redis kill -9, data lost", "RabbitMQ kill -9", "MongoDB kill -9"]
)
async def test_nothing_is_lost_repeated_reordered_or_stuck_at_any_moment(
    engines: Engines, tmp_path: Path, name: str
) -> None:
    result = await played(engines, tmp_path, f"part{sorted(BY_NAME).index(name)}", BY_NAME[name])
    assert not result.complaints, told(result)
    assert {moment for _, moment in result.cells} == set(matrix.MOMENTS) - set(BY_NAME[name].without)


async def test_whatever_happens_to_a_page_or_its_link_nothing_is_lost(engines: Engines, tmp_path: Path) -> None:
    result = await played(engines, tmp_path, "pages", matrix.CLIENTS, PAGES)
    assert not result.complaints, told(result)
    assert {fault for fault, _ in result.cells} == {fault.name for fault in PAGES}
    assert {moment for _, moment in result.cells} == set(matrix.MOMENTS)


@pytest.mark.parametrize("mutant", NOTICED)
async def test_a_rule_left_out_is_noticed(engines: Engines, tmp_path: Path, mutant: str) -> None:
    fault, promise, moments = MUTANTS[mutant]
    program, name = ("tests.faults.mutant", mutant), f"mutant{list(MUTANTS).index(mutant)}"
    short = replace(BY_NAME[fault], without=tuple(set(matrix.MOMENTS) - moments))
    for attempt in range(TRIES):
        (own := tmp_path / f"try{attempt}").mkdir()
        async with Town(own, Random(attempt), engines, program, f"{name}-{attempt}") as town:
            injection = Injection(town, short, patience_s=MUTANT_S, after_s=AFTER_S, window_s=WINDOW_S)
            result = await injection.play()
        if result.broken[promise]:
            return
    pytest.fail(f"not noticed in {TRIES} tries")
