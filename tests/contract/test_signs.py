"""What every history promises of signs: one wish a guest, taken by one, and gone at its end."""

import asyncio

import pytest
from msgspec.structs import replace

from citychat.ports import AskedSign, History
from tests.contract.accusing import NOW, guest

ASKED = AskedSign("anna", "https://push.example/secret", "k1", "fr-lyon", NOW, NOW + 10)


async def test_a_guest_has_one_wish_until_its_end_or_until_it_is_taken_back(history: History) -> None:
    signs = history.signs
    assert await signs.find("anna", NOW) is None
    assert await signs.keep(ASKED)
    later = replace(ASKED, endpoint="https://push.example/other", since=NOW + 1, until=NOW + 20, hidden=True)
    assert await signs.keep(later)
    assert await signs.find("anna", NOW + 19) == later
    assert await signs.find("anna", NOW + 20) is None
    await signs.drop("anna")
    assert await signs.find("anna", NOW) is None
    await signs.drop("anna")


async def test_where_the_guest_is_and_whether_the_page_is_in_view_is_noted(history: History) -> None:
    await history.signs.keep(ASKED)
    await history.signs.note("anna", "fr-paris", True)
    await history.signs.note("nobody", "fr-paris", True)
    assert await history.signs.waiting("k1", NOW) == [replace(ASKED, pool="fr-paris", hidden=True)]


async def test_those_of_these_keys_wait_in_the_order_of_asking_and_what_is_over_goes(history: History) -> None:
    signs = history.signs
    rows = [replace(ASKED, guest=name, since=NOW + at) for name, at in (("ben", 3), ("anna", 2), ("cleo", 1))]
    for row in (*rows, replace(ASKED, guest="other", key="k2"), replace(ASKED, guest="old", until=NOW + 1)):
        await signs.keep(row)
    assert await signs.waiting("k1", NOW + 1) == rows[::-1]
    assert await signs.find("old", NOW) is None
    assert [row.guest for row in await signs.waiting("k2", NOW)] == ["other"]


async def test_of_many_who_take_a_wish_at_once_one_has_it(history: History) -> None:
    await history.signs.keep(ASKED)
    found = await asyncio.gather(*(history.signs.take(ASKED) for _ in range(9)))
    assert sum(found) == 1
    assert await history.signs.find("anna", NOW) is None


async def test_a_wish_that_was_asked_anew_is_not_taken_by_who_knows_the_one_before(history: History) -> None:
    later = replace(ASKED, endpoint="https://push.example/other")
    await history.signs.keep(later)
    assert not await history.signs.take(ASKED)
    assert await history.signs.find("anna", NOW) == later


async def test_a_wish_goes_with_its_guest(history: History) -> None:
    await history.guests.keep(guest("anna"))
    await history.signs.keep(ASKED)
    await history.guests.erase("anna", NOW)
    assert await history.signs.waiting("k1", NOW) == []


async def test_a_site_keeps_so_many_and_no_more(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    for adapter in ("sqlite", "mongo"):
        monkeypatch.setattr(f"citychat.adapters.{adapter}.signs.SIGNS_MAX", 2)
    assert [await history.signs.keep(replace(ASKED, guest=name)) for name in ("a", "b", "c", "a")] == [
        True, True, False, True,
    ]  # fmt: skip
    assert {row.guest for row in await history.signs.waiting("k1", NOW)} == {"a", "b"}
