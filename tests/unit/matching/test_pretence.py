"""Who looks cannot tell whether somebody was asked, nor in which order they are (protocol §3)."""

from random import Random

import pytest

from citychat.matching.pretence import Pretence
from citychat.model import Offer
from citychat.ports import SeekResult
from citychat.registry import MatchState
from citychat.rules import SEEKER_RESTS_MS
from tests.support.stage import Stage, on_stage

SHORTEST_S, LONGEST_S = (ms / 1000 for ms in SEEKER_RESTS_MS)


@on_stage
async def test_asking_is_shown_for_a_random_time_when_nobody_may_be_asked(stage: Stage) -> None:
    node, lengths = stage.node("r", rests_ms=SEEKER_RESTS_MS), set()
    anna = await node.join("anna")
    for _ in range(5):
        since = stage.clock.monotonic_s()
        assert await anna.seek() == "asking"
        seen = len(anna.events("user-seek"))
        while len(anna.events("user-seek")) == seen:
            await stage.after(0.1)
        assert anna.last("user-seek")["state"] == "waiting"
        lengths.add(round(stage.clock.monotonic_s() - since))
        await anna.wish("user-stop")
    assert len(lengths) > 1
    assert SHORTEST_S <= min(lengths) <= max(lengths) <= LONGEST_S + 1


@on_stage
async def test_the_next_guest_is_asked_after_a_rest_and_who_looks_at_once(stage: Stage) -> None:
    node = stage.node("r", rests_ms=SEEKER_RESTS_MS)
    ben, carl = [await node.join(name) for name in ("ben", "carl")]
    anna = await node.join("anna", available=False)
    assert await anna.seek() == "asking"
    await stage.after(0.1)
    first, other = (ben, carl) if ben.events("user-offer") else (carl, ben)
    await first.answer("no")
    await stage.after(SHORTEST_S - 0.2)
    assert not other.events("user-offer"), "anna rests"
    assert [payload["state"] for payload in anna.events("user-seek")] == ["next", "asking"]
    await stage.after(LONGEST_S - SHORTEST_S + 5.2)
    assert other.events("user-offer")
    await other.answer("later")
    await stage.after(0.1)
    dora = await node.join("dora", available=False)
    assert await dora.seek() == "asking"
    await stage.after(0.1)
    assert anna.last("user-offer")["looking"], "and her page says yes to who looks too"


@pytest.mark.parametrize("told", ["asked and said no", "nobody there"])
def test_the_pretence_covers_the_rest_of_a_seeker(told: str) -> None:
    """Else who is told "waiting" and then "asking" would know that somebody is asked."""
    for seed in range(50):
        clock = Clock()
        pretence = Pretence(clock, Random(seed), SEEKER_RESTS_MS)  # type: ignore[arg-type]
        match = MatchState(None, None)  # type: ignore[arg-type]
        if told == "asked and said no":
            assert pretence.told(match, SeekResult("asking", Offer("o", "a", "b", "Lyon", 15, False, 0))) == "asking"
            match.progress = "next"
        while (match.progress) != "waiting":
            match.progress = pretence.told(match, SeekResult("waiting"))
            clock.now_s += 0.5
        rest_s = LONGEST_S if told == "asked and said no" else 0
        assert rest_s + SHORTEST_S <= clock.now_s <= rest_s + LONGEST_S + 1
        assert SHORTEST_S * 1000 <= pretence.rest_ms() <= LONGEST_S * 1000


class Clock:
    now_s = 0.5

    def monotonic_s(self) -> float:
        return self.now_s
