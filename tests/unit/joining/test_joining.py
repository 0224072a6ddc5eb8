"""How a page comes in and goes: over the real stores, two processes, in virtual time, through the door."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from citychat.adapters.sqlite.database import Transaction
from citychat.model import Cell
from citychat.places import Gazetteer, Places
from citychat.ports import Bus, Engines, Entry, GuestPaused, History, Lobby, Mailbox, NewerPage
from citychat.rules import DAY_MS
from citychat.server.process import Policy, Process
from citychat.tasks import Tasks
from citychat.tokens import SigningKey, SigningKeys
from tests.unit.meeting import HISTORY_MS, Line, LossyBus, Town, meeting

GAZETTEER = Gazetteer()
KEYS = SigningKeys(SigningKey("k", Random(5).randbytes(32)))
HOUR_MS = 3_600_000
ST = "A" * 11


class Gate(Line):
    """A line whose steps can be held, before they are done or after."""

    def __init__(self, store: object, calls: list[str]) -> None:
        super().__init__(store)
        self.calls = calls
        self.before: dict[str, asyncio.Event] = {}
        self.behind: dict[str, asyncio.Event] = {}

    async def call(self, name: str, step: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Any:
        if name in self.before:
            await self.before[name].wait()
        answer = await super().call(name, step, *args)
        if name in self.behind:
            await self.behind[name].wait()
        return answer


class Page:
    """One page: what it was told, the answers among it, in order."""

    def __init__(self, house: "House", token: str = "") -> None:
        self.house, self.token = house, token
        self.address = "127.0.0.1"
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.times_s: list[float] = []
        self.closed = ""

    @property
    def open(self) -> bool:
        return not self.closed

    def emit(self, event: str, payload: Mapping[str, object]) -> None:
        if not self.closed:
            self.told.append((event, dict(payload)))
            self.times_s.append(self.house.town.clock.monotonic_s())

    def close(self, why: str) -> None:
        self.closed = self.closed or why

    async def ask(self, event: str, payload: Mapping[str, object]) -> dict[str, Any]:
        """The answer; {} when the page was closed before it."""
        answers: list[dict[str, Any]] = []

        def reply(answer: Mapping[str, object]) -> None:
            self.emit("answer", answer)
            answers.append(dict(answer))

        await self.house.process.door(self, event, payload, reply)
        for _ in range(50):
            if answers:
                break
            await self.house.town.after(0.1)
        return answers[0] if answers else {}

    async def join(self, have: Mapping[str, int] | None = None, **changes: object) -> dict[str, Any]:
        asked = {"v": 1, "consent": "1", "adult": True, "available": True, "visible": True, "have": have or {}}
        if self.token:
            asked["token"] = self.token
        answer = await self.ask("user-join", asked | changes)
        self.token = answer.get("token", self.token)
        return answer

    async def say(self, s: str, n: int) -> None:
        await self.house.process.door(self, "chat-message", {"s": s, "st": ST, "n": n, "l": n, "x": f"text {n}"}, None)

    def leaves(self) -> None:
        """The socket closes."""
        self.closed = "gone"
        self.house.process.joining.closed(self)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [payload for event, payload in self.told if event == name]

    def kinds(self) -> list[str]:
        return [event for event, _ in self.told]

    @property
    def guest(self) -> str:
        claims = self.house.process.joining.admission.tokens.read(self.token)
        assert claims is not None
        return claims.guest


class House:
    """A whole process, but for its checks of every few seconds, and what it left in the stores."""

    def __init__(self, town: Town, name: str = "here", history_ms: int = HISTORY_MS) -> None:
        self.town, self.calls, self.tasks = town, list[str](), Tasks(town.clock, town.random)
        self.lobby, self.history = Gate(town.lobby, self.calls), Gate(town.history, self.calls)
        self.bus, self.mailbox = Gate(town.bus, self.calls), Gate(town.mailbox, self.calls)
        bus, lobby, mailbox = cast(Bus, self.bus), cast(Lobby, self.lobby), cast(Mailbox, self.mailbox)
        engines = Engines(bus, lobby, mailbox, cast(History, self.history), town.clock, town.random)
        self.process = Process(
            name,
            engines,
            self.tasks,
            keys=KEYS,
            places=Places(GAZETTEER, lambda address: None),
            gazetteer=GAZETTEER,
            policy=Policy(
                consent="1", contact="", history_ms=history_ms, message_burst=40, message_rate=5.0, guests_per_hour=100
            ),
        )
        self.writer = self.tasks.spawn(self.process.delivery.writer.run(), "history writer")

    async def open(self) -> None:
        await self.town.lobby.renew(self.process.name)
        self.tasks.every(5.0, lambda: self.town.lobby.renew(self.process.name), "lease")

    async def page(self, token: str = "") -> Page:
        """A page that has joined."""
        page = Page(self, token)
        answer = await page.join()
        assert answer["ok"], answer
        return page

    async def pair(self) -> tuple[Page, Page, str]:
        """Two who talk, and their session."""
        anna, ben = await self.page(), await self.page()
        await anna.ask("user-seek", {})
        await self.town.after(0.1)
        await ben.ask("user-match", {"offer": ben.events("user-offer")[0]["offer"], "answer": "yes"})
        await self.town.after(0.1)
        return anna, ben, str(anna.events("user-session")[0]["session"])

    async def left_behind(self, guest: str) -> list[str]:
        """Where traces of a guest without a page are."""
        process, town = self.process, self.town
        await town.after(0.1)
        where = (await town.lobby.status([guest]))[0]
        traces = {
            "lobby": where.state not in ("gone", "chat"),
            "crowd": guest in town.lobby._register.crowd,
            "bus": (await town.bus.listeners([guest]))[0] > 0,
            "mailbox": guest in town.mailbox._consumers,
            "registry": process.registry.has(guest) or process.registry.find(guest) is not None,
            "pages": any(client.guest == guest for client in process.registry.by_page.values()),
        }
        return [where for where, there in traces.items() if there]


@contextmanager
def logged(name: str) -> Iterator[list[str]]:
    """The lines that a logger writes."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


async def house(town: Town, name: str = "here", history_ms: int = HISTORY_MS) -> House:
    made = House(town, name, history_ms)
    await made.open()
    return made


def held(gate: Gate, name: str) -> asyncio.Event:
    """Hold this step from now on; set the event to let it go."""
    gate.before[name] = asyncio.Event()
    return gate.before[name]


# -- the order -----------------------------------------------------------------------------------------------------


@meeting
async def test_lobby_then_bus_then_history_then_the_answer(town: Town) -> None:
    here = await house(town)
    _anna, ben, _s = await here.pair()
    ben.leaves()
    await town.after(0.1)
    here.calls.clear()
    await here.page(ben.token)
    order = [name for name in here.calls if name in ("enter", "listen", "messages.progress", "messages.page")]
    assert order == ["enter", "listen", "messages.progress", "messages.page"]


@meeting
async def test_the_first_guests_of_a_process_that_started_before_its_lobby_are_found_at_once(town: Town) -> None:
    here, other = House(town), await house(town, "other")
    ben, anna = await here.page(), await other.page()
    await anna.ask("user-seek", {})
    await town.after(0.1)
    assert ben.events("user-offer") and not ben.events("user-offer-end")
    assert here.calls.count("enter") == 1, "nothing was forgotten, so nobody enters again"


@meeting
async def test_whatever_is_said_during_a_join_comes_after_its_answer_and_nothing_is_missed(town: Town) -> None:
    here = await house(town)
    anna, ben, s = await here.pair()
    ben.leaves()
    await town.after(0.1)
    released = held(here.history, "messages.page")
    back = Page(here, ben.token)
    joining = asyncio.ensure_future(back.join())
    await town.after(0.1)
    for n in (1, 2, 3):
        await anna.say(s, n)
    await anna.ask("chat-typing", {"s": s, "on": True})
    await here.process.joining.check()  # sees ben listening, and tells him nothing yet
    await town.after(0.5)
    assert back.told == []
    released.set()
    answer = await joining
    await town.after(5)
    assert back.kinds()[0] == "answer"
    assert (answer["state"], answer["session"]["session"], answer["session"]["here"]) == ("chat", s, True)
    assert {row["x"] for row in back.events("chat-message")} == {"text 1", "text 2", "text 3"}
    assert back.events("chat-typing") == [{"s": s, "on": True}]
    assert anna.events("user-join")[-1] == {"session": s} and back.events("user-join") == []


@meeting
async def test_the_check_says_nothing_to_a_page_before_its_answer(town: Town) -> None:
    here = await house(town)
    anna, ben, s = await here.pair()
    for page in (anna, ben):
        page.leaves()
    await town.after(0.1)
    back = Page(here, anna.token)
    loaded = held(here.history, "messages.progress")
    joining = asyncio.ensure_future(back.join())
    await town.after(0.1)
    shown = held(here.history, "guests.find")
    loaded.set()
    await town.after(0.1)
    await here.process.joining.check()
    shown.set()
    assert (await joining)["session"]["here"] is False
    await here.process.joining.check()
    assert back.kinds() == ["answer"]
    del here.history.before["guests.find"], here.history.before["messages.progress"]
    await here.page(ben.token)
    await town.after(0.1)
    assert back.events("user-join") == [{"session": s}]


@meeting
async def test_who_left_during_a_join_has_left_right_after_the_answer(town: Town) -> None:
    here = await house(town)
    anna, ben, s = await here.pair()
    ben.leaves()
    await town.after(0.1)
    released = held(here.lobby, "nearby")
    back = Page(here, ben.token)
    joining = asyncio.ensure_future(back.join())
    await town.after(0.1)
    assert (await anna.ask("user-leave", {"session": s}))["ok"]
    released.set()
    assert (await joining)["state"] == "chat"
    await town.after(0.5)
    assert [(left["session"], left["how"]) for left in back.events("user-left")] == [(s, "left")]


@meeting
async def test_before_the_answer_the_page_is_nobody(town: Town) -> None:
    here = await house(town)
    page = Page(here)
    assert (await page.ask("user-seek", {}))["error"] == "not-joined"
    released = held(here.lobby, "nearby")
    joining = asyncio.ensure_future(page.join())
    await town.after(0.1)
    assert (await page.ask("user-seek", {}))["error"] == "not-joined"
    released.set()
    assert (await joining)["ok"]
    assert (await page.ask("user-seek", {}))["ok"]


@meeting
async def test_a_connection_joins_once(town: Town) -> None:
    here = await house(town)
    page = await here.page()
    assert (await page.join())["error"] == "bad-payload"
    assert (await page.ask("user-seek", {}))["ok"]
    assert await town.bus.listeners([page.guest]) == [1]


@meeting
async def test_a_refused_page_may_try_again_on_its_connection(town: Town) -> None:
    here = await house(town)
    page = Page(here)
    assert (await page.join(consent="0"))["error"] == "refused-consent"
    assert (await page.join(have={str(n): 1 for n in range(1_001)}))["error"] == "bad-payload"
    assert here.process.registry.by_page == {}
    assert (await page.join())["ok"]


# -- more than one page --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_newer_page_takes_over_wherever_it_is(elsewhere: bool, tmp_path: Path) -> None:
    @meeting
    async def scene(town: Town) -> None:
        here = await house(town)
        there = await house(town, "there") if elsewhere else here
        anna, ben, s = await here.pair()
        newer = await there.page(anna.token)
        await town.after(0.1)
        assert anna.kinds()[-1] == "user-replaced" and anna.closed == "replaced"
        anna.closed = ""  # its socket lingers
        assert (await anna.ask("user-leave", {"session": s}))["error"] == "not-joined"
        anna.leaves()
        await town.after(0.1)
        await newer.say(s, 1)
        await town.after(0.1)
        assert [row["x"] for row in ben.events("chat-message")] == ["text 1"]
        assert [left["how"] for left in ben.events("user-left")] == []
        assert await town.bus.listeners([anna.guest]) == [1]
        assert len(town.mailbox._consumers[anna.guest]) == 1
        assert (await town.lobby.status([anna.guest]))[0].session == s

    scene(tmp_path)


@meeting
async def test_an_older_page_of_the_same_process_is_replaced_without_the_bus(town: Town) -> None:
    here = await house(town)
    older = await here.page()
    publish = town.bus.publish
    town.bus.publish = lambda guest, record, published=None: (  # type: ignore[method-assign]
        None if isinstance(record, NewerPage) else publish(guest, record, published)
    )
    await here.page(older.token)
    assert older.closed == "replaced"


@pytest.mark.parametrize("step", ["enter", "nearby"])
def test_of_two_joins_at_once_the_newer_is_the_guests_page_and_the_other_is_refused_first(
    step: str, tmp_path: Path
) -> None:
    @meeting
    async def scene(town: Town) -> None:
        here = await house(town)
        token = (await here.page()).token
        first, second = Page(here, token), Page(here, token)
        here.lobby.behind[step] = released = asyncio.Event()
        joining = asyncio.ensure_future(first.join())
        await town.after(0.1)
        del here.lobby.behind[step]
        assert (await second.join())["ok"]
        released.set()
        assert (await joining)["error"] == "not-joined"
        await town.after(0.1)
        assert first.kinds() == ["answer"]
        assert (await second.ask("user-seek", {}))["ok"]
        assert await town.bus.listeners([second.guest]) == [1]
        assert here.process.registry.by_page[second].page is second
        first.leaves()
        await town.after(0.1)
        assert (await town.lobby.status([second.guest]))[0].state == "free"

    scene(tmp_path)


@meeting
async def test_two_first_visits_at_once_are_two_guests(town: Town) -> None:
    here = await house(town)
    one, other = Page(here), Page(here)
    await asyncio.gather(one.join(), other.join())
    assert one.guest != other.guest


# -- joins that fail -----------------------------------------------------------------------------------------------

STEPS = [
    ("history", "guests.dossier"), ("history", "guests.keep"), ("history", "sessions.find"),
    ("history", "messages.progress"), ("history", "messages.page"), ("lobby", "enter"), ("lobby", "nearby"),
    ("bus", "listen"), ("bus", "listeners"),
]  # fmt: skip


async def ben_is_away(here: House) -> tuple[Page, str]:
    """Anna waits in a chat for ben, who has gone."""
    _anna, ben, s = await here.pair()
    ben.leaves()
    await here.town.after(0.1)
    assert await here.left_behind(ben.guest) == []
    return ben, s


@pytest.mark.parametrize(("line", "step"), STEPS)
def test_a_service_that_is_away_answers_unavailable_and_nothing_stays_behind(
    line: str, step: str, tmp_path: Path
) -> None:
    @meeting
    async def scene(town: Town) -> None:
        here = await house(town)
        ben, s = await ben_is_away(here)
        gate: Gate = getattr(here, line)
        gate.away = {step}
        page = Page(here, ben.token)
        answer = await page.join()
        assert (answer["error"], answer["retry_ms"]) == ("unavailable", 2_000)
        assert page.kinds() == ["answer"]
        gate.away = set()
        assert await here.left_behind(ben.guest) == []
        assert (await page.join())["session"]["session"] == s

    scene(tmp_path)


@pytest.mark.parametrize(("line", "step"), STEPS)
def test_a_join_that_is_cancelled_or_whose_socket_closes_leaves_nothing_behind(
    line: str, step: str, tmp_path: Path
) -> None:
    @meeting
    async def scene(town: Town) -> None:
        here = await house(town)
        ben, s = await ben_is_away(here)
        gate: Gate = getattr(here, line)
        for cancelled in (True, False):
            released = held(gate, step)
            page = Page(here, ben.token)
            joining = asyncio.ensure_future(page.join())
            await town.after(2)
            assert page.told == []
            if cancelled:
                joining.cancel()  # the edge gives up on an event whose page has gone
            else:
                page.leaves()
            del gate.before[step]
            released.set()
            await asyncio.gather(joining, return_exceptions=True)
            assert await here.left_behind(ben.guest) == []
            assert page.told == []
        assert (await Page(here, ben.token).join())["session"]["session"] == s

    scene(tmp_path)


@meeting
async def test_a_page_that_goes_while_the_lobby_is_away_is_out_of_it_later(town: Town) -> None:
    here = await house(town)
    page = await here.page()
    here.lobby.away = {"all"}
    page.leaves()
    await town.after(5)
    assert (await town.lobby.status([page.guest]))[0].state == "free"
    here.lobby.away = set()
    await town.after(31)
    assert await here.left_behind(page.guest) == []


# -- chats that go on, chats that are over -----------------------------------------------------------------------


@pytest.mark.parametrize("hours", [23, 25])
def test_a_chat_that_both_left_alone_for_a_day_is_over(hours: int, tmp_path: Path) -> None:
    @meeting
    async def scene(town: Town) -> None:
        here = await house(town)
        anna, ben, s = await here.pair()
        anna.leaves()
        ben.leaves()
        await town.after(0.1)
        await town.skip(hours * HOUR_MS)
        answer = await Page(here, anna.token).join()
        assert answer["session"]["session"] == s
        assert (answer["state"], "ended" in answer["session"]) == (("chat", False) if hours < 24 else ("free", True))
        row = await town.session(s)
        assert row is not None and (row.ended is not None) == (hours > 24)
        assert (await Page(here, ben.token).join())["state"] == answer["state"]

    scene(tmp_path)


@meeting
async def test_a_chat_in_which_one_waits_goes_on_for_days(town: Town) -> None:
    here = await house(town)
    _anna, ben, _s = await here.pair()
    ben.leaves()
    await town.after(0.1)
    await town.skip(3 * DAY_MS)
    answer = await Page(here, ben.token).join()
    assert (answer["state"], answer["session"]["here"]) == ("chat", True)


@meeting
async def test_the_day_alone_begins_when_the_last_page_closes(town: Town) -> None:
    here = await house(town)
    anna, ben, _s = await here.pair()
    ben.leaves()
    await town.after(0.1)
    await town.skip(30 * HOUR_MS)
    anna.leaves()
    await town.after(0.1)
    await town.skip(HOUR_MS)
    assert (await Page(here, ben.token).join())["state"] == "chat"
    assert (await Page(here, anna.token).join())["state"] == "chat"


@meeting
async def test_at_its_date_a_chat_ends_for_both(town: Town) -> None:
    here = await house(town, history_ms=HOUR_MS)
    anna, ben, s = await here.pair()
    ben.leaves()
    await town.after(0.1)
    await town.skip(HOUR_MS)
    back = Page(here, ben.token)
    answer = await back.join()
    await town.after(0.5)
    assert (answer["state"], answer["session"]["session"]) == ("free", s)
    assert answer["session"]["ended"] >= answer["session"]["expires"]
    assert [left["how"] for left in anna.events("user-left")] == ["away", "left"]
    found = await town.lobby.status([anna.guest, ben.guest])
    assert [where.state for where in found] == ["free", "free"]


@meeting
async def test_a_chat_that_was_left_does_not_come_back_while_the_history_cannot_keep_its_end(town: Town) -> None:
    here = await house(town)
    anna, _ben, s = await here.pair()
    here.history.away = {"sessions.end"}
    leaving = asyncio.ensure_future(anna.ask("user-leave", {"session": s}))
    await town.after(0.5)
    anna.leaves()
    answer = await Page(here, anna.token).join()
    assert (answer["state"], "ended" in answer["session"]) == ("free", True)
    assert (await town.lobby.status([anna.guest]))[0].session is None
    here.history.away = set()
    await leaving


@meeting
async def test_a_chat_whose_partner_was_led_elsewhere_is_shown_as_ended(town: Town) -> None:
    here = await house(town)
    anna, ben, s = await here.pair()
    anna.leaves()
    ben.leaves()
    await town.after(0.1)
    await town.lobby.end(s, [anna.guest, ben.guest])  # the lobby has lost it, and ben is found before anybody joins
    await here.page()
    await town.lobby.enter(Entry(ben.guest, "here", "network", Cell(0, 0), "", True, False, True, 0))
    assert (await town.lobby.seek(ben.guest, "offer")).state == "asking"
    answer = await Page(here, anna.token).join()
    assert (answer["state"], answer["session"]["session"]) == ("free", s)
    assert "ended" in answer["session"]
    kept = await town.session(s)
    assert kept is not None and kept.ended is not None


# -- while it lasts ------------------------------------------------------------------------------------------------


@meeting
async def test_the_check_tells_who_went_and_who_came_when_nobody_else_could(town: Town) -> None:
    here = await house(town)
    anna, ben, s = await here.pair()
    await here.process.joining.check()
    assert anna.events("user-join") == anna.events("user-left") == []
    silent = town.bus._subscriptions.pop(ben.guest)  # a process that was killed
    await here.process.joining.check()
    await here.process.joining.check()
    assert [(left["session"], left["how"]) for left in anna.events("user-left")] == [(s, "away")]
    await anna.say(s, 1)
    await town.after(0.5)
    assert [status["state"] for status in anna.events("chat-status")] == ["stored"]
    town.bus._subscriptions[ben.guest] = silent
    await here.process.joining.check()
    await here.process.joining.check()
    assert anna.events("user-join") == [{"session": s}]


@meeting
async def test_a_chat_that_ended_says_nothing_of_the_next_partner(town: Town) -> None:
    here = await house(town)
    anna, _ben, s = await here.pair()
    assert (await anna.ask("user-leave", {"session": s}))["ok"]
    anna.leaves()
    anna, carl = Page(here, anna.token), await here.page()
    assert "ended" in (await anna.join())["session"]
    await anna.ask("user-seek", {})
    await town.after(0.1)
    await carl.ask("user-match", {"offer": carl.events("user-offer")[0]["offer"], "answer": "yes"})
    await town.after(0.1)
    await here.process.joining.check()
    assert anna.events("user-session") and anna.events("user-join") == []


@meeting
async def test_a_move_is_told_to_lobby_and_history_and_survives_the_page(town: Town) -> None:
    here = await house(town)
    page = Page(here)
    page.address = "203.0.113.9"
    assert (await page.join())["place"] is None
    lyon, paris = (GAZETTEER.search(name)[0].id for name in ("Lyon", "Paris"))
    assert (await page.ask("user-seek", {}))["error"] == "no-place"
    assert (await page.ask("user-place", {"city": lyon}))["place"]["city"] == "Lyon"
    assert (await page.ask("user-seek", {}))["state"] == "waiting"
    assert (await page.ask("user-place", {"city": paris}))["place"]["city"] == "Paris"
    other = Page(here)
    other.address = "203.0.113.10"
    await other.join()
    await other.ask("user-place", {"city": paris})
    assert (await other.ask("user-seek", {}))["ok"]
    assert (await page.ask("user-place", {"city": lyon}))["error"] == "busy"  # somebody is asked just now
    page.leaves()
    await town.after(0.1)
    back = Page(here, page.token)
    back.address = page.address
    assert (await back.join())["place"]["city"] == "Paris"


@meeting
async def test_a_page_that_goes_late_does_not_move_its_guest_back(town: Town) -> None:
    here = await house(town)
    old = Page(here)
    old.address = "203.0.113.9"
    await old.join(position={"lat": 45.764, "lon": 4.8357, "accuracy": 30})
    here.lobby.before = {"status": asyncio.Event(), "enter": asyncio.Event()}
    old.leaves()
    new = Page(here, old.token)
    new.address = old.address
    joining = asyncio.ensure_future(new.join(position={"lat": 48.8566, "lon": 2.3522, "accuracy": 30}))
    await town.after(0.1)
    here.lobby.before["status"].set()
    await town.after(0.1)
    here.lobby.before["enter"].set()
    assert (await joining)["place"]["city"] == "Paris"
    row = await town.history.guests.find(new.guest)
    assert row is not None and row.place is not None and row.place.city == "Paris"


@meeting
async def test_who_is_erased_does_nothing_more_and_does_not_come_back_with_the_closing_page(town: Town) -> None:
    here = await house(town)
    page = await here.page()
    guest = page.guest
    here.history.away = {"guests.erase"}
    erasing = asyncio.ensure_future(page.ask("user-erase", {"confirm": True}))
    await town.after(0.1)
    assert (await page.ask("user-place", {"position": {"lat": 1, "lon": 1, "accuracy": 1}}))["error"] == "not-joined"
    here.history.away = set()
    assert (await erasing)["ok"] is True
    assert page.closed == "erased"
    page.leaves()
    await town.after(0.1)
    assert await town.history.guests.find(guest) is None
    assert await here.left_behind(guest) == []


@meeting
async def test_a_row_that_is_erased_while_its_page_closes_stays_erased(town: Town) -> None:
    here = await house(town)
    page = await here.page()
    erased, kept = held(here.history, "guests.erase"), held(here.history, "guests.keep")
    erasing = asyncio.ensure_future(page.ask("user-erase", {"confirm": True}))
    await town.after(0.1)
    page.leaves()
    await town.after(0.1)
    erased.set()
    await town.after(0.1)
    kept.set()
    await erasing
    assert await town.history.guests.find(page.guest) is None


@meeting
async def test_who_is_paused_elsewhere_is_told_and_sent_away(town: Town) -> None:
    here = await house(town)
    page = await here.page()
    until = town.clock.wall_ms() + DAY_MS

    def pause(transaction: Transaction) -> int:
        return transaction.change("pause", page.guest, until, "reported by several people")

    await town.database.run(pause)
    town.bus.publish(page.guest, GuestPaused(until, "reported by several people"))
    await town.after(0.1)
    assert page.events("user-banned") == [{"until": until, "reason": "reported by several people", "contact": ""}]
    assert page.closed == "paused"
    assert (await Page(here, page.token).join())["error"] == "banned"


# -- going down ----------------------------------------------------------------------------------------------------


def spread(times_s: Sequence[float]) -> tuple[int, float]:
    return len(set(times_s)), max(times_s) - min(times_s)


@pytest.mark.parametrize(("pages", "waves"), [(1, 1), (20, 20), (50, 17), (200, 20)])
def test_a_drain_sends_pages_away_in_waves_and_lets_nobody_in(pages: int, waves: int, tmp_path: Path) -> None:
    @meeting
    async def scene(town: Town) -> None:
        here = await house(town)
        all_pages = [await here.page() for _ in range(pages)]
        began_s = town.clock.monotonic_s()
        draining = asyncio.ensure_future(here.process.joining.drain())
        await town.after(0.05)
        here.calls.clear()
        late = await Page(here).join()
        assert (late["error"], late["retry_ms"], here.calls) == ("busy", 2_000, [])
        found = await town.lobby.status([page.guest for page in all_pages])
        assert {where.state for where in found} == {"gone"}
        await draining
        assert town.clock.monotonic_s() - began_s <= 2.5
        assert [page.events("user-drain") for page in all_pages] == [[{"retry_ms": 2_000}]] * pages
        count, took_s = spread([page.times_s[page.kinds().index("user-drain")] for page in all_pages])
        assert count == waves and took_s <= 2.0
        assert {page.closed for page in all_pages} == {"drain"}
        await town.after(0.1)
        for page in all_pages[:3]:
            assert await here.left_behind(page.guest) == []

    scene(tmp_path)


@meeting
async def test_a_drain_waits_until_what_was_drawn_is_kept_and_its_sender_knows(town: Town) -> None:
    here = await house(town)
    anna, ben, s = await here.pair()
    await anna.say(s, 1)
    await town.after(0.1)
    await here.process.door(ben, "chat-ack", {"s": s, "st": ST, "n": 1}, None)
    await here.process.joining.drain()
    assert [status["state"] for status in anna.events("chat-status")] == ["delivered"]
    assert [row.text for row in await town.history.messages.page(s, None, 10)] == ["text 1"]


@meeting
async def test_a_join_that_a_drain_overtakes_is_told_to_come_back_and_nothing_before_it(town: Town) -> None:
    here = await house(town)
    page = Page(here)
    released = held(here.lobby, "nearby")
    joining = asyncio.ensure_future(page.join())
    await town.after(0.1)
    draining = asyncio.ensure_future(here.process.joining.drain())
    await town.after(0)
    released.set()
    answer = await joining
    await draining
    assert answer.get("error") == "busy"
    assert page.kinds() == ["answer"]
    assert here.process.registry.by_page == {}


@meeting
async def test_a_drain_ends_also_while_lobby_and_history_are_away(town: Town) -> None:
    here = await house(town)
    page = await here.page()
    here.lobby.away = here.history.away = {"all"}
    began_s = town.clock.monotonic_s()
    await here.process.joining.drain()
    assert town.clock.monotonic_s() - began_s <= 11
    assert page.events("user-drain") and page.closed == "drain"


# -- many at once, and the bus back again ---------------------------------------------------------------------------


@meeting
async def test_a_process_takes_so_many_joins_at_once_and_tells_the_others_when_to_come_back(town: Town) -> None:
    here = await house(town)
    pages = [Page(here) for _ in range(210)]
    answers = await asyncio.gather(*(page.join() for page in pages))
    refused = [answer for answer in answers if not answer["ok"]]
    assert 5 <= len(refused) <= 10, "200, and those whom the time of the joins itself has let in"
    assert {(answer["error"], answer["retry_ms"]) for answer in refused} == {("busy", 2_000)}
    assert len(here.process.registry.by_page) == 210 - len(refused)
    await town.after(1)
    again = [page for page, answer in zip(pages, answers, strict=True) if not answer["ok"]]
    assert all([(await page.join())["ok"] for page in again])


@meeting
async def test_after_the_bus_is_back_partners_know_of_each_other_and_what_waited_is_sent_again(town: Town) -> None:
    here, there = await house(town), await house(town, "there")
    anna = await here.page()
    ben = await there.page()
    await anna.ask("user-seek", {})
    await town.after(0.1)
    await ben.ask("user-match", {"offer": ben.events("user-offer")[0]["offer"], "answer": "yes"})
    await town.after(0.1)
    s = str(ben.events("user-session")[0]["session"])
    here.bus._store = lossy = LossyBus(town.bus)
    lossy.lost = lambda record: True
    await anna.say(s, 1)
    await town.after(0.5)
    lossy.lost = lambda record: False
    assert not ben.events("chat-message")
    there.process.joining.resumed()
    await town.after(0.1)
    assert anna.events("user-join") == [{"session": s}]
    assert [message["x"] for message in ben.events("chat-message")] == ["text 1"]


@meeting
async def test_the_mailbox_goes_with_its_guest_when_no_chat_is_left_and_not_before(town: Town) -> None:
    here = await house(town)
    anna, ben, s = await here.pair()
    stranger = await here.page()
    ben.leaves()
    stranger.leaves()
    await town.after(0.1)
    assert "discard" not in here.calls, "one may come back to the chat, the other never had a mailbox"
    await anna.ask("user-leave", {"session": s})
    assert "discard" not in here.calls
    anna.leaves()
    await town.after(0.1)
    assert here.calls.count("discard") == 1


# -- the history is away --------------------------------------------------------------------------------------------


@meeting
async def test_a_living_page_comes_back_to_its_chat_without_the_history_and_reads_it_when_it_can(town: Town) -> None:
    here = await house(town)
    anna, ben, s = await here.pair()
    await anna.say(s, 1)
    await town.after(0.1)
    await here.process.door(ben, "chat-ack", {"s": s, "st": ST, "n": 1}, None)
    await town.after(0.1)
    here.history.away = {"all"}
    ben.leaves()
    await town.after(0.1)
    again = Page(here, ben.token)
    answer = await again.join({ST: 1})
    assert (answer["ok"], answer["state"], answer["session"]["session"]) == (True, "chat", s)
    assert answer["session"]["here"] and "seen" not in answer and "messages" not in answer
    await anna.say(s, 1)
    await anna.say(s, 2)
    await town.after(0.5)
    assert [message["n"] for message in again.events("chat-message")] == [2], "the first was drawn by this page"
    assert again.events("user-drain") == []
    here.history.away = set()
    await town.after(2.5)
    assert again.events("user-drain") == [{"retry_ms": 2_000}]
    again.leaves()
    await town.after(0.1)
    last = Page(here, ben.token)
    assert (await last.join({ST: 2}))["seen"] == {ST: 2}


@meeting
async def test_a_page_whose_old_link_still_seems_open_comes_back_without_the_history(town: Town) -> None:
    here = await house(town)
    _, ben, s = await here.pair()
    here.history.away = {"all"}
    answer = await Page(here, ben.token).join({ST: 1})
    assert (answer["state"], answer["session"]["session"]) == ("chat", s)
    await town.after(0.1)
    assert ben.closed == "replaced"


@meeting
async def test_without_the_history_nobody_gets_in_who_is_not_known_to_be_in_a_chat(town: Town) -> None:
    here, elsewhere = await house(town), await house(town, "elsewhere")
    anna, ben, s = await here.pair()
    alone = await here.page()
    for page in (anna, ben, alone):
        page.leaves()
    await town.after(0.1)
    here.history.away = elsewhere.history.away = {"all"}
    for house_, token, have in (
        (here, "", {ST: 1}),  # a stranger
        (here, ben.token, {}),  # a fresh page
        (here, ben.token + "x", {ST: 1}),
        (here, alone.token, {ST: 1}),  # was in no chat
        (elsewhere, ben.token, {ST: 1}),  # a process that has never seen the guest
    ):
        assert (await Page(house_, token).join(have))["error"] == "unavailable"
    await town.lobby.end(s, [anna.guest, ben.guest])
    assert (await Page(here, ben.token).join({ST: 1}))["error"] == "unavailable", "the chat is over"
    assert here.process.registry.by_page == {} == elsewhere.process.registry.by_page
    assert [await here.left_behind(page.guest) for page in (anna, ben, alone)] == [[], [], []]


@meeting
async def test_the_hourly_line_names_what_is_odd_with_its_engine_and_nobody(town: Town) -> None:
    here = await house(town)
    _, ben, _ = await here.pair()
    here.process.counts = {"bus": {"garbage": 3, "unwanted": 0}, "mailbox": {"mail dropped": 1}}
    with logged("citychat.server.process") as lines:
        await here.process._log_counts()
        here.process.counts = {}
        await here.process._log_counts()
    start = "2 guests are here, 2 of them in a chat; since the start: "
    assert lines == [f"{start}bus garbage 3, mailbox mail dropped 1", f"{start}nothing unusual"]
    assert ben.guest not in "".join(lines)
