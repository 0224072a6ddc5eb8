"""The gazetteer's file, mapped into memory: a number or a text is read where it is, when it is asked for.

All little-endian: eight bytes of magic, the sizes of the columns (uint32), then the columns, each from a multiple of
four bytes on. First the columns of numbers, in the order of ``Columns`` and of the types of ``TYPES``; then the texts,
each of two columns: where in the file it begins, and after the last one ends (uint32), and all of them in UTF-8, whose
bytes sort as its letters do.

Opening reads none of it, and processes of one machine share what they have read. The file may be replaced by renaming
another one over it, as an installation does; one cut short in place would take the process down with it.
"""

import mmap
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

MAGIC = b"CITIES3\n"
TYPES = "IiiIHHHH"
TEXTS = 3
SIZES = len(TYPES) + 2 * TEXTS
ALIGNED_BYTES = 4


class Texts:
    """Texts of the file, to be looked at as bytes."""

    def __init__(self, file: mmap.mmap, starts: Sequence[int]) -> None:
        self._file, self._starts = file, starts

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, at: int) -> bytes:
        starts = self._starts
        return self._file[starts[at] : starts[at + 1]]


class Columns(NamedTuple):
    """The file's columns.

    Per city, in bands of half a degree from south to north and in each from west to east: ``ids`` (geonameid), ``lats``
    and ``lons`` (thousandths of a degree), ``people`` (hundreds), ``told`` (name, region and country, a line each).
    ``by_id``: the cities by their geonameid. ``bands``: the first city of each band from the south pole's on, and after
    the last band the end. ``keys``: the folded names that a city is found by, sorted, and ``found_at`` each one's city.
    ``crowded``: the starts of a name that more than ten cities share, sorted, and ``best`` each one's best ten.
    """

    ids: Sequence[int]
    lats: Sequence[int]
    lons: Sequence[int]
    people: Sequence[int]
    by_id: Sequence[int]
    bands: Sequence[int]
    found_at: Sequence[int]
    best: Sequence[int]
    told: Texts
    keys: Texts
    crowded: Texts


def mapped(file: Path) -> Columns:
    """Open the file. Raises ValueError naming it when it is missing or not a whole gazetteer."""
    try:
        with file.open("rb") as opened:
            begun = opened.read(len(MAGIC))
            content = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) if begun else None
    except OSError as error:
        raise ValueError(f"{file}: no gazetteer there ({error.strerror}); expected the one made at build") from error
    if content is None or begun != MAGIC:
        raise ValueError(f"{file}: not a gazetteer; expected it to begin with {MAGIC!r}")
    begins, sizes = _places(content)
    if begins[-1] != len(content):
        raise ValueError(f"{file}: damaged gazetteer ({len(content)} bytes long, expected {begins[-1]})")
    parts = [slice(begin, begin + size) for begin, size in zip(begins, sizes, strict=False)]
    numbers = [_numbers(typecode, content, part) for typecode, part in zip(TYPES, parts, strict=False)]
    ids, lats, lons, people, by_id, bands, found_at, best = numbers
    starts = (_numbers("I", content, parts[at]) for at in range(len(TYPES), SIZES, 2))
    told, keys, crowded = (Texts(content, column) for column in starts)
    return Columns(ids, lats, lons, people, by_id, bands, found_at, best, told, keys, crowded)


def _places(content: mmap.mmap) -> tuple[list[int], Sequence[int]]:
    """The beginnings of the columns and, last, of what should be the file's end; their sizes."""
    begin = len(MAGIC) + 4 * SIZES
    sizes = _numbers("I", content, slice(len(MAGIC), min(begin, len(content) // 4 * 4)))
    begins = [begin]
    for size in sizes:
        begins.append(begins[-1] + size + -size % ALIGNED_BYTES)
    return begins, sizes


def _numbers(typecode: str, content: mmap.mmap, part: slice) -> Sequence[int]:
    if sys.byteorder == "big":
        numbers = array(typecode, content[part])
        numbers.byteswap()
        return numbers
    return memoryview(content)[part].cast(typecode)  # type: ignore[call-overload, no-any-return]
