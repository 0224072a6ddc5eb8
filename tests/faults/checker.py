"""The one checker: reads everybody's logs and the stores afterwards, and names every promise that was broken."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from citychat.client.shapes import Row
from citychat.model import PENDING
from tests.faults.kept import Kept
from tests.faults.people import Entry, Key, Resident

PROMISES = ("lost", "duplicated", "out of order", "stuck", "differing", "history", "gap", "matching")
CLOCK_MS = 50  # barred and session times are taken by two processes


@dataclass(frozen=True)
class Finding:
    """A broken promise; ``person`` is "" when it is nobody's."""

    promise: str
    person: str
    text: str


@dataclass
class Report:
    """Messages counted, and what was wrong with them."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


def check(people: Sequence[Resident], kept: Kept) -> Report:
    """Everybody has settled or given up by now, and nobody says anything any more."""
    case = _Case(people, kept)
    report = Report()
    for person in people:
        report.findings += [Finding(promise, person.name, text) for promise, text in case.judge(person)]
    report.findings += [Finding(promise, "", text) for promise, text in (*case.judge_history(), *case.judge_matching())]
    ticked = {key for person in people for key in case.ticked(person)}
    report.counts.update(
        sent=len(case.said), acknowledged=len(ticked), shown=len(case.shown), history=len(case.history)
    )
    return report


class _Case:
    def __init__(self, people: Sequence[Resident], kept: Kept) -> None:
        self.people, self.kept = people, kept
        self.said: dict[Key, tuple[Resident, int, str]] = {}
        for person in people:
            for number, entry in enumerate(of(person, "said")):
                assert entry.key
                self.said[entry.key] = person, number, entry.text
        self.shown = {entry.key for person in people for entry in of(person, "shown", "read")}
        self.history = {_key(row): row for row in kept.rows if row.get("kind") != "gap"}
        self.members: dict[str, dict[int, Resident]] = defaultdict(dict)
        for person in people:
            for s, side in person.sides.items():
                self.members[s][side] = person
        self.running = {session["id"] for session in kept.sessions if session["ended"] is None}

    def ticked(self, person: Resident) -> set[Key]:
        return {entry.key for entry in of(person, "stored", "delivered") if entry.key in self.said}

    # -- one person ---------------------------------------------------------------------------------------------------

    def judge(self, person: Resident) -> Iterator[tuple[str, str]]:
        yield from self._ticks(person)
        yield from self._waiting(person)
        for load in range(len(person.pages)):
            yield from self._screen(person, load)
        if person.here and (s := person.chat):
            rows = sorted((row for row in self.history.values() if row["session"] == s), key=_place)
            if person.page.screen.transcript(s) != [row["text"] for row in rows]:
                yield "differing", f"the transcript of {s} is not the history's"

    def _ticks(self, person: Resident) -> Iterator[tuple[str, str]]:
        delivered = {entry.key for entry in of(person, "delivered")}
        for key in self.ticked(person):
            if key not in self.shown and not self.kept.mail.get(self._reader(key)):
                yield "lost", f"{self.said[key][2]} {key} has a tick, and nobody has it"
            elif key in delivered and key not in self.history:
                yield "lost", f"{self.said[key][2]} {key} is delivered, and in no history"
            elif key in delivered and self.history[key].get("after_end"):
                yield "history", f"{self.said[key][2]} {key} was read after the end, and its sender sees it"

    def _reader(self, key: Key) -> str:
        """The guest for whom a message is, by the session's row: perhaps no page of theirs was ever told of it."""
        rows = [session for session in self.kept.sessions if session["id"] == key[0]]
        return str(rows[0]["members"][1 - key[1]]) if rows else ""

    def _waiting(self, person: Resident) -> Iterator[tuple[str, str]]:
        for entry in person.entries("waiting"):
            yield "stuck", f"{entry['text']} has no tick"
        for entry in person.entries("stored"):
            if entry["session"] == person.chat:
                yield "stuck", f"{entry['text']} has one tick, and the partner is here"
        if of(person, "undelivered"):
            yield "stuck", "something was called not delivered"
        if person.here and not person.page.joined:
            yield "stuck", "the page is not joined at the end"
        if person.chat and self.kept.mail.get(person.guest):
            yield "stuck", "mail is left behind, and its reader is in a chat"

    def _screen(self, person: Resident, load: int) -> Iterator[tuple[str, str]]:
        rows = [entry for entry in of(person, "shown", "read", "gap") if entry.load == load]
        drawn = Counter(entry.key for entry in rows)
        for entry in rows:
            assert entry.key
            if entry.what == "gap":
                if entry.key[0] in self.running:
                    yield "gap", f"page {load} shows a gap instead of {entry.key}"
            elif entry.key not in self.said:
                yield "differing", f"page {load} shows {entry.text}, which nobody said"
            elif self.said[entry.key][2] != entry.text:
                yield "differing", f"page {load} shows {entry.text} instead of {self.said[entry.key][2]}"
        for key, times in drawn.items():
            if times > 1:
                yield "duplicated", f"page {load} shows {key} {times} times"
        numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
        for entry in rows:
            if entry.what == "shown" and entry.key in self.said:
                who, number, _ = self.said[entry.key]
                numbers[entry.key[0], who.name].append(number)
        for (_, name), found in numbers.items():
            for one, two in pairwise(found):
                if two < one:
                    yield "out of order", f"page {load} shows {name} {two} after {name} {one}"

    # -- everybody ----------------------------------------------------------------------------------------------------

    def judge_history(self) -> Iterator[tuple[str, str]]:
        for key, row in self.history.items():
            if key not in self.said:
                yield "history", f"{key} is in the history, and nobody said it"
            elif row["text"] != self.said[key][2]:
                yield "history", f"{row['text']} is in the history instead of {self.said[key][2]}"
            elif key not in self.shown:
                yield "history", f"{self.said[key][2]} is in the history, and nobody was shown it"
        for pending_blocks in self.shown - self.history.keys():
            yield "history", f"{pending_blocks} was shown, and is in no history"

    def judge_matching(self) -> Iterator[tuple[str, str]]:
        for s in {person.chat for person in self.people if person.chat}:
            pair = self.members[s]
            if len(pair) < 2 or any(person.here and person.chat != s for person in pair.values()):
                yield "matching", f"{s} runs for {[person.name for person in pair.values() if person.chat == s]} only"
        running: Counter[str] = Counter()
        for session in self.kept.sessions:
            if session["id"] in self.running:
                running.update(session["members"])
                if not any(person.chat == session["id"] for person in self.people):
                    yield "matching", f"{session['id']} has not ended, and nobody is in it"
            a, b = sorted(session["members"])
            began = session["ended"] != PENDING
            if began and (a, b) in self.kept.barred and session["started"] > self.kept.barred[a, b] + CLOCK_MS:
                yield "matching", f"{session['id']} began {session['started'] - self.kept.barred[a, b]} ms after a no"
        yield from (("matching", f"{guest} is in {times} sessions") for guest, times in running.items() if times > 1)
        for person in self.people:
            yield from self._two_chats(person)
        declines = sum(_declines(person) for person in self.people)
        if declines > len(self.kept.barred):
            yield "matching", f"{declines} declines were taken, and {len(self.kept.barred)} pairs are barred"

    def _two_chats(self, person: Resident) -> Iterator[tuple[str, str]]:
        """A page in one chat is told of another, and not that the first is over."""
        chat = ""
        for entry in person.log:
            if entry.what in ("joined", "closed") or (entry.what == "left" and entry.text == chat):
                chat = ""
            elif entry.what == "session":
                if chat and chat != entry.text:
                    yield "matching", f"{person.name} is told of {entry.text} while {chat} runs"
                chat = entry.text


def _declines(person: Resident) -> int:
    """To how many offers the server has taken a no; it may have been pressed twice."""
    words = [entry for entry in person.log if entry.what in ("yes", "no", "answered")]
    return len(
        {one.text for one, two in pairwise(words) if one.what == "no" and (two.what, two.text) == ("answered", "ok")}
    )


def of(person: Resident, *what: str) -> list[Entry]:
    """The person's log entries of these kinds."""
    return [entry for entry in person.log if entry.what in what]


def _key(row: Row) -> Key:
    return row["session"], row["side"], row["stream"], row["number"]


def _place(row: Row) -> tuple[int, int, str, int]:
    return row["lamport"], row["side"], row["stream"], row["number"]
