"""The badge: a picture for other pages that says whether people are here, and when they meet.

Everybody may ask for it, so it must not tell of anybody. It counts all guests of the server, not those of a city; few
are five or more, so that less is the same as nobody; and it looks every ten minutes only, so that nobody's coming or
going is seen by it. A guest who joins is told no less by the page itself.
"""

from asyncio import Lock
from collections.abc import Awaitable, Callable
from typing import Literal
from xml.sax.saxutils import escape

from citychat.face import Face
from citychat.hours import Hours
from citychat.languages import Words

FEW, MANY = 5, 20
LOOK_S = 600.0
WIDTH, HEIGHT, MARGIN, TEXT_AT = 340, 92, 20, 68
SIGN = "M2 9.5 7 7v15H2zM9 5l6-3v20H9zM17 11h5v11h-5z"
LAMP = "M11 8h2v3h-2z"
PAPER, LINE, INK, SOFT, WALL, ACCENT = "#fffdf8", "#e2dccd", "#1f2433", "#5d6375", "#5d6375", "#b4530a"
LETTER = 0.58  # of its size: about how wide a letter of these fonts is
Level = Literal["none", "few", "many"]


class Crowd:
    """Says in a word how many are here. ``ask`` counts them."""

    def __init__(self, ask: Callable[[], Awaitable[int]], now_s: Callable[[], float]) -> None:
        self._ask, self._now_s = ask, now_s
        self._level: Level = "none"
        self._looked_s: float | None = None
        self._turn = Lock()

    async def level(self) -> Level:
        async with self._turn:
            if self._looked_s is None or self._now_s() - self._looked_s >= LOOK_S:
                self._looked_s = self._now_s()
                here = await self._ask()
                self._level = "none" if here < FEW else "few" if here < MANY else "many"
            return self._level


def badge(face: Face, words: Words, level: Level, hours: Hours, now_ms: int) -> bytes:
    """Return the picture, in the language of ``words``."""
    direction = words.language.direction
    accent = face.accent[0] if face.accent else ACCENT
    lines = [
        _line(face.name, 32, 18, INK, "700", direction),
        _line(words(f"badge.{level}"), 54, 14, SOFT if level == "none" else accent, "600", direction),
        _line(next_hour(words, hours, now_ms), 74, 13, SOFT, "400", direction),
    ]
    x = MARGIN if direction == "ltr" else WIDTH - MARGIN - 36
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" direction="{direction}" font-family="system-ui, sans-serif">'
        f"<title>{escape(face.name)}: {escape(words(f'badge.{level}'))}</title>"
        f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="14" fill="{PAPER}" stroke="{LINE}"/>'
        f'<g transform="translate({x} 26) scale(1.5)"><path fill="{WALL}" d="{SIGN}"/>'
        f'<path fill="#f2a63b" d="{LAMP}"/></g>{"".join(lines)}</svg>'
    ).encode()


def next_hour(words: Words, hours: Hours, now_ms: int) -> str:
    """The meeting hour that runs, or the next one, by the city's clock; else what this is about."""
    span = hours.next_meeting(now_ms)
    if span is None:
        return words("about")
    end, city = hours.clock(span.end), hours.called()
    if span.begin <= now_ms:
        return words("badge.now", end=end, city=city)
    day, begin = words(f"week.{hours.day(span.begin)}"), hours.clock(span.begin)
    return words("badge.next", day=day, begin=begin, end=end, city=city)


def _line(text: str, y: int, size: int, colour: str, weight: str, direction: str) -> str:
    room = WIDTH - TEXT_AT - MARGIN
    narrow = f' textLength="{room}" lengthAdjust="spacingAndGlyphs"' if len(text) * size * LETTER > room else ""
    x = TEXT_AT if direction == "ltr" else WIDTH - TEXT_AT
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}"{narrow}>{escape(text)}</text>'
    )
