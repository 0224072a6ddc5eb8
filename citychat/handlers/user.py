"""The events of /user: who I am, whom I meet, and what I want no more (protocol §1)."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal

from msgspec import Meta, Struct

from citychat.handlers.dispatcher import Answer, Event, Namespace, having, shaped
from citychat.joining import Joining, JoinRequest, Visit
from citychat.matching import Matching, Moderation, Reason, Sessions
from citychat.model import PROTOCOL_VERSION, BadPayload, Id, Reload, clean_text
from citychat.ports import Page


class EmptyRequest(Struct):
    """No fields."""


class MatchRequest(Struct):
    offer: Id
    answer: Literal["yes", "no", "later"]


class SessionRequest(Struct):
    """One of my sessions."""

    session: Id


class AvailableRequest(Struct):
    on: bool
    slow: bool = False


class ViewRequest(Struct):
    visible: bool
    touched: bool = False


class CitiesRequest(Struct):
    q: Annotated[str, Meta(max_length=100)]


class PlaceRequest(Struct):
    """Either a city's gazetteer id, or a position, which may be wrong without being an error."""

    city: Annotated[str, Meta(max_length=20)] | None = None
    position: object = None


class ReportRequest(Struct):
    session: Id
    reason: Reason
    note: Annotated[str, Meta(max_length=500)] = ""


class CaseRequest(Struct):
    code: Annotated[str, Meta(max_length=20)]


class EraseRequest(Struct):
    confirm: bool


class UserEvents(Namespace):
    prefix = "user"

    def __init__(self, joining: Joining, matching: Matching, sessions: Sessions, parting: Moderation) -> None:
        super().__init__(joining)
        self.matching, self.sessions, self.parting = matching, sessions, parting
        self.events = {
            "user-join": Event(self.join, JoinRequest, joined=False),
            "user-seek": Event(self.seek, EmptyRequest, "seeks"),
            "user-stop": Event(self.stop, EmptyRequest),
            "user-match": Event(self.match, MatchRequest),
            "user-leave": Event(self.leave, SessionRequest),
            "user-available": Event(self.available, AvailableRequest),
            "user-view": Event(self.view, ViewRequest),
            "user-cities": Event(self.cities, CitiesRequest, "cities"),
            "user-place": Event(self.place, PlaceRequest, "places"),
            "user-chats": Event(self.chats, EmptyRequest),
            "user-block": Event(self.block, SessionRequest),
            "user-report": Event(self.report, ReportRequest),
            "user-case": Event(self.case, CaseRequest, "cases"),
            "user-again": Event(self.again, SessionRequest),
            "user-erase": Event(self.erase, EraseRequest),
        }

    async def join(self, page: Page, payload: object) -> Answer:
        # A page of another version may differ in every field, so that comes first.
        if isinstance(payload, Mapping) and payload.get("v", PROTOCOL_VERSION) != PROTOCOL_VERSION:
            raise Reload
        answer, start = await self.joining.join(page, shaped(payload, JoinRequest))
        return Answer(answer, then=start)

    async def seek(self, visit: Visit, asked: EmptyRequest) -> Answer:
        state, then = await self.matching.seek(visit.guest)
        return Answer({"state": state}, then=then)

    async def stop(self, visit: Visit, asked: EmptyRequest) -> None:
        await self.matching.stop(visit.guest)

    async def match(self, visit: Visit, asked: MatchRequest) -> Answer | None:
        match asked.answer:
            case "yes":
                return Answer(then=await self.matching.accept(visit.guest, asked.offer))
            case "no":
                return Answer(later=await self.matching.decline(visit.guest, asked.offer))
            case "later":
                await self.matching.later(visit.guest, asked.offer)
        return None

    async def leave(self, visit: Visit, asked: SessionRequest) -> Answer:
        return Answer(later=await self.sessions.leave(visit.guest, asked.session))

    async def available(self, visit: Visit, asked: AvailableRequest) -> None:
        await self.matching.available(visit.guest, asked.on, asked.slow)

    async def view(self, visit: Visit, asked: ViewRequest) -> None:
        await self.matching.view(visit.guest, asked.visible, asked.touched)

    async def cities(self, visit: Visit, asked: CitiesRequest) -> Answer:
        return Answer({"cities": self.joining.arrival.cities(asked.q)})

    async def place(self, visit: Visit, asked: PlaceRequest) -> Answer:
        place = await self.joining.place(visit, asked.city, asked.position)
        return Answer({"place": place.shown()})

    async def chats(self, visit: Visit, asked: EmptyRequest) -> Answer:
        return Answer({"chats": await self.sessions.chats(visit.guest)})

    async def block(self, visit: Visit, asked: SessionRequest) -> Answer:
        return Answer(later=await self.parting.block(visit.guest, asked.session))

    async def report(self, visit: Visit, asked: ReportRequest) -> Answer:
        task = await self.parting.report(visit.guest, asked.session, asked.reason, clean_text(asked.note))
        return Answer(later=having(task, "code"))

    async def case(self, visit: Visit, asked: CaseRequest) -> Answer:
        return Answer({"state": await self.parting.case(asked.code)})

    async def again(self, visit: Visit, asked: SessionRequest) -> None:
        await self.sessions.again(visit.guest, asked.session)

    async def erase(self, visit: Visit, asked: EraseRequest) -> Answer:
        if not asked.confirm:
            raise BadPayload("confirm: expected true.")
        task = await self.sessions.erase(visit.guest)
        visit.forgotten = True  # the page's close must not bring the guest's row back
        return Answer(then=partial(visit.page.close, "erased"), later=task)
