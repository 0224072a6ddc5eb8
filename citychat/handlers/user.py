"""The events of /user: who I am, whom I meet, and what I want no more (protocol §1)."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal

from msgspec import Meta, Struct

from citychat.arrival import Join
from citychat.handlers import Answer, Event, Namespace, having, shaped
from citychat.joining import Joining
from citychat.matching import Matching
from citychat.model import PROTOCOL_VERSION, BadPayload, Id, Reload, clean_text
from citychat.parting import Parting, Reason
from citychat.ports import Page
from citychat.sessions import Sessions
from citychat.visit import Visit


class Nothing(Struct):
    """No fields."""


class Match(Struct):
    offer: Id
    answer: Literal["yes", "no", "later"]


class Chosen(Struct):
    """One of my sessions."""

    session: Id


class Available(Struct):
    on: bool
    slow: bool = False


class View(Struct):
    visible: bool
    touched: bool = False


class Cities(Struct):
    q: Annotated[str, Meta(max_length=100)]


class Where(Struct):
    """Either a city's gazetteer id, or a position, which may be wrong without being an error."""

    city: Annotated[str, Meta(max_length=20)] | None = None
    position: object = None


class Reported(Struct):
    session: Id
    reason: Reason
    note: Annotated[str, Meta(max_length=500)] = ""


class Case(Struct):
    code: Annotated[str, Meta(max_length=20)]


class Erase(Struct):
    confirm: bool


class UserEvents(Namespace):
    prefix = "user"

    def __init__(self, joining: Joining, matching: Matching, sessions: Sessions, parting: Parting) -> None:
        super().__init__(joining)
        self.matching, self.sessions, self.parting = matching, sessions, parting
        self.events = {
            "user-join": Event(self.join, Join, joined=False),
            "user-seek": Event(self.seek, Nothing, "seeks"),
            "user-stop": Event(self.stop, Nothing),
            "user-match": Event(self.match, Match),
            "user-leave": Event(self.leave, Chosen),
            "user-available": Event(self.available, Available),
            "user-view": Event(self.view, View),
            "user-cities": Event(self.cities, Cities, "cities"),
            "user-place": Event(self.place, Where, "places"),
            "user-chats": Event(self.chats, Nothing),
            "user-block": Event(self.block, Chosen),
            "user-report": Event(self.report, Reported),
            "user-case": Event(self.case, Case, "cases"),
            "user-again": Event(self.again, Chosen),
            "user-erase": Event(self.erase, Erase),
        }

    async def join(self, page: Page, payload: object) -> Answer:
        # A page of another version may differ in every field, so that comes first.
        if isinstance(payload, Mapping) and payload.get("v", PROTOCOL_VERSION) != PROTOCOL_VERSION:
            raise Reload
        answer, start = await self.joining.join(page, shaped(payload, Join))
        return Answer(answer, then=start)

    async def seek(self, visit: Visit, asked: Nothing) -> Answer:
        state, then = await self.matching.seek(visit.guest)
        return Answer({"state": state}, then=then)

    async def stop(self, visit: Visit, asked: Nothing) -> None:
        await self.matching.stop(visit.guest)

    async def match(self, visit: Visit, asked: Match) -> Answer | None:
        match asked.answer:
            case "yes":
                return Answer(then=await self.matching.accept(visit.guest, asked.offer))
            case "no":
                return Answer(later=await self.matching.decline(visit.guest, asked.offer))
            case "later":
                await self.matching.later(visit.guest, asked.offer)
        return None

    async def leave(self, visit: Visit, asked: Chosen) -> Answer:
        return Answer(later=await self.sessions.leave(visit.guest, asked.session))

    async def available(self, visit: Visit, asked: Available) -> None:
        await self.matching.available(visit.guest, asked.on, asked.slow)

    async def view(self, visit: Visit, asked: View) -> None:
        await self.matching.view(visit.guest, asked.visible, asked.touched)

    async def cities(self, visit: Visit, asked: Cities) -> Answer:
        return Answer({"cities": self.joining.arrival.cities(asked.q)})

    async def place(self, visit: Visit, asked: Where) -> Answer:
        place = await self.joining.place(visit, asked.city, asked.position)
        return Answer({"place": place.shown()})

    async def chats(self, visit: Visit, asked: Nothing) -> Answer:
        return Answer({"chats": await self.sessions.chats(visit.guest)})

    async def block(self, visit: Visit, asked: Chosen) -> Answer:
        return Answer(later=await self.parting.block(visit.guest, asked.session))

    async def report(self, visit: Visit, asked: Reported) -> Answer:
        task = await self.parting.report(visit.guest, asked.session, asked.reason, clean_text(asked.note))
        return Answer(later=having(task, "code"))

    async def case(self, visit: Visit, asked: Case) -> Answer:
        return Answer({"state": await self.parting.case(asked.code)})

    async def again(self, visit: Visit, asked: Chosen) -> None:
        await self.sessions.again(visit.guest, asked.session)

    async def erase(self, visit: Visit, asked: Erase) -> Answer:
        if not asked.confirm:
            raise BadPayload("confirm: expected true.")
        task = await self.sessions.erase(visit.guest)
        visit.forgotten = True  # the page's close must not bring the guest's row back
        return Answer(then=partial(visit.page.close, "erased"), later=task)
