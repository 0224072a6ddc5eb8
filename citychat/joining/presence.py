"""Presence of the partners: told by events, and looked for when nobody told."""

from citychat.model import Session
from citychat.ports import Engines, PartnerAway, PartnerHere
from citychat.registry import Client, Registry
from citychat.tasks import Round, Tasks


class Presence:
    """Tells clients when their partner's page comes and goes."""

    def __init__(self, engines: Engines, tasks: Tasks, registry: Registry) -> None:
        self.bus, self.clock, self.registry = engines.bus, engines.clock, registry
        self._meeting = Round(tasks, self._meet_again, "partners")

    def came(self, client: Client, event: PartnerHere) -> None:
        """Take the word of the partner's process: the page has joined."""
        if client.session is not None and client.session.id == event.session:
            self._changed(client, client.session, True, 0)

    def went(self, client: Client, event: PartnerAway) -> None:
        """Take the word of the partner's process: the page has closed."""
        if client.session is not None and client.session.id == event.session:
            self._changed(client, client.session, False, event.since)

    def _changed(self, client: Client, session: Session, here: bool, since: int) -> None:
        client.endpoint.partner(here)
        if here:
            client.page.emit("user-join", {"session": session.id})
        else:
            client.page.emit("user-left", {"session": session.id, "how": "away", "since": since})

    async def look(self, resumed: bool = False) -> None:
        """Ask the bus which partners are here. ``resumed``: it has just come back, and others may not have theirs yet,
        so that only who is here tells something: what waits for them is sent again."""
        talking = self._talking()
        counts = await self.bus.listeners([session.partner(client.guest) for client, session in talking])
        for (client, session), count in zip(talking, counts, strict=True):
            here = count > 0
            if not client.here or client.session is not session or (resumed and not here):
                continue
            if client.endpoint.partner_here != here:
                self._changed(client, session, here, self.clock.wall_ms())
            elif resumed:
                client.endpoint.partner(here)

    def resumed(self) -> None:
        """Look which partners are here, and tell all that the pages here are: the bus is heard again."""
        self._meeting.ask()

    async def _meet_again(self) -> None:
        await self.look(resumed=True)  # first: a bus that is away again is not told of everybody
        for client, session in self._talking():
            self.bus.publish(session.partner(client.guest), PartnerHere(session.id))

    def _talking(self) -> list[tuple[Client, Session]]:
        return [(client, session) for client in self.registry if (session := client.session)]
