"""A no is kept by the page until the server has answered it, over dead links and reloads (M5)."""

from collections.abc import Callable, Mapping, MutableMapping
from random import Random
from typing import Any

import pytest

from citychat.client import HeadlessPage
from citychat.client.declines import DECLINES_MAX
from citychat.client.page import Answer
from citychat.client.shapes import DECLINE, OLD_DECLINES, Row, rests_of

JOINED = {"ok": True, "token": "t", "state": "free", "seen": [], "messages": []}


class Timers:
    """Time that stands still until a test lets a timer ring."""

    def __init__(self) -> None:
        self.armed: list[tuple[float, Callable[[], None]]] = []

    def wall_ms(self) -> int:
        return 1_700_000_000_000

    def monotonic_s(self) -> float:
        return 0.0

    def later(self, delay_s: float, call: Callable[[], None]) -> "Armed":
        self.armed.append((delay_s, call))
        return Armed(self, (delay_s, call))

    def ring(self, delay_s: float) -> None:
        (due,) = [timer for timer in self.armed if timer[0] == delay_s]
        self.armed.remove(due)
        due[1]()


class Armed:
    def __init__(self, timers: Timers, timer: tuple[float, Callable[[], None]]) -> None:
        self._timers, self._timer = timers, timer

    def cancel(self) -> None:
        if self._timer in self._timers.armed:
            self._timers.armed.remove(self._timer)


class DeclineLink:
    """A link whose other end is the test: what was sent, with the way to answer it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Row, Answer | None]] = []
        self.sending: Callable[[], None] = lambda: None

    def open(self) -> None: ...

    def close(self) -> None: ...

    def emit(self, event: str, payload: Row, answer: Answer | None = None) -> None:
        self.sending()
        self.sent.append((event, payload, answer))

    def answer(self, event: str, told: Mapping[str, Any]) -> None:
        """To the last of this name."""
        answer = [answer for name, _, answer in self.sent if name == event][-1]
        assert answer is not None
        answer(told)

    def noes(self) -> list[str]:
        return [payload["offer"] for event, payload, _ in self.sent if event == "user-match"]


class Nothing:
    def draw(self, row: Row, state: str) -> None: ...

    def mark(self, session: str, stream: str, number: int, state: str, why: str) -> None: ...

    def said(self, event: str, payload: Mapping[str, Any]) -> None: ...


def joined(storage: MutableMapping[str, str]) -> tuple[HeadlessPage, DeclineLink, Timers]:
    """A page, loaded and joined, with what an older one has left in ``storage``."""
    wire, timers = DeclineLink(), Timers()
    page = HeadlessPage(wire, Nothing(), storage, timers, Random(1), consent="1")
    page.start()
    join(page, wire)
    return page, wire, timers


def join(page: HeadlessPage, wire: DeclineLink) -> None:
    page.opened()
    wire.answer("user-join", JOINED)


def noes(storage: MutableMapping[str, str]) -> list[str]:
    return rests_of(storage, DECLINE)


def ring(page: HeadlessPage, offer: str) -> None:
    page.event("user-offer", {"offer": offer, "city": "Lyon", "seconds": 15, "looking": False})


def test_a_no_is_kept_before_it_is_sent_and_until_it_is_answered() -> None:
    storage: dict[str, str] = {}
    page, wire, _ = joined(storage)
    wire.sending = lambda: kept.append(noes(storage))
    kept: list[list[str]] = []
    ring(page, "first")
    page.answer("no")
    assert kept == [["first"]] and wire.noes() == ["first"]
    wire.answer("user-match", {"ok": True})
    assert noes(storage) == []


def test_an_unanswered_no_is_sent_again_after_every_join_before_anybody_is_looked_for() -> None:
    storage: dict[str, str] = {}
    page, wire, _ = joined(storage)
    ring(page, "first")
    page.answer("no")
    page.looking = True
    for _ in range(2):
        page.closed()
        wire.sent.clear()
        join(page, wire)
        assert wire.noes() == ["first"]
        assert [event for event, *_ in wire.sent] == ["user-join", "user-match", "user-seek"]


def test_a_no_outlives_the_page_that_said_it() -> None:
    storage: dict[str, str] = {}
    page, _, _ = joined(storage)
    ring(page, "first")
    page.answer("no")
    page.stop()
    _, wire, _ = joined(storage)
    assert wire.noes() == ["first"]
    wire.answer("user-match", {"ok": False, "error": "gone", "message": "over"})
    assert noes(storage) == []


@pytest.mark.parametrize("error", ["unavailable", "busy", "internal", "not-joined"])
def test_a_refusal_that_says_nothing_about_the_offer_keeps_the_no(error: str) -> None:
    storage: dict[str, str] = {}
    page, wire, _ = joined(storage)
    ring(page, "first")
    page.answer("no")
    wire.answer("user-match", {"ok": False, "error": error, "message": ""})
    assert noes(storage) == ["first"]
    assert page.offer is None, "a no is not asked for twice"


def test_a_no_the_server_could_not_take_is_sent_again_when_it_says() -> None:
    storage: dict[str, str] = {}
    page, wire, timers = joined(storage)
    ring(page, "first")
    page.answer("no")
    wire.answer("user-match", {"ok": False, "error": "unavailable", "message": "", "retry_ms": 7_000})
    timers.ring(7.0)
    assert wire.noes() == ["first", "first"]
    wire.answer("user-match", {"ok": True})
    assert noes(storage) == []


@pytest.mark.parametrize("answer", ["yes", "later"])
def test_only_a_no_is_kept(answer: str) -> None:
    storage: dict[str, str] = {}
    page, wire, _ = joined(storage)
    ring(page, "first")
    page.answer(answer)
    assert wire.noes() == ["first"] and noes(storage) == []


def test_of_too_many_noes_the_newest_are_kept() -> None:
    storage: dict[str, str] = {}
    page, _, _ = joined(storage)
    for number in range(DECLINES_MAX + 5):
        ring(page, f"offer-{number}")
        page.answer("no")
        page.offer = None
    assert set(noes(storage)) == {f"offer-{number}" for number in range(5, DECLINES_MAX + 5)}


def test_the_noes_of_an_older_page_are_said_and_kept_by_their_names() -> None:
    storage = {OLD_DECLINES: '["first", "second"]'}
    _, wire, _ = joined(storage)
    assert wire.noes() == ["first", "second"] and noes(storage) == ["first", "second"] and OLD_DECLINES not in storage


def test_two_windows_write_over_no_decline_of_each_other() -> None:
    storage: dict[str, str] = {}
    (older, _, _), (newer, newer_wire, _) = joined(storage), joined(storage)
    for page, offer in ((newer, "of the newer"), (older, "of the older")):
        ring(page, offer.replace(" ", "-"))
        page.answer("no")
    newer_wire.answer("user-match", {"ok": True})
    assert noes(storage) == ["of-the-older"]
