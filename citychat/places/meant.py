"""The city somebody means who types one down: with its country or state, or another spelling of a saint."""

from collections.abc import Iterable

from citychat.places.areas import areas_called
from citychat.places.gazetteer import BEST, SEARCH_MAX_CHARS, City, Gazetteer, fold

SAINTS = ("st", "saint", "sankt", "sint"), ("ste", "sainte")  # one may be written for another

AREA_WORDS = 4  # of an area's name: "united states of america"


def meant(gazetteer: Gazetteer, text: str) -> list[City]:
    """Cities that somebody may mean who types this, the likeliest first: what a search answers to it, then to the other
    spellings of a saint; of "Lyon, France" those that are just called Lyon, the ones there first, and none where the
    area is known and has no such city; "Paris TX" likewise where no name begins so; of a geonameid, as links have it,
    its city."""
    if known := gazetteer.city(text):
        return [known]
    name, comma, where = text[:SEARCH_MAX_CHARS].partition(",")
    if comma:
        return _there_first(gazetteer, fold(name), fold(where))
    words = fold(name).split()
    return _begun(gazetteer, " ".join(words)) or _before_an_area(gazetteer, words)


def _begun(gazetteer: Gazetteer, name: str) -> list[City]:
    return _once(city for spelled in _spellings(name) for city in gazetteer.search(spelled))[:BEST]


def _called(gazetteer: Gazetteer, name: str) -> list[City]:
    return _once(city for spelled in _spellings(name) for city in gazetteer.called(spelled))


def _there_first(gazetteer: Gazetteer, name: str, where: str) -> list[City]:
    cities = _called(gazetteer, name) or _begun(gazetteer, name)
    if not where:
        return cities
    areas = areas_called(where)
    there = [city for city in cities if city.lies_in(areas) or fold(city.region).startswith(where)]
    return _once([*there, *cities]) if there or not areas else []


def _before_an_area(gazetteer: Gazetteer, words: list[str]) -> list[City]:
    for end in range(len(words) - 1, max(0, len(words) - 1 - AREA_WORDS), -1):
        areas, name = areas_called(" ".join(words[end:])), " ".join(words[:end])
        cities = (_called(gazetteer, name) or _begun(gazetteer, name)) if areas else []
        there = [city for city in cities if city.lies_in(areas)]
        if there:
            return there
    return []


def _once(cities: Iterable[City]) -> list[City]:
    return list(dict.fromkeys(cities))


def _spellings(name: str) -> list[str]:
    """Return a folded name, and how else it may be spelled: "st gallen" is "sankt gallen" too."""
    first, space, rest = name.partition(" ")
    others = next((saints for saints in SAINTS if space and first in saints), ())
    return [name, *(f"{other} {rest}" for other in others if other != first)]
