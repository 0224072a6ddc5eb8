"""Events missed while the bus was not heard, which no look at the lobby finds: a pause of the guest, erased texts,
receipts. The history has them all."""

import asyncio
from collections.abc import Callable
from itertools import islice

from citychat.limits import bound
from citychat.ports import Engines, GuestPaused, TextsErased
from citychat.registry import Client, Registry

READ_AT_ONCE = 32  # clients: all of a process ask after a cut
STREAMS_MAX = bound("receipts asked for")


class Missed:
    """Reads the history for the clients of one process. ``paused`` is told of whom it has paused."""

    def __init__(self, engines: Engines, registry: Registry, paused: Callable[[Client, GuestPaused], None]) -> None:
        self.history, self.clock, self.registry, self.paused = engines.history, engines.clock, registry, paused

    async def tell(self) -> None:
        """Tell every page what it has missed. Raises Unavailable."""
        clients = list(self.registry)
        for start in range(0, len(clients), READ_AT_ONCE):
            await asyncio.gather(*(self._tell(client) for client in clients[start : start + READ_AT_ONCE]))

    async def _tell(self, client: Client) -> None:
        pause = await self.history.guests.pause(client.guest, self.clock.wall_ms())
        if pause is not None and client.here:
            return self.paused(client, GuestPaused(pause.until, pause.reason))
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
