"""Words of the host on the pages: texts without markup of their own, and how to reach the host."""

import re

from markupsafe import Markup, escape


def contact_url(contact: str | None) -> str | None:
    """Return where a click on it leads: only what is an address of web or mail leads anywhere."""
    if contact and re.fullmatch(r"https?://\S+|mailto:\S+", contact):
        return contact
    return f"mailto:{contact}" if contact and re.fullmatch(r"[^\s@:]+@[^\s@]+", contact) else None


def paragraphs(text: str) -> Markup:
    """A host's plain text as headings, lists and paragraphs; everything in it is escaped."""
    out: list[Markup] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        lines = [line.strip() for line in block.strip().splitlines()]
        if heading := re.fullmatch(r"(#{1,3})\s+(.*)", lines[0]) if len(lines) == 1 else None:
            out.append(Markup("<h{0}>{1}</h{0}>").format(len(heading[1]), heading[2]))
        elif all(line.startswith("- ") for line in lines):
            items = Markup("").join(Markup("<li>{}</li>").format(line[2:]) for line in lines)
            out.append(Markup("<ul>{}</ul>").format(items))
        else:
            out.append(Markup("<p>{}</p>").format(escape(" ".join(lines))))
    return Markup("\n").join(out)
