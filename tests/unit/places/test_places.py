"""Where a guest is: the rules of the product page's Location row, first line that answers wins."""

import json
from math import cos, inf, nan, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citychat.model import District, Place
from citychat.networks import own_network
from citychat.places import Gazetteer, IpLocation, Places, Position, position
from citychat.places.gazetteer import TOWN_PEOPLE
from citychat.places.places import NETWORK_KEY, district_of

LYON, PARIS, TOKYO, LONDON, GENEVA = "c2996944", "c2988507", "c1850147", "c2643743", "c2660646"
OWN = ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.7.7",
       "fe80::1", "fe80::1%eth0", "fd12::1", "100.64.0.1", "100.127.255.255", "::ffff:192.168.1.1"]  # fmt: skip
PUBLIC = ["8.8.8.8", "172.32.0.1", "172.15.0.1", "192.169.0.1", "100.63.0.1", "100.128.0.1", "11.0.0.1", "2001:db8::1",
          "203.0.113.77", "::ffff:8.8.8.8"]  # fmt: skip
FRENCH, JAPANESE, NOWHERE, NO_CITY = "203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"
RECORDS = {
    FRENCH: IpLocation("FR", "Lyon", (45.76, 4.84)),
    JAPANESE: IpLocation("JP", "Chiyoda", (35.69, 139.77)),
    NO_CITY: IpLocation("FR", "", None),
}

gazetteer = Gazetteer()
places = Places(gazetteer, RECORDS.get)
at_home = Places(gazetteer, RECORDS.get, gazetteer.named("Lyon"))


def seen(lat: float, lon: float, accuracy: float = 50) -> Position:
    found = position({"lat": lat, "lon": lon, "accuracy": accuracy})
    assert found
    return found


IN_PARIS, IN_TOKYO = seen(48.85, 2.35), seen(35.68, 139.69)


def key(place: Place | None) -> str | None:
    return place.key if place else None


# On the host's own network


@pytest.mark.parametrize("address", OWN)
def test_the_own_network_is_one_pool_whatever_the_browser_says(address: str) -> None:
    assert own_network(address)
    for said in (None, IN_PARIS, IN_TOKYO):
        placed = places.place(address, position=said, chosen="2988507")
        assert placed and (placed.key, placed.city, placed.source) == (NETWORK_KEY, "This network", "network")


@pytest.mark.parametrize("address", OWN)
def test_the_own_network_is_the_city_the_host_named(address: str) -> None:
    placed = at_home.place(address, position=IN_TOKYO)
    assert placed and (placed.key, placed.city, placed.country, placed.source) == (LYON, "Lyon", "FR", "home")


def test_a_part_of_a_city_named_by_the_host_is_the_whole_citys_pool() -> None:
    brooklyn = Places(gazetteer, RECORDS.get, gazetteer.named("Brooklyn, New York"))
    placed = brooklyn.place("127.0.0.1")
    assert placed and placed.city == "New York City"


def test_on_the_own_network_a_position_only_ranks() -> None:
    placed = places.place("10.0.0.1", position=IN_PARIS)
    assert placed and placed.district == district_of(48.85341, 2.3488)
    later = places.place("10.0.0.1", kept=placed)
    assert later == placed


def test_on_the_own_network_a_vague_position_does_not_even_rank() -> None:
    assert places.place("10.0.0.1", position=seen(48.85, 2.35, 20_001)) == places.place("10.0.0.1")


def test_a_guest_who_comes_home_leaves_the_district_of_elsewhere_behind() -> None:
    abroad = places.place(JAPANESE, position=IN_TOKYO)
    assert at_home.place("10.0.0.1", kept=abroad) == at_home.place("10.0.0.1")


# From a public address


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_never_enters_the_pool_of_the_own_network(address: str) -> None:
    assert not own_network(address)
    for host in (places, at_home):
        for before in (host.place("127.0.0.1"), host.place("127.0.0.1", position=IN_PARIS)):
            assert host.place(address, kept=before) is None
    assert key(at_home.place(FRENCH, kept=places.place("127.0.0.1", position=IN_PARIS))) == LYON


def test_a_choice_comes_before_position_and_address() -> None:
    placed = places.place(FRENCH, position=IN_PARIS, chosen="2643743")
    assert placed and (placed.key, placed.city, placed.country, placed.source) == (LONDON, "London", "GB", "chosen")


def test_a_position_comes_before_the_address() -> None:
    placed = places.place(FRENCH, position=IN_PARIS)
    assert placed and (placed.key, placed.source, placed.district) == (PARIS, "position", district_of(48.85341, 2.3488))


def test_the_address_answers_where_nothing_else_does() -> None:
    placed = places.place(FRENCH)
    assert placed and (placed.key, placed.source) == (LYON, "ip")


def test_all_sources_give_one_key() -> None:
    by_address, chosen = places.place(FRENCH), places.place(FRENCH, chosen="2996944")
    by_position = places.place(FRENCH, position=seen(45.75, 4.85))
    assert key(by_address) == key(chosen) == key(by_position) == key(at_home.place("::1")) == LYON


def test_a_position_in_tokyo_from_a_french_address_is_not_believed() -> None:
    assert key(places.place(FRENCH, position=IN_TOKYO)) == LYON
    assert key(places.place(JAPANESE, position=IN_TOKYO)) == TOKYO
    assert places.place(NO_CITY, position=IN_TOKYO) is None


def test_a_position_beside_a_border_is_of_its_own_side() -> None:
    border = Places(
        gazetteer, {"203.0.113.8": IpLocation("US", "", None), "203.0.113.9": IpLocation("MX", "", None)}.get
    )
    el_paso = seen(31.7619, -106.4850)
    placed = border.place("203.0.113.8", position=el_paso)
    assert placed and (placed.city, placed.country) == ("El Paso", "US")
    assert border.place("203.0.113.9", position=el_paso) is None


def test_a_position_is_believed_where_the_address_has_no_country() -> None:
    assert key(places.place(NOWHERE, position=IN_TOKYO)) == TOKYO
    assert key(places.place("not an address", position=IN_TOKYO)) == TOKYO


def test_a_position_is_believed_up_to_20_km() -> None:
    assert key(places.place(FRENCH, position=seen(48.85, 2.35, 20_000))) == PARIS
    assert key(places.place(FRENCH, position=seen(48.85, 2.35, 20_001))) == LYON


def test_a_position_at_sea_is_nowhere() -> None:
    assert places.place(NOWHERE, position=seen(0, 0)) is None
    assert key(places.place(FRENCH, position=seen(0, 0))) == LYON


def test_a_country_without_a_city_makes_the_page_ask() -> None:
    assert places.place(NO_CITY) is None
    assert places.place(NOWHERE) is None


def test_a_city_that_is_not_in_the_gazetteer_cannot_be_chosen() -> None:
    with pytest.raises(ValueError, match="no such city"):
        places.place(FRENCH, chosen="1")


# What is kept from before


def test_a_place_by_position_is_kept_until_another_position_comes() -> None:
    before = places.place(FRENCH, position=IN_PARIS)
    assert places.place(FRENCH, kept=before) == before
    assert key(places.place(FRENCH, kept=before, position=seen(45.75, 4.85))) == LYON


def test_a_kept_position_is_dropped_when_the_address_is_of_another_country() -> None:
    before = places.place(FRENCH, position=IN_PARIS)
    assert key(places.place(JAPANESE, kept=before)) == TOKYO
    assert places.place(NOWHERE, kept=before) == before


def test_a_kept_position_beside_a_border_stays_in_its_country() -> None:
    swiss = Places(gazetteer, {"203.0.113.9": IpLocation("CH", "", None)}.get)
    before = swiss.place("203.0.113.9", position=seen(46.2, 6.15))
    assert key(before) == GENEVA
    assert swiss.place("203.0.113.9", kept=before) == before


def test_a_kept_choice_is_not_undone_by_the_position_of_the_next_join() -> None:
    before = places.place(FRENCH, chosen="2643743")
    assert places.place(FRENCH, kept=before) == before
    assert places.place(FRENCH, kept=before, position=IN_PARIS) == before
    assert places.place(JAPANESE, kept=before) == before


def test_a_kept_place_by_address_follows_the_address() -> None:
    before = places.place(FRENCH)
    assert key(places.place(JAPANESE, kept=before)) == TOKYO
    assert places.place(NOWHERE, kept=before) is None


def test_a_kept_choice_that_left_the_gazetteer_is_dropped() -> None:
    gone = Place("c1", "Atlantis", "XX", "chosen", District(0, 0))
    assert key(places.place(FRENCH, kept=gone)) == LYON


# Positions and districts


@pytest.mark.parametrize(
    "raw",
    [
        None, 1, "48,2", [], [48, 2, 5], {}, {"lat": 48.0, "lon": 2.0},
        {"lat": nan, "lon": 2, "accuracy": 5}, {"lat": 48, "lon": inf, "accuracy": 5},
        {"lat": 48, "lon": 2, "accuracy": nan}, {"lat": 48, "lon": 2, "accuracy": inf},
        {"lat": 48, "lon": 2, "accuracy": -1}, {"lat": 90.1, "lon": 2, "accuracy": 5},
        {"lat": -90.1, "lon": 2, "accuracy": 5}, {"lat": 48, "lon": 180.1, "accuracy": 5},
        {"lat": True, "lon": 2, "accuracy": 5}, {"lat": 48, "lon": False, "accuracy": 5},
        {"lat": 48, "lon": 2, "accuracy": True}, {"lat": "48", "lon": 2, "accuracy": 5},
        {"lat": 10**400, "lon": 2, "accuracy": 5}, {"lat": 48, "lon": 2, "accuracy": 10**400},
        {"lat": None, "lon": None, "accuracy": None}, {"lat": 1j, "lon": 2, "accuracy": 5},
    ],
)  # fmt: skip
def test_what_is_out_of_range_or_not_a_number_is_no_position(raw: object) -> None:
    assert position(raw) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["lat", "lon", "accuracy", "x"]), inner),
    max_leaves=8,
)


@given(JSON)
def test_nothing_a_page_can_send_breaks_the_reading_of_a_position(raw: object) -> None:
    found = position(raw)
    assert found is None or (-90 <= found.lat <= 90 and -180 <= found.lon <= 180)


@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180), accuracy=st.floats(0, 1_000_000))
def test_of_every_point_of_the_globe_nothing_finer_than_the_district_of_its_city_is_kept(
    lat: float, lon: float, accuracy: float
) -> None:
    found = position(json.loads(json.dumps({"lat": lat, "lon": lon, "accuracy": accuracy})))
    assert found
    placed, around = places.place(NOWHERE, position=found), gazetteer.around(lat, lon)
    if placed is None or around is None:
        assert around is None or accuracy > 5_000
    else:
        assert placed == places.place(NOWHERE, position=seen(around.nearest.lat, around.nearest.lon))


def test_a_homestead_is_in_the_district_of_its_town() -> None:
    town = places.place(NOWHERE, position=seen(-23.7, 133.88))
    for lat, lon in ((-22.9, 133.1), (-24.9, 135.4), (-25.2, 131.9)):
        assert places.place(NOWHERE, position=seen(lat, lon)) == town


def test_a_district_is_a_square_of_10_km_and_has_15000_people() -> None:
    """Those of a town, all of whom are in one pool and district. A capital may be smaller."""
    squares: dict[tuple[str, District], int] = {}
    cities = [gazetteer._city(at) for at in range(len(gazetteer))]
    of_towns = {district_of(city.lat, city.lon) for city in cities if city.population >= TOWN_PEOPLE}
    of_towns.add(District(0, 0))  # of who is near none
    for city in cities[::4]:
        placed = places.place("", chosen=city.id)
        assert placed
        assert placed.district in of_towns, "of a village it is that of its town"
        if city.population >= TOWN_PEOPLE:
            assert placed.district == district_of(city.lat, city.lon)
            lat, lon = (found / 100 for found in placed.district)
            along = abs((lon - city.lon + 180) % 360 - 180)
            assert abs(lat - city.lat) * 111.2 <= 6 and along * 111.2 * cos(radians(city.lat)) <= 6
            squares[placed.key, placed.district] = squares.get((placed.key, placed.district), 0) + city.population
    assert min(squares.values()) >= TOWN_PEOPLE
    assert len({district for _, district in squares}) > 5_000


def test_a_kept_place_without_a_district_gets_that_of_its_city() -> None:
    """An earlier version kept a finer square, which is gone."""
    for source in ("position", "chosen"):
        placed = places.place(FRENCH, kept=Place(LYON, "Lyon", "FR", source))
        assert placed == Place(LYON, "Lyon", "FR", source, district_of(45.74846, 4.84671))


def test_a_kept_position_counts_where_the_address_is_of_that_country() -> None:
    kept = places.place(NOWHERE, position=IN_PARIS)
    assert kept and places.place(FRENCH, kept=kept) == places.place(NOWHERE, kept=kept) == kept
    assert key(places.place(JAPANESE, kept=kept)) == TOKYO


def test_poles_and_date_line_have_districts() -> None:
    assert district_of(90, 0).lat == district_of(89.999, 0).lat == 8_996
    assert district_of(-90, 0).lat == -8_996
    assert district_of(0, 180) == district_of(0, -180) == District(4, -17_995)
