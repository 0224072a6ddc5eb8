"""Whether the partners of this process's guests are here: told by records, and looked for when nobody told."""

from collections.abc import Mapping

from citychat.delivery import Delivery
from citychat.joining.client import Visit
from citychat.model import Session
from citychat.ports import Bus, Clock, Page, PartnerHere


class Presence:
    """``visits``: those of this process, as they come and go."""

    def __init__(self, *, visits: Mapping[Page, Visit], bus: Bus, delivery: Delivery, clock: Clock) -> None:
        self.visits, self.bus, self.delivery, self.clock = visits, bus, delivery, clock

    def changed(self, visit: Visit, session: Session, here: bool, since: int) -> None:
        """The partner's page came or went; delivery and the page hear of it."""
        self.delivery.partner(visit.guest, here)
        if here:
            visit.page.emit("user-join", {"session": session.id})
        else:
            visit.page.emit("user-left", {"session": session.id, "how": "away", "since": since})

    async def look(self, resumed: bool = False) -> None:
        """Partners whose coming or going nobody could tell. ``resumed``: the bus has just come back, and others may not
        have theirs yet, so that only who is here tells something: what waits for them is sent again."""
        talking = self._talking()
        counts = await self.bus.listeners([session.partner(visit.guest) for visit, session in talking])
        for (visit, session), count in zip(talking, counts, strict=True):
            here = count > 0
            if visit.desk is None or visit.session is not session or (resumed and not here):
                continue
            if visit.desk.partner_here != here:
                self.changed(visit, session, here, self.clock.wall_ms())
            elif resumed:
                self.delivery.partner(visit.guest, here)

    async def resumed(self) -> None:
        """The bus is heard again: tell all partners that their pages here are, and look which partners are."""
        for visit, session in self._talking():
            self.bus.publish(session.partner(visit.guest), PartnerHere(session.id))
        await self.look(resumed=True)

    def _talking(self) -> list[tuple[Visit, Session]]:
        return [(visit, session) for visit in self.visits.values() if visit.joined and (session := visit.session)]
