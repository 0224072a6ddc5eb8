"""Pauses and bans of a guest by the host, always by the code of a report; and the end of one."""

from collections.abc import Callable
from datetime import datetime

from citychat.cases.desk import NotDone, find
from citychat.cases.opening import HistoryWithCases
from citychat.cases.words import until
from citychat.model import Act
from citychat.ports import Case, Sanction
from citychat.rules import FOR_GOOD_MS, PAUSE_MS

RULE_MAX = 20
WORDS_MAX = 100  # what the guest reads of it


class Sanctions:
    """One command's way to pause, ban or lift: ``who`` asks, ``now`` is the time, ``say`` prints a line."""

    def __init__(self, history: HistoryWithCases, who: str, now: datetime, say: Callable[[str], None]) -> None:
        self._cases, self._guests = history.cases, history.guests
        self._who, self._now, self._say = who, round(now.timestamp() * 1_000), say

    async def pause(self, code: str, for_ms: int, rule: str, words: str, *, network: bool) -> None:
        """Pause the accused for so long, or for good, in place of whatever pause there was; with ``network`` also who
        comes new from where they came within a day, for a day."""
        _check(rule, words)
        case = await self._on_guest(code)
        end = FOR_GOOD_MS if for_ms >= FOR_GOOD_MS else self._now + for_ms
        marks = await self._guests.networks(case.accused, self._now) if network else ()
        if network and not marks:
            raise NotDone(f"{case.code}: where the guest came from is not known any more; leave the network out")
        sanction = Sanction(case.accused, end, words, marks, self._now + PAUSE_MS, rule)
        said = f"{until(end)}: rule {rule}{f', {words}' if words else ''}"
        act = Act(self._now, self._who, "ban" if end == FOR_GOOD_MS else "pause", case.code, said)
        await self._cases.sanction(sanction, act)
        self._say(f"{case.code}: the accused is shut out {until(end)}, and out of a running chat within half a minute")
        if marks:
            self._say(f"{case.code}: who comes new from their network is shut out {until(sanction.networks_until)}")

    async def warn(self, code: str, rule: str, words: str) -> None:
        """Have the accused told, when they come in next, that this was not right."""
        _check(rule, words)
        case = await self._on_guest(code)
        if await self._guests.pause(case.accused, self._now) is not None:
            raise NotDone(f"{case.code}: the accused is paused already")
        act = Act(self._now, self._who, "warn", case.code, f"rule {rule}{f', {words}' if words else ''}")
        await self._cases.warn(Sanction(case.accused, self._now, words, rule=rule), act)
        self._say(f"{case.code}: the accused reads the warning when they come in next, once")

    async def lift(self, code: str, note: str) -> None:
        case = await self._on_guest(code)
        networks = await self._guests.networks(case.accused, self._now)
        pauses = self._guests.pause(case.accused, self._now), self._guests.networks_paused(networks, self._now)
        if not any([await pause for pause in pauses]):
            raise NotDone(f"{case.code}: the accused is not paused")
        await self._cases.lift(case.accused, networks, Act(self._now, self._who, "lift", case.code, note))
        self._say(f"{case.code}: the accused may come in again, and is told so")

    async def _on_guest(self, code: str) -> Case:
        """The case of a report. Raises NotDone, also for a notice: it is on nobody."""
        case = find(await self._cases.cases(), code)
        if not case.accused:
            raise NotDone(f"{case.code} is a notice of somebody who is no guest, and names none")
        return case


def _check(rule: str, words: str) -> None:
    for name, said, least, most in (("rule", rule, 1, RULE_MAX), ("reason", words, 0, WORDS_MAX)):
        if not (least <= len(said) <= most and said.isprintable()):
            raise NotDone(f"{name}: expected {least} to {most} letters in one line; the guest reads it")
