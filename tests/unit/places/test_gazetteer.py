"""The gazetteer: which city is near a point, which metro area gives the pool, which cities a name means."""

import sys
import tracemalloc
from bisect import bisect_left, bisect_right
from heapq import nlargest
from math import acos, cos, radians, sin
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from citychat.places import City, Gazetteer, meant
from citychat.places.gazetteer import (
    BEST,
    EARTH_KM,
    FILE,
    INFLUENCE_MAX_KM,
    NEAREST_DEGREES,
    TOWN_PEOPLE,
    described,
    fold,
)
from citychat.rules import TOWNS_MAX

gazetteer = Gazetteer()


def km_between(a: City, b: City) -> float:
    lat, other = radians(a.lat), radians(b.lat)
    return EARTH_KM * acos(sin(lat) * sin(other) + cos(lat) * cos(other) * cos(radians(a.lon - b.lon)))


@pytest.mark.parametrize(
    ("point", "metro"),
    [
        ((51.5468, -0.2293), "London"),  # Willesden
        ((40.6501, -73.9496), "New York City"),  # Brooklyn
        ((48.8387, 2.3650), "Paris"),  # Salpêtrière
        ((28.6358, 77.2244), "Delhi"),  # New Delhi
        ((45.7500, 4.8500), "Lyon"),
    ],
)
def test_a_part_of_a_large_city_belongs_to_the_large_city(point: tuple[float, float], metro: str) -> None:
    around = gazetteer.around(*point)
    assert around and around.metro.name == metro


def test_a_city_that_no_larger_one_covers_stays_itself() -> None:
    around = gazetteer.around(45.8992, 6.1294)
    assert around and (around.nearest.name, around.metro.name) == ("Annecy", "Annecy")


@pytest.mark.parametrize("point", [(0, 0), (90, 0), (-90, 180), (89.5, -180), (45, -30)])
def test_the_poles_and_the_sea_have_no_city(point: tuple[float, float]) -> None:
    assert gazetteer.around(*point) is None


def test_the_date_line_divides_nothing() -> None:
    west, east = gazetteer.around(-17.0, 179.999), gazetteer.around(-17.0, -179.999)
    assert west and east
    assert west.nearest == east.nearest
    assert west.nearest_km == pytest.approx(east.nearest_km, abs=1)
    on_it = gazetteer.around(-17.0, 180), gazetteer.around(-17.0, -180)
    assert {around and around.metro for around in on_it} == {west.metro}


@pytest.mark.parametrize(
    ("point", "metro"),
    [
        ((22.2850, 114.1577), "Hong Kong"),  # 31 km from Shenzhen
        ((31.7619, -106.4850), "El Paso"),
        ((-4.2634, 15.2429), "Brazzaville"),
        ((46.1944, 6.2377), "Annemasse"),
    ],
)
def test_a_metro_area_ends_at_the_border(point: tuple[float, float], metro: str) -> None:
    around = gazetteer.around(*point)
    assert around and around.metro.name == metro


# The two below look at all 34,006 cities for each example.


@settings(max_examples=40)
@given(at=st.integers(0, len(gazetteer) - 1), north=st.floats(-2, 2), east=st.floats(-6, 6))
def test_every_point_gets_the_nearest_of_all_cities(at: int, north: float, east: float) -> None:
    lat, lon = CITIES[at].lat + north, (CITIES[at].lon + east + 180) % 360 - 180
    found = gazetteer.around(lat, lon)
    nearest_km = min(_great_circle_km(lat, lon, city) for city in CITIES)
    if found is None:
        assert nearest_km > NEAREST_DEGREES[-1] * 111
    else:
        assert found.nearest_km == pytest.approx(nearest_km, abs=0.2)


@settings(max_examples=30)
@given(at=st.integers(0, len(gazetteer) - 1), north=st.floats(-0.2, 0.2), east=st.floats(-0.2, 0.2))
def test_a_metro_area_is_the_most_populous_of_the_cities_that_reach_the_nearest_one(
    at: int, north: float, east: float
) -> None:
    found = gazetteer.around(CITIES[at].lat + north, CITIES[at].lon + east)
    assert found
    near = found.nearest
    reach = [
        city.population
        for city in CITIES
        if city.country == near.country
        and _great_circle_km(near.lat, near.lon, city) <= min(INFLUENCE_MAX_KM, 0.01 * city.population**0.5)
    ]
    assert found.metro.population == max(reach)


def test_the_town_of_a_point_is_the_nearest_of_15000_people_to_its_nearest_city() -> None:
    in_san_marino = gazetteer.around(43.9333, 12.45)
    assert in_san_marino and in_san_marino.town
    assert (in_san_marino.nearest.name, in_san_marino.town.name) == ("San Marino", "Rimini")
    on_the_falklands = gazetteer.around(-51.7, -57.85)
    assert on_the_falklands and (on_the_falklands.nearest.name, on_the_falklands.town) == ("Stanley", None)
    for city in CITIES[::5]:
        if city.population >= TOWN_PEOPLE:
            around = gazetteer.around(city.lat, city.lon)
            assert around and around.town == around.nearest


@pytest.mark.parametrize("lat", [60.0, 64.5, 69.0, 77.9])
def test_degrees_of_longitude_shrink_in_the_north(lat: float) -> None:
    for tenths in range(-1800, 1800, 75):
        found = gazetteer.around(lat, tenths / 10)
        nearest_km = min(_great_circle_km(lat, tenths / 10, city) for city in NORTHERN)
        assert (found.nearest_km if found else 400) == pytest.approx(nearest_km, abs=0.2) or nearest_km > 333


@pytest.mark.parametrize(
    ("typed", "city"),
    [
        ("lyo", "Lyon, FR"),
        ("MUNCH", "Munich, DE"),
        ("koln", "Köln, DE"),
        ("łódz", "Łódź, PL"),
        ("xi'an", "Xi’an, CN"),
        ("xian", "Xi’an, CN"),
        ("saint-den", "Saint-Denis, RE"),
        ("Москв", "Moscow, RU"),
        ("東京", "Tokyo, JP"),
        ("서", "Seoul, KR"),
        ("กรุง", "Bangkok, TH"),
        ("  new   york ", "New York City, New York, US"),
    ],
)
def test_a_city_is_found_by_how_people_write_it(typed: str, city: str) -> None:
    assert city in [described(found) for found in gazetteer.search(typed)[:2]]


def test_a_search_gives_at_most_ten_the_most_populous_first() -> None:
    found = gazetteer.search("san")
    assert len(found) == 10
    rest = [city.population for city in found if fold(city.name) != "san"]
    assert rest == sorted(rest, reverse=True)


def test_a_city_called_exactly_so_comes_before_larger_ones_that_begin_so() -> None:
    assert gazetteer.search("bo", 1)[0].name == "Bo"


def test_every_city_is_found_by_its_own_name() -> None:
    for place in gazetteer.search("s", 2_000):
        assert place in gazetteer.search(place.name, 60)


@pytest.mark.parametrize("typed", ["", "   ", "'", "zzzzzz", "x" * 100_000, "\ud800", "\x00", "%", "\U0010ffff"])
def test_a_name_that_no_city_has_finds_nothing(typed: str) -> None:
    assert gazetteer.search(typed) == []


@given(st.text())
def test_no_text_breaks_a_search_or_a_look_up(typed: str) -> None:
    assert len(gazetteer.search(typed)) <= 10
    gazetteer.city(typed)


KEYS = [gazetteer._keys[at].decode() for at in range(len(gazetteer._keys))]
STARTS = sorted({key[:end] for key in KEYS for end in range(1, min(len(key), 61))})


@given(start=st.sampled_from(STARTS), limit=st.sampled_from([1, 10, 11, 10_000]))
@example("s", 10)
@example("san", 10)
@example("santa", 11)
def test_a_search_answers_what_comparing_every_city_with_the_name_would(start: str, limit: int) -> None:
    assert gazetteer.search(start, limit) == compared(start, limit)


@pytest.mark.parametrize(
    "typed",
    ["s", "n", "po", "san", "santa", "victo", "st s", "s, x", "\ufdfa" * 60, "x in in in in", "a " * 30, "san us"],
)
def test_a_search_takes_few_steps_whatever_is_typed(typed: str) -> None:
    """A frame of 40 bytes must not hold everybody up."""
    steps = 0

    def step(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(step)
    try:
        meant(gazetteer, typed)
    finally:
        sys.setprofile(None)
    assert steps < 1_000


def test_no_start_of_a_name_has_many_cities_to_compare() -> None:
    """The rest have their best ten in the file."""
    starts = [fold(start) for start in STARTS[:: len(STARTS) // 20_000]]
    assert max(len(gazetteer._found(start)[0]) for start in starts if gazetteer._crowd(start) is None) <= BEST


def compared(start: str, limit: int) -> list[City]:
    """A search without anything kept for it."""
    prefix = fold(start)
    first = bisect_left(KEYS, prefix)
    found = set(gazetteer._found_at[first : bisect_left(KEYS, prefix + "\U0010ffff", first)])
    alike = set(gazetteer._found_at[first : bisect_right(KEYS, prefix, first)])

    def rank(at: int) -> tuple[bool, bool, int, int]:
        city = CITIES[at]
        own = fold(city.name)
        return own == prefix, own.startswith(prefix) or at in alike, city.population, -int(city.id)

    return [CITIES[at] for at in nlargest(limit, found, key=rank)]


def test_a_city_is_found_by_its_number() -> None:
    lyon = gazetteer.city("2996944")
    assert lyon and (lyon.name, lyon.country) == ("Lyon", "FR")


def test_a_city_is_shown_without_its_coordinates() -> None:
    (found,) = gazetteer.search("springfield", 1)
    assert found.shown() == {"id": "4409896", "name": "Springfield", "region": "Missouri", "country": "US"}


@pytest.mark.parametrize("id", ["", "0", "-1", "c2996944", "２９９６９４４", "9" * 5_000, "2996944.0"])
def test_a_number_that_no_city_has_finds_nothing(id: str) -> None:
    assert gazetteer.city(id) is None


@pytest.mark.parametrize("named", ["Lyon", "lyon,FR", "Lyon, fr", "2996944", " Lyon "])
def test_a_host_may_name_a_city_by_name_country_or_number(named: str) -> None:
    assert gazetteer.named(named).id == "2996944"


def test_a_host_may_name_a_city_by_its_region() -> None:
    assert gazetteer.named("Springfield, Illinois").id == "4250542"


def test_an_ambiguous_name_is_refused_with_its_candidates() -> None:
    with pytest.raises(ValueError, match=r"'Paris' could be .*2988507 is Paris, FR; 4717560 is Paris, Texas, US"):
        gazetteer.named("Paris")


def test_a_wrong_country_is_answered_with_the_right_ones() -> None:
    with pytest.raises(ValueError, match=r"2643743 is London, GB"):
        gazetteer.named("London, FR")


def test_an_unknown_name_is_refused_with_what_was_expected() -> None:
    with pytest.raises(ValueError, match=r"'Nowhereville' is not in the gazetteer; expected a city of 15,000"):
        gazetteer.named("Nowhereville")


@pytest.mark.parametrize("content", [None, b"", b"something else", b"CITIES2\nof before", b"CITIES3\n"])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "cities.bin"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=r"cities\.bin"):
        Gazetteer(file)


@pytest.mark.parametrize("left", [20, 80, 1_000, -1])
def test_a_file_that_was_cut_short_is_refused(tmp_path: Path, left: int) -> None:
    """What lies beyond its end would take the process down when it is looked at."""
    file = tmp_path / "cities.bin"
    file.write_bytes(FILE.read_bytes()[:left])
    with pytest.raises(ValueError, match=r"cities\.bin: damaged gazetteer"):
        Gazetteer(file)


def test_the_file_is_small_and_opening_it_reads_none_of_its_cities() -> None:
    assert FILE.stat().st_size < 3e6  # half of it in a package
    tracemalloc.start()
    opened = Gazetteer()
    taken_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(opened) > 30_000
    assert taken_bytes < 50_000


def _great_circle_km(lat: float, lon: float, city: City) -> float:
    """Another formula than the gazetteer's."""
    a, b = radians(lat), radians(city.lat)
    return EARTH_KM * acos(min(1.0, sin(a) * sin(b) + cos(a) * cos(b) * cos(radians(lon - city.lon))))


CITIES = [city for id in gazetteer._ids if (city := gazetteer.city(str(id)))]
NORTHERN = [city for city in CITIES if city.lat > 55]


@pytest.mark.parametrize(("typed", "first"), [("Ly", "Lyon"), ("Wien", "Vienna"), ("münch", "Munich"), ("bo", "Bo")])
def test_a_city_s_own_name_comes_before_what_others_were_once_called(typed: str, first: str) -> None:
    assert Gazetteer().search(typed)[0].name == first


def test_towns_nearby_are_the_nearest_within_50_km_and_pools_of_somebody() -> None:
    lyon = gazetteer.named("Lyon, FR")
    towns = [gazetteer.city(id) for id in gazetteer.towns_near(lyon.id)]
    away = [km_between(lyon, town) for town in towns if town]
    assert away == sorted(away) and away[0] > 0 and 40 < away[-1] <= 50.1
    assert {"Vienne", "Givors", "Saint-Étienne"} <= {town.name for town in towns if town}
    assert "Villeurbanne" not in {town.name for town in towns if town}, "a part of Lyon's pool"
    assert lyon.id in gazetteer.towns_near(next(town.id for town in towns if town and town.name == "Vienne"))


def test_of_many_towns_nearby_there_are_thirty_and_of_an_unknown_city_none() -> None:
    assert len(gazetteer.towns_near(gazetteer.named("Tokyo").id)) == TOWNS_MAX
    assert gazetteer.towns_near("1") == gazetteer.towns_near("no number") == ()


def test_towns_nearby_lie_over_the_date_line_and_a_border() -> None:
    geneva = gazetteer.named("Geneva, CH")
    assert "FR" in {city.country for city in map(gazetteer.city, gazetteer.towns_near(geneva.id)) if city}
