"""A process's ways to its stores, which can be cut, muted or held."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from citychat.model import Unavailable
from citychat.ports import BusEvent

# Steps that answer through a callback, and what the port makes them say while the store is away.
UNANSWERED = {"add": None, "mark": False, "put": False}


class Line:
    """The way to one store. ``away``: the steps that fail, "all" for every one; ``mute``: those that are done, but not
    answered; ``late``: those that fail and are done by ``do_late``; ``calls``: those that were asked for, in order.
    Steps of a store inside the store are named with it."""

    def __init__(self, store: object, calls: list[str] | None = None) -> None:
        self.store = store
        self.calls = [] if calls is None else calls
        self.away: set[str] = set()
        self.mute: set[str] = set()
        self.late: set[str] = set()
        self._owed: list[Callable[[], Coroutine[Any, Any, Any]]] = []
        self._before: dict[str, asyncio.Event] = {}
        self._behind: dict[str, asyncio.Event] = {}

    def hold(self, step: str) -> asyncio.Event:
        """Hold the next such step before it is done; the event lets it go."""
        self._before[step] = asyncio.Event()
        return self._before[step]

    def hold_answer(self, step: str) -> asyncio.Event:
        """Hold the answer of the next such step, which is done."""
        self._behind[step] = asyncio.Event()
        return self._behind[step]

    async def do_late(self) -> None:
        """The store does at last what nobody waits for any more."""
        for step in self._owed:
            await step()

    def __getattr__(self, name: str) -> Any:
        return self.way(name, getattr(self.store, name))

    def way(self, name: str, step: Any) -> Any:
        """The way to a step, or to a store inside the store."""
        if asyncio.iscoroutinefunction(step):
            return partial(self._call, name, step)
        if not callable(step):
            return _LineInside(self, name, step)
        return partial(self._call_back, name, step) if name.split(".")[-1] in UNANSWERED else step

    async def _call(self, name: str, step: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Any:
        self.calls.append(name)
        before, behind = self._before.pop(name, None), self._behind.pop(name, None)
        if before is not None:
            await before.wait()
        if self.away & {name, "all"}:
            raise Unavailable
        if name in self.late:
            self._owed.append(partial(step, *args))
            raise Unavailable
        answer = await step(*args)
        if behind is not None:
            await behind.wait()
        if name in self.mute:
            raise Unavailable
        return answer

    def _call_back(self, name: str, step: Callable[..., None], subject: Any, *args: Any) -> None:
        self.calls.append(name)
        *args, answered = args  # type: ignore[assignment]
        unanswered = partial(answered, UNANSWERED[name.split(".")[-1]])
        if self.away & {name, "all"}:
            asyncio.get_running_loop().call_soon(unanswered)
        else:
            step(subject, *args, (lambda _: unanswered()) if name in self.mute else answered)


class _LineInside:
    def __init__(self, line: Line, name: str, store: object) -> None:
        self._line, self._name, self._store = line, name, store

    def __getattr__(self, name: str) -> Any:
        return self._line.way(f"{self._name}.{name}", getattr(self._store, name))


class BusLine(Line):
    """The way to the bus; ``lost`` decides which of the events that this process publishes are lost behind it."""

    lost: Callable[[BusEvent], bool] = staticmethod(lambda event: False)

    def publish(self, guest: str, event: BusEvent, published: Callable[[int], None] | None = None) -> None:
        if not self.lost(event):
            self.store.publish(guest, event, published)  # type: ignore[attr-defined]
        elif published is not None:
            asyncio.get_running_loop().call_soon(published, 1)
