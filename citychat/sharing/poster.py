"""``citychat poster``: a page to print and to hang up, with the site's name, its hours and a QR code."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from citychat.face import Face
from citychat.hours import DAYS, Hours, Weekly
from citychat.languages import Words, direction, languages, words
from citychat.places import City
from citychat.setting_types import origin
from citychat.sharing.badge import ACCENT
from citychat.sharing.link import link_to
from citychat.sharing.qr import qr_svg

TEMPLATES = Path(__file__).parents[1] / "templates"
USAGE = "usage: citychat poster [https://chat.example] [LANGUAGE] >poster.html"


def main(
    asked: Sequence[str],
    *,
    origins: Sequence[str],
    face: Face,
    hours: Hours,
    city: City | None,
    out: TextIO,
    errors: TextIO,
) -> int:
    """Write the page to ``out``; the exit status. ``asked``: address and language, where they are given."""
    addresses, others = [word for word in asked if "://" in word], [word for word in asked if "://" not in word]
    language = others[0] if others else "en"
    if len(addresses) > 1 or len(others) > 1:
        print(USAGE, file=errors)
        return 2
    if language not in languages():
        print(f"citychat: {language} is no language: expected one of {', '.join(languages())}", file=errors)
        return 2
    try:
        address = origin((addresses or [*origins, ""])[0])
    except ValueError:
        print(f"citychat: which address is the poster for? {USAGE}, or --origins", file=errors)
        return 2
    print(page(address, language, face, hours, city), file=out)
    return 0


def page(address: str, language: str, face: Face, hours: Hours, city: City | None) -> str:
    """Return the page: one file, which asks nobody for anything."""
    said = words(language)
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    logo = base64.b64encode(face.logo).decode() if face.logo else ""
    return jinja.get_template("poster.html").render(
        words=said.plain,
        language=language,
        direction=direction(language),
        title=said("poster.title", city=city.name) if city else said("arrive.title"),
        name=face.name,
        accent=face.accent[0] if face.accent else ACCENT,
        logo=f"data:image/svg+xml;base64,{logo}" if logo else "",
        hours=[_written(one, said) for one in hours.meeting],
        hours_of=said("poster.hours", city=hours.called()),
        code=Markup(qr_svg(link_to(address, city)).decode()),
        address=address.partition("://")[2],
    )


def _written(one: Weekly, said: Words) -> tuple[str, str]:
    """The day, and the hours as they are written in the settings."""
    day = said("poster.daily" if one.day is None else f"week.{DAYS[one.day]}")
    return day, str(one).rpartition(" ")[2].replace("-", "–")
