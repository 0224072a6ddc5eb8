"""Pretence: a looker is told "asking" also when nobody may be asked, and rests between two who are, each for a random
time. So nobody learns by looking whether somebody is there, or in which order guests are asked (protocol §3)."""

from random import Random

from citychat.ports import Clock, SeekResult
from citychat.registry import MatchState


class Pretence:
    """Draws these times. ``rests_ms``: the shortest and the longest rest of a seeker."""

    def __init__(self, clock: Clock, random: Random, rests_ms: tuple[int, int]) -> None:
        self._clock, self._random, self._rests_ms = clock, random, rests_ms

    def rest_ms(self) -> int:
        """Draw how long a seeker rests if the one who is asked now says no yes."""
        return self._random.randint(*self._rests_ms)

    def told(self, match: MatchState, result: SeekResult) -> str:
        """Return what the page is told of what seeking came to: "asking" or "waiting"."""
        if result.state == "asking":
            match.pretends_until_s = 0.0
            return "asking"
        if match.progress == "waiting":
            return "waiting"
        now_s = self._clock.monotonic_s()
        if not match.pretends_until_s:
            shortest, longest = self._rests_ms
            rest_ms = longest if match.progress == "next" else 0  # a seeker who rests may ask somebody after it
            match.pretends_until_s = now_s + (rest_ms + self._random.uniform(shortest, longest)) / 1000
        return "asking" if now_s < match.pretends_until_s else "waiting"

    def left_s(self, match: MatchState) -> float:
        """Return how much longer the page is told "asking" with nobody asked; 0 for not at all."""
        return max(match.pretends_until_s - self._clock.monotonic_s(), 0.0)
