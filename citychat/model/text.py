"""Clean and measure what guests write, the twin of ``citychat/static/text.js`` (protocol §2.1)."""

import re
import unicodedata

from citychat.limits import bound

TEXT_MAX_CHARS = bound("text")
TEXT_MAX_BYTES = bound("text size")
HIDDEN = r"\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069"  # controls, lone surrogates, bidi overrides

_hidden = re.compile(rf"(?!\n)[{HIDDEN}]")


def clean_text(raw: str) -> str:
    """Clean ``raw`` so that it may be drawn (protocol §2.1): NFC; no controls but newline, bidi overrides, lone
    surrogates."""
    if not raw.isprintable():  # most texts are
        raw = _hidden.sub("", raw.replace("\r\n", "\n").replace("\r", "\n"))
    return unicodedata.normalize("NFC", raw)


def fits(text: str) -> bool:
    """Tell whether a cleaned text may carry a number: not blank, at most 2,000 code points and 4 KiB."""
    return bool(text.strip()) and len(text) <= TEXT_MAX_CHARS and len(text.encode()) <= TEXT_MAX_BYTES


def drawable(raw: str) -> str:
    """Return a message's text as it may be drawn: cleaned, and "" when it does not fit. Voided, never refused: its
    number is used (protocol §2.1)."""
    text = clean_text(raw)
    return text if fits(text) else ""
