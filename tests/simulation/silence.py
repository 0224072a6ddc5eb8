"""How many people false reports pause: ``python -m tests.simulation.silence`` prints a table; exits 1 when they do.

A town of forty people and three bots, whole processes on the stage, in virtual time. People look, talk for a while and
look again. The bots do the same and report whoever they come upon, or only the two they aim at. In the last row nobody
is a bot, and one of the people insults everybody: whoever has heard enough of it says so.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from citychat.rules import ANSWERED_WITHIN_MS, BLAMED_AFTER_MS
from tests.support.door_page import DoorPage
from tests.support.stage import LYON, Stage, play

PEOPLE, BOTS = 40, 3
HOUSE = "2001:db8:7:{}::1".format  # its /64
POLITE_S = ANSWERED_WITHIN_MS / 1000 + 1  # who stays for so long, and says a word, has let nobody down
SILENT_S = 3.0  # how long they stay with somebody who says nothing
CITY = "198.18.{}.1".format


class Row(NamedTuple):
    """One attack. ``wait_s``: after how long a bot reports; ``anew``: it erases itself after each report; ``aimed``: at
    how many, all others it leaves. ``most``: whom the rules may pause."""

    name: str
    secs: float
    address: Callable[[int], str] = HOUSE
    writes: bool = False
    wait_s: float = 0.0
    anew: bool = False
    insulter: bool = False
    aimed: int = 0
    most: int = 0


LONG_S, MINUTE_S = 1_200.0, BLAMED_AFTER_MS / 1000 + 1
ROWS = (
    Row("three /64 of one /48, nobody has written, reported at once", 60),
    Row("three networks, nobody has written, reported at once", 60, CITY),
    Row("three networks, all write, reported at once", 60, CITY, writes=True),
    Row("three /64 of one /48, all write, reported after a minute", LONG_S, writes=True, wait_s=MINUTE_S),
    Row("three networks, all write, reported after a minute", LONG_S, CITY, writes=True, wait_s=MINUTE_S),
    Row("the same, a new guest after each report", LONG_S, CITY, writes=True, wait_s=MINUTE_S, anew=True),
    Row("three networks that aim at two people", LONG_S, CITY, writes=True, wait_s=MINUTE_S, aimed=2, most=2),
    Row("no bots: one insults, who meets them reports it", LONG_S, writes=True, wait_s=MINUTE_S, insulter=True, most=1),
)


class Life:
    """Somebody who looks, says yes, talks and looks again, until the page is closed."""

    def __init__(self, stage: Stage, row: Row, page: DoorPage, random: Random) -> None:
        self.stage, self.row, self.page, self.random = stage, row, page, random
        self.met_s, self.session, self.patience_s = 0.0, "", 0.0

    async def turn(self) -> None:
        client = self.page.node.registry.find(self.page.guest)
        if client is None or not self.page.open:
            return
        if client.session is not None:
            if client.session.id != self.session:
                self.session, self.met_s = client.session.id, self.stage.clock.monotonic_s()
                await self.meets()
            await self.talks(self.stage.clock.monotonic_s() - self.met_s)
        elif client.match.offer is not None and client.match.offer.candidate == self.page.guest:
            await self.page.wish("user-match", offer=client.match.offer.id, answer="yes")
        elif client.match.offer is None:
            await self.page.wish("user-seek")

    async def meets(self) -> None:
        """Both sides draw and ack each other's first words."""
        self.patience_s = self.random.uniform(15, 30) if self.row.writes else SILENT_S
        self.patience_s += self.row.wait_s
        if self.row.writes:
            await self.page.say(self.session, 1)

    async def talks(self, secs: float) -> None:
        for row in self.page.events("chat-message"):
            if row["s"] == self.session:
                await self.page.ack(self.session, row["n"])
        if secs >= self.patience_s:
            await self.page.leave(self.session)


class Bot(Life):
    """It reports whoever it comes upon."""

    async def talks(self, secs: float) -> None:
        for row in self.page.events("chat-message"):
            if row["s"] == self.session:
                await self.page.ack(self.session, row["n"])
        met = self.page.client.session
        is_aimed_at = met is not None and {f"person-{n}" for n in range(self.row.aimed)} & {*met.members}
        if self.row.aimed and met is not None and not is_aimed_at and secs >= POLITE_S:
            await self.page.leave(self.session)
        if secs < self.row.wait_s or not self.page.client.session:
            return
        await self.page.wish("user-report", session=self.session, reason="spam")
        if self.row.anew:
            await self.page.wish("user-erase", confirm=True)
            self.page = self.page.next_page()
            assert (await self.page.join(position=LYON))["ok"]


class Insulted(Life):
    """One of those who report the one who insults."""

    async def talks(self, secs: float) -> None:
        met = self.page.client.session
        is_insulted = met is not None and "insulter" in met.members and self.page.guest != "insulter"
        if is_insulted and secs >= self.row.wait_s:
            await self.page.wish("user-report", session=self.session, reason="hate")
        else:
            await super().talks(secs)


async def town(stage: Stage, row: Row, people: int) -> int:
    """How many of the people are paused in the end."""
    random = Random(5)
    lives: list[Life] = []
    for n in range(people):
        name = "insulter" if row.insulter and n == 0 else f"person-{n}"
        kind = Insulted if row.insulter else Life
        lives.append(kind(stage, row, await stage.p.join(name), random))
    for n in range(0 if row.insulter else BOTS):
        lives.append(Bot(stage, row, await stage.q.join("", row.address(n + 1), position=LYON), random))
    until_s = stage.clock.monotonic_s() + row.secs
    while stage.clock.monotonic_s() < until_s:
        random.shuffle(lives)
        for life in lives:
            await life.turn()
        await stage.after(2.0 if row.wait_s else 0.2)
    paused = [
        stage.history.guests.pause(life.page.guest, stage.clock.wall_ms())
        for life in lives
        if not isinstance(life, Bot)
    ]
    return sum(pause is not None for pause in await asyncio.gather(*paused))


def paused(row: Row, people: int = PEOPLE) -> int:
    """Play one row."""
    found: list[int] = []

    async def scene(stage: Stage) -> None:
        found.append(await town(stage, row, people))

    with tempfile.TemporaryDirectory() as folder:
        play(scene, Path(folder))
    return found[0]


def main() -> int:
    print(f"| {PEOPLE} people, {BOTS} bots | paused |\n| --- | --- |")
    wrong = False
    for row in ROWS:
        number = paused(row)
        wrong |= number > row.most or number < row.insulter
        print(f"| {row.name} | {number} of {PEOPLE} |", flush=True)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
