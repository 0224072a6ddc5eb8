"""Names of what a page's storage keeps of ours, and the shape of each: a page reads its storage through here alone.

A value may be torn, foreign or of another version. It is thrown away with one line that says its name and never what
was in it, and the page goes on without it (protocol §2.3). The twin of ``static/shapes.js``.
"""

import json
import logging
import re
from collections.abc import Callable, MutableMapping
from typing import Any, Never

from citychat.model import LAMPORT_MAX, clean_text, fits
from citychat.rules import LANGUAGES_MAX

Row = dict[str, Any]  # a message, or what else travels, with names (wire.py)
Storage = MutableMapping[str, str]

CONSENT = "citychat.consent"  # the version of the rules
TOKEN = "citychat.token"
OLD_TOKEN = "citychat.token.old"  # of the guest before, until all tokens are one guest's
TOWNS = "citychat.towns"  # whether the guest may meet those of towns nearby; browsers have it among their settings
QUESTION = "citychat.question"  # that no first question is shown; among their settings too
SPOKEN = "citychat.spoken"  # as the guest has named them
LIFTED = "citychat.lifted"  # when the pause was, of whose end the guest knows
WRITER = "citychat.writer"  # the page that writes
OUTBOX = "citychat.outbox."  # and the page whose it is
DECLINE = "citychat.no."  # and the offer
OLD_OUTBOX, OLD_LAST, OLD_DECLINES = "citychat.outbox", "citychat.last", "citychat.noes"  # of pages up to 0.2.0

ENTRIES_MAX = 2_000  # twice what pages keep; a screen draws them all
NUMBER_MAX = 2**53
ID = re.compile(r"[A-Za-z0-9_-]{1,43}")
LANGUAGE = re.compile("[a-z]{2,3}")
TOKEN_SHAPE = re.compile(r"[\x21-\x7e]{1,512}")  # the server reads no longer ones, and a frame holds 16 KB
STATES = ("waiting", "stored", "refused", "undelivered")

_log = logging.getLogger(__name__)


class Left:
    """An outbox that a page has left. ``last``: the link to the message written last; ``torn``: not all is readable."""

    def __init__(self, entries: list[Row], last: list[Any] | None, *, torn: bool) -> None:
        self.entries, self.last, self.torn = entries, last, torn


def parse(name: str, text: str) -> Any:
    """Return what a text under that name says; None, with a line, where it is none of ours."""
    try:
        value = _shape_of(name)(text)
    except (ValueError, RecursionError):
        value = None
    if value is None or (isinstance(value, Left) and value.torn):
        thrown_away(name)
    return value


def thrown_away(name: str) -> None:
    """Say, in one line, that what was kept under that name is lost, and never what it was."""
    _log.warning("%s: what was stored here is torn or foreign; thrown away", name)


def read(storage: Storage, name: str) -> Any:
    """Return what is kept under that name, None where there is nothing of ours."""
    text = storage.get(name)
    value = None if text is None else parse(name, text)
    if text is not None and value is None:
        del storage[name]
    return value


def rests_of(storage: Storage, beginning: str) -> list[str]:
    """Return what kept names have after this beginning."""
    return sorted(name.removeprefix(beginning) for name in storage if name.startswith(beginning))


def _shape_of(name: str) -> Callable[[str], Any]:
    kind = next((beginning for beginning in (OUTBOX, DECLINE) if name.startswith(beginning)), None)
    if kind is None:
        return _SHAPES[name]
    return _SHAPES[kind] if ID.fullmatch(name.removeprefix(kind)) else lambda text: None


def _json(text: str) -> Any:
    """Return the value of what JSON.parse takes too. Raises ValueError, RecursionError."""

    def refused(constant: str) -> Never:
        raise ValueError(constant)

    return json.loads(text, parse_constant=refused)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and bool(ID.fullmatch(value))


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) in (int, float) and least <= value <= most and value == int(value)


def _is_named(value: Any) -> bool:
    """Tell whether this is a message's name: stream and number."""
    return isinstance(value, list) and len(value) == 2 and _is_id(value[0]) and _is_whole(value[1], 1, LAMPORT_MAX)


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,16}", text) and int(text) <= NUMBER_MAX else None


def _entry(raw: Any) -> Row | None:
    """Return a message of an outbox, of its known fields; None when one of them is not as it must be."""
    if not isinstance(raw, dict) or not isinstance(raw.get("x"), str):
        return None
    state, previous = raw.get("state"), raw.get("p")
    text = clean_text(raw["x"])
    named = _is_id(raw.get("s")) and _is_named([raw.get("st"), raw.get("n")])
    placed = _is_whole(raw.get("l"), 1, LAMPORT_MAX) and _is_whole(raw.get("side"), 0, 1)
    timed = _is_whole(raw.get("at"), 0, NUMBER_MAX) and (
        state == "waiting" or _is_whole(raw.get("since"), 0, NUMBER_MAX)
    )
    linked = "p" not in raw or _is_named(previous)
    if not (named and placed and timed and linked and fits(text) and isinstance(state, str) and state in STATES):
        return None
    entry = {"session": raw["s"], "side": int(raw["side"]), "stream": raw["st"], "number": int(raw["n"])}
    entry |= {"lamport": int(raw["l"]), "text": text, "at": int(raw["at"]), "state": state}
    if previous is not None:
        entry["previous"] = [previous[0], int(previous[1])]
    return entry if state == "waiting" else {**entry, "since": int(raw["since"])}


def _entries(raw: Any) -> Left | None:
    """Return whatever is whole in it. One message less may be the one that the link names: then there is no link."""
    if not isinstance(raw, list):
        return None
    whole = [entry for entry in map(_entry, raw[:ENTRIES_MAX]) if entry is not None]
    return Left(whole, None, torn=len(whole) < len(raw))


def _outbox(text: str) -> Left | None:
    raw = _json(text)
    found = _entries(raw.get("entries")) if isinstance(raw, dict) else None
    if found is None or "last" not in raw:
        return found
    last = raw["last"]
    fit = isinstance(last, list) and len(last) == 4 and _is_id(last[0]) and _is_named(last[1:3])
    if found.torn or not fit or not _is_whole(last[3], 0, LAMPORT_MAX):
        found.torn = True
    else:
        found.last = [last[0], last[1], int(last[2]), int(last[3])]
    return found


def _old_last(text: str) -> list[Any] | None:
    raw = _json(text)
    fit = isinstance(raw, list) and len(raw) == 3 and _is_id(raw[0]) and _is_named(raw[1:])
    return [raw[0], raw[1], int(raw[2]), 0] if fit else None


def _old_declines(text: str) -> list[str] | None:
    raw = _json(text)
    return raw if isinstance(raw, list) and len(raw) <= 1_000 and all(map(_is_id, raw)) else None


def _languages(text: str) -> list[str] | None:
    raw = _json(text)
    fit = isinstance(raw, list) and len(raw) <= LANGUAGES_MAX
    return raw if fit and all(isinstance(each, str) and LANGUAGE.fullmatch(each) for each in raw) else None


_SHAPES: dict[str, Callable[[str], Any]] = {
    CONSENT: lambda text: text if 0 < len(text) <= 200 else None,
    TOKEN: lambda text: text if TOKEN_SHAPE.fullmatch(text) else None,
    OLD_TOKEN: lambda text: text if TOKEN_SHAPE.fullmatch(text) else None,
    TOWNS: lambda text: text if text == "yes" else None,
    QUESTION: lambda text: text if text == "no" else None,
    SPOKEN: _languages,
    LIFTED: _number,
    WRITER: lambda text: text if ID.fullmatch(text) else None,
    OUTBOX: _outbox,
    DECLINE: _number,
    OLD_OUTBOX: lambda text: _entries(_json(text)),
    OLD_LAST: _old_last,
    OLD_DECLINES: _old_declines,
}
