"""After a process was cut off from lobby and bus: what goes on, what is told again, and who is entered again."""

import pytest

from citychat.adapters.memory import MemoryLobby
from citychat.model import Message
from citychat.ports import BusEvent, GuestPaused, Receipt, Report, TextsErased
from citychat.rules import DAY_MS
from tests.support.door_page import STREAM, DoorPage
from tests.support.stage import Node, Stage, on_stage


async def cut(stage: Stage, node: Node, seconds: float) -> None:
    """The wire to Redis is pulled, and put back."""
    node.lobby.away, node.bus.lost = {"all"}, lambda event: True
    await stage.after(seconds)
    node.lobby.away, node.bus.lost = set(), lambda event: False
    node.process._resumed()
    await stage.after(1)


@on_stage
async def test_two_with_an_open_offer_stay_in_it_when_a_wire_was_pulled(stage: Stage) -> None:
    anna, ben = await stage.asking()
    for node in (stage.p, stage.q):
        await cut(stage, node, 3)
    await stage.truth(anna, ben)
    assert (await anna.where()).state == "asking" and not ben.events("user-offer-end")
    assert await ben.answer("yes") == "ok"
    await stage.after(0.1)
    assert anna.session == ben.session


@on_stage
async def test_a_lobby_that_knows_the_process_is_asked_for_its_guests_and_nobody_enters_again(stage: Stage) -> None:
    await stage.talking()
    stage.p.calls.clear()
    await cut(stage, stage.p, 3)
    assert "status" in stage.p.calls and not {"drop", "enter"} & set(stage.p.calls)


@on_stage
async def test_a_lobby_that_has_forgotten_the_process_gets_everybody_again(stage: Stage) -> None:
    anna, ben = await stage.talking()
    stage.forget()
    for node in (stage.p, stage.q):
        node.process._resumed()
    await stage.after(1)
    await stage.truth(anna, ben)
    assert (await anna.where()).session == anna.session


@on_stage
async def test_nobody_rests_because_a_process_was_silent_for_longer_than_its_lease(stage: Stage) -> None:
    anna, ben = await stage.asking()
    for node in (stage.p, stage.q):
        node.lobby.away = {"all"}
    await stage.after(16)
    for node in (stage.p, stage.q):
        node.lobby.away = set()
        node.process._resumed()
    await stage.after(1)
    assert isinstance(stage.lobby, MemoryLobby)
    people = stage.lobby._state.people
    assert not people["anna"].rests and not people["ben"].rests and people["ben"].unanswered == 0
    assert not ben.client.match.offer and (await anna.where()).looking


async def talked_for_a_minute(stage: Stage) -> tuple[DoorPage, DoorPage]:
    """anna and ben, of whom ben has written, so that a report of him counts."""
    anna, ben = await stage.talking()
    await ben.say(anna.session, 1)
    await stage.after(0.1)
    await anna.ack(anna.session, 1)
    await stage.after(61)
    return anna, ben


async def report_thrice(stage: Stage, session: str, now: int) -> None:
    """Three report ben, and nobody tells of it."""
    for n in range(3):
        report = Report(f"code {n}", session, f"guest {n}", "ben", "spam", "", now, (f"network {n}",))
        await stage.history.reports.add(report)


@on_stage
async def test_who_was_paused_while_the_bus_was_away_is_told_within_fifteen_seconds_and_not_by_a_wrong_clock(
    stage: Stage,
) -> None:
    """A process whose clock is ahead by more than a pause lasts would find it over, were it to ask by its own."""
    anna, ben = await talked_for_a_minute(stage)
    await stage.after(31)
    stage.clock.ahead_ms = 40 * DAY_MS
    await stage.after(61)
    assert stage.q.matching.sessions.dates.doubt
    for node in (stage.p, stage.q):
        node.bus.lost = lambda event: isinstance(event, GuestPaused)
    await report_thrice(stage, anna.session, stage.clock.wall_ms() - 40 * DAY_MS)
    await stage.after(16)
    assert ben.events("user-banned") and ben.closed == "paused" and anna.open


@on_stage
async def test_texts_that_were_erased_while_the_bus_was_away_are_blanked_when_it_is_back(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await stage.keep(Message(s, 0, STREAM, 1, 1, "secret", 1))
    stage.p.bus.lost = lambda event: isinstance(event, TextsErased)
    assert await anna.wish("user-erase", confirm=True) == "ok"
    await stage.after(0.5)
    assert not ben.events("chat-erased")
    await cut(stage, stage.q, 2)
    assert ben.last("chat-erased") == {"s": s}


@on_stage
async def test_receipts_that_nobody_heard_are_told_when_the_bus_is_back(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    ben.leaves()
    await stage.after(0.1)
    await anna.say(s, 1)
    await stage.after(4)
    assert anna.ranges("stored") == [[(1, 1)]]
    stage.q.bus.lost = lambda event: isinstance(event, Receipt)
    again = await ben.reload()
    await again.ack(s, 1)
    await stage.after(1)
    assert not anna.ranges("delivered")
    await cut(stage, stage.p, 2)
    assert anna.ranges("delivered") == [[(1, 1)]]


@on_stage
async def test_what_the_publisher_could_tell_nobody_is_published_when_its_bus_is_back(stage: Stage) -> None:
    heard: list[BusEvent] = []
    announcements = stage.p.matching.sessions.announcements
    announcements.announce("ben", TextsErased("s"))
    await stage.after(0.1)
    await stage.bus.listen("ben", heard.append)
    await stage.after(0.1)
    assert heard == []
    announcements.repeat()
    announcements.repeat()
    await stage.after(0.1)
    assert heard == [TextsErased("s")]


@on_stage
async def test_every_guest_is_mended_within_five_minutes(stage: Stage) -> None:
    mended: set[str] = set()
    mend = stage.lobby.mend

    async def noted(guests: list[str]) -> None:
        mended.update(guests)
        await mend(guests)

    stage.p.lobby.store = Watched(stage.lobby, noted)
    pages = [await stage.p.join(f"guest {n}") for n in range(25)]
    await stage.after(301)
    assert mended == {page.guest for page in pages}


class Watched:
    """The lobby, with one step that is noted."""

    def __init__(self, lobby: object, mend: object) -> None:
        self._lobby, self.mend = lobby, mend

    def __getattr__(self, name: str) -> object:
        return getattr(self._lobby, name)


async def erased_unheard(stage: Stage, anna: DoorPage) -> None:
    """anna erases herself, and ben's process does not hear of it."""
    await stage.keep(Message(anna.session, 0, STREAM, 1, 1, "secret", 1))
    for node in (stage.p, stage.q):
        node.bus.lost = lambda event: isinstance(event, TextsErased)
    assert await anna.wish("user-erase", confirm=True) == "ok"
    await stage.after(0.5)


@on_stage
async def test_a_bus_that_comes_and_goes_has_everybody_told_once_and_not_each_time(stage: Stage) -> None:
    anna, ben = await stage.talking()
    go = stage.q.history.hold("sessions.find")
    stage.q.calls.clear()
    for _ in range(20):
        stage.q.process._resumed()
        await stage.after(0.1)
    go.set()
    await stage.after(1)
    assert stage.q.calls.count("sessions.find") == 2, "what was under way, and once for all that came meanwhile"
    await erased_unheard(stage, anna)
    stage.q.process._resumed()
    await stage.after(0.5)
    assert ben.events("chat-erased")


@on_stage
async def test_who_was_not_told_since_the_history_was_away_is_told_when_it_is_back(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await erased_unheard(stage, anna)
    stage.q.history.away = {"sessions.find"}
    stage.q.process._resumed()
    await stage.after(3)
    assert not ben.events("chat-erased")
    stage.q.history.away = set()
    await stage.after(10)
    assert ben.events("chat-erased")


@on_stage
async def test_a_bus_that_comes_and_goes_has_lobby_and_bus_asked_once_and_not_each_time(stage: Stage) -> None:
    await stage.talking()
    steps = {"renew": stage.q.lobby.hold("renew"), "listeners": stage.q.bus.hold("listeners")}
    stage.q.calls.clear()
    for _ in range(20):
        stage.q.process._resumed()
        await stage.after(0.1)
    assert {step: stage.q.calls.count(step) for step in steps} == {"renew": 1, "listeners": 1}
    for go in steps.values():
        go.set()
    await stage.after(0.5)
    assert {step: stage.q.calls.count(step) for step in steps} == {"renew": 2, "listeners": 2}


@pytest.mark.parametrize("away", ["renew", "listeners"])
@on_stage
async def test_what_could_not_be_asked_after_a_cut_is_asked_within_two_seconds(stage: Stage, away: str) -> None:
    await stage.talking()
    line = stage.q.lobby if away == "renew" else stage.q.bus
    line.away = {away}
    stage.q.process._resumed()
    await stage.after(0.1)
    line.away = set()
    stage.q.calls.clear()
    await stage.after(2)
    assert away in stage.q.calls
