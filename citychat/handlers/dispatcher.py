"""The door: every event of every page comes in here and gets at most one answer (protocol §1).

A namespace has a table of events. The door finds the entry, checks who asks, how often, and the shape of the payload;
the handler makes one call; the door answers, also when something fails.
"""

import logging
from asyncio import Task, shield
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from math import ceil, inf
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Struct

from citychat.limits import Shares
from citychat.model import BadPayload, Busy, ChatError, NotJoined, UnknownEvent
from citychat.ports import Page
from citychat.registry import Client, Registry
from citychat.tasks import Tasks, described

log = logging.getLogger(__name__)

Reply = Callable[[Mapping[str, object]], None]


class Answer(NamedTuple):
    """The answer to an event, besides ``ok``.

    ``then`` runs right after the answer. ``later``: the answer waits for this, other events of the page do not; if it
    comes to a mapping, that is part of the answer.
    """

    fields: Mapping[str, object] = {}
    then: Callable[[], None] | None = None
    later: Awaitable[Mapping[str, object] | None] | None = None


NO_ANSWER = Answer()


class Event(NamedTuple):
    """One line of an event table. ``handle`` gets the client (before the join: the page) and the payload as ``shape``.

    ``limit``: a row of the table of limits, of which guest, network and process have one; "" where delivery or the
    edge counts. ``failed`` is told of an error
    besides the one who asked for an answer: for events whose answer is an event, of which there is none before the
    join. ``lasting``: it changes something, so it goes on to its end as a task of the process; a connection that is
    gone only stops waiting for it.
    """

    handle: Callable[[Any, Any], Awaitable[Answer | None]]
    shape: type[Struct]
    limit: str = "other events"
    joined: bool = True
    failed: Callable[[Page, object, ChatError], None] | None = None
    lasting: bool = False


class AtOnce(NamedTuple):
    """One line of an event table: a joined guest's event that waits for nothing, so it is done before the next frame is
    read, without a task or a coroutine: half of what a message cost. ``failed``: as an Event's."""

    handle: Callable[[Any, Any], None]
    shape: type[Struct]
    failed: Callable[[Page, object, ChatError], None] | None = None


class Namespace:
    """Part of the protocol: the events that pages send to ``prefix``, all of whose names start with it."""

    prefix: str
    events: dict[str, Event | AtOnce]


class Dispatcher:
    """Takes every event of every page to its handler. ``now_s`` is monotonic, for the limits; ``scale``: of those of a
    network."""

    def __init__(
        self,
        namespaces: Sequence[Namespace],
        *,
        registry: Registry,
        tasks: Tasks,
        now_s: Callable[[], float],
        scale: float,
    ) -> None:
        self._events = {name: event for namespace in namespaces for name, event in namespace.events.items()}
        self._clients, self._tasks = registry.by_page, tasks
        limits = {event.limit for event in self._events.values() if isinstance(event, Event)} - {""}
        self._limits = {limit: Shares(limit, now_s, scale) for limit in limits}
        self._refused = Shares("refused events", now_s, scale)

    def __call__(self, page: Page, name: str, payload: object, reply: Reply | None) -> Awaitable[None] | None:
        """Handle one event; return what of it is to be awaited, which never raises but when cancelled."""
        event = self._events.get(name)
        if isinstance(event, AtOnce):
            try:
                event.handle(self._client(page), shaped(payload, event.shape))
            except Exception as error:
                self._refuse(page, name, event, payload, error, reply)
            else:
                if reply is not None:
                    reply({"ok": True})
            return None
        work = self._take(page, name, event, payload, reply)
        return self._last(work, name) if event is not None and event.lasting else work

    async def _last(self, work: Coroutine[Any, Any, None], name: str) -> None:
        await shield(self._tasks.spawn(work, name))

    def _refuse(
        self,
        page: Page,
        name: str,
        event: Event | AtOnce | None,
        payload: object,
        error: Exception,
        reply: Reply | None,
    ) -> None:
        failure = _told(name, error)
        if event is not None and event.failed is not None and not isinstance(failure, NotJoined):
            event.failed(page, payload, failure)
        if reply is not None:
            reply(failure.shown())

    async def _take(self, page: Page, name: str, event: Event | None, payload: object, reply: Reply | None) -> None:
        try:
            answer = await self._handle(page, event, payload) or NO_ANSWER
        except Exception as error:
            self._refuse(page, name, event, payload, error, reply)
            if event is not None and not event.joined:
                page.turned_away()
            elif event is None or event.limit:
                await self._hold(page)
            return
        if event is not None and not event.joined:
            page.let_in()
        if answer.later is not None:
            self._tasks.spawn(_answer_later(name, answer, reply), f"the answer to {name}")
            return
        if reply is not None:
            reply({"ok": True, **answer.fields})
        if answer.then is not None:
            answer.then()

    async def _handle(self, page: Page, event: Event | None, payload: object) -> Answer | None:
        if event is not None and not event.joined:
            return await event.handle(page, payload)
        client = self._client(page)
        if event is None:
            raise UnknownEvent
        wait_s = self._limits[event.limit].take(client.guest, page.source) if event.limit else 0.0
        if wait_s:
            raise Busy(retry_ms=ceil(wait_s * 1000))
        return await event.handle(client, shaped(payload, event.shape))

    def _client(self, page: Page) -> Client:
        client = self._clients.get(page)
        if client is None or client.forgotten:
            raise NotJoined
        return client

    async def _hold(self, page: Page) -> None:
        """After a refusal: whoever has made too many of them is not heard on for a while."""
        client = self._clients.get(page)
        if client is not None and (wait_s := self._refused.take(client.guest, page.source, inf)):
            await self._tasks.pause(wait_s)


def shaped(payload: object, shape: type[Struct]) -> Any:
    """The payload as ``shape``; unknown fields are ignored. Raises BadPayload naming field and expectation."""
    try:
        return msgspec.convert({} if payload is None else payload, shape)
    except msgspec.ValidationError as error:
        raise BadPayload(_wrong(str(error), shape)) from None


def _wrong(problem: str, shape: type[Struct]) -> str:
    """msgspec names the expectation for everything but choices."""
    what, _, path = problem.partition(" - at `$.")
    field = path.rstrip("`")
    for known in msgspec.structs.fields(shape):
        if known.encode_name == field and get_origin(known.type) is Literal:
            return f"{field}: expected one of {', '.join(map(str, get_args(known.type)))}."
    return f"{field}: {what}." if field else f"{what}."


async def _answer_later(name: str, answer: Answer, reply: Reply | None) -> None:
    assert answer.later is not None
    try:
        fields = await answer.later
    except Exception as error:
        if reply is not None:
            reply(_told(name, error).shown())
        return
    if reply is not None:
        reply({"ok": True, **answer.fields, **(fields or {})})
    if answer.then is not None:
        answer.then()


def _told(name: str, error: Exception) -> ChatError:
    """The error as the page learns it; a fault of ours is logged, without what the page has sent."""
    if isinstance(error, ChatError):
        return error
    log.error("%s failed: %s", name, described(error))
    return ChatError()


async def having(task: Task[Any], name: str) -> dict[str, object]:
    """The result of a task under the name the answer gives it."""
    return {name: await task}
