"""A page speaks with the letters of the wire, to the byte, and all behind its link hear names (protocol §2.1)."""

import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import pytest

from citychat.client import HeadlessPage
from citychat.client.page import Answer
from citychat.client.shapes import OUTBOX, Row
from tests.support.virtual_time import VirtualClock, VirtualLoop
from tests.unit.client.desk import session

NAMED = {"session": "s", "side": 1, "stream": "theirs", "number": 1, "lamport": 7, "text": "hi", "at": 5}
LETTERED = '{"s":"s","side":1,"st":"theirs","n":1,"l":7,"x":"hi","at":5}'


class LetterLink:
    """A link and a screen: the texts that travel, and what is shown and heard."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.rows: list[Row] = []
        self.heard: dict[str, Mapping[str, Any]] = {}

    def open(self) -> None: ...

    def close(self) -> None: ...

    def emit(self, event: str, payload: Row, answer: Answer | None = None) -> None:
        self.sent.append(json.dumps(payload, separators=(",", ":")))
        if answer:
            self.answers[event] = answer

    def draw(self, row: Row, state: str) -> None:
        self.rows.append(row)

    def mark(self, session: str, stream: str, number: int, state: str, why: str) -> None:
        self.heard["mark"] = {"session": session, "stream": stream, "number": number, "state": state}

    def said(self, event: str, payload: Mapping[str, Any]) -> None:
        self.heard[event] = payload


@pytest.fixture
def ours() -> Iterator[HeadlessPage]:
    loop, line = VirtualLoop(), LetterLink()
    page = HeadlessPage(line, line, {}, VirtualClock(loop), Random(1), consent="1")
    page.start()
    page.opened()
    joined = {"ok": True, "token": "t", "state": "chat", "session": session(), "seen": {"theirs": 1}}
    line.answers["user-join"]({**joined, "messages": [json.loads(LETTERED)]})
    line.sent.clear()
    yield page
    page.stop()
    loop.close()


def line(page: HeadlessPage) -> LetterLink:
    assert isinstance(page.link, LetterLink)
    return page.link


def test_the_messages_of_a_join_answer_have_names(ours: HeadlessPage) -> None:
    assert line(ours).rows == [NAMED] == line(ours).heard["user-join"]["messages"]


def test_what_a_page_sends_and_keeps_has_letters_to_the_byte(ours: HeadlessPage) -> None:
    ours.outbox.compose("one", ours.now)
    own, hour = ours.outbox.stream, ours.wall()
    ours.event("chat-message", json.loads(LETTERED) | {"n": 2})
    ours.event("chat-status", {"s": "s", "st": own, "ranges": [[1, 1]], "state": "stored"})
    ours.outbox.joined({"session": session()}, ours.now)
    message = f'{{"s":"s","st":"{own}","n":1,"l":8,"x":"one"}}'
    ack, ask = '{"s":"s","st":"theirs","n":2}', f'{{"s":"s","st":"{own}","ranges":[[1,1]]}}'
    assert line(ours).sent == [message, ack, ask]
    entry = f'"s":"s","side":0,"st":"{own}","n":1,"l":8,"x":"one","at":{hour},"state":"stored","since":{hour}'
    assert ours.storage[OUTBOX + ours.id] == f'{{"last":["s","{own}",1,8],"entries":[{{{entry}}}]}}'


def test_what_a_page_hears_has_names(ours: HeadlessPage) -> None:
    ours.outbox.compose("one", ours.now)
    own = ours.outbox.stream
    ours.event("chat-message", json.loads(LETTERED) | {"n": 2, "k": "gap"})
    ours.event("chat-status", {"s": "s", "st": own, "ranges": [[1, 1]], "state": "delivered"})
    ours.event("chat-typing", {"s": "s", "on": True})
    heard = line(ours).heard
    assert line(ours).rows[-1] == NAMED | {"number": 2, "kind": "gap"} == heard["chat-message"]
    assert heard["mark"] == {"session": "s", "stream": own, "number": 1, "state": "delivered"}
    assert heard["chat-typing"] == {"session": "s", "on": True}


def test_older_messages_are_asked_for_with_letters_and_come_with_names(ours: HeadlessPage) -> None:
    told: list[Mapping[str, Any]] = []
    ours.ask("chat-history", {"session": "s", "before": [7, 1, "theirs", 1], "limit": 10}, told.append)
    assert line(ours).sent == ['{"s":"s","before":[7,1,"theirs",1],"limit":10}']
    line(ours).answers["chat-history"]({"ok": True, "messages": [json.loads(LETTERED)], "more": False})
    assert told == [{"ok": True, "messages": [NAMED], "more": False}]
    ours.ask("user-block", {"session": "s"}, told.append)
    assert line(ours).sent[1:] == ['{"session":"s"}'], "the events of /user have no letters"
