"""The parts of the page's looks that are the host's."""

from typing import NamedTuple

from citychat.face.colours import Accent

DEFAULT_NAME = "CityChat"
NAME_MAX = 30  # beside the sign and the city, in the bar of the narrowest phone


class Face(NamedTuple):
    """Name, accent and logo of a site; the logo is an SVG that ``sanitised`` has written."""

    name: str = DEFAULT_NAME
    accent: Accent = ()
    logo: bytes | None = None


def name(value: object) -> str:
    """Read the setting. Raises ValueError with what was expected."""
    if isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= NAME_MAX:
        return value.strip()
    raise ValueError(f"a name of 1 to {NAME_MAX} signs in one line")
