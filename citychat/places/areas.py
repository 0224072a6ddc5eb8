"""The countries and states of cities by their names: what stands behind the comma of "Paris, TX", "Lyon, Frankreich".

``build_gazetteer.py`` makes the file: a line for each name as ``gazetteer.fold`` leaves it, sorted, a tab, and what is
called so: "FR", or "US/Texas". Names are those of CLDR in the page's languages and in each country's first one.
"""

from bisect import bisect_left
from functools import cache
from pathlib import Path

AREAS = Path(__file__).parents[1] / "data" / "areas.txt"
STARTS_FROM = 3  # so many letters of a name are a beginning of it; fewer are a code


def areas_called(folded: str, file: Path = AREAS) -> frozenset[str]:
    """Return the areas of that name or code, else those whose name begins so; empty when there is none. Raises
    ValueError where the file is missing."""
    names, areas = _read(file)
    row = bisect_left(names, folded)
    if row < len(names) and names[row] == folded:
        return areas[row]
    found = set[str]()
    while len(folded) >= STARTS_FROM and row < len(names) and names[row].startswith(folded):
        found |= areas[row]
        row += 1
    return frozenset(found)


@cache
def _read(file: Path) -> tuple[list[str], list[frozenset[str]]]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"{file}: no countries there ({error.strerror}); expected those made at build") from error
    rows = [line.partition("\t") for line in lines]
    return [name for name, _, _ in rows], [frozenset(areas.split("\t")) for _, _, areas in rows]
