"""The pending declines of the page and their Python twin send, keep and wait alike."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from citychat.client.declines import PendingDeclines
from citychat.client.shapes import Row
from tests.support import node

TRACES, STEPS = 300, 40
TWIN = Path(__file__).with_name("declines_twin.js")
ERRORS = ("gone", "unavailable", "busy", "internal", "not-joined", "no-session")


class DeclineTrace:
    """One seeded life: what was done, and what came of each step."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.storage: dict[str, str] = {}
        self.sent: list[str] = []
        self.open: dict[int, Callable[[Row], None]] = {}
        self.timer: tuple[float, Callable[[], None]] | None = None
        self.declines = PendingDeclines(self.storage, self._emit, self._later)
        self.steps: list[list[Any]] = []
        self.out: list[Any] = []
        for number in range(STEPS):
            self.steps.append(self._step(number))
            self.out.append({"sent": list(self.sent), "kept": dict(self.storage), "timer": self._timer_ms()})

    def _emit(self, event: str, payload: Row, told: Callable[[Row], None]) -> None:
        assert event == "user-match" and payload["answer"] == "no"
        self.open[len(self.sent)] = told
        self.sent.append(payload["offer"])

    def _later(self, name: str, delay_s: float, call: Callable[[], None]) -> None:
        self.timer = (delay_s, call)

    def _timer_ms(self) -> int | None:
        return round(self.timer[0] * 1000) if self.timer else None

    def _step(self, number: int) -> list[Any]:
        kind = self.random.choices(["decline", "answer", "ring", "join"], [6, 6, 2, 1])[0]
        if kind == "answer" and self.open:
            index = self.random.choice(list(self.open))
            answer: Row = {"ok": True}
            if self.random.random() < 0.6:
                answer = {"ok": False, "error": self.random.choice(ERRORS)}
                if self.random.random() < 0.5:
                    answer["retry_ms"] = self.random.choice([200, 5_000])
            self.open.pop(index)(answer)
            return ["answer", index, answer]
        if kind == "ring" and self.timer:
            _, call = self.timer
            self.timer = None
            call()
            return ["ring"]
        if kind == "join":
            self.open.clear()  # a link that was cut answers nothing
            self.timer = None
            self.declines.resend()
            return ["join"]
        offer = f"offer-{self.random.randrange(number + 1)}"
        self.declines.say({"offer": offer, "answer": "no"}, lambda answer: None)
        return ["decline", offer]


def test_declines_are_sent_kept_and_waited_for_alike_in_both_languages() -> None:
    traces = [DeclineTrace(seed) for seed in range(TRACES)]
    assert any(step["kept"] == {} for trace in traces for step in trace.out[10:])
    answers = node.answer(TWIN, [trace.steps for trace in traces])
    for seed, (trace, answer) in enumerate(zip(traces, answers, strict=True)):
        for number, (step, ours, theirs) in enumerate(zip(trace.steps, trace.out, answer, strict=True)):
            assert theirs == ours, f"seed {seed}, step {number}: {step}"
