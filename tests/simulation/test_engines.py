"""The simulated mailbox and history keep the same contracts as the real ones; a simulation over others would prove
nothing. What needs a second process, and what the simulated town never does (reports, pruning), is left out."""

import asyncio
import inspect
from collections.abc import Iterator
from random import Random
from types import ModuleType

import pytest

from citychat.ports import History, Mailbox
from tests.contract import test_history, test_mailbox
from tests.simulation.engines import Machine, SimMailbox, World
from tests.simulation.history import SimHistory

NOT_SIMULATED = ("report", "paus", "prun", "keeps_chats_for_a_shorter", "one_guest_on_two_networks")


def contract(module: ModuleType, port: str) -> Iterator[str]:
    for name, test in vars(module).items():
        left_out = not name.startswith("test_") or any(word in name for word in NOT_SIMULATED)
        if not left_out and port in inspect.signature(test).parameters:
            yield name


globals().update({name: getattr(test_mailbox, name) for name in contract(test_mailbox, "mailbox")})
globals().update({name: getattr(test_history, name) for name in contract(test_history, "history")})


@pytest.fixture
async def sim() -> World:
    return World(asyncio.get_running_loop(), Random(1))


@pytest.fixture
def mailbox(sim: World) -> Mailbox:
    return SimMailbox(sim, Machine(sim.loop, sim.random))


@pytest.fixture
def history(sim: World) -> History:
    return SimHistory(sim, Machine(sim.loop, sim.random))


def test_the_contracts_are_really_run() -> None:
    assert len(list(contract(test_mailbox, "mailbox"))) >= 12
    assert len(list(contract(test_history, "history"))) >= 16
