"""A store that takes seconds for each answer: whoever comes back is in after so many trips, and asks once."""

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from citychat.client import HeadlessPage
from citychat.client.page import Answer
from citychat.client.shapes import TOKEN, Row
from citychat.joining.joining_page import PING_S, PINGS_MAX
from tests.support.door_page import DoorPage
from tests.support.stage import POLICY, Node, Stage, on_stage

SLOW_S, GUESTS = 3.0, 50
TRIPS_MAX = 6  # one after the other, of who comes back to a chat; tests/server/test_hops.py counts them


class DoorLink:
    """A headless page's link to the door of a process of the stage."""

    def __init__(self, node: Node) -> None:
        self.node, self.address = node, node.stage.address()
        self.page: HeadlessPage
        self.door: DoorPage | None = None
        self.joins = 0

    def open(self) -> None:
        self.close()
        door = self.door = self.node.page(address=self.address)
        door.pinged = self.page.heard
        self.node.stage.loop.call_soon(lambda: self.page.opened() if door is self.door else None)

    def emit(self, event: str, payload: Row, answer: Answer | None = None) -> None:
        self.joins += event == "user-join"
        if self.door is not None:
            self.node.tasks.spawn(self._asked(self.door, event, payload, answer), "ask")

    async def _asked(self, door: DoorPage, event: str, payload: Row, answer: Answer | None) -> None:
        answered = await door.ask(event, payload)
        if answer is not None and door is self.door:
            answer(answered)

    def close(self) -> None:
        door, self.door = self.door, None
        if door is not None:
            door.leaves()


class JoinTimes:
    """A screen that notes when its page was in."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.joined_s: list[float] = []

    def draw(self, row: Row, state: str) -> None: ...

    def mark(self, s: str, st: str, n: int, state: str, why: str) -> None: ...

    def said(self, event: str, payload: Mapping[str, Any]) -> None:
        if event == "user-join" and payload.get("ok"):
            self.joined_s.append(self.stage.clock.monotonic_s())


def slow_down(node: Node, slow_s: float = SLOW_S) -> None:
    """Let every answer of the history take so long; it answers any number of questions at once."""
    call = node.history._call

    async def slow(name: str, step: Any, *args: Any) -> Any:
        await asyncio.sleep(slow_s)
        return await call(name, step, *args)

    node.history._call = slow  # type: ignore[method-assign]


def comes_back(stage: Stage, guest: str, seed: int) -> tuple[HeadlessPage, DoorLink, JoinTimes]:
    link, screen = DoorLink(stage.p), JoinTimes(stage)
    storage = {TOKEN: stage.token(guest)}
    page = HeadlessPage(link, screen, storage, stage.clock, Random(seed), consent=str(POLICY["consent"]))
    link.page = page
    page.start()
    return page, link, screen


@pytest.mark.parametrize("in_chat", [False, True], ids=["free", "in a chat"])
@on_stage
async def test_fifty_guests_who_come_back_together_are_in_after_their_trips_with_one_join_each(
    stage: Stage, in_chat: bool
) -> None:
    guests = [f"guest{n}" for n in range(GUESTS)]
    for a, b in zip(guests[::2], guests[1::2], strict=True):
        anna, ben = await stage.p.join(a), await stage.p.join(b)
        if in_chat:
            await stage.meet(anna, ben)
        anna.leaves()
        ben.leaves()
    await stage.after(10)
    slow_down(stage.p)
    stage.p.calls.clear()
    began_s = stage.clock.monotonic_s()
    back = [comes_back(stage, guest, seed) for seed, guest in enumerate(guests)]
    await stage.after(TRIPS_MAX * SLOW_S + 1)
    took_s = {round(screen.joined_s[0] - began_s, 1) if screen.joined_s else None for _, __, screen in back}
    assert len(took_s) == 1 and None not in took_s, took_s
    assert {link.joins for _, link, __ in back} == {1}
    assert stage.p.calls.count("guests.dossier") == GUESTS
    for page, _, __ in back:
        page.stop()


@on_stage
async def test_joins_of_a_guest_who_reloads_while_the_store_is_slow_go_no_further_than_their_first_question(
    stage: Stage,
) -> None:
    (await stage.p.join("anna")).leaves()
    await stage.after(1)
    slow_down(stage.p)
    stage.p.calls.clear()
    for _ in range(5):
        page, _, __ = comes_back(stage, "anna", 1)
        await stage.after(0.5)
        page.stop()
    page, link, screen = comes_back(stage, "anna", 1)
    await stage.after(TRIPS_MAX * SLOW_S)
    assert (len(screen.joined_s), link.joins) == (1, 1)
    counts = {name: stage.p.calls.count(f"guests.{name}") for name in ("dossier", "keep")}
    assert counts == {"dossier": 6, "keep": 1}
    page.stop()


@on_stage
async def test_a_join_whose_store_never_answers_is_given_up_and_asked_again(stage: Stage) -> None:
    (await stage.p.join("anna")).leaves()
    await stage.after(1)
    slow_down(stage.p, 10_000.0)
    page, link, _ = comes_back(stage, "anna", 1)
    await stage.after(PINGS_MAX * PING_S)
    assert link.joins == 1
    await stage.after(10)
    assert link.joins == 2
    page.stop()
