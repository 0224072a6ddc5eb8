"""Waiting for people, and bringing them together."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.faults.people import Resident
from tests.faults.town import TICK_S, Town
from tests.support.patience import PATIENCE_S


@dataclass(frozen=True)
class Pair:
    """Two in one chat; ``sender`` is who looked."""

    sender: Resident
    receiver: Resident

    @property
    def moment(self) -> str:
        return self.sender.moment

    def both(self) -> tuple[Resident, Resident]:
        return self.sender, self.receiver


async def until(true: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    """Wait until then, or until patience ends; whether it is so."""
    until_s = time.monotonic() + patience_s
    while not (so := true()) and time.monotonic() < until_s:  # noqa: ASYNC110 - what is waited for is in many places
        await asyncio.sleep(TICK_S)
    return so


async def until_all(people: Sequence[Resident], true: Callable[[Resident], bool]) -> Sequence[Resident]:
    """Raises TimeoutError, naming who is not there yet."""
    if not await until(lambda: all(map(true, people))):
        raise TimeoutError(f"not ready after {PATIENCE_S} s: {[person.name for person in people if not true(person)]}")
    return people


async def until_any(people: Sequence[Resident], true: Callable[[Resident], bool]) -> None:
    if not await until(lambda: any(map(true, people))):
        raise TimeoutError(f"nobody of {[person.name for person in people]} is ready after {PATIENCE_S} s")


async def open_all(people: Sequence[Resident]) -> None:
    for person in people:
        await person.open()
    await until_all(people, lambda person: person.page.joined)


async def marry(town: Town, moment: str, count: int, sender: int, receiver: int) -> list[Pair]:
    """New pairs in chats, at these processes. One seeks after the other: two lookers would take each other."""
    receivers = [town.person(receiver, moment) for _ in range(count)]
    senders = [town.person(sender, moment) for _ in range(count)]
    for person in senders:
        person.shy = True
    await open_all(receivers + senders)
    for person in senders:
        person.seek()
        await person.page.screen.until(lambda person=person: bool(person.chat))  # type: ignore[misc]
    chats = {person.chat: person for person in await until_all(receivers, lambda person: bool(person.chat))}
    return [Pair(person, chats[person.chat]) for person in senders]
