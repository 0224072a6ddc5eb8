"""The lobby exists twice, in Python and in Lua: the same steps, drawn at random, must have the same answers in both.

Every step is done by both, the Redis one first, then everybody's status is compared, and now and then all their
books. Inside a district anybody may be chosen, so the embedded one is made to try first whom the scripts have chosen;
it still refuses whoever it may not ask, and whoever stands further away.
"""

from collections.abc import Callable, Container, Coroutine, Iterable, Iterator, Sequence
from itertools import chain
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from citychat.adapters.memory import MemoryLobby
from citychat.adapters.memory.crowds import Crowds
from citychat.adapters.memory.nearest import SpatialIndex
from citychat.adapters.redis import RedisLobby
from citychat.model import NOWHERE, Busy, District, Gone, Session
from citychat.ports import Entry, SeekResult
from citychat.rules import DISTRICTS_WALKED, FIRST_WORD_MS, LANGUAGE_SHARE, LOOKERS_DRAWN
from tests.contract.redis_scripts import Scripts

GUESTS = [f"guest {n}" for n in range(14)]
NOBODY = "never entered"
PROCESSES = ["p", "q"]
POOLS = ["lyon"] * 9 + ["paris", "a:1:2", None]
DISTRICTS = [
    District(0, 0),
    District(0, 1),
    District(-1, 0),
    District(-7, 40),
    District(2_288, 242),
    District(-850, 17_999),
    District(-850, -18_000),
]
NETWORKS = ["even", "odd"]
LANGUAGES = ["eu", "fr", "wo"]
STEPS, BOOKS_EVERY = {"lua": 400, "redis": 1_500}, 10  # each takes three times as long in Lua here


class SteeredIndex(SpatialIndex):
    """Tries ``first`` first in whatever district that guest stands."""

    first: str | None = None

    def draw(
        self,
        pool: str,
        district: District | None,
        blocked: Container[str],
        ranks: Iterable[int] = (),
        share: int = 1,
    ) -> Iterator[str]:
        for rank in ranks:
            area = self._areas.get((pool, rank))
            if area is None:
                continue
            assert len(area.stands) <= DISTRICTS_WALKED // LANGUAGE_SHARE
            stands = [
                list(stand.draw(self._random, blocked, LOOKERS_DRAWN)) for stand in area.near(district or NOWHERE)
            ]
            for there in [list(chain(*stands))] if district is None else stands:
                yield from sorted(there, key=lambda guest: guest != self.first)

    def draw_few(self, pool: str, blocked: Container[str], ranks: Iterable[int], most: int) -> Iterator[str]:
        assert len(GUESTS) <= most, "else chance may try others here"
        for rank in ranks:
            there = super().draw_few(pool, blocked, (rank,), most)
            yield from sorted(there, key=lambda guest: guest != self.first)


class SteeredCrowds(Crowds):
    """Tries ``first`` first of a network's own."""

    first: str | None = None

    def draw(self, pool: str, network: str) -> Iterator[str]:
        yield from sorted(super().draw(pool, network), key=lambda guest: guest != self.first)


def outcome(method: Coroutine[Any, Any, object]) -> object:
    """What a method that awaits nothing answers, or what it raises."""
    try:
        method.send(None)
    except StopIteration as end:
        return end.value
    except Gone:
        return "gone"
    except Busy as busy:
        return "busy", busy.retry_ms
    raise AssertionError("awaited something")


class Twins:
    """Both lobbies under one clock, and steps drawn with ``random``."""

    def __init__(self, scripts: Scripts, random: Random) -> None:
        self.scripts, self.random = scripts, random
        self.now = 1_700_000_000_000
        self.ids = 0
        self.done: list[tuple[object, ...]] = []
        self.offers = ["no such offer"]
        self.sessions: dict[str, tuple[str, str]] = {}
        self.epochs: dict[str, list[int]] = {guest: [0] for guest in GUESTS}
        self.lua = RedisLobby(scripts.run, random=Random(1), now_ms=lambda: self.now, prefix=scripts.prefix)
        self.forget()

    def forget(self) -> None:
        """Both lose everything (protocol §2.8)."""
        self.scripts.lose_everything()
        self.scripts.set_time(self.now)
        self.python = MemoryLobby(lambda: self.now, Random(2))
        self.index = self.python._state.index = SteeredIndex(Random(3))
        self.crowds = self.python._state.crowds = SteeredCrowds(Random(4))
        self.towns = self.python._state.towns.index = SteeredIndex(Random(5))

    def both(self, name: str, *args: object) -> object:
        """Do it in both; the common answer."""
        self.done.append((name, *args))
        lua = outcome(getattr(self.lua, name)(*args))
        chosen = lua.offer.candidate if isinstance(lua, SeekResult) and lua.offer else None
        self.index.first = self.crowds.first = self.towns.first = chosen
        python = outcome(getattr(self.python, name)(*args))
        assert lua == python, self.told(f"Lua: {lua}\nPython: {python}")
        return lua

    def told(self, what: str) -> str:
        return "\n".join([*map(str, self.done[-40:]), what])

    def compare(self) -> None:
        found = self.both("status", [*GUESTS, NOBODY])
        self.done.pop()
        assert isinstance(found, list)
        for guest, at in zip(GUESTS, found, strict=False):
            self.epochs[guest] = [*self.epochs[guest], at.epoch][-4:]
            if at.offer is not None and at.offer.id != self.offers[-1]:
                self.offers = [*self.offers, at.offer.id][-12:]

    def compare_books(self) -> None:
        """What no answer shows at once: counts, networks, and every key there is."""
        for guest in GUESTS:
            self.both("nearby", guest, ["paris", "lyon"])
            self.both("networks", guest)
            del self.done[-2:]
        keys = [key for key in self.scripts.names() if not key.startswith(("r:", "t:", "clock"))]
        assert keys == sorted(expected_keys(self.python)), self.told("other keys")
        for guest, person in self.python._state.people.items():
            blocked = self.read("SMEMBERS", f"b:{guest}")
            assert blocked == set(person.blocked), self.told(f"{guest} is blocked for others")
            assert self.read("SMEMBERS", f"m:{guest}") == person.met, self.told(f"{guest} has talked with others")
            for kind, times in (("r", person.rests), ("t", person.taken_back)):
                rests = {other for other, until in times.items() if until > self.now}
                resting = self.read("ZRANGEBYSCORE", f"{kind}:{guest}", self.now + 1, "+inf")
                assert resting == rests, self.told(f"{guest} rests with others")

    def read(self, command: str, key: str, *more: str | int) -> set[str]:
        """The members of a key of the scripts."""
        return {raw.decode() for raw in self.scripts.command(command, self.scripts.prefix + key, *more)}

    # -- the steps ----------------------------------------------------------------------------------------------------

    def step(self) -> None:
        steps, weights = zip(*STEPS_DRAWN.items(), strict=True)
        (chosen,) = self.random.choices(steps, weights)
        chosen(self)
        self.compare()

    def guest(self) -> str:
        """Often somebody who asks or is asked: most rules are about them."""
        busy = [guest for offer in self.python._state.offers.values() for guest in (offer.seeker, offer.candidate)]
        if busy and self.flag(0.4):
            return self.random.choice(busy)
        return self.random.choice(GUESTS) if self.flag(0.98) else NOBODY

    def flag(self, share: float = 0.5) -> bool:
        return self.random.random() < share

    def new_id(self) -> str:
        self.ids += 1
        return f"id {self.ids}"

    def row(self, guest: str) -> Session | None:
        """Sometimes none though there is one, sometimes one that is over, or that the lobby has never heard of."""
        mine = [(s, members) for s, members in self.sessions.items() if guest in members]
        if self.flag(0.05):
            mine = [(self.new_id(), (guest, self.random.choice([other for other in GUESTS if other != guest])))]
        if not mine or self.flag(0.1):
            return None
        s, members = mine[-1]
        return Session(s, members, ("Amber Fox", "Teal Owl"), "Lyon", 0, 1)

    def enter(self) -> None:
        guest = self.guest()
        if guest != NOBODY:
            self.both("enter", self.entry(guest))

    def entry(self, guest: str) -> Entry:
        random = self.random
        return Entry(
            guest,
            random.choice(PROCESSES),
            random.choice(POOLS),
            random.choice(DISTRICTS),
            random.choice(["Here", "Thère"]),
            self.flag(0.8),
            self.flag(0.1),
            self.flag(0.8),
            random.choice([0, 0, 0, *self.epochs[guest]]),
            tuple(random.sample(NETWORKS, random.choice([0, 1, 2]))),
            {random.choice(NETWORKS): self.now - 1_000} if self.flag(0.04) else {},
            tuple(random.sample(GUESTS, 2)) if self.flag(0.04) else (),
            tuple(random.sample(GUESTS, 2)) if self.flag(0.04) else (),
            self.row(guest),
            random.choice(["", *NETWORKS]),
            "",
            self.flag(0.5),
            self.languages(),
        )

    def languages(self) -> tuple[str, ...]:
        return tuple(self.random.sample(LANGUAGES, self.random.choice([0, 0, 1, 1, 2])))

    def leave(self) -> None:
        guest = self.guest()
        if guest != NOBODY:
            self.both(
                "leave", guest, self.random.choice(self.epochs[guest]) if self.flag(0.2) else self.epochs[guest][-1]
            )

    def seek(self) -> None:
        neighbours = self.random.sample(["lyon", "paris", "a:1:2"], self.random.choice([0, 2, 3]))
        self.both("seek", self.guest(), self.new_id(), self.random.choice([0, 0, 5_000, 15_000]), neighbours)

    def prefer(self) -> None:
        self.both("prefer", self.guest(), self.flag(), self.languages())

    def answer(self) -> None:
        self.answer_offer(self.random.choice(self.offers), self.guest())

    def answer_well(self) -> None:
        """By the one who is asked."""
        running = list(self.python._state.offers.values())
        if running:
            offer = self.random.choice(running)
            self.answer_offer(offer.id, offer.candidate)

    def answer_offer(self, offer: str, guest: str) -> None:
        match self.random.choice(["accept", "accept", "accept", "decline", "later", "later"]):
            case "accept":
                s = self.new_id()
                done = self.both("accept", guest, offer, s)
                if done != "gone":
                    answered = self.python._state.people[guest]
                    members = [v.id for v in self.python._state.people.values() if v.session == answered.session]
                    self.sessions[s] = (members[0], members[1])
            case name:
                self.both(name, guest, offer)

    def late_no(self) -> None:
        state = self.python._state
        ended = [offer for each in state._ended if (offer := state.ended(each))]
        if ended:
            offer = self.random.choice(ended)
            self.both("decline", offer.candidate, offer.id)

    def end(self) -> None:
        if self.sessions:
            s = self.random.choice(sorted(self.sessions))
            self.both("end", s, self.sessions.pop(s))

    def end_other(self) -> None:
        self.both("end", "no such session", [self.guest(), NOBODY])

    def stop(self) -> None:
        self.both("stop", self.guest())

    def view(self) -> None:
        self.both("view", self.guest(), self.flag(0.8), self.flag(0.3))

    def available(self) -> None:
        self.both("available", self.guest(), self.flag(0.8), self.flag(0.1))

    def move(self) -> None:
        pool = self.random.choice([pool for pool in POOLS if pool])
        self.both("move", self.guest(), pool, self.random.choice(DISTRICTS), self.random.choice(["There", "Here"]))

    def block(self) -> None:
        self.both("block", self.guest(), self.guest())

    def let_down(self) -> None:
        ms = self.random.choice([5_000, 5_001, 7_500, FIRST_WORD_MS, FIRST_WORD_MS])
        self.both("let_down", self.guest(), self.random.choice([self.guest(), ""]), ms)

    def avoid_networks(self) -> None:
        since = self.now - self.random.choice([0, 4_000, 86_400_000])
        self.both("avoid_networks", self.guest(), self.random.sample(NETWORKS, 1), since, [self.guest()])

    def pair(self) -> None:
        s, members = self.new_id(), (self.guest(), self.guest())
        if self.both("pair", s, members):
            self.sessions[s] = members

    def ask(self) -> None:
        self.both("ask", self.guest(), self.guest(), self.new_id())

    def renew(self) -> None:
        self.both("renew", self.random.choice(PROCESSES))

    def drop(self) -> None:
        self.both("drop", self.random.choice(PROCESSES))

    def lose(self) -> None:
        """And the processes enter their guests again, those they remember."""
        pages = list(self.python._state.people.values())
        self.done.append(("lose everything",))
        self.forget()
        for page in pages:
            if page.online and page.id in GUESTS:
                entry = replace(self.entry(page.id), epoch=page.epoch)
                self.both("enter", entry)

    def pass_time(self) -> None:
        passed_s = self.random.choice([0.001, 0.5, 3, 3, 5, 5, 5, 14.999, 15, 20, 60, 119, 120, 599, 601])
        self.wait(passed_s, [process for process in PROCESSES if self.flag(0.9)])

    def wait(self, passed_s: float, alive: Sequence[str]) -> None:
        until = self.now + round(passed_s * 1_000)
        while self.now < until:
            self.now = min(until, self.now + 14_000)
            self.scripts.set_time(self.now)
            self.done.append(("now", self.now))
            for process in alive:
                self.both("renew", process)

    def wait_in_silence(self) -> None:
        """Everything falls due between two steps."""
        self.wait(self.random.choice([14, 15, 600, 616, 3_601]), [])
        self.now += self.random.choice([0, 600_000, 3_600_000])
        self.scripts.set_time(self.now)


STEPS_DRAWN: dict[Callable[[Twins], None], float] = {
    Twins.enter: 8, Twins.leave: 3, Twins.seek: 16, Twins.answer_well: 8, Twins.answer: 2, Twins.late_no: 0.5,
    Twins.end: 4, Twins.end_other: 0.3, Twins.stop: 2, Twins.view: 4, Twins.available: 3, Twins.move: 3,
    Twins.prefer: 3,
    Twins.block: 0.4, Twins.let_down: 1, Twins.avoid_networks: 0.4, Twins.pair: 0.6, Twins.ask: 2, Twins.renew: 3,
    Twins.drop: 0.5, Twins.lose: 0.08, Twins.pass_time: 6, Twins.wait_in_silence: 0.5,
}  # fmt: skip


def expected_keys(lobby: MemoryLobby) -> Iterator[str]:
    """Every key that the Redis lobby should hold, by the embedded one's books, but for the rests: they expire."""
    crowds = lobby._state.crowds
    yield from (f"l:{pool}" for pool in crowds.counts)
    yield from (f"n:{network}:{pool}" for pool, network in crowds.crowds)
    yield from (f"n:{network}:~" for _, network in lobby._state.towns.roamers.crowds)
    yield from (f"k:{pool}" for pool in crowds.crowded)
    state = lobby._state
    for person in state.people.values():
        yield f"v:{person.id}"
        if person.blocked:
            yield f"b:{person.id}"
        if person.met:
            yield f"m:{person.id}"
    yield from (f"o:{offer}" for offer in state.offers)
    yield from (f"e:{offer}" for offer in state._ended)
    yield from (f"d:{guest}" for guest in state.letdowns.kept)
    yield from (f"w:{by}" for by in state.letdowns.complaints)
    yield from (f"s:{process}" for process in state._guests_of)
    books: dict[str, Any] = {
        "endings": state.offers, "ended": state._ended, "leases": state._leases, "absent": state._absent,
        "letdowns": state.letdowns.kept, "complaints": state.letdowns.complaints, "turns": state.turns,
    }  # fmt: skip
    yield from (name for name, book in books.items() if book)
    yield from (f"x:{pool}" for pool in state._avoided)
    yield from index_keys(state.index, "")
    yield from index_keys(state.towns.index, "~")


def index_keys(index: SpatialIndex, before: str) -> Iterator[str]:
    yield from (f"p:{before}{pool}" for pool, count in index._counts.items() if count)
    for (pool, rank), area in index._areas.items():
        yield f"a:{rank}:{before}{pool}"
        for district in area.stands:
            yield f"c:{rank}:{((district.lat + 2**17) << 18) + district.lon + 2**17}:{before}{pool}"


@pytest.mark.parametrize("seed", range(4))
def test_the_twins_answer_alike(seed: int, lobby_scripts: Scripts, request: pytest.FixtureRequest) -> None:
    twins = Twins(lobby_scripts, Random(seed))
    for n in range(STEPS[request.node.callspec.params["lobby_scripts"]]):
        twins.step()
        if n % BOOKS_EVERY == 0:
            twins.compare_books()
