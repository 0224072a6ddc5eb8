"""Sentences about a pause and about its end, for a terminal: those of the page."""

from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any

from citychat.catalogue import ENGLISH as WORDS
from citychat.client import LIFTED, read
from citychat.rules import FOR_GOOD_MS


def paused(told: Mapping[str, Any]) -> list[str]:
    """Return until when, why, by whom, and what was said to it."""
    until = told["until"]
    length = "banned.network" if told["network"] else "banned.text" if until < FOR_GOOD_MS else "banned.good"
    date = f"{datetime.fromtimestamp(until / 1000):%d %B %Y %H:%M}" if until < FOR_GOOD_MS else ""
    lines = [WORDS[length].format(date=date), WORDS["banned.automatic" if told["automatic"] else "banned.host"]]
    lines += _rule(told)
    if not told["reference"]:
        return [*lines, WORDS["banned.contact"].format(contact=told["contact"] or WORDS["banned.nobody"])]
    lines.append(WORDS["banned.reference"].format(code=told["reference"]))
    if takes_objection(told):
        return [*lines, f"{WORDS['banned.object']}: type it in one line. quit: go"]
    answered = f"{WORDS['banned.answer']} {told['answer']}" if told["answer"] else WORDS["banned.waits"]
    return [*lines, f"{WORDS['banned.yours']} {told['objection']}", answered]


def takes_objection(told: Mapping[str, Any]) -> bool:
    return bool(told["reference"] and not told["objection"])


def lifted(answer: Mapping[str, Any], storage: MutableMapping[str, str]) -> list[str]:
    """Return what a join answer says of a pause that is over, once."""
    over = answer.get("lifted")
    if over is None or read(storage, LIFTED) == over["at"]:
        return []
    storage[LIFTED] = str(over["at"])
    said = [f"{WORDS['banned.answer']} {over['answer']}"] if over["answer"] else []
    return [WORDS["lifted.warned" if over["rule"] else "lifted.title"], *_rule(over), *said]


def _rule(told: Mapping[str, Any]) -> list[str]:
    """The broken rule, and the host's words."""
    said = filter(None, (WORDS["banned.rule"].format(**told), told["reason"]))
    return [": ".join(said)] if told["rule"] else []
