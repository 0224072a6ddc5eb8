"""A crowd that looks for each other over several processes, and the checker of the invariants of protocol §3.

After every step of the lobby M1 to M7, M9, M11 and M15 are held against its books and the history; when the faults have
stopped, M8, M10, M12, M13 and M14 against what the pages show.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from citychat.adapters.memory.lobby_guest import LobbyGuest, blocked, strangers
from citychat.model import PENDING, Offer
from citychat.ports import SeekResult
from citychat.rules import LOOKING_HIDDEN, LOOKING_IN_VIEW
from citychat.tokens import Tokens
from tests.simulation.ground import CONSENT, KEYS, Ground, Wrong
from tests.simulation.lobbies import Books, Embedded, MakeStand
from tests.simulation.outages import OUTAGES, rough_up
from tests.simulation.person import Person
from tests.simulation.store_clocks import OwnClock
from tests.support.virtual_time import VirtualLoop

WILD_S, CALM_S, QUIET_S = 2_400.0, 900.0, 300.0
FAULTS = (
    "kill", "kill", "cut", "cut", "reload", "reload", "reloads", "tab", "away", "offline", "long", "history", "mailbox",
    "date",
)  # fmt: skip
UNCHECKED = ("nearby", "networks", "status", "renew")  # most steps; what they settle is seen after the next one
FREED_S = 1.0  # M8, M14
OVER_S = 60.0  # two tries of the slowest retry
FOUND_S = 6.5  # after a loss of all data: 5 s until a lease is renewed, and the time to enter everybody
LEASE_S = 15.0  # M9
RING_S = 120.0  # M15
LOOK_S = 0.5
LANGUAGE_MS, SEARCH_MS = 10_000, 5_500  # protocol §3; until a looker seeks again
LANGUAGES: tuple[tuple[str, ...], ...] = ((), ("fr",), ("fr", "eu"), ("eu",), ())
SOUTH = {"lat": -33.9, "lon": 18.4, "accuracy": 30.0}
SLACK_S = 0.3 + LOOK_S  # what the wires may add, and what lies between two looks


def understand(a: LobbyGuest, b: LobbyGuest, now: int) -> bool:
    """Whether a language, or that nobody needs one any more, lets the two meet: told again here, as the protocol has
    it."""
    common = not a.languages or not b.languages or set(a.languages) & set(b.languages)
    return bool(common) or all(now >= one.looks_since + LANGUAGE_MS for one in (a, b) if one.looking)


def may_meet(a: LobbyGuest, b: LobbyGuest, now: int) -> bool:
    """Whether two who look should be led together soon: where a language has kept them apart, with the next search."""
    near = a.pool == b.pool or (a.towns and b.towns)
    return near and understand(a, b, now - SEARCH_MS)


class Stranger(Person):
    """Looks, answers, talks a little, leaves, and starts again; ``calm``: does nothing any more by itself."""

    calm = False
    _token = _guest = ""

    @property
    def guest(self) -> str:
        """The id in the newest token, "" before the first. A page that was closed too early has made one of its own."""
        if self.token != self._token:
            self._token, claims = self.token, Tokens(KEYS, self.place.now_ms).read(self.token)
            self._guest = claims.guest if claims else ""
        return self._guest

    def act(self) -> None:
        """Now and then something occurs to everybody."""
        page, random = self.page, self.place.random
        if self.calm or page is None:
            return
        if not page.joined:
            self.return_home()
            return
        match random.choice([*["seek"] * 6, *["stop", "hide"] * 2, *["show", "leave", "say"] * 4, "prefer"]):
            case "seek" if not self.talks:
                self.find_someone()
            case "stop" if not self.talks:
                self.looking = page.looking = False
                page.ask("user-stop", {}, lambda answer: None)
            case "hide" | "show" as how:
                page.visible = how == "show"
                page.ask("user-view", {"visible": page.visible, "touched": page.visible}, lambda answer: None)
                page.ask("user-available", {"on": page.available, "slow": random.random() < 0.4}, lambda answer: None)
            case "leave" if self.talks:
                page.leave()
            case "say":
                self.say()
            case "prefer":
                self.wishes = page.wishes = {"towns": random.random() < 0.7, "languages": random.choice(LANGUAGES)}
                page.ask("user-prefer", self.wishes, lambda answer: None)

    def heard(self, event: str, payload: Mapping[str, Any]) -> None:
        random, loop = self.place.random, self.place.loop
        if event == "user-session":
            self.looking = False
            self.place.check_met(payload["session"])
            for _ in range(random.randrange(4)):
                loop.call_later(random.uniform(0, 10), self.say)
        elif event == "user-offer":
            choices = ["yes", "yes", ""] if payload["looking"] else ["yes", "yes", "yes", "yes", "no", "later", "", ""]
            answer = random.choice(choices)
            if answer and not self.calm:
                loop.call_later(random.uniform(0.2, payload["seconds"] * 1.2), self._answer, payload["offer"], answer)
        elif event == "user-match" and payload.get("error") == "unavailable" and not self.calm:
            self._waver()

    def _waver(self) -> None:
        """The answer has come to nobody knows what: another one, a reload within a second, or both."""
        random, loop, page = self.place.random, self.place.loop, self.page
        if page is None or page.offer is None:
            return
        again = random.choice(["yes", "no", "no", ""])
        if again:
            loop.call_later(random.uniform(0, 1), self._answer, page.offer["offer"], again)
        if random.random() < 0.5:
            self.close_pages()
            loop.call_later(random.uniform(0.05, 1), self.return_home)

    def _answer(self, offer: str, answer: str) -> None:
        page = self.page
        if page is not None and page.offer is not None and page.offer["offer"] == offer:
            page.answer(answer)


class Crowded(Ground):
    """One run of an hour; ``count``: how many people, 0: as the seed says; ``kinds``: the faults to choose from;
    ``refusing``: how many of their browsers keep nothing, each with a new guest after a reload."""

    def __init__(
        self,
        loop: VirtualLoop,
        seed: int,
        count: int = 0,
        kinds: Sequence[str] = FAULTS,
        stand: MakeStand = Embedded,
        refusing: int = 0,
    ) -> None:
        super().__init__(loop, seed, processes=2 + seed % 2, stand=stand)
        self.kinds = kinds
        self.served = bool(set(kinds) & set(OUTAGES))
        self.world.forgot = self._forgot
        count = count or self.random.randint(8, 16)
        self.strangers = [Stranger(self, chr(ord("A") + i), CONSENT) for i in range(count)]
        self.people = list(self.strangers)
        for i, person in enumerate(self.strangers):
            person.wishes = {"towns": i % 2 == 0, "languages": LANGUAGES[i % len(LANGUAGES)]}
            person.position = SOUTH if i % 4 > 1 else None
        for person in self.strangers[:refusing]:
            person.browser.refuses = True
        self.world.stepped = self._stepped
        self.apart: set[frozenset[str]] = set()
        self.answered: dict[str, str] = {}
        self.offers: dict[str, Offer] = {}
        self.rung_s: dict[str, float] = {}
        self.until_s: dict[str, float] = {}  # offers
        self.anew: set[str] = set()  # of them, those that count anew
        self.killed_s: dict[str, float] = {}
        self.over_s: dict[str, float] = {}
        self.lonely_s: dict[tuple[str, ...], float] = {}
        self.differing_s: dict[tuple[str, ...], float] = {}
        self.forgot_s = 0.0
        self.set_back = False
        self.restored: set[str] = set()  # sessions of a lobby that went back

    @property
    def books(self) -> Books:
        return self.stand.books

    def _forgot(self) -> None:
        """With the lobby's data go rests and rings; pairs are known from the history, or from who is still trying."""
        self.stand.forget()
        self.forgot_s = self.loop.now_s
        self.rung_s.clear()
        kept = set(self.world.pairs)
        for server in self.servers:
            if server is not None:
                kept.update(server.process.matching.moderation._pending_blocks)
        self.apart = {frozenset(pair) for pair in kept}

    def gone_back(self) -> None:
        """Of what came after that moment the lobby knows nothing: an answer counts once more, who was barred since is
        barred by the history alone, and a chat that came to nothing is let go of (protocol §2.8)."""
        super().gone_back()
        books = self.books
        self.forgot_s = self.loop.now_s
        self.rung_s.clear()
        for offer in books.offers:
            self.answered.pop(offer, None)
        self.apart = {frozenset((guest, other)) for guest, person in books.people.items() for other in person.blocked}
        self.set_back = True  # what ran at that moment runs for its time again
        self.restored.update(person.session for person in books.people.values() if person.session is not None)

    def set_store_clock(self, clock: OwnClock, ahead_ms: int) -> None:
        """Set forward it ends what the lobby counts that much earlier. Set back it does not count the time until
        the next step, the first after an outage."""
        step_ms = ahead_ms - clock.ahead_ms
        super().set_store_clock(clock, ahead_ms)
        if clock is self.world.redis_clock and step_ms > 0:
            self.rung_s.clear()
            self.until_s = {offer: until_s - step_ms / 1_000 for offer, until_s in self.until_s.items()}
        self.set_back |= clock is self.world.redis_clock and step_ms < 0

    # -- the run ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        self.start_servers()
        for person in self.strangers:
            self.loop.call_later(self.random.uniform(0, 60), person.open_page)
            self.plan(WILD_S + CALM_S, 30, person.act)
        self.world.loss = self.random.choice([0, 0.01, 0.05])
        if self.served:
            rough_up(self)
        self.plan(WILD_S, self.random.choice([2, 5, 10]), self.fault)
        await asyncio.sleep(WILD_S)
        self.well()
        await asyncio.sleep(60)
        if self.served:
            self.plan(CALM_S - 60, CALM_S / 10, self._lose_all)
        await self._watch(CALM_S - 60)
        for person in self.strangers:
            person.calm = True
        await asyncio.sleep(QUIET_S)
        self.check_pages()
        self.check_kept()
        if self.wrong:
            raise Wrong(self.wrong.pop(0))

    def fault(self) -> None:
        kind, person = self.random.choice(self.kinds), self.random.choice(self.strangers)
        self.faults[kind] += 1
        self.trace("FAULT", kind, person.name)
        random = self.random
        match kind:
            case _ if kind in OUTAGES:
                OUTAGES[kind](self)
            case "kill":
                self.kill_server(random.randrange(len(self.servers)), random.uniform(0.5, 30))
            case "cut":
                self.cut(person)
            case "reload":
                person.close_pages()
                self.loop.call_later(0.2, person.return_home)
            case "reloads":
                person.reload(random.randint(2, 5))
            case "tab" if len(person.pages) < 3:
                person.open_page()
            case "away" | "long":
                person.close_pages()
                least_s, most_s = (1, 20) if kind == "away" else (60, 900)
                self.loop.call_later(random.uniform(least_s, most_s), person.return_home)
            case "offline":
                self.network(person, False)
                self.loop.call_later(random.uniform(1, 30), self.network, person, True)
            case "date":
                self.set_date(person)
            case "history" | "mailbox":
                setattr(self.world, f"{kind}_up", False)
                self.loop.call_later(random.uniform(0.5, 5), setattr, self.world, f"{kind}_up", True)

    def _lose_all(self) -> None:
        """Redis is emptied, or starts anew."""
        if self.random.random() < 0.5:
            for server in self.servers:
                if server is not None:
                    server.bus.cut(self.random.uniform(0.1, 1))
        self.world.forgot()

    def kill_server(self, i: int, back_s: float) -> None:
        server = self.servers[i]
        if server is not None:
            self.killed_s[server.name] = self.loop.now_s
        super().kill_server(i, back_s)

    # -- after every step of the lobby --------------------------------------------------------------------------------

    def _stepped(self, name: str, args: tuple[Any, ...], answer: Any) -> None:
        match name:
            case "accept" | "later":
                if args[1] in self.answered:
                    self.wrong.append(f"M7: {name} by {self._name(args[0])} to an offer that had its answer")
                self.answered[args[1]] = name
            case "decline":  # a no may come twice, or late, but not after a yes
                if self.answered.get(args[1]) == "accept":
                    self.wrong.append(f"M7: decline of an offer of {self._name(answer.seeker)} that was accepted")
                self.answered[args[1]] = name
                self.apart.add(frozenset((answer.seeker, answer.candidate)))
            case "block":
                self.apart.add(frozenset(args))
            case "seek" if isinstance(answer, SeekResult) and answer.offer and answer.offer.id not in self.offers:
                self._opened(answer.offer)
        if name not in UNCHECKED:
            self._check_books()

    def _opened(self, offer: Offer) -> None:
        self.offers[offer.id] = offer
        self.until_s[offer.id] = self.loop.now_s + offer.seconds
        self.trace("lobby:", self._name(offer.seeker), "asks", self._name(offer.candidate))
        if frozenset((offer.seeker, offer.candidate)) in self.apart:
            self.wrong.append("M5: a pair that was declined meets again")
        if why := self._apart_by_wish(offer):
            self.wrong.append(f"{self._name(offer.seeker)} is led to {self._name(offer.candidate)} {why}")
        if not offer.looking:
            ago_s = self.loop.now_s - self.rung_s.get(offer.candidate, -RING_S)
            if ago_s < RING_S - 0.01:
                self.wrong.append(f"M15: {self._name(offer.candidate)} is asked again after {ago_s:.0f} s")
            self.rung_s[offer.candidate] = self.loop.now_s

    def _apart_by_wish(self, offer: Offer) -> str:
        """Why the two of a new offer should not have been led together, "" if they may."""
        seeker, candidate = (self.books.people[guest] for guest in (offer.seeker, offer.candidate))
        if seeker.pool != candidate.pool and not (seeker.towns and candidate.towns):
            return "of another town, without both switches on"
        return "" if understand(seeker, candidate, self.books.now) else "without a common language, within 10 s"

    def _check_books(self) -> None:
        books, now_s = self.books, self.loop.now_s
        if self.set_back:
            self.set_back = False
            self.until_s.clear()
            self.anew = set(books.offers)
            self.killed_s = dict.fromkeys(self.killed_s, now_s)
        pointed: dict[str, list[str]] = {}
        talking: dict[str, list[str]] = {}
        for guest, visitor in books.people.items():
            if visitor.offer is not None:
                pointed.setdefault(visitor.offer.id, []).append(guest)
            if visitor.session is not None:
                talking.setdefault(visitor.session, []).append(guest)
                if visitor.offer is not None:
                    self.wrong.append(f"M1: {self._name(guest)} is in an offer and in a session")
        rung_on: set[str] = set()
        for offer in books.offers.values():
            sides, both = sorted(pointed.pop(offer.id, ())), sorted((offer.seeker, offer.candidate))
            until_s = self.until_s.setdefault(offer.id, now_s + offer.seconds)
            of_seeker_s = until_s - (offer.rings_until - offer.ends) / 1_000
            rung_on |= {offer.candidate} if sides == [offer.candidate] else set()
            runs_for_both = (sides == both) if offer.id in self.anew else now_s < of_seeker_s
            if sides != (both if runs_for_both else [offer.candidate]) and abs(now_s - of_seeker_s) > 0.01:
                self.wrong.append(f"M2: not those point to an offer of {self._name(offer.seeker)} for whom it runs")
            if now_s > until_s + 0.01:
                self.wrong.append("M6: an offer outlives its time")
        if pointed:
            self.wrong.append("M2: somebody points to an offer that is over")
        for s, guests in talking.items():
            row = self.world.sessions.get(s)
            if row is None and s not in self.restored:
                self.wrong.append("M11: a session is not durable")
            elif row is not None and sorted(row.members) != sorted(guests):
                self.wrong.append(f"M2: only {[self._name(guest) for guest in guests]} are in their session")
            elif blocked(*(books.people[guest] for guest in guests)):
                self.wrong.append("M5: the lobby has a pair that it keeps apart in a session")
            self._check_over(s)
        self.over_s = {s: since for s, since in self.over_s.items() if s in talking}
        for guest in self.stand.misfiled:
            self.wrong.append(f"M3: {self._name(guest)} stands where no record says so, or the other way round")
        for guest in books.index:
            visitor = books.people[guest]
            if not (books.state(visitor) == "free" or guest in rung_on) or not visitor.online:
                self.wrong.append(f"M3: {self._name(guest)} stands among the free")
            if self.loop.now_s - self.killed_s.get(visitor.process, self.loop.now_s) > LEASE_S:
                self.wrong.append(f"M9: {self._name(guest)} stands on a process that was killed")

    def _check_over(self, s: str) -> None:
        """A no may reach the history while a yes before it, of which nobody had heard, is on its way to both, an end
        while a row that was read before brings both back: the chat then ends as soon as both stores can be told.
        Where a lobby that went back has two of whom neither is here, nobody looks until one of them comes."""
        row = self.world.sessions.get(s)
        if row is not None and s in self.restored and not any(map(self._is_here, row.members)):
            self.over_s.pop(s, None)
            return
        if row is None:
            if self.loop.now_s - self.over_s.setdefault(s, self.loop.now_s) > OVER_S:
                self.wrong.append("M11: a session that came to nothing is in the lobby")
        elif row.ended == PENDING or (row.ended is None and not self.world.apart(row.members)):
            self.over_s.pop(s, None)
        elif self.loop.now_s - self.over_s.setdefault(s, self.loop.now_s) > OVER_S:
            why = "M11: {}, whose chat has ended, are" if row.ended else "M5: {}, who are kept apart, are"
            self.wrong.append(why.format(" and ".join(map(self._name, row.members))) + " in it in the lobby")

    def _is_here(self, guest: str) -> bool:
        return any(server.process.registry.has(guest) for server in self.servers if server is not None)

    def _name(self, guest: str) -> str:
        return next((person.name for person in self.strangers if person.guest == guest), guest[:4])

    # -- when the faults have stopped ---------------------------------------------------------------------------------

    async def _watch(self, secs: float) -> None:
        """What may differ between lobby and pages for a moment does not for longer (M6, M8, M10, M12), and no two who
        look for each other are left alone (M13, M14). A lobby that has lost all is filled again in time (§2.8)."""
        for _ in range(round(secs / LOOK_S)):
            await asyncio.sleep(LOOK_S)
            now_s, lonely = self.loop.now_s, self._lonely()
            differing = {(person.name, what) for person in self.strangers if (what := self._differs(person))}
            if now_s - self.forgot_s < FOUND_S:
                lonely, differing = set(), set()
            for now, since, rule in ((lonely, self.lonely_s, "M14"), (differing, self.differing_s, "M8")):
                for gone in [one for one in since if one not in now]:
                    del since[gone]
                for one in now:
                    if now_s - since.setdefault(one, now_s) > FREED_S + SLACK_S:
                        raise Wrong(f"{rule}: {' '.join(one)}, for {now_s - since[one]:.1f} s")

    def _lonely(self) -> set[tuple[str, ...]]:
        """Pairs of free lookers who may meet, and have not let others down too often."""
        books = self.books
        free = [v for guest in books.index if books.rank(v := books.people[guest]) in (LOOKING_IN_VIEW, LOOKING_HIDDEN)]
        return {
            (self._name(a.id), "and", self._name(b.id), "look and are left alone")
            for i, a in enumerate(free)
            for b in free[i + 1 :]
            if not strangers(a, b, books.now) and may_meet(a, b, books.now) and a.taken_back.get(b.id, 0) <= books.now
        }

    def _differs(self, person: "Stranger") -> str:
        """What this page shows that is not so, "" when it is right."""
        page, visitor = person.page, self.books.people.get(person.guest)
        if page is None:
            return ""
        if not page.joined or visitor is None:
            return "is not known to the lobby" if page.joined else "is not joined"
        if page.outbox.running != (visitor.session or ""):
            return f"sees chat {page.outbox.running[:4] or 'none'}, the lobby has {(visitor.session or 'none')[:4]}"
        asked = visitor.offer.id if visitor.offer and visitor.offer.candidate == person.guest else ""
        shown = page.offer["offer"] if page.offer else ""
        if asked != shown:
            return f"sees offer {shown[:4] or 'none'}, the lobby has {asked[:4] or 'none'}"
        if page.looking and self.books.state(visitor) == "free" and not visitor.looking:
            return "looks, and the lobby does not know"
        return ""

    def check_pages(self) -> None:
        for person in self.strangers:
            if what := self._differs(person):
                raise Wrong(f"at the end {person.name} {what}")
        for row in self.world.sessions.values():
            if row.ended is None and self.world.apart(row.members):
                raise Wrong(f"M5: at the end {' and '.join(map(self._name, row.members))} share a chat")
