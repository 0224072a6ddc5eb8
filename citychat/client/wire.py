"""Names of a message's fields in the code, and their letters on the wire and in a page's storage (protocol §2.1).

The twin of ``static/wire.js``.
"""

from collections.abc import Mapping
from typing import Any

from citychat.model import WIRE_LETTERS

NAMES = {letter: name for name, letter in WIRE_LETTERS.items()}


def to_wire(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with letters; what has none (side, at, state, ranges) keeps its name."""
    return _renamed(fields, WIRE_LETTERS)


def from_wire(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with names."""
    return _renamed(fields, NAMES)


def answer_from_wire(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer of the server with names in its messages, if it has any."""
    return {**answer, "messages": [from_wire(row) for row in answer["messages"]]} if "messages" in answer else answer


def _renamed(fields: Mapping[str, Any], other: Mapping[str, str]) -> dict[str, Any]:
    return {other.get(name, name): value for name, value in fields.items()}
