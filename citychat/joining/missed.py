"""Events that the bus may not have told, and no look at the lobby finds: pauses, erased texts, receipts. The history
has them all."""

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import islice

from citychat.limits import bound
from citychat.matching import Moderation
from citychat.ports import Engines, GuestPaused, Pause, TextsErased
from citychat.registry import Client, Registry
from citychat.tasks import Round, Tasks

READ_AT_ONCE = 32  # clients: all of a process ask after a cut
STREAMS_MAX = bound("receipts asked for")


class Missed:
    """Reads the history for the clients of one process. ``paused`` is told of whom it finds paused."""

    def __init__(
        self,
        engines: Engines,
        tasks: Tasks,
        registry: Registry,
        moderation: Moderation,
        paused: Callable[[Client, GuestPaused], None],
    ) -> None:
        self.history, self.registry, self.moderation, self.paused = engines.history, registry, moderation, paused
        self._due: dict[Client, None] = {}
        # Tried again ever more rarely: it is a read for each page, and a history that is away is no reason for haste
        self._telling = Round(tasks, partial(tasks.retry, self._tell_due), "what was missed")

    async def heed_pauses(self) -> None:
        """Shut out who was paused since the last look (every 15 s); who is here is told without the bus. Raises
        Unavailable."""
        await self.moderation.heed_pauses(self._tell_paused)

    def _tell_paused(self, guest: str, pause: Pause) -> None:
        client = self.registry.find(guest)
        if client is not None and client.here:
            self.paused(client, GuestPaused.of(pause))

    def resumed(self) -> None:
        """Tell every page what it has missed. A bus that comes and goes is one round of reading, not one each time: a
        hundred rounds at once kept a MongoDB from everything else."""
        self._due.update(dict.fromkeys(self.registry))
        self._telling.ask()

    async def _tell_due(self) -> None:
        """Raises Unavailable; who was not told then is due still."""
        while some := list(islice(self._due, READ_AT_ONCE)):
            for client in some:
                del self._due[client]
            told = await asyncio.gather(*map(self._tell, some), return_exceptions=True)
            failed = [error for error in told if isinstance(error, BaseException)]
            if failed:
                self._due.update({c: None for c, error in zip(some, told, strict=True) if error is not None})
                raise failed[0]

    async def _tell(self, client: Client) -> None:
        if client.here:
            await self._tell_erased(client)
            await self._tell_receipts(client)

    async def _tell_erased(self, client: Client) -> None:
        for session_id in list(client.endpoint.sessions):
            row = await self.history.sessions.find(session_id)
            known = client.endpoint.sessions.get(session_id)
            if row is not None and known is not None and 1 - row.side(client.guest) in {*row.erased} - {*known.erased}:
                client.endpoint.on_erased(TextsErased(session_id))

    async def _tell_receipts(self, client: Client) -> None:
        """Of the chat of now; a page asks for itself when it joins."""
        session = client.session
        if session is not None:
            known = await self.history.messages.progress(session.id, session.side(client.guest))
            for stream, number in islice(known.seen.items(), STREAMS_MAX):
                await client.endpoint.ask(session.id, stream, [(1, number)])
