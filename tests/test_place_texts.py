"""What is said of places is what the program does, wherever a guest or a host reads it."""

import re
from pathlib import Path

import pytest

from citychat.catalogue import ENGLISH
from citychat.places.gazetteer import TOWN_PEOPLE
from citychat.places.places import SQUARE_DEGREES
from citychat.rules import SEEKER_RESTS_MS

ROOT = Path(__file__).parents[1]
KM_PER_DEGREE = 111.2
READ = ["README.md", "SECURITY.md", "docs/product.md", "docs/protocol.md", "docs/glossary.md", "docs/architecture.md",
        "citychat/templates/privacy.md", "citychat/templates/rules.md"]  # fmt: skip
SAYS = {
    "README.md": [
        "a district of 10 km in which at least 15,000 people live, and nothing finer",
        "*The nearest free guest is one of the nearest district,* drawn at random",
        "city and a district of about 10 km, place changes",
    ],
    "SECURITY.md": ["nothing finer than a district is kept or ranked by (10 km, at least 15,000 people)"],
    "docs/product.md": [
        "Kept is a district: the square of 10 km of the nearest town of at least 15,000 people.",
        "rested for 5 to 15 s, drawn at random",
    ],
    "docs/protocol.md": [
        "all that is nearest to the towns of 15,000 people or more of one square of 10 km",
        "asks nobody who does not look for 5 to 15 s, drawn at random",
    ],
    "docs/glossary.md": ["the towns of 15,000 people or more of one square of 10 km"],
    "citychat/templates/privacy.md": [
        "a square of about 10 km around towns, with at least 15,000 people",
        "can learn in which district somebody is who looks for a chat. Never more",
        "Of a position only the district of about 10 km is kept.",
    ],
}


def text(name: str) -> str:
    return " ".join((ROOT / name).read_text("utf-8").split())


@pytest.mark.parametrize("name", SAYS)
def test_each_document_says_what_is_kept_and_what_can_be_learnt(name: str) -> None:
    for sentence in SAYS[name]:
        assert sentence in text(name)


def test_the_page_says_so_before_anybody_agrees_and_before_a_position_is_given() -> None:
    assert ENGLISH["arrive.seen"] == (
        "They learn your city. Who tries hard can learn your district of about 10 km, never more."
    )
    assert ENGLISH["locate.text"] == (
        "Only your district is kept: about 10 km, with at least 15,000 people. Others see the city."
    )


@pytest.mark.parametrize("name", READ)
def test_nothing_is_said_of_the_squares_of_2_km_that_were(name: str) -> None:
    for sentence in re.split(r"(?<=[.:;])\s|\|", text(name)):
        assert not re.search(r"\b2 km\b|\bcells?\b|nothing finer than the city$", sentence) or re.search(
            r"0\.1\.0|With squares of 2 km|a test for each cell|_of_2_km_", sentence
        ), sentence


def test_the_numbers_are_those_of_the_code() -> None:
    assert round(SQUARE_DEGREES * KM_PER_DEGREE) == 10
    assert TOWN_PEOPLE == 15_000
    assert SEEKER_RESTS_MS == (5_000, 15_000)
