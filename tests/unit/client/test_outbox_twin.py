"""The page's outbox and its Python twin make the same calls and keep the same bytes, whatever happens."""

import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from citychat.client import Outbox
from citychat.client.shapes import OLD_LAST, OLD_OUTBOX, OUTBOX, WRITER
from tests.support import node

TRACES, PART, STEPS = int(os.environ.get("CITYCHAT_TWIN_LIVES", 200)), 100, 60  # ``make prove`` asks for many
# Around the outbox's own times: acks 50 ms, an answer 10 s, asking 30 s, the mailbox's day and ten minutes.
WAITS = [
    0, 0, 1, 20, 49, 50, 51, 2_500, 9_999, 10_000, 10_001, 29_999, 30_000, 30_001, 86_999_999, 87_000_000, 90_000_000,
]  # fmt: skip
# Mostly none; somebody sets it, or the network does
STEPS_OF_THE_WALL = [0] * 20 + [-3_600_000, -60_000, -2_000, 2_000, 3_600_000]
STRANGE = ["null", "-1", "1.5", "1e400", "NaN", "true", "[]", "{}", '""', '{"__proto__":{"entries":[]}}', "[" * 9_000]
TWIN = Path(__file__).with_name("outbox_twin.js")
TEXTS = [
    "hello", "", "   ", "e\u0301", "\ufeff", "\u2028", "a\u202eb", "tab\there", "two\r\nlines\rthree", "x" * 2_000,
    "x" * 2_001, "\U0001f98a" * 1_024, "\U0001f98a" * 1_025, "\x00", "\x85", "שלום", '<b>"quoted"</b> & \\ more',
]  # fmt: skip


class Recorder:
    """Writes down what an outbox calls."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []
        self.hour_ms = 0

    def wall(self) -> int:
        return self.hour_ms

    def emit(self, event: str, payload: dict[str, Any]) -> None:
        self.calls.append(["emit", event, payload])

    def draw(self, row: dict[str, Any], state: str) -> None:
        self.calls.append(["draw", row, state])

    def mark(self, session: str, stream: str, number: int, state: str, why: str) -> None:
        self.calls.append(["mark", session, stream, number, state, why])

    def alarm(self, at: float) -> None:
        self.calls.append(["alarm", at])


class OutboxTrace:
    """One seeded life of a page: makes each step up from what the Python outbox is at that moment, and does it."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 3_600_000
        self.ahead = 1_700_000_000_000  # the wall clock, of the one that nobody sets
        self.storage: dict[str, str] = {}
        self.recorder = Recorder()
        self.streams = self.pages = 0
        self.box = self._page("p0")
        self.steps: list[list[Any]] = []
        self.out: list[Any] = []
        for step in range(STEPS):
            self.now += self.random.choice(WAITS)
            self.ahead += self.random.choice(STEPS_OF_THE_WALL)
            self._do("wall", self.now + self.ahead)
            self._do(*self._step())
            if seed % 100 == 0 and step == STEPS // 2:
                self._crowd()

    def _page(self, name: str) -> Outbox:
        return Outbox(self.storage, name, self._stream, self.recorder)

    def _stream(self) -> str:
        self.streams += 1
        return f"st{self.streams}"

    def _do(self, name: str, *args: Any) -> None:
        args = json.loads(json.dumps(args))
        self.recorder.calls = []
        answer = None
        if name == "reload":
            self.box = self._page(*args)
        elif name == "wall":
            self.recorder.hour_ms = args[0]
        elif name == "kept":
            self.storage[args[0]] = args[1]
        else:
            answer = getattr(self.box, name)(*args)
        self.steps.append([name, *args])
        told = {"calls": self.recorder.calls, "answer": answer, "have": self.box.have()}
        self.out.append(json.loads(json.dumps(told)))

    def _step(self) -> list[Any]:
        kinds = {
            "compose": 14, "message": 12, "status": 12, "tick": 8, "joined": 5, "closed": 2, "busy": 2, "session": 2,
            "ended": 1, "partner": 3, "older": 2, "reload": 2, "steal": 1, "many": 1, "burst": 2,
            "left": 3, "inherit": 2,
        }  # fmt: skip
        kind = self.random.choices(list(kinds), list(kinds.values()))[0]
        made: list[Any] = getattr(self, f"_{kind}")()
        return made

    def _compose(self) -> list[Any]:
        return ["compose", self.random.choice(TEXTS), self.now]

    def _many(self) -> list[Any]:
        for _ in range(self.random.choice([10, 40])):
            self._do("compose", "more", self.now)
        return ["tick", self.now]

    def _burst(self) -> list[Any]:
        for _ in range(self.random.randrange(6, 12)):
            self.now += self.random.choice([0, 0, 0, 5])
            self._do(*self._message())
        return ["tick", self.now]

    def _crowd(self) -> None:
        """Beyond every bound: messages waiting, messages stored, streams drawn."""
        self._do(
            "joined", {"ok": True, "state": "chat", "session": {"session": "A", "side": 0, "here": True}}, self.now
        )
        for _ in range(4):
            for _ in range(210):
                self._do("compose", "one of many", self.now)
            status = {"session": "A", "stream": self.box.stream, "ranges": [[1, 10_000]], "state": "stored"}
            self._do("status", status, self.now)
        for number in range(210):
            row = {"session": "A", "side": 1, "stream": f"crowd{number}", "number": 1, "lamport": number + 1}
            self._do("message", {**row, "text": "hi", "at": self.now}, self.now)
        self._do("closed")

    def _message(self) -> list[Any]:
        return ["message", self._row(self._session_id(), own=False), self.now]

    def _status(self) -> list[Any]:
        if self.box.entries.all and self.random.random() < 0.9:
            entry = self.random.choice(self.box.entries.all)
            session, stream, number = entry["session"], entry["stream"], entry["number"]
        else:
            session, stream, number = self._session_id(), "other", 1
        state = self.random.choice(["stored", "stored", "delivered", "refused"])
        beyond = number + 2
        ranges = [[max(1, number - self.random.randrange(3)), number], [beyond, beyond + self.random.randrange(2)]]
        status: dict[str, Any] = {"session": session, "stream": stream, "ranges": ranges, "state": state}
        if state == "refused" and self.random.random() < 0.5:
            status["error"] = "no-session"
        return ["status", status, self.now]

    def _tick(self) -> list[Any]:
        return ["tick", self.now]

    def _joined(self) -> list[Any]:
        answer: dict[str, Any] = {"ok": True, "state": "free"}
        if self.random.random() < 0.85:
            answer["session"] = self._made()
            answer["messages"] = self._rows(answer["session"]["session"], 4)
            if self.random.random() < 0.8:
                answer["seen"] = {stream: self.random.randrange(5) for stream in ("t1", "t2")}
        return ["joined", answer, self.now]

    def _closed(self) -> list[Any]:
        return ["closed"]

    def _busy(self) -> list[Any]:
        return ["busy", {"session": self._session_id(), "retry_ms": self.random.choice([0, 200, 5_000])}, self.now]

    def _session(self) -> list[Any]:
        return ["session", self._made(), self.now]

    def _ended(self) -> list[Any]:
        return ["ended", self._session_id()]

    def _partner(self) -> list[Any]:
        return ["partner", self.random.random() < 0.6, self.now]

    def _older(self) -> list[Any]:
        session = self._session_id()
        return ["older", session, self.box.side_in(session) or 0, self._rows(session, 5)]

    def _reload(self) -> list[Any]:
        self.pages += 1
        return ["reload", f"p{self.pages}"]

    def _steal(self) -> list[Any]:
        return ["kept", WRITER, self.random.choice(["another", "another", "not an id", ""])]

    def _left(self) -> list[Any]:
        """What an older page, a broken disk or somebody else has put there, seen by the next join."""
        return ["kept", *self._outbox()]

    def _inherit(self) -> list[Any]:
        return ["inherit", *self._outbox(), self.now]

    def _outbox(self) -> list[str]:
        entries = [self._entry(n) for n in range(1, self.random.randrange(2, 6))]
        last = [self._session_id(), "old", len(entries), self.random.randrange(9)]
        kind = self.random.choice(["", "", "", "old", "last"])
        name, kept = OUTBOX + self.random.choice(["q1", "q2"]), json.dumps({"last": last, "entries": entries})
        if kind:
            name, kept = (OLD_LAST, json.dumps(last[:3])) if kind == "last" else (OLD_OUTBOX, json.dumps(entries))
        return [name, damaged(kept, self.random)]

    def _entry(self, n: int) -> dict[str, Any]:
        """A message as it is kept: with the wire's letters."""
        made = {"s": self._session_id(), "side": 0, "st": "old", "n": n, "l": n, "x": f"left {n}", "at": self.now}
        if self.random.random() < 0.5:
            return {**made, "state": "waiting"}
        return {**made, "state": "stored", "p": ["older", 3], "since": self.now + self.ahead}

    def _session_id(self) -> str:
        return self.random.choice([self.box.running or "A", "A", "B"])

    def _made(self) -> dict[str, Any]:
        made: dict[str, Any] = {"session": self._session_id(), "side": 0, "here": self.random.random() < 0.7}
        if self.random.random() < 0.15:
            made["ended"] = self.now
        return made

    def _rows(self, session: str, most: int) -> list[dict[str, Any]]:
        return [self._row(session, own=self.random.random() < 0.5) for _ in range(self.random.randrange(most))]

    def _row(self, session: str, *, own: bool) -> dict[str, Any]:
        side = self.box.side_in(session) or 0
        mine = [entry for entry in self.box.entries.all if entry["session"] == session]
        if own and mine and self.random.random() < 0.7:
            entry = self.random.choice(mine)
            return {name: value for name, value in entry.items() if name not in ("state", "since")}
        stream = self.random.choice(["t1", "t2"])
        number = max(1, self.box.drawn.last(stream) + self.random.choice([1, 1, 1, 1, 0, 2, -1]))
        row: dict[str, Any] = {
            "session": session, "side": side if own else 1 - side, "stream": stream, "number": number,
            "lamport": self.random.choice([number, number + 3, 2**52]), "text": "theirs", "at": self.now,
        }  # fmt: skip
        odd = self.random.random()
        if odd < 0.1:
            row |= {"kind": "gap", "text": ""}
            if self.random.random() < 0.5:
                row["to"] = number + self.random.choice([1, 3])
        elif odd < 0.15:
            row["kind"] = "late"
        return row


@pytest.mark.parametrize("first", range(0, TRACES, PART))
def test_the_lives_of_a_page_are_the_same_in_both_languages(first: int) -> None:
    traces = [OutboxTrace(seed) for seed in range(first, first + PART)]
    calls = {call[0] for trace in traces for step in trace.out for call in step["calls"]}
    assert calls == {"emit", "draw", "mark", "alarm"}, "the traces must reach every call"
    answers = node.answer(TWIN, [trace.steps for trace in traces])
    for seed, (trace, answer) in enumerate(zip(traces, answers, strict=True), first):
        for number, (step, ours, theirs) in enumerate(zip(trace.steps, trace.out, answer["out"], strict=True)):
            assert theirs == ours, f"seed {seed}, step {number}: {step[0]}"
        assert answer["kept"] == trace.storage, f"seed {seed}: what is kept, to the byte"


def damaged(text: str, random: Random) -> str:
    """The text, or what is left of it: cut off, a byte fallen over, a value of another type, another one's."""
    at = random.randrange(len(text))
    match random.randrange(12):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + random.choice('0"]}{x,') + text[at + 1 :]
        case 2:
            return text.replace(random.choice(['"old"', "0", "1", '"waiting"', '"s"']), random.choice(STRANGE), 1)
        case 3:
            return random.choice(STRANGE)
    return text
