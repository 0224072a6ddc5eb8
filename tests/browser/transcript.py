"""What a screen reader said on the way through the page, step by step: kept in ``heard.txt``, and compared with it."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from citychat.model.aliases import ALIAS_ANIMALS, ALIAS_COLOURS

KEPT = Path(__file__).with_name("heard.txt")
MONTHS = "|".join(date(2026, month, 1).strftime("%B") for month in range(1, 13))
ONE_OF_MANY = {
    rf"\b({'|'.join(ALIAS_COLOURS)}) ({'|'.join(ALIAS_ANIMALS)})\b": "ALIAS",
    rf"\b\d{{1,2}} ({MONTHS})\b": "DAY",
    r"\b\d{1,2}:\d\d\b": "TIME",
    r"\b\d+ seconds left\b": "SECONDS left",
    r"(?<=Your code is )\w+": "CODE",
    r"(?<=To begin with: ).*": "QUESTION",
    r"^City editable combo box expanded$": "expanded",  # how much of it depends on how fast keys follow each other
}
# Of the reader itself, whenever it gets to it: in which way keys are taken now; and where this is, and was before
MODES = {"Focus mode", "Browse mode"}
OFTEN = re.compile(r"main content|leaving .*")
# What gets the focus is not said where Orca has come to it before: when what had the focus is gone, it goes to the
# first thing of the screen, and whether that is the old one or the new one by then is up to chance
BY_CHANCE = {"Lyon heading level 1 clickable.", "Start again push button."}
# What describes the field of messages has to be fetched: before the field is described, or after, and then again
AGAIN = "To begin with: QUESTION"
MARK = "> "
UNASKED_S, UNKNOWN_S = 0.4, 2.0  # so long nothing more was said: where all that is kept was, or where nothing is kept
LONGEST_S = 60.0


class Step(NamedTuple):
    """What was done, and what was said then."""

    done: str
    said: list[str]


def masked(said: str) -> str:
    """The sentence with one word for what is another one each time: names, times, dates, codes."""
    for pattern, word in ONE_OF_MANY.items():
        said = re.sub(pattern, word, said)
    return said


def in_order(said: Iterable[str]) -> list[str]:
    """The sentences as they are kept: in their order, but for those of the reader itself, which stand last."""
    all_said = [masked(one) for one in said]
    ours = [one for one in all_said if one not in MODES and not OFTEN.fullmatch(one)]
    ours = [one for i, one in enumerate(ours) if one != AGAIN or AGAIN not in ours[:i]]
    return ours + [one for one in all_said if one in MODES][-1:]


def alike(said: Iterable[str], kept: Iterable[str]) -> bool:
    """Whether the same was said, but for what is said by chance."""
    return [one for one in said if one not in BY_CHANCE] == [one for one in kept if one not in BY_CHANCE]


def text(steps: Iterable[Step]) -> str:
    return "\n".join("".join(f"{line}\n" for line in (MARK + done, *said)) for done, said in steps)


def read(kept: str) -> list[Step]:
    """The steps of a text. Raises ValueError for a sentence before any step."""
    steps: list[Step] = []
    for line in filter(None, kept.splitlines()):
        if line.startswith(MARK):
            steps.append(Step(line.removeprefix(MARK), []))
        elif steps:
            steps[-1].said.append(line)
        else:
            raise ValueError(f"said before anything was done: {line}")
    return steps


class Transcriber:
    """Asks what was said since the last step until the step is over. ``new()`` and ``take(count)`` are of Orca.

    With steps that are ``kept`` a step is over when all its sentences were said, however long that takes; something
    more that is said is of this step or the next one, and other than what is kept. Without, when nothing more is said.
    """

    def __init__(
        self,
        new: Callable[[], list[str]],
        take: Callable[[int], list[str]],
        kept: Sequence[Step] | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self._new, self._take, self._kept = new, take, kept
        self._now, self._rest = now, rest
        self.steps: list[Step] = []

    def heard(self, done: str) -> list[str]:
        """What was said after this was done. Raises AssertionError when something else is kept."""
        wanted = self._wanted(done)
        count = self._settle(wanted)
        step = Step(done, in_order(self._take(count)))
        self.steps.append(step)
        assert wanted is None or alike(step.said, wanted), self.difference()
        return step.said

    def over(self) -> None:
        """Raises AssertionError when more is kept than was done."""
        assert self._kept is None or len(self.steps) == len(self._kept), self.difference()

    def difference(self) -> str:
        """The steps so far beside the kept ones, from the first that differs."""
        kept = (self._kept or [])[: max(len(self.steps), 1)]
        lines = unified_diff(text(kept).splitlines(), text(self.steps).splitlines(), "kept", "heard", lineterm="")
        return "\n".join(["the screen reader says something else:", *lines])

    def _wanted(self, done: str) -> list[str] | None:
        if self._kept is None:
            return None
        at = len(self.steps)
        if at < len(self._kept) and self._kept[at].done == done:
            return self._kept[at].said
        raise AssertionError(f"kept is another step than number {at + 1}, {done}\n{self.difference()}")

    def _settle(self, wanted: list[str] | None) -> int:
        """How many sentences were said, once the step is over."""
        began = since = self._now()
        count = -1
        while True:
            new, now = self._new(), self._now()
            if len(new) != count:
                count, since = len(new), now
            is_all = wanted is None or alike(in_order(new), wanted)
            if now - since >= (UNKNOWN_S if wanted is None else UNASKED_S) and (is_all or now - began > LONGEST_S):
                return count
            self._rest(0.02)
