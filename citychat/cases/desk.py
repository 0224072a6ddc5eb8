"""Acts of a host on cases. Each look and each act is a row of the trail before anything of it is shown or done."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from citychat.cases import export, listing, numbers, reading
from citychat.cases.numbers import CLOSE, Closing
from citychat.cases.opening import HistoryWithCases
from citychat.cases.words import day, moment, state
from citychat.model import OBJECTION_MAX_CHARS, Act, Message, clean_text, first_broken, is_blank
from citychat.ports import Case, Pause
from citychat.rules import Outcome, case_goes, reference


class NotDone(Exception):
    """One line for the host: why nothing was done."""


class Look(NamedTuple):
    """A case as it is looked at: with all other cases, the pause of the accused, and how many messages it has."""

    case: Case
    others: Sequence[Case]
    pause: Pause | None
    messages: int


class Desk:
    """One command's place to work: ``who`` asks, ``now`` is the time of all it does, ``say`` prints a line; ``again``:
    the flags by which a command that it names finds the same store."""

    def __init__(
        self, history: HistoryWithCases, who: str, now: datetime, say: Callable[[str], None], again: str = ""
    ) -> None:
        self._cases, self._guests = history.cases, history.guests
        self._who, self._now, self._say, self._again = who, round(now.timestamp() * 1_000), say, again

    async def groups(self, *, only_open: bool, reasons: Sequence[str] = ()) -> Sequence[Sequence[Case]]:
        """Return the cases in the order in which they should be read, those on one guest together."""
        await self._note("list")
        return listing.joined(await self._cases.cases(), only_open=only_open, reasons=reasons)

    async def list(self, *, only_open: bool, reasons: Sequence[str], as_json: bool) -> None:
        groups = await self.groups(only_open=only_open, reasons=reasons)
        if as_json:
            self._say(msgspec.json.format(msgspec.json.encode(listing.as_values(groups))).decode())
        else:
            self._print(listing.lines(groups, self._now, self._again))

    async def look(self, code: str) -> Look:
        """Look at one case; its messages stay where they are."""
        cases = await self._cases.cases()
        case = find(cases, code)
        await self._note("show", case.code)
        pause = await self._guests.pause(case.accused, self._now)
        others = [other for other in cases if other.code != case.code]
        return Look(case, others, pause, len(await self._cases.evidence(case.code)))

    async def read(self, case: Case) -> Sequence[Message]:
        """Return the messages of a case."""
        await self._note("read", case.code)
        return await self._cases.evidence(case.code)

    async def show(self, code: str, *, wants_text: Callable[[int], bool]) -> None:
        """``wants_text`` is asked once all else is on the screen, with how many messages there are."""
        case, others, pause, messages = await self.look(code)
        self._print(reading.facts(case, others, pause, self._now, self._again))
        if wants_text(messages):
            self._print(["", *reading.transcript(case, await self.read(case))])

    async def enter(self) -> None:
        """Note that somebody has come into the console."""
        await self._note("enter the console")

    async def paused(self) -> tuple[Sequence[tuple[str, Pause]], Sequence[Case]]:
        """Return the guests who are paused now, with their pauses, and all cases."""
        await self._note("list paused")
        return await self._guests.sanctions(0, self._now), await self._cases.cases()

    async def close(self, codes: Sequence[str], outcome: Outcome, rule: str, note: str) -> None:
        """All of them, or none where one is unknown. Who closes a closed one decides anew; the trail has both."""
        known = await self._cases.cases()
        found = [find(known, code) for code in dict.fromkeys(codes)]
        decided = [
            replace(
                case, state=outcome, rule=rule, words=note, closed=self._now,
                goes=case_goes(outcome, self._now, case.held),
            )
            for case in found
        ]  # fmt: skip
        words = [Closing(outcome, rule, case.reason, case.at, note) for case in found]
        acts = [
            self._act(CLOSE, case.code, msgspec.json.encode(closing).decode())
            for case, closing in zip(found, words, strict=True)
        ]
        await self._cases.record(acts, decided)
        self._print([f"{case.code}: {state(case)}" for case in decided])

    async def hold(self, code: str, until: datetime, note: str) -> None:
        """Keep a case until that day, whatever is decided; a day that is over lets go of it."""
        case = find(await self._cases.cases(), code)
        held = round(until.timestamp() * 1_000)
        held = held if held > self._now else 0
        goes = case_goes(_outcome(case), case.closed, held) if case.closed is not None else None
        kept = replace(case, held=held, goes=goes)
        await self._cases.record(
            [self._act("hold", case.code, f"until {moment(held) if held else 'now'}: {note}")], [kept]
        )
        self._say(f"{case.code}: {state(kept)}")

    async def answer(self, code: str, text: str) -> None:
        """Answer what the accused objects; they read it where they are told of the pause. The trail has no text of it:
        that goes with its case."""
        said = clean_text(text).strip()
        if is_blank(said):
            raise NotDone("expected an answer; there is nothing to read in it")
        if len(said) > OBJECTION_MAX_CHARS:
            raise NotDone(f"expected an answer of at most {OBJECTION_MAX_CHARS:,} characters, not {len(said):,}")
        case = find(await self._cases.cases(), code)
        if case.objected is None:
            raise NotDone(f"{case.code}: nobody has objected")
        answered = replace(case, answer=said, answered=self._now)
        await self._cases.record([self._act("answer", case.code)], [answered])
        self._say(f"{case.code}: answered; the accused reads it at the next look")

    async def export(self, code: str, to: Path | None) -> None:
        case = find(await self._cases.cases(), code)
        folder = to or Path(f"citychat-case-{case.code}-{self._now}")
        if folder.exists():
            raise NotDone(f"{folder} is there already: name another with --to")
        files = await self.files_of(case, str(folder))
        try:
            export.write(folder, files)
        except OSError as error:
            raise NotDone(f"{error.filename or folder}: cannot be written ({error.strerror})") from error
        self._say(f"Kept {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}, for you alone to read")

    async def files_of(self, case: Case, to: str) -> dict[str, bytes]:
        """Return the files of an export, which is noted: it goes ``to`` there."""
        await self._note("export", case.code, to)
        about = [row for row in await self._cases.trail() if row.act.code == case.code]
        return export.files_of(case, await self._cases.evidence(case.code), about, self._now)

    async def prune(self) -> None:
        await self._note("prune")
        self._say(f"Cases deleted: {await self._cases.prune(self._now)}")

    async def audit(self, known: str, *, rows: bool) -> None:
        """Verify the trail; ``known``: a hash that was noted before, and must be in it."""
        trail = await self._cases.trail()
        if rows:
            self._print(
                [f"{r.n}  {moment(r.act.at)}  {r.act.who}  {r.act.act} {r.act.code}  {r.act.words}" for r in trail]
            )
        broken = first_broken(trail)
        if broken is not None:
            raise NotDone(f"the trail is broken at row {broken}: it was changed there, or rows are missing")
        if known and known not in [row.hash for row in trail]:
            raise NotDone(
                "the trail is whole, but no row has that hash: rows were taken away, or all of it was made anew"
            )
        if not trail:
            self._say("The trail is empty.")
            return
        self._say(f"Whole: rows {trail[0].n} to {trail[-1].n}, since {day(trail[0].act.at)}. Note this elsewhere:")
        self._say(trail[-1].hash)

    async def numbers(self, year: int) -> None:
        self._print(numbers.of_year(year, await self._cases.cases(), await self._cases.trail()))

    def _act(self, act: str, code: str = "", words: str = "") -> Act:
        return Act(self._now, self._who, act, code, words)

    async def _note(self, act: str, code: str = "", words: str = "") -> None:
        await self._cases.record([self._act(act, code, words)])

    def _print(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._say(line)


def find(cases: Sequence[Case], code: str) -> Case:
    """Return the case of that code, or of the reference that its accused reads, in whatever case and with whatever
    spaces. Raises NotDone."""
    wanted = "".join(code.split()).upper()
    for case in cases:
        if wanted in (case.code, reference(case.session, case.reporter)):
            return case
    raise NotDone(f"no report has the code {code}: look at the list; closed ones go on their day")


def _outcome(case: Case) -> Outcome:
    return "acted" if case.state == "acted" else "none"
