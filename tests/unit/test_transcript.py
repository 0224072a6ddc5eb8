"""The transcript of the screen reader: what is the same in it, and what is not."""

from collections.abc import Iterable

import pytest

from tests.browser.transcript import LONGEST_S, Step, Transcriber, alike, in_order, read, text

KEPT = [Step("Tab", ["Talk push button."]), Step("b", []), Step("Return", ["Hello", "Focus mode"])]


class TimedVoice:
    """Says its sentences when the time of each has come; the time goes on while somebody waits."""

    def __init__(self, said: Iterable[tuple[float, str]]) -> None:
        self.at, self._said, self._taken = 0.0, list(said), 0

    def new(self) -> list[str]:
        return [one for at, one in self._said if at <= self.at][self._taken :]

    def take(self, count: int) -> list[str]:
        taken = self.new()[:count]
        self._taken += count
        return taken

    def now(self) -> float:
        return self.at

    def rest(self, seconds: float) -> None:
        self.at += seconds

    def listener(self, kept: list[Step] | None) -> Transcriber:
        return Transcriber(self.new, self.take, kept, now=self.now, rest=self.rest)


def test_a_transcript_is_read_as_it_was_written() -> None:
    assert read(text(KEPT)) == KEPT
    with pytest.raises(ValueError, match="before anything was done: Hello"):
        read("Hello\n")


def test_what_is_another_one_each_time_is_one_word() -> None:
    said = ["Blue Otter: 12:34", "Your code is AB12CD. Call.", "Focus mode", "leaving list.", "15 seconds left."]
    assert in_order(said) == ["ALIAS: TIME", "Your code is CODE. Call.", "SECONDS left.", "Focus mode"]


def test_a_sentence_twice_missing_or_in_another_order_is_not_the_same() -> None:
    kept = ["one", "two"]
    assert alike(["one", "Lyon heading level 1 clickable.", "two"], kept)
    assert in_order(["To begin with: one?", "To begin with: one?", "Hello", "Hello"])[1:] == ["Hello", "Hello"]
    assert not any(alike(other, kept) for other in (["one", "one", "two"], ["two"], ["two", "one"]))


def test_what_is_kept_is_waited_for_however_late_it_is_said() -> None:
    reader = TimedVoice([(9.0, "Talk push button.")])
    assert reader.listener(KEPT).heard("Tab") == ["Talk push button."]
    assert reader.at < 10


def test_a_sentence_that_is_not_kept_is_told_whenever_it_comes() -> None:
    listener = TimedVoice([(0.0, "Talk push button."), (0.6, "Talk push button.")]).listener(KEPT)
    listener.heard("Tab")
    with pytest.raises(AssertionError, match=r"(?s)> b\n\+Talk push button"):
        listener.heard("b")


def test_a_kept_sentence_that_is_not_said_and_a_step_that_is_not_done_are_told() -> None:
    reader = TimedVoice([])
    with pytest.raises(AssertionError, match="-Talk push button"):
        reader.listener(KEPT).heard("Tab")
    assert reader.at > LONGEST_S
    with pytest.raises(AssertionError, match="another step than number 1, b"):
        reader.listener(KEPT).heard("b")
    with pytest.raises(AssertionError, match="Talk push button"):
        reader.listener(KEPT).over()


def test_without_anything_kept_a_step_lasts_until_nothing_more_is_said() -> None:
    listener = TimedVoice([(0.0, "one"), (1.9, "two"), (3.8, "three"), (6.0, "later")]).listener(None)
    assert listener.heard("Tab") == ["one", "two", "three"]
