"""Clean and measure what guests write, the twin of ``citychat/static/text.js`` (protocol §2.1)."""

import re
import unicodedata

from citychat.limits import bound

TEXT_MAX_CHARS = bound("text")
OBJECTION_MAX_CHARS = bound("objection")
_RAW_MAX_CHARS = 2 * TEXT_MAX_CHARS  # of what composes into fewer
MARKS_MAX, ROW_MAX = bound("marks"), bound("marks in a row")
HIDDEN = r"\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069"  # controls, lone surrogates, bidi overrides
# Nothing is drawn for these: Unicode's Default_Ignorable_Code_Point, and blanks that are signs to it.
INVISIBLE = (
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013441\U00013442\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff"
)
_invisible = re.compile(rf"[{INVISIBLE}]")
_hidden = re.compile(rf"(?!\n)[{HIDDEN}]")
_ends_of_line = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_blank_lines = re.compile(rf"\n(?:(?:[^\S\n]|[{INVISIBLE}])*\n){{2,}}")
_ink = re.compile(rf"[^\s{INVISIBLE}]")
# Marks are neither letters nor digits to Python: only a text with so many such signs in a row is looked at one by one
_perhaps_a_pile = re.compile(rf"(?:[^\w\s]|[{INVISIBLE}]){{{MARKS_MAX + 1}}}")
_perhaps_a_row = re.compile(rf"(?:[^\w\s]|[{INVISIBLE}]){{{ROW_MAX + 1}}}")


def clean_text(raw: str) -> str:
    """Clean ``raw`` so that it may be drawn (protocol §2.1): NFC; no controls but newline, bidi overrides, lone
    surrogates; a tab as a space; of blank lines that follow each other one; at most 4 combining marks on a letter."""
    if not raw.isprintable():  # most texts are
        raw = _hidden.sub("", _ends_of_line.sub("\n", raw).replace("\t", " "))
        raw = _blank_lines.sub("\n\n", raw)
    if not raw.isascii() and _perhaps_a_row.search(raw):
        raw = _in_short_rows(raw)
    text = unicodedata.normalize("NFC", raw)
    if text.isascii() or not _perhaps_a_pile.search(text):
        return text
    return unicodedata.normalize("NFC", _without_piles(text))


def _in_short_rows(text: str) -> str:
    """Drop marks of every kind behind the 30th in a row: NFC puts a row into order in the square of its length, 70 ms
    for a frame full of them."""
    kept, row = [], 0
    for letter in text:
        row = row + 1 if unicodedata.category(letter)[0] == "M" else 0
        if row <= ROW_MAX:
            kept.append(letter)
    return "".join(kept)


def _without_piles(text: str) -> str:
    """Drop the marks over, under and around a letter that are too many. Spacing ones (Mc) stand beside it, and what is
    invisible neither counts nor begins a new letter, so that it cannot hold two piles together."""
    kept, marks = [], 0
    for letter in text:
        if unicodedata.category(letter) in ("Mn", "Me"):
            if not _invisible.match(letter):
                marks += 1
                if marks > MARKS_MAX:
                    continue
        elif marks and not _invisible.match(letter):
            marks = 0
        kept.append(letter)
    return "".join(kept)


def is_blank(text: str) -> bool:
    """Tell whether there is nothing to see in a cleaned text."""
    return _ink.search(text) is None


def fits(text: str) -> bool:
    """Tell whether a cleaned text may carry a number: not blank, at most 2,000 code points of any script."""
    return _ink.search(text) is not None and len(text) <= TEXT_MAX_CHARS


def drawable(raw: str) -> str:
    """Return a message's text as it may be drawn: cleaned, and "" when it does not fit. Voided, never refused: its
    number is used (protocol §2.1). Pages send it clean, so what is far too long is not cleaned first."""
    if len(raw) > _RAW_MAX_CHARS:
        return ""
    text = clean_text(raw)
    return text if fits(text) else ""
