"""The accent colour in both themes of the page, refused where it could not be read.

No colour has 4.5:1 (WCAG 2.2, 1.4.3) on a light and on a dark page at once, so each theme has a shade: the dark one is
made of the light one, or is the second that the host has named.
"""

import re
from typing import NamedTuple

RATIO_MIN = 4.5
DERIVED_RATIO = 7.0  # of a dark theme's shade that we make: as easy on the eye as the built-in one
COLOUR = re.compile(r"#[0-9a-f]{6}")
WHITE, BLACK = "#ffffff", "#000000"

Accent = tuple[str, ...]
"""Nothing, the light theme's shade, or both themes' shades; written #rrggbb."""


class Theme(NamedTuple):
    """Those tokens of static/style/tokens.css that an accent is drawn on, or that are drawn on it."""

    word: str
    paper: str
    card: str
    label: str
    """Words on a button in the accent colour."""
    towards: str
    """Where a button's shade goes under the pointer, away from its label."""
    remedy: str


LIGHT = Theme("light", "#f6f3ec", "#fffdf8", "#fffaf2", BLACK, "a darker one")
DARK = Theme("dark", "#12151d", "#1a1e29", "#1d1408", WHITE, "a lighter one, as the second of two")


def accent(value: object) -> Accent:
    """Read the setting: one colour, or two with a comma between. Raises ValueError with what was expected."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) > 2 or not all(isinstance(part, str) for part in parts):
        raise ValueError("a colour such as #0b6e4f, or two: for the light theme, and for the dark")
    colours = tuple(part.strip().lower() for part in parts if part.strip())
    for colour, theme in zip(colours, (LIGHT, DARK), strict=False):
        if not COLOUR.fullmatch(colour):
            raise ValueError("a colour written #rrggbb, such as #0b6e4f, or two with a comma between")
        ratio, where = _worst(colour, theme)
        if ratio < RATIO_MIN:
            raise ValueError(
                f"a colour that can be read: {colour} has {_shown(ratio)}:1 {where} of the {theme.word} theme, "
                f"less than {RATIO_MIN}:1; take {theme.remedy}"
            )
    return colours


def sheet(colours: Accent) -> str:
    """Return the style sheet that puts ``colours`` over the built-in tokens."""
    light, dark = shades(colours)
    in_the_dark = f"@media (prefers-color-scheme: dark) {{\n{_rule(dark, DARK)}}}\n"
    return _rule(light, LIGHT) + in_the_dark


def shades(colours: Accent) -> tuple[str, str]:
    """Return the shade of the light theme and that of the dark one."""
    light, *named = colours
    return light, named[0] if named else _lightened(light)


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours written #rrggbb."""
    dark, light = sorted(_luminance(colour) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """Return ``one`` with this share of ``other`` in it."""
    pairs = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _lightened(colour: str) -> str:
    steps = (mixed(colour, WHITE, share / 20) for share in range(21))
    return next(shade for shade in steps if _worst(shade, DARK)[0] >= DERIVED_RATIO)


def _worst(colour: str, theme: Theme) -> tuple[float, str]:
    """The lowest ratio that the colour has in a theme, and where."""
    places = {"on the page": theme.paper, "on a card": theme.card, "under a button's label": theme.label}
    return min((contrast(colour, other), where) for where, other in places.items())


def _shown(ratio: float) -> str:
    """Cut, not rounded: 4.46 is not 4.5."""
    return f"{int(ratio * 10) / 10}"


def _rule(shade: str, theme: Theme) -> str:
    hover, tint = mixed(shade, theme.towards, 0.15), mixed(theme.card, shade, 0.14)
    return (
        f":root {{ --lamp: {shade}; --lamp-deep: {hover}; --lamp-ink: {theme.label}; --lamp-tint: {tint}; "
        f"--yours: {shade}; }}\n"
    )


def _parts(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _luminance(colour: str) -> float:
    parts = (part / 255 for part in _parts(colour))
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
