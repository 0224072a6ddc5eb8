"""A token is given up only after a newer one has let the same guest in: the page's part, in both languages."""

from pathlib import Path
from random import Random
from typing import Any

from citychat.client.kept_tokens import KeptTokens
from citychat.client.shapes import OLD_TOKEN, TOKEN
from tests.support import node
from tests.unit.client.test_declines import JOINED, joined

V8 = Path(__file__).with_name("stored_values.js")


def lives(answers: list[dict[str, Any] | None]) -> list[dict[str, Any]]:
    """What each join says and leaves; None: it is never answered."""
    storage: dict[str, str] = {}
    tokens, steps = KeptTokens(storage), []
    for answer in answers:
        asked = tokens.asked()
        if answer is not None:
            tokens.keep(answer)
        steps.append({"asked": asked, "kept": dict(storage)})
    return steps


def test_a_page_keeps_the_token_that_let_its_guest_in_until_a_newer_one_has() -> None:
    told = [("1", True), ("2", True), ("3", True), ("4 of another guest", False), ("5 of another guest", False),
            ("6", False), ("7", True)]  # fmt: skip
    kept = [step["kept"].get(OLD_TOKEN) for step in lives([{"token": token, "same": same} for token, same in told])]
    assert kept == [None, "1", "2", "2", "2", "2", "6"]


def test_a_server_that_does_not_tell_has_proved_nothing() -> None:
    answers: list[dict[str, Any] | None] = [{"token": "1"}, {"token": "2"}, {"token": "3"}]
    assert lives(answers)[-1] == {"asked": {"token": "2", "old_token": "1"}, "kept": {TOKEN: "3", OLD_TOKEN: "1"}}


def test_both_languages_say_and_keep_the_same_tokens() -> None:
    random = Random(3)
    traces = [
        [
            None if random.random() < 0.1 else {"token": f"t{n}"} | random.choice([{}, {"same": True}, {"same": False}])
            for n in range(20)
        ]
        for _ in range(100)
    ]
    assert node.answer(V8, {"joins": traces})["joins"] == [lives(trace) for trace in traces]


def test_a_page_asks_with_both_tokens_and_keeps_the_older_in_both_languages() -> None:
    storage = {TOKEN: "new", OLD_TOKEN: "old"}
    _page, wire, _ = joined(storage)
    asked = wire.sent[0][1]
    assert (asked["token"], asked["old_token"]) == ("new", "old")
    assert (storage[TOKEN], storage[OLD_TOKEN]) == (JOINED["token"], "old")
    (opened,) = node.answer(V8, {"values": [[{TOKEN: "new", OLD_TOKEN: "old"}, 10**9]]})["values"]
    assert (opened["request"]["token"], opened["request"]["old_token"]) == ("new", "old")
    assert (opened["kept"][TOKEN], opened["kept"][OLD_TOKEN]) == ("t", "old")
