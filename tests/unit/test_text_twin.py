"""A text is cleaned and measured alike by the page and by the server: what the one takes, the other takes."""

import json
from pathlib import Path
from random import Random

from citychat.model import clean_text, fits, is_blank
from tests.support import node

TEXTS = 20_000
TWIN = Path(__file__).with_name("text_twin.js")
# Controls, spaces of every kind, bidi, combining marks, Hangul that composes, surrogates, both ends of the planes
ODD = [
    *map(chr, range(0x21)), *map(chr, range(0x7F, 0xA1)), *map(chr, range(0x2000, 0x2010)),
    *map(chr, range(0x2028, 0x2030)), *map(chr, range(0x205F, 0x2070)), "\u0085", "\u1680", "\u180e", "\u3000",
    "\ufeff", "e\u0301", "a\u0323\u0307", "\u1100\u1161\u11a8", "\u212b", "\ufb01", "\ud800", "\udfff", "\uffff",
    "\u0300", "\u034f", "\u0488", "\u20e3", "\u09c7", "\u09be", "\u2800", "\u3164", "\u115f", "\xad", "\ufe0f",
    "\ufff9", "\U000e0100", "\U0001d173", "\U0001d165", "\n", "\n\n", "a\u0300\u0301\u0302\u0303\u0304",
    "\U0001f98a", "\U000e0001", "\U0010ffff", "\u202e", "\u2066", "שלום", "é", "x",
]  # fmt: skip
REPEATS = (1, 1, 1, 2, 500, 1_024, 1_025, 1_365, 1_366, 2_000, 2_001)


def texts() -> list[str]:
    random = Random(1)
    made = [chr(point) for point in range(0x3000)]
    made += [random.choice(ODD) * random.choice(REPEATS) for _ in range(500)]
    while len(made) < TEXTS:
        made.append("".join(random.choices(ODD, k=random.randrange(8))))
    return [json.loads(json.dumps(text)) for text in made]  # two halves of a pair are one character on the wire


def test_both_clean_and_measure_every_text_alike() -> None:
    raws = texts()
    for raw, theirs in zip(raws, node.answer(TWIN, raws), strict=True):
        text = clean_text(raw)
        ours = {"text": text, "chars": len(text), "blank": is_blank(text), "fits": fits(text)}
        assert theirs == ours, ascii(raw[:20])
