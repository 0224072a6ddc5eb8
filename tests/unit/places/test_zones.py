"""The time zone of each city of the gazetteer."""

from pathlib import Path

import pytest

from citychat.hours import zone_named
from citychat.places import Gazetteer, zone_of
from citychat.places.zones import ZONES


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Lyon, FR", "Europe/Paris"),
        ("New York City", "America/New_York"),
        ("Kathmandu", "Asia/Kathmandu"),
        ("Honolulu", "Pacific/Honolulu"),
    ],
)
def test_a_city_has_the_zone_of_its_place(name: str, zone: str) -> None:
    assert zone_of(Gazetteer().named(name).id) == zone


def test_every_zone_of_the_file_is_one_that_the_machine_knows() -> None:
    names = ZONES.read_bytes().rsplit(b"Africa/Abidjan", 1)[1].decode().split("\n")
    assert len(names) > 300
    for name in filter(None, names):
        zone_named(name)


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "no time zones there"), (b"else", "no time zones; expected"), (b"cut", "damaged")]
)
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, content: bytes | None, problem: str) -> None:
    file = tmp_path / "zones.bin"
    if content is not None:
        file.write_bytes(ZONES.read_bytes()[:-5] if content == b"cut" else content)
    with pytest.raises(ValueError, match=problem) as caught:
        zone_of("2996944", file)
    assert str(file) in str(caught.value)


def test_a_city_that_is_not_in_it_is_named() -> None:
    with pytest.raises(ValueError, match="no time zone of the city 1"):
        zone_of("1")
