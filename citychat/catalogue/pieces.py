"""A longer text, rules or privacy notice, in the pieces that are translated: headings, items of lists, paragraphs."""

import re
from typing import NamedTuple


class Piece(NamedTuple):
    """``tag``: ``h1`` to ``h3``, ``li`` or ``p``, as HTML calls them."""

    tag: str
    text: str


def blocks(text: str) -> list[list[Piece]]:
    """A plain text as blocks: a heading or a paragraph alone, or the items of one list."""
    return [_block(block) for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())]


def _block(block: str) -> list[Piece]:
    lines = [line.strip() for line in block.strip().splitlines()]
    if heading := re.fullmatch(r"(#{1,3})\s+(.*)", lines[0]) if len(lines) == 1 else None:
        return [Piece(f"h{len(heading[1])}", heading[2])]
    if all(line.startswith("- ") for line in lines):
        return [Piece("li", line[2:]) for line in lines]
    return [Piece("p", " ".join(lines))]
