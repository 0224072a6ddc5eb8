"""A small town that pages of one address try to take over."""

import pytest

from tests.simulation.takeover import PEOPLE, SECONDS, play


@pytest.fixture(scope="module")
def calm() -> int:
    """How often people meet somebody when nobody is in their way."""
    outcome = play("silent", 0, 1)
    assert outcome.lonely == outcome.silent == 0
    assert outcome.turns > 3 * PEOPLE
    return outcome.turns


@pytest.mark.parametrize(("kind", "count"), [("silent", 20), ("taking back", 8)])
def test_a_town_meets_as_if_the_pages_of_one_address_were_not_there(calm: int, kind: str, count: int) -> None:
    outcome = play(kind, count, 1)
    assert outcome.turns >= 0.8 * calm
    assert outcome.lonely == 0
    assert max(outcome.first_s) <= SECONDS


def test_everybody_meets_somebody_among_pages_of_one_address_that_let_offers_expire() -> None:
    """Two for each person: in this town two people came upon one after the other."""
    outcome = play("letting expire", 40, 4)
    assert outcome.lonely == 0
    assert max(outcome.first_s) <= SECONDS


def test_nobody_is_put_behind_by_pages_that_say_a_word_and_leave() -> None:
    """Of as many networks, in a town in which people need 4 to 8 s for a first word."""
    outcome = play("complaining", 20, 1)
    assert outcome.behind == 0
    assert outcome.turns > 3 * PEOPLE
