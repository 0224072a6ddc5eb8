"""Nobody is found more exactly than in a district, however many guests somebody has (locate.py plays him)."""

from functools import cache
from random import Random

import pytest

from tests.simulation.locate import TOWNS, Map, Spot, Square, district, looks, rests, says_yes, spots, square_of_2_km

PARIS, ALICE_SPRINGS = TOWNS["Paris"], TOWNS["Alice Springs"]


@cache
def known(square: Square) -> tuple[Map, list[Spot]]:
    victims = spots(PARIS, Random(2), 10)
    return Map(PARIS, square, Random(1), victims), victims


def middle_of(found: list[float]) -> float:
    return sorted(found)[len(found) // 2]


def test_the_attacker_is_no_fool() -> None:
    """With squares of 2 km he finds whoever looks."""
    town, victims = known(square_of_2_km)
    assert middle_of([looks(town, victim, asks=10) for victim in victims]) < 1.5
    assert middle_of([km for victim in victims if (km := says_yes(town, victim)) is not None]) < 1.5


@pytest.mark.parametrize("lua", [False, True], ids=["memory", "lua"])
def test_whoever_looks_is_found_in_a_district_and_nothing_finer(lua: bool) -> None:
    town, victims = known(district)
    victims = victims[:5] if lua else victims
    best = [town.guess([district(victim)]).km_to(victim) for victim in victims]
    found = [looks(town, victim, asks=10, lua=lua) for victim in victims]
    assert all(km >= least - 0.001 for km, least in zip(found, best, strict=True))
    assert middle_of(found) > 2.5


def test_a_chosen_guest_who_rests_is_one_of_nine() -> None:
    """New guests find the nine, and those whom the guest has blocked do not say which."""
    town, victims = known(district)
    right = sum(rests(town, victim) == town.guess([district(victim)]).km_to(victim) for victim in victims)
    assert right <= 5, "three of ten are right by chance: there are twelve districts"


def test_around_alice_springs_everybody_is_in_one_district() -> None:
    assert len({district(spot) for spot in spots(ALICE_SPRINGS, Random(1), 100)}) == 1
