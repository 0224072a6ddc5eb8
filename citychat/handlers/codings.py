"""Content codings: which of those at hand an ``Accept-Encoding`` asks for (RFC 9110 §12.5.3).

Packed is only what is the same for everybody who asks: nothing a guest has said, no token and no answer to one, whose
length could tell what is in it.
"""

import re
from collections.abc import Sequence

IDENTITY = "identity"
READ_CHARS = 200  # the longest that browsers send has 23
WANTED = re.compile(r"\s*([^\s;=]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")
ALIASES = {"x-gzip": "gzip"}


def choose(accepted: str | None, at_hand: Sequence[str]) -> str | None:
    """The best of the codings at hand, the first one where it is all the same to who asks; None: there is none.

    ``identity`` is the last resort of whoever does not name it, and all that somebody gets who asks for nothing.
    """
    if accepted is None:
        return IDENTITY
    weights = _weights(accepted[:READ_CHARS])
    others = weights.pop("*", None)

    def weight(coding: str) -> float:
        unnamed = others if others is not None else 0.0001 if coding == IDENTITY else 0.0
        return weights.get(coding, unnamed)

    best = max(at_hand, key=weight)
    return best if weight(best) > 0 else None


def _weights(accepted: str) -> dict[str, float]:
    """Codings with how much they are wanted, 0 to 1. What cannot be read is left out."""
    parts = (WANTED.fullmatch(part) for part in accepted.lower().split(","))
    return {ALIASES.get(found[1], found[1]): float(found[2] or 1) for found in parts if found}
