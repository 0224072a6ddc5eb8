"""Pairs that never meet again: the bar stands as long as anybody can be one of the two, and not longer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from msgspec.structs import replace

from citychat.ports import History
from citychat.rules import CLOCK_TOLERANCE_MS, DAY_MS, TOKEN_MS
from tests.contract.accusing import NOW, guest, session

MANY = 1_100  # more than two slices of either store
LAST_MS = TOKEN_MS + CLOCK_TOLERANCE_MS
Goes = Callable[[History], Coroutine[Any, Any, None]]


async def here(history: History, name: str, at: int) -> None:
    """The guest joins then."""
    await history.guests.keep(replace(guest(name), seen=at))


async def unseen(history: History) -> None:
    """Their rows go the day after, of a host who keeps chats for a day; their tokens hold on."""


async def erased(history: History) -> None:
    await history.guests.erase("anna", NOW + DAY_MS)


async def barred(history: History) -> None:
    await here(history, "anna", NOW)
    await here(history, "ben", NOW)
    await history.relations.block("ben", "anna", NOW)


async def is_barred(history: History) -> bool:
    both = await history.relations.blocked("anna"), await history.relations.blocked("ben")
    assert both in ((["ben"], ["anna"]), ([], []))
    return both[0] != []


async def test_it_stands_for_years_while_both_come(history: History) -> None:
    await barred(history)
    for days in range(0, 800, 20):
        for name in ("anna", "ben"):
            await here(history, name, NOW + days * DAY_MS)
        await history.guests.prune(NOW + days * DAY_MS, 90 * DAY_MS)
    assert await is_barred(history)


@pytest.mark.parametrize("goes", [unseen, erased])
async def test_it_goes_a_token_after_one_of_the_two_has_gone(history: History, goes: Goes) -> None:
    await barred(history)
    await goes(history)
    left = NOW + DAY_MS  # when the row of anna went
    await here(history, "ben", left)
    await history.guests.prune(left, DAY_MS)
    await here(history, "ben", left + LAST_MS)
    await history.guests.prune(left + LAST_MS - 1, DAY_MS)
    assert await is_barred(history), "a token of that guest may hold still"
    await history.guests.prune(left + LAST_MS, DAY_MS)
    assert not await is_barred(history)


async def test_who_comes_again_by_a_token_is_barred_still_and_the_time_begins_anew(history: History) -> None:
    await barred(history)
    left, again = NOW + DAY_MS, NOW + 25 * DAY_MS
    await here(history, "ben", left)
    await history.guests.prune(left, DAY_MS)
    assert await history.guests.find("anna") is None
    for name in ("anna", "ben"):
        await here(history, name, again)
    await history.guests.prune(again + DAY_MS, DAY_MS)
    assert [await history.guests.find(name) for name in ("anna", "ben")] == [None, None]
    for later in (left + LAST_MS, again + DAY_MS + LAST_MS - 1):
        await history.guests.prune(later, DAY_MS)
        assert await is_barred(history)
    await history.guests.prune(again + DAY_MS + LAST_MS, DAY_MS)
    assert not await is_barred(history)


async def test_who_is_there_when_it_is_looked_at_has_it_for_as_long_as_both_stay(history: History) -> None:
    await barred(history)
    for name in ("anna", "ben"):
        await here(history, name, NOW + LAST_MS)
    await history.guests.prune(NOW + LAST_MS, DAY_MS)
    left = NOW + LAST_MS + DAY_MS
    await here(history, "ben", left)
    await history.guests.prune(left, DAY_MS)
    await here(history, "ben", left + LAST_MS)
    await history.guests.prune(left + LAST_MS - 1, DAY_MS)
    assert await is_barred(history)
    await history.guests.prune(left + LAST_MS, DAY_MS)
    assert not await is_barred(history)


async def test_who_came_while_the_clock_was_ahead_and_is_erased_has_a_token_of_that_date(history: History) -> None:
    await barred(history)
    ahead = NOW + 365 * DAY_MS
    await here(history, "anna", ahead)
    await history.guests.erase("anna", NOW)
    await here(history, "ben", ahead + LAST_MS)
    await history.guests.prune(ahead + LAST_MS - 1, DAY_MS)
    assert await is_barred(history)
    await history.guests.prune(ahead + LAST_MS, DAY_MS)
    assert not await is_barred(history)


async def test_a_no_that_comes_after_an_erase_goes_too(history: History) -> None:
    await here(history, "ben", NOW)
    await here(history, "anna", NOW)
    await history.guests.erase("anna", NOW)
    await history.relations.block("anna", "ben", NOW + 5)
    await here(history, "ben", NOW + LAST_MS)
    await history.guests.prune(NOW + 5 + LAST_MS - 1, DAY_MS)
    assert await is_barred(history)
    await history.guests.prune(NOW + 5 + LAST_MS, DAY_MS)
    assert not await is_barred(history)


async def test_a_guest_who_has_chats_still_keeps_it(history: History) -> None:
    await barred(history)
    await history.sessions.begin(session("s", members=("anna", "carl")))
    await here(history, "ben", NOW + 29 * DAY_MS)
    await history.guests.prune(NOW + 29 * DAY_MS, 30 * DAY_MS)
    assert await history.guests.find("anna") is not None and await is_barred(history)


async def test_all_of_a_crowd_go_and_those_who_are_there_stay(history: History) -> None:
    names = [f"g{n}" for n in range(MANY)]
    for name in ("ben", "carl"):
        await here(history, name, NOW)
        await history.relations.block(name, "anna", NOW)
    await here(history, "anna", NOW)
    await history.relations.block("ben", "carl", NOW)
    # Bots that came once, and have no row
    for start in range(0, MANY, 50):  # as many as a store answers at once on a slow machine
        some = names[start : start + 50]
        await asyncio.gather(*(history.relations.block("anna", name, NOW) for name in some))
    later = NOW + LAST_MS
    for name in ("anna", "ben", "carl"):
        await here(history, name, later)
    await history.guests.prune(later, DAY_MS)
    assert sorted(await history.relations.blocked("anna")) == ["ben", "carl"]
    assert sorted(await history.relations.blocked("carl")) == ["anna", "ben"]
