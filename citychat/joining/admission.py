"""Admission of a guest: consent, token, guest row and place (product page, Arrive and Location)."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from citychat.limits import Shares, bound
from citychat.matching import DateCheck
from citychat.model import (
    LAMPORT_MAX,
    OBJECTION_MAX_CHARS,
    PROTOCOL_VERSION,
    BadPayload,
    Banned,
    Busy,
    Guest,
    Id,
    Languages,
    NoPlace,
    Place,
    RefusedConsent,
    Reload,
    clean_text,
    is_blank,
    new_id,
)
from citychat.networks import network, own_network
from citychat.places import Gazetteer, Places, meant, position
from citychat.ports import Dossier, Engines, Pause
from citychat.rules import DAY_MS, is_covered
from citychat.tokens import Claims, SigningKeys, Tokens, crowd_mark, network_marks, own_network_mark

MOVES_MAX = bound("place changes")  # place changes a day: trying district after district must not find anybody
HAVE_MAX = bound("streams named")
RETURN_MS = 2_000  # who is to come back does so at a random time within this


class JoinRequest(Struct):
    """Payload of ``user-join`` (protocol §1)."""

    v: int
    consent: str
    adult: bool
    available: bool
    visible: bool
    token: str | None = None
    old_token: str | None = None
    position: object = None
    slow: bool = False
    towns: bool = False
    languages: Languages = []
    objection: Annotated[str, Meta(max_length=OBJECTION_MAX_CHARS)] = ""
    have: dict[Id, Annotated[int, Meta(ge=0, le=LAMPORT_MAX)]] = {}
    probe: bool = False


NEW = Dossier(None, None, [], {}, [], 0)  # of a guest whom nobody knows yet


class Arrived(NamedTuple):
    """A guest who may come in: the row as it was kept, the time away (ms; 0 for a new guest), what was known, and what
    stands for the network among those who are here, or for an address of the own network."""

    row: Guest
    away_ms: int
    dossier: Dossier
    network: str
    own_network: str


class Admission:
    """Admits guests. ``consent``: the version of the rules asked for. ``joins``: those of a network and the process;
    ``objections``: those of a guest too. ``new_guest`` takes one of a network's new guests, ``again`` one of a guest's
    joins; both answer the seconds to wait for one (0: go on)."""

    def __init__(
        self,
        *,
        consent: str,
        contact: str,
        keys: SigningKeys,
        places: Places,
        gazetteer: Gazetteer,
        engines: Engines,
        dates: DateCheck,
        joins: Shares,
        objections: Shares,
        new_guest: Callable[[str], float],
        again: Callable[[str], float],
    ) -> None:
        self.consent, self.contact, self.keys = consent, contact, keys
        self.places, self.gazetteer = places, gazetteer
        self.history, self.clock, self.random = engines.history, engines.clock, engines.random
        self.dates, self.joins, self.new_guest, self.again = dates, joins, new_guest, again
        self.objections = objections
        self.tokens = Tokens(keys, dates.now_ms)

    def check_agreed(self, payload: object) -> None:
        """Look for version and consent before anything else of a join, whatever shape the rest has: a page of another
        version may differ in every field, and who has not agreed to the rules is told those and nothing about fields.
        Raises Reload, RefusedConsent."""
        said = payload if isinstance(payload, Mapping) else {}
        if said.get("v", PROTOCOL_VERSION) != PROTOCOL_VERSION:
            raise Reload
        if said.get("consent") != self.consent or said.get("adult") is not True:
            raise RefusedConsent(self.consent)

    def take_join(self, address: str, asked: JoinRequest) -> None:
        """Take one of the process's joins, for a page that has agreed and is not over the limits of its guest or
        network: what is refused costs those who come meanwhile nothing. Raises BadPayload, Busy."""
        if len(asked.have) > HAVE_MAX:
            raise BadPayload(f"have names more than {HAVE_MAX} streams.")
        self._refuse_if_crowded(address)
        guests = self._signed(asked)
        for guest in guests:
            if wait_s := self.again(guest):
                raise Busy("Too many joins.", retry_ms=ceil(wait_s * 1000))
        if not guests:
            self._take_new(address)
        self.joins.take("", network(address))

    def take_probe(self, address: str) -> None:
        """Take one of the process's joins for a probe, which is no new guest. Raises Busy."""
        self._refuse_if_crowded(address)
        self.joins.take("", network(address))

    def _refuse_if_crowded(self, address: str) -> None:
        if wait_s := self.joins.wait_s("", network(address)):
            # Pages come back at random times: a process that fell is made up for in seconds.
            raise Busy("Many are coming at once. Nothing is lost.", retry_ms=max(RETURN_MS, ceil(wait_s * 1000)))

    async def arrive(self, address: str, asked: JoinRequest) -> Arrived:
        """Return who may come in, after ``take_join``; the row is to be kept. Raises Banned, Busy, Unavailable."""
        trusted = await self.dates.trusted()
        now = self.dates.now_ms()
        dossier = await self._known(address, asked, self.dates.likely_ms()) or NEW
        old = dossier.row
        networks = network_marks(self.keys, address, now)
        await self._check_paused_network(networks, old.made if old else now, self.dates.likely_ms())
        if old is None and self._signed(asked):
            self._take_new(address)  # its token has run out, or its guest was erased
        row = old or Guest(new_id(self.random), now, now, self.consent, now)
        if row.consent != self.consent:
            row = replace(row, consent=self.consent, consented=now)
        row = replace(row, seen=now, networks=networks)
        place = self.places.place(address, position=position(asked.position), kept=row.place)
        row = self._moved(row, address, place, now) or row  # after the third change of a day the old place stays
        marks = crowd_mark(self.keys, address), own_network_mark(self.keys, address)
        return Arrived(row, now - old.seen if old and trusted else 0, dossier, *marks)

    def shown(self, place: Place | None) -> dict[str, object] | None:
        """Return what a page learns of its guest's place: also of how many towns nearby it may meet guests."""
        return None if place is None else {**place.shown(), "towns": len(self.places.neighbours(place.key))}

    def is_stale(self, row: Guest) -> bool:
        """Tell whether a guest was seen a day ago: those who come tomorrow share no mark of a network with them."""
        return self.dates.now_ms() - row.seen >= DAY_MS

    def seen_again(self, row: Guest, address: str) -> Guest:
        """Return the row of a guest who is here, as a join would mark it now."""
        now = self.dates.now_ms()
        return replace(row, seen=now, networks=network_marks(self.keys, address, now))

    def token(self, row: Guest) -> str:
        return self.tokens.issue(Claims(row.id, row.consent, row.consented, adult=True))

    def moved(self, row: Guest, address: str, city: str | None, raw_position: object) -> tuple[Guest, Place]:
        """Return the row with its new place, and that place (``user-place``). Raises BadPayload, NoPlace, Busy after 3
        changes a day."""
        found = position(raw_position)
        if (city is None) == (found is None):
            raise BadPayload("Expected either city, the id of a city that user-cities answered, or position.")
        try:
            place = self.places.place(address, position=found, chosen=city)
        except ValueError as error:
            raise BadPayload(str(error)) from error
        if place is None:
            raise NoPlace
        now = self.clock.wall_ms()
        moved = self._moved(row, address, place, now)
        if moved is None:
            raise Busy("Your place can change three times a day.", retry_ms=min(row.moves[0] + DAY_MS - now, DAY_MS))
        return moved, place

    def guest_of(self, asked: JoinRequest) -> str:
        """Return the guest that a page's tokens name; "" when none holds."""
        return next((claims.guest for claims in self._claims(asked)), "")

    def is_same(self, asked: JoinRequest, guest: str) -> bool:
        """Tell whether the page may forget the older of its tokens: the newer one holds, and both are this guest's, or
        the older one has run out."""
        claims = self._read(asked.token)
        old, out_of_date = self.tokens.signed(asked.old_token or ""), self._read(asked.old_token) is None
        is_needless = not asked.old_token or (old is not None and (old.guest == guest or out_of_date))
        return is_needless and (not asked.token or (claims is not None and claims.guest == guest))

    def banned(self, pause: Pause) -> Banned:
        """Return what a paused guest is told."""
        return Banned({**asdict(pause), "automatic": not pause.rule, "contact": self.contact, "network": False})

    def cities(self, q: str) -> list[dict[str, str]]:
        """Return at most 10 cities whose name begins so, best first."""
        return [
            {"id": city.id, "name": city.name, "region": city.region, "country": city.country}
            for city in meant(self.gazetteer, q)
        ]

    async def _known(self, address: str, asked: JoinRequest, now: int) -> Dossier | None:
        """The file of the guest whose token holds; a bad token, or one of a guest who was erased, counts as none: what
        that guest was allowed is used up. So does one without a row while the date is in doubt: how old it is nobody
        knows, and from whom that guest was kept apart may be forgotten. Raises Banned."""
        held = self._claims(asked)
        for claims in held:
            dossier = await self.history.guests.dossier(claims.guest, now)
            if dossier.pause is not None:
                raise self.banned(await self._heard(claims.guest, dossier.pause, address, asked, now))
            if not dossier.erased and (dossier.row is not None or not self.dates.doubt):
                row = dossier.row or Guest(claims.guest, now, now, claims.consent, claims.consented)
                return replace(dossier, row=row)
        for guest in self._signed(asked) - {claims.guest for claims in held}:  # run out, as it does in a long pause
            if (pause := await self.history.guests.pause(guest, now)) is not None:
                raise self.banned(await self._heard(guest, pause, address, asked, now))
        return None

    async def _heard(self, guest: str, pause: Pause, address: str, asked: JoinRequest, now: int) -> Pause:
        """The pause with what the guest objects, if that is the first time. Raises Busy, Unavailable."""
        said = clean_text(asked.objection)[:OBJECTION_MAX_CHARS].strip()
        if is_blank(said) or not pause.reference or pause.objection:
            return pause
        if wait_s := self.objections.take(guest, network(address)):
            raise Busy("Too many objections.", retry_ms=ceil(wait_s * 1000))
        return await self.history.guests.keep_objection(guest, said, now) or pause

    async def check_newcomer(self, address: str) -> None:
        """Raise Banned when a guest who came now for the first time would be paused."""
        now = self.dates.likely_ms()
        await self._check_paused_network(network_marks(self.keys, address, now), now, now)

    async def _check_paused_network(self, networks: Sequence[str], made: int, now: int) -> None:
        """Raise Banned when a guest of this network is paused and this one was made after that. Whoever comes back to a
        cleared browser is a new one."""
        if networks and is_covered(made, now):  # else no pause that holds can
            pause = await self.history.guests.networks_paused(networks, now)
            if pause is not None and is_covered(made, pause.until):
                facts = self.banned(Pause(pause.until, "")).facts  # whose case it is, and which, is their own matter
                raise Banned({**facts, "automatic": not pause.rule, "network": True})

    def _claims(self, asked: JoinRequest) -> list[Claims]:
        """Of two tokens that hold the older one comes first: a server that could not read it has made another guest
        meanwhile. A page that is in the middle of that one's chat stays with it."""
        newer, older = self._read(asked.token), self.tokens.read(asked.old_token or "")
        return [claims for claims in ((newer, older) if asked.have else (older, newer)) if claims]

    def _read(self, token: str | None) -> Claims | None:
        return self.tokens.read(token, dated=not self.dates.doubt) if token else None

    def _signed(self, asked: JoinRequest) -> set[str]:
        """The guests that the page's tokens name, however old: the date may not be known yet."""
        read = (self.tokens.signed(token or "") for token in (asked.token, asked.old_token))
        return {claims.guest for claims in read if claims}

    def _take_new(self, address: str) -> None:
        """One of the network's new guests. Raises Busy."""
        source = network(address)
        if source and (wait_s := self.new_guest(source)):
            raise Busy("Too many new guests from your network.", retry_ms=ceil(wait_s * 1000))

    def _moved(self, row: Guest, address: str, place: Place | None, now: int) -> Guest | None:
        """The row at its new place, or None when that would be the fourth change of a day.

        A guest who comes from the host's own network to the internet, or back, has to change pools: that never counts.
        """
        old = row.place
        moves = tuple(at for at in row.moves if abs(now - at) < DAY_MS)  # whoever wrote it had another clock
        crossed = old is not None and (old.source in ("home", "network")) != bool(own_network(address))
        if old is None or place is None or crossed or (old.key, old.district) == (place.key, place.district):
            return replace(row, place=place, moves=moves)
        if len(moves) >= MOVES_MAX:
            return None
        return replace(row, place=place, moves=(*moves, now))
