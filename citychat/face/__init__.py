"""A site's own face: its name, its accent colour, its logo."""

from citychat.face.colours import LIGHT, Accent, accent, sheet
from citychat.face.face import DEFAULT_NAME, Face, name
from citychat.face.logo import FILE, MAX_BYTES, BadLogo, sanitised

__all__ = [
    "DEFAULT_NAME",
    "FILE",
    "LIGHT",
    "MAX_BYTES",
    "Accent",
    "BadLogo",
    "Face",
    "accent",
    "name",
    "sanitised",
    "sheet",
]
