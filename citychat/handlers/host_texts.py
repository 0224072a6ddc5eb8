"""Words of the host on the pages: texts without markup of their own, and how to reach the host."""

import re
from collections.abc import Callable
from pathlib import Path

from markupsafe import Markup

from citychat.catalogue import blocks

TEMPLATES = Path(__file__).parents[1] / "templates"


def built_in(name: str) -> str:
    """Return one of our texts, in English, for hosts who have none of their own."""
    return (TEMPLATES / f"{name}.md").read_text("utf-8")


def contact_url(contact: str | None) -> str | None:
    """Return where a click on it leads: only what is an address of web or mail leads anywhere."""
    if contact and re.fullmatch(r"https?://\S+|mailto:\S+", contact):
        return contact
    return f"mailto:{contact}" if contact and re.fullmatch(r"[^\s@:]+@[^\s@]+", contact) else None


def paragraphs(text: str, in_words: Callable[[str], str] = str) -> Markup:
    """A plain text as headings, lists and paragraphs, each piece put ``in_words``; everything in it is escaped."""
    out: list[Markup] = []
    for block in blocks(text):
        made = [Markup("<{0}>{1}</{0}>").format(tag, in_words(piece)) for tag, piece in block]
        out.append(Markup("<ul>{}</ul>").format(Markup("").join(made)) if block[0].tag == "li" else made[0])
    return Markup("\n").join(out)
