"""Refusals of the server as a terminal guest reads them."""

from collections.abc import Mapping
from typing import Any

from citychat.catalogue import SENTENCES
from citychat.languages import ENGLISH_CODE, Words

# The page's own sentences about what it knows by name
KNOWN = {"gone": "ring.over", "disk-full": "link.disk", "closed": "link.closed", "refused-consent": "arrive.changed"}


def refusal(answer: Mapping[str, Any], in_words: Words) -> str:
    """Return why not: the server's own English, which may say more; else our sentence for its code, if there is one."""
    name = KNOWN.get(answer["error"], f"error.{answer['error']}")
    if in_words.language.code == ENGLISH_CODE or name not in SENTENCES:
        return str(answer["message"])
    return in_words(name)
