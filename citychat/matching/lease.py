"""This process's lease in the lobby (M9), and its guests entered again when the lobby has forgotten them (§2.8)."""

import asyncio
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from citychat.matching.moderation import Moderation
from citychat.matching.resuming import Resuming
from citychat.matching.sessions import Sessions, newest
from citychat.ports import Dossier, Entry
from citychat.registry import Client
from citychat.tasks import Round

REENTER_AT_ONCE = 32
REJOIN_MS = 1_000  # until a page joins again that is not to go on as it is


class Lease:
    """The lease of this process. ``process``: the name under which the lobby knows it. ``look`` is called with each
    client once all have entered again."""

    def __init__(
        self, process: str, sessions: Sessions, moderation: Moderation, look: Callable[[Client], None]
    ) -> None:
        self.process, self.sessions, self.moderation, self.look = process, sessions, moderation, look
        self.lobby, self.history, self.registry = sessions.lobby, sessions.history, sessions.registry
        self.resuming = Resuming(sessions)
        self.draining = False  # the process drains: whoever leaves the lobby stays out
        self._taken = False  # the lobby has heard of this process
        self._asking = Round(sessions.tasks, self._ask, "ask the lobby")
        self._reentering = Round(sessions.tasks, self.reenter, "enter again")

    async def take(self) -> None:
        """Take the lease before the first guest enters: guests of a process without one are never matched. The process
        may have started before the lobby was there. Raises Unavailable."""
        if not self._taken:
            await self.renew()

    async def renew(self) -> None:
        """Renew the lease (every 5 s). A lobby that knows this process no more has forgotten its guests. Raises
        Unavailable.

        Not while they enter again: the lease comes after them.
        """
        if not self._reentering.running and not await self._is_known():
            self.reenter_soon()

    async def _is_known(self) -> bool:
        """Renew the lease; tell whether the lobby has our guests, if there are any."""
        known, taken = await self.lobby.renew(self.process), self._taken
        self._taken = True
        return known or not taken or not len(self.registry)

    def resumed(self) -> None:
        """After a cut: ask whether the lobby still knows this process. If so, all guests are looked at, and an open
        offer stays; only one that does not gets everybody again. A link that comes and goes has it asked once."""
        self._asking.ask()

    async def _ask(self) -> None:
        if self.draining or self._reentering.running:  # all are looked at once they have entered again
            return
        if not await self._is_known():
            return self.reenter_soon()
        for client in self.registry:
            self.look(client)

    def reenter_soon(self) -> None:
        """Enter all guests again as soon as lobby and history answer; many reasons at once are one time."""
        self._reentering.ask()

    async def reenter(self) -> None:
        """Enter all guests again with the epochs they have (protocol §2.8). Raises Unavailable."""
        if self.draining:
            return
        await self.lobby.drop(self.process)
        clients = list(self.registry)
        for start in range(0, len(clients), REENTER_AT_ONCE):
            await asyncio.gather(*(self._reenter(client) for client in clients[start : start + REENTER_AT_ONCE]))
        await self.lobby.renew(self.process)
        for client in clients:
            self.look(client)

    async def _reenter(self, client: Client) -> None:
        async with client.match.lock:
            if client.here and not client.forgotten:
                await self._enter(client)

    async def enter_again(self, client: Client) -> None:
        """Enter one guest whom the lobby has forgotten. Raises Unavailable."""
        await self._enter(client)
        await self.renew()

    async def _enter(self, client: Client) -> None:
        """Enter a guest again, but for one whom an older page has erased since this page was let in: it is asked to
        join anew, as somebody else."""
        known = await self.history.guests.dossier(client.guest, self.sessions.dates.now_ms())
        if known.erased:
            self._turn_away(client)
            return
        entry = self._entry(client, known)
        entered = await self.lobby.enter(entry)
        if entered.over is not None:
            self.moderation.tell_over(entered.over, but=client.guest)
        await self.resuming.resumed(entry, entered)
        if entry.session is not None:  # its row may have ended since it was read
            await self.sessions.confirm(entry.session.id, entry.session.members)
        if await self.history.guests.is_erased(client.guest, self.sessions.dates.likely_ms()):  # since then
            self._turn_away(client)

    def _turn_away(self, client: Client) -> None:
        client.forgotten = True
        client.page.emit("user-drain", {"retry_ms": REJOIN_MS})
        tasks, take_out = self.sessions.tasks, partial(self.moderation.erasing.take_out, client.guest)
        tasks.spawn(tasks.retry(take_out), "take out who is erased")

    def _entry(self, client: Client, known: Dossier) -> Entry:
        """The guest's entry with what the history and this process know by now; the guest may have moved meanwhile."""
        return replace(
            client.match.entry,
            process=self.process,
            epoch=client.epoch,
            avoided_networks=known.avoided_networks,
            met=tuple(known.met),
            blocked=tuple({*known.blocked, *self.moderation.pending_blocks(client.guest)}),
            session=newest(known.sessions, self.sessions.ending),
        )

    async def drop(self) -> None:
        """Take all guests of this process out of the lobby: it is going. Raises Unavailable."""
        self.draining = True
        await self.lobby.drop(self.process)
