"""Sentences about a pause and about its end, for a terminal: those of the page."""

from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any

from citychat.client import LIFTED, read
from citychat.languages import Words
from citychat.rules import FOR_GOOD_MS


def paused(told: Mapping[str, Any], in_words: Words) -> list[str]:
    """Return until when, why, by whom, and what was said to it."""
    until = told["until"]
    length = "banned.network" if told["network"] else "banned.text" if until < FOR_GOOD_MS else "banned.good"
    date = in_words.moment(datetime.fromtimestamp(until / 1000)) if until < FOR_GOOD_MS else ""
    lines = [in_words(length, date=date), in_words("banned.automatic" if told["automatic"] else "banned.host")]
    lines += _rule(told, in_words)
    if not told["reference"]:
        return [*lines, in_words("banned.contact", contact=told["contact"] or in_words("banned.nobody"))]
    lines.append(in_words("banned.reference", code=told["reference"]))
    if takes_objection(told):
        return [*lines, in_words("terminal.object")]
    answered = in_words("terminal.answer", words=told["answer"]) if told["answer"] else in_words("banned.waits")
    return [*lines, in_words("terminal.yours", words=told["objection"]), answered]


def takes_objection(told: Mapping[str, Any]) -> bool:
    return bool(told["reference"] and not told["objection"])


def lifted(answer: Mapping[str, Any], storage: MutableMapping[str, str], in_words: Words) -> list[str]:
    """Return what a join answer says of a pause that is over, once."""
    over = answer.get("lifted")
    if over is None or read(storage, LIFTED) == over["at"]:
        return []
    storage[LIFTED] = str(over["at"])
    said = [in_words("terminal.answer", words=over["answer"])] if over["answer"] else []
    return [in_words("lifted.warned" if over["rule"] else "lifted.title"), *_rule(over, in_words), *said]


def _rule(told: Mapping[str, Any], in_words: Words) -> list[str]:
    """The broken rule, and the host's words."""
    name = "banned.rule.reason" if told["reason"] else "banned.rule"
    return [in_words(name, rule=told["rule"], reason=told["reason"])] if told["rule"] else []
