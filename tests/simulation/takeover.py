"""A town of twenty people, and pages of one address that keep them from each other: what is left of the calm town.

``python -m tests.simulation.takeover`` plays each town with real processes over the real lobby, in virtual time, and
writes the table into docs/reliability.md.
"""

import asyncio
import sys
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

from citychat.adapters.memory import MemoryLobby
from tests.support.document import ROOT, commit, fill
from tests.support.door_page import DoorPage, Payload
from tests.support.stage import Stage, on_stage

PEOPLE, SECONDS = 20, 80.0
SEEDS = range(5)
TOWNS = [("silent", count) for count in (0, 1, 3, 8, 20, 80)]
TOWNS += [("leaving at once", 8), ("taking back", 8), ("letting expire", 40), ("saying later", 40), ("saying no", 40)]
TOWNS += [("complaining", count) for count in (0, 3, 20)]
ADDRESS = "203.0.250.1"  # of all bots, but those that complain
AGREED_S = 2.0  # a page says yes by itself
PATIENT_S = 8.0  # who hears nothing for so long leaves
COMPLAINS_S = 5.1
AT_LAST_S = 14.0  # an offer lasts for 15
DOCUMENT, MAKER = ROOT / "docs" / "reliability.md", "make takeover"


@dataclass
class Outcome:
    """``turns``: chats in which the other one answered, of each person; ``silent``: those in which nobody did;
    ``first_s``: when each person met somebody who answers; ``behind``: people who rank behind everybody at the end."""

    turns: int
    silent: int
    first_s: list[float]
    behind: int

    @property
    def lonely(self) -> int:
        return PEOPLE - len(self.first_s)


class TownPage(DoorPage):
    """A page whose person does something about what it shows."""

    def __init__(self, stage: Stage, name: str, address: str, random: Random) -> None:
        super().__init__(stage.p, name, stage.token(name), address)
        self.random, self.written = random, 0
        self._doing = set[asyncio.Task[Any]]()

    def emit(self, event: str, payload: Payload) -> None:
        super().emit(event, payload)
        self.stage.loop.call_soon(self.shown, event, dict(payload))

    def does(self, what: Coroutine[Any, Any, Any]) -> None:
        task = self.stage.loop.create_task(what)
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    def in_s(self, secs: float, call: Any, *args: Any) -> None:
        self.stage.loop.call_later(secs, call, *args)

    def shown(self, event: str, payload: dict[str, Any]) -> None:
        match event:
            case "user-session":
                self.met(payload["session"])
            case "user-offer":
                self.asked(payload["offer"])
            case "user-left":
                self.alone()
            case "chat-message":
                self.does(self.ack(payload["s"], payload["n"], payload["st"]))
                self.heard(payload["s"])

    def looks(self) -> None:
        self.does(self._looks())

    async def _looks(self) -> None:
        if await self.seek() == "busy":  # pages wait, and look again
            self.in_s(1, self.looks)

    def says_yes(self, offer: str) -> None:
        if self.last("user-offer")["offer"] == offer:
            self.does(self.answer("yes", offer))

    def asked(self, offer: str) -> None: ...

    def met(self, s: str) -> None: ...

    def heard(self, s: str) -> None: ...

    def alone(self) -> None: ...


class Townsperson(TownPage):
    """Looks, says hi, talks for 15 to 30 s, leaves a silent partner after 8, and looks again."""

    begins_s, patient_s = (0.5, 2.0), PATIENT_S

    def __init__(self, stage: Stage, name: str, random: Random) -> None:
        super().__init__(stage, name, stage.address(), random)
        self.talks_in, self.silent, self.answered_s = "", 0, dict[str, float]()
        self.moved_on = set[str]()

    def asked(self, offer: str) -> None:
        self.in_s(AGREED_S, self.says_yes, offer)

    def met(self, s: str) -> None:
        if s == self.talks_in:
            return
        self.talks_in = s
        self.in_s(self.random.uniform(*self.begins_s), self.begins, s)
        self.in_s(self.patient_s, self.tires, s)

    def begins(self, s: str) -> None:
        if s == self.talks_in:
            self.does(self.say(s, 1, stream=f"stream-{len(self.told)}"))

    def heard(self, s: str) -> None:
        if s not in self.answered_s:
            self.answered_s[s] = self.stage.clock.monotonic_s()
            self.in_s(self.random.uniform(15, 30), self.goes, s)

    def tires(self, s: str) -> None:
        if s == self.talks_in and s not in self.answered_s:
            self.silent += 1
            self.goes(s)

    def goes(self, s: str) -> None:
        if s == self.talks_in:
            self.talks_in = ""
            self.does(self._leaves(s))

    async def _leaves(self, s: str) -> None:
        await self.leave(s)
        self.looks()

    def alone(self) -> None:
        self.talks_in = ""
        self.looks()


class SlowTownsperson(Townsperson):
    """Needs 4 to 8 s for the first word, with the sign of typing switched off, and waits for twice as long."""

    begins_s, patient_s = (4.0, 8.0), 2 * PATIENT_S


class SilentBot(TownPage):
    """Looks, says yes at once, and never a word."""

    def asked(self, offer: str) -> None:
        self.says_yes(offer)

    def alone(self) -> None:
        self.looks()


class Leaver(SilentBot):
    """Says yes at once, and is gone."""

    def met(self, s: str) -> None:
        self.does(self._leaves(s))

    async def _leaves(self, s: str) -> None:
        await self.leave(s)
        self.looks()


class Complainer(SilentBot):
    """Says yes and a word at once, and leaves before most have answered; each from a network of its own."""

    def __init__(self, stage: Stage, name: str, address: str, random: Random) -> None:
        super().__init__(stage, name, stage.address(), random)

    def met(self, s: str) -> None:
        self.does(self.say(s, 1, stream=f"stream-{len(self.told)}"))
        self.in_s(COMPLAINS_S, lambda: self.does(self._leaves(s)))

    async def _leaves(self, s: str) -> None:
        await self.leave(s)
        self.looks()


class Taker(TownPage):
    """Asks somebody, takes the offer back after a second, and asks the next."""

    def looks(self) -> None:
        self.does(self._asks())

    async def _asks(self) -> None:
        while True:
            await self.seek()
            await self.stage.after(1)
            await self.wish("user-stop")

    def met(self, s: str) -> None:
        self.does(self.leave(s))


class Expirer(TownPage):
    """Looks, with "more time", and answers nobody."""

    def looks(self) -> None:
        self.does(self._waits())

    async def _waits(self) -> None:
        await self.wish("user-available", on=True, slow=True)
        await self.seek()

    def asked(self, offer: str) -> None:
        self.in_s(60.5, self.looks)


class Postponer(TownPage):
    """Looks, and says at the last moment that it would rather not, and looks again."""

    says = "later"

    def looks(self) -> None:
        self.does(self._looks_openly())

    async def _looks_openly(self) -> None:
        await self.wish("user-available", on=True)
        await self.seek()

    def asked(self, offer: str) -> None:
        self.in_s(AT_LAST_S, lambda: self.does(self._says(offer)))

    async def _says(self, offer: str) -> None:
        await self.answer(self.says, offer)
        self.looks()


class Decliner(Postponer):
    says = "no"


BOTS = {
    "silent": SilentBot, "leaving at once": Leaver, "taking back": Taker, "letting expire": Expirer,
    "saying later": Postponer, "saying no": Decliner, "complaining": Complainer,
}  # fmt: skip


async def live(stage: Stage, kind: str, count: int, seed: int) -> Outcome:
    """Play one town on this stage."""
    random = Random(seed)
    bots = [BOTS[kind](stage, f"bot {n:02}", ADDRESS, Random(random.random())) for n in range(count)]
    for bot in bots:
        await stage.after(0.1)  # one address gets no more joins of the process's in a moment
        assert (await bot.join())["ok"]
    for one, other in combinations(bots, 2):  # a farm is made so that it never meets itself
        await stage.lobby.block(one.guest, other.guest)
    made = SlowTownsperson if kind == "complaining" else Townsperson
    people = [made(stage, f"person {n:02}", Random(random.random())) for n in range(PEOPLE)]
    for page in (*bots, *people):
        page.in_s(random.uniform(0, 10), lambda page=page: page.does(arrive(page)))
    started_s = stage.clock.monotonic_s()
    await stage.after(SECONDS)
    return Outcome(
        sum(len(person.answered_s) for person in people),
        sum(person.silent for person in people),
        [min(person.answered_s.values()) - started_s for person in people if person.answered_s],
        len([person for person in people if behind(stage, person)]),
    )


def behind(stage: Stage, person: TownPage) -> bool:
    """Tell whether a person ranks behind everybody, or is led to nobody."""
    assert isinstance(stage.lobby, MemoryLobby)
    return stage.lobby._state.letdowns.standing(person.guest) != ""


async def arrive(page: TownPage) -> None:
    if not page.is_in:
        assert (await page.join())["ok"]
    page.looks()


def play(kind: str, count: int, seed: int) -> Outcome:
    """One town, from an empty database."""
    found = list[Outcome]()

    async def scene(stage: Stage) -> None:
        found.append(await live(stage, kind, count, seed))

    with tempfile.TemporaryDirectory(prefix="citychat-takeover-") as folder:
        on_stage(scene)(tmp_path=Path(folder))
    return found[0]


def row(kind: str, count: int, played: list[Outcome], calm: float) -> str:
    turns, silent = mean(each.turns for each in played), mean(each.silent for each in played)
    first_s = [secs for each in played for secs in each.first_s]
    cells = (
        f"{count} {kind}" if count else "none", f"{turns:.0f}", f"{turns / calm:.0%}", f"{silent:.0f}",
        f"{max(first_s, default=0):.0f} s", f"{sum(each.lonely for each in played)} of {PEOPLE * len(played)}",
        f"{sum(each.behind for each in played)} of {PEOPLE * len(played)}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> int:
    lines = [
        f"Commit {commit()}, {len(SEEDS)} towns of {PEOPLE} people and {SECONDS:.0f} s a row.",
        "",
        "| Pages of one address | Turns with a person | Of the calm town | Turns with a silent one | "
        "The last one's first turn | Met nobody who answers | People put behind |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    calm = 0.0
    for kind, count in TOWNS:
        played = [play(kind, count, seed) for seed in SEEDS]
        calm = calm if count else mean(each.turns for each in played)
        lines.append(row(kind, count, played, calm))
        print(lines[-1], flush=True)
    fill(DOCUMENT, MAKER, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
