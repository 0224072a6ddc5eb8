"""The time zone of a city, from a file beside the gazetteer's: only a host who has hours needs one.

``build_gazetteer.py`` makes it. All little-endian: eight bytes of magic, how many cities there are and how long the
names are (uint32), the cities' geonameids in order (uint32), each one's zone (uint16), and the names, a line each.
"""

import struct
from array import array
from bisect import bisect_left
from pathlib import Path
from sys import byteorder

ZONES = Path(__file__).parents[1] / "data" / "zones.bin"
ZONES_MAGIC = b"ZONES1\n\n"
HEAD_BYTES = len(ZONES_MAGIC) + 8


def zone_of(city: str, file: Path = ZONES) -> str:
    """Return the name of the zone of a geonameid. Raises ValueError where the file, or the city in it, is missing."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file}: no time zones there ({error.strerror}); expected those made at build") from error
    if not content.startswith(ZONES_MAGIC) or len(content) < HEAD_BYTES:
        raise ValueError(f"{file}: no time zones; expected it to begin with {ZONES_MAGIC!r}")
    cities, told = struct.unpack_from("<II", content, len(ZONES_MAGIC))
    if len(content) != HEAD_BYTES + 6 * cities + told:
        raise ValueError(f"{file}: damaged time zones ({len(content)} bytes long)")
    ids = _numbers("I", content[HEAD_BYTES : HEAD_BYTES + 4 * cities])
    row = bisect_left(ids, int(city))
    if row == cities or ids[row] != int(city):
        raise ValueError(f"{file}: no time zone of the city {city}")
    number: int = struct.unpack_from("<H", content, HEAD_BYTES + 4 * cities + 2 * row)[0]
    names: list[str] = content[-told:].decode().split("\n")
    return names[number]


def _numbers(typecode: str, column: bytes) -> "array[int]":
    numbers = array(typecode, column)
    if byteorder == "big":
        numbers.byteswap()
    return numbers
