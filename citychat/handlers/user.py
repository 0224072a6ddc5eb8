"""The events of /user: who I am, whom I meet, and what I want no more (protocol §1)."""

from functools import partial
from typing import Annotated, Literal

from msgspec import Meta, Struct

from citychat.handlers.dispatcher import Answer, Event, Namespace, having, shaped
from citychat.joining import Joining, JoinRequest, probe
from citychat.limits import bound
from citychat.matching import Matching, Reason
from citychat.model import BadPayload, Id, Languages, Time, clean_text
from citychat.ports import Page
from citychat.registry import Client

NOTE_MAX_CHARS = bound("report note")


class EmptyRequest(Struct):
    """Payload without fields."""


class MatchRequest(Struct):
    offer: Id
    answer: Literal["yes", "no", "later"]


class SessionRequest(Struct):
    """One of my sessions."""

    session: Id


class AvailableRequest(Struct):
    on: bool
    slow: bool = False


class PreferRequest(Struct):
    """A guest's wishes, whom to meet."""

    towns: bool
    languages: Languages


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
    note: Annotated[str, Meta(max_length=NOTE_MAX_CHARS)] = ""


class ChatsRequest(Struct):
    """``before``: a place in the list: when that chat began, and its id."""

    before: tuple[Time, Id] | None = None


class CaseRequest(Struct):
    code: Annotated[str, Meta(max_length=20)]


class SignRequest(Struct):
    """``want``: to be told once, not any more, or to know how it stands. ``endpoint``: where the browser's push service
    takes a sign for it; ``left_ms``: until midnight, by the guest's clock."""

    want: Literal["ask", "stop", "look"]
    endpoint: str = ""
    left_ms: Annotated[int, Meta(ge=0)] = 0


class EraseRequest(Struct):
    confirm: bool


class UserEvents(Namespace):
    prefix = "user"

    def __init__(self, joining: Joining, matching: Matching) -> None:
        self.joining, self.matching = joining, matching
        self.sessions, self.moderation, self.reunions = matching.sessions, matching.moderation, matching.reunions
        self.erasing, self.signs = matching.erasing, matching.signs
        self.events = {
            "user-join": Event(self.join, JoinRequest, joined=False),
            "user-seek": Event(self.seek, EmptyRequest, "seeks", lasting=True),
            "user-stop": Event(self.stop, EmptyRequest, lasting=True),
            "user-match": Event(self.match, MatchRequest, lasting=True),
            "user-leave": Event(self.leave, SessionRequest, lasting=True),
            "user-available": Event(self.available, AvailableRequest, lasting=True),
            "user-view": Event(self.view, ViewRequest, lasting=True),
            "user-prefer": Event(self.prefer, PreferRequest, "places", lasting=True),
            "user-cities": Event(self.cities, CitiesRequest, "cities"),
            "user-place": Event(self.place, PlaceRequest, "places", lasting=True),
            "user-chats": Event(self.chats, ChatsRequest, "chats"),
            "user-block": Event(self.block, SessionRequest, lasting=True),
            "user-report": Event(self.report, ReportRequest, "reports", lasting=True),
            "user-case": Event(self.case, CaseRequest, "cases"),
            "user-again": Event(self.again, SessionRequest, lasting=True),
            "user-sign": Event(self.sign, SignRequest, lasting=True),
            "user-erase": Event(self.erase, EraseRequest, lasting=True),
        }

    async def join(self, page: Page, payload: object) -> Answer:
        self.joining.admission.check_agreed(payload)
        asked = shaped(payload, JoinRequest)
        if asked.probe:
            return Answer(await probe(self.joining, page), then=partial(page.close, "probe"))
        answer, start = await self.joining.join(page, asked)
        return Answer(answer, then=start)

    async def seek(self, client: Client, asked: EmptyRequest) -> Answer:
        state, then = await self.matching.seek(client)
        return Answer({"state": state}, then=then)

    async def stop(self, client: Client, asked: EmptyRequest) -> None:
        await self.matching.stop(client)

    async def match(self, client: Client, asked: MatchRequest) -> Answer | None:
        match asked.answer:
            case "yes":
                return Answer(then=await self.matching.accept(client, asked.offer))
            case "no":
                return Answer(later=await self.matching.decline(client, asked.offer))
            case "later":
                await self.matching.later(client, asked.offer)
        return None

    async def leave(self, client: Client, asked: SessionRequest) -> Answer:
        return Answer(later=await self.sessions.leave(client, asked.session))

    async def available(self, client: Client, asked: AvailableRequest) -> None:
        await self.matching.available(client, asked.on, asked.slow)

    async def view(self, client: Client, asked: ViewRequest) -> None:
        await self.matching.view(client, asked.visible, asked.touched)

    async def prefer(self, client: Client, asked: PreferRequest) -> None:
        await self.matching.prefer(client, asked.towns, asked.languages)

    async def cities(self, client: Client, asked: CitiesRequest) -> Answer:
        return Answer({"cities": self.joining.admission.cities(asked.q)})

    async def place(self, client: Client, asked: PlaceRequest) -> Answer:
        place = await self.joining.place(client, asked.city, asked.position)
        return Answer({"place": self.joining.admission.shown(place)})

    async def chats(self, client: Client, asked: ChatsRequest) -> Answer:
        return Answer(await self.sessions.chats(client.guest, asked.before))

    async def block(self, client: Client, asked: SessionRequest) -> Answer:
        return Answer(later=await self.moderation.block(client, asked.session))

    async def report(self, client: Client, asked: ReportRequest) -> Answer:
        task = await self.moderation.report(client, asked.session, asked.reason, clean_text(asked.note))
        return Answer(later=having(task, "code"))

    async def case(self, client: Client, asked: CaseRequest) -> Answer:
        return Answer({"state": await self.moderation.case(asked.code)})

    async def again(self, client: Client, asked: SessionRequest) -> None:
        await self.reunions.wish(client, asked.session)

    async def sign(self, client: Client, asked: SignRequest) -> Answer:
        match asked.want:
            case "ask":
                return Answer({"until": await self.signs.ask(client, asked.endpoint, asked.left_ms)})
            case "stop":
                await self.signs.take_back(client)
                return Answer({"until": None})
        return Answer({"until": await self.signs.until(client)})

    async def erase(self, client: Client, asked: EraseRequest) -> Answer:
        if not asked.confirm:
            raise BadPayload("confirm: expected true.")
        task = await self.erasing.erase(client)
        client.forgotten = True  # the page's close must not bring the guest's row back
        return Answer(then=partial(client.page.close, "erased"), later=task)
