"""The city that somebody means who types it as people write addresses down."""

from pathlib import Path

import pytest

from citychat.places import Gazetteer, meant
from citychat.places.areas import areas_called
from citychat.places.gazetteer import BEST, described

gazetteer = Gazetteer()


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("St. Gallen", "Sankt Gallen, CH"),
        ("st gall", "Sankt Gallen, CH"),
        ("St. Pölten", "Sankt Pölten, AT"),
        ("s-Gravenhage", "The Hague, NL"),
        ("'s-Gravenhage", "The Hague, NL"),
        ("Lyon", "Lyon, FR"),
        ("Par, ", "Paris, FR"),
        ("Frankfurt/Main", "Frankfurt am Main, DE"),
        ("Frankfurt (Oder)", "Frankfurt (Oder), DE"),
        ("Bienne, Suisse", "Biel/Bienne, CH"),
    ],
)
def test_a_city_is_meant_as_people_write_it_down(typed: str, first: str) -> None:
    assert described(meant(gazetteer, typed)[0]) == first


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("Lyon, France", "Lyon, FR"),
        ("Lyon,fr", "Lyon, FR"),
        ("Lyon, FRA", "Lyon, FR"),
        ("Lyon, Frankreich", "Lyon, FR"),
        ("Rom, Italien", "Rome, IT"),
        ("Rome, Ital", "Rome, IT"),
        ("Rome, Georgia", "Rome, Georgia, US"),
        ("Wien, Österreich", "Vienna, AT"),
        ("Budapest, Magyarország", "Budapest, HU"),
        ("Москва, Россия", "Moscow, RU"),
        ("Birmingham, UK", "Birmingham, GB"),
        ("Birmingham, England", "Birmingham, GB"),
        ("Birmingham, AL", "Birmingham, Alabama, US"),
        ("Paris, TX", "Paris, Texas, US"),
        ("paris, usa", "Paris, Texas, US"),
        ("Paris, Texas", "Paris, Texas, US"),
        ("Springfield, Ill", "Springfield, Illinois, US"),
        ("Washington, D.C.", "Washington, District of Columbia, US"),
        ("London, Ontario", "London, CA"),
        ("London, ON", "London, CA"),
        ("Newcastle, NSW", "Newcastle, AU"),
    ],
)
def test_what_stands_behind_the_comma_says_which_city_of_that_name(typed: str, first: str) -> None:
    assert described(meant(gazetteer, typed)[0]) == first


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("Paris TX", "Paris, Texas, US"),
        ("Paris (Texas)", "Paris, Texas, US"),
        ("Paris United States", "Paris, Texas, US"),
        ("Lyon FR", "Lyon, FR"),
        ("lyon frankreich", "Lyon, FR"),
        ("Munich Germany", "Munich, DE"),
        ("New York USA", "New York City, New York, US"),
        ("St Petersburg Florida", "St. Petersburg, Florida, US"),
    ],
)
def test_the_comma_may_be_left_out(typed: str, first: str) -> None:
    assert [described(city) for city in meant(gazetteer, typed)][:1] == [first]


def test_where_an_area_is_known_and_has_no_city_of_that_name_none_is_meant() -> None:
    """Enter takes the first answer: that was Paris in France for whoever wrote "Paris, Kentucky"."""
    assert meant(gazetteer, "Paris, Kentucky") == meant(gazetteer, "Lyon, Germany") == []
    assert described(meant(gazetteer, "Lyon, Rhône")[0]) == "Lyon, FR"  # an area that nobody knows is none


def test_both_saint_petersburgs_are_meant_and_no_text_breaks_it() -> None:
    for typed in ("St. Petersburg", "Saint Petersburg", "st peters"):
        found = {described(city) for city in meant(gazetteer, typed)}
        assert {"Saint Petersburg, RU", "St. Petersburg, Florida, US"} <= found
    for typed in ("", ",", ", France", "st ", "zzzzzz, France", "France", "\ud800,\ud800", "a " * 30, ",".join("abc")):
        assert len(meant(gazetteer, typed)) <= BEST


def test_a_file_of_countries_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"areas\.txt: no countries there"):
        areas_called("fr", tmp_path / "areas.txt")
