"""Probes: joins of a host who looks whether guests can come in, without anybody coming."""

from citychat.joining.joining import Joining
from citychat.model import new_id
from citychat.ports import Page


async def probe(joining: Joining, page: Page) -> dict[str, object]:
    """Go the way of a join as far as one can go without a guest: limits, pauses, both stores, place. Nothing is kept,
    and nobody can find who is not there. The answer tells the asker the address that limits count by. Raises Banned,
    Busy, Unavailable."""
    joining.refuse_if_draining()
    admission, nobody = joining.admission, new_id(joining.engines.random)
    admission.take_probe(page.address)
    await admission.check_newcomer(page.address)
    await joining.history.guests.find(nobody)
    await joining.lobby.status([nobody])
    place = admission.places.place(page.address)
    return {"address": page.address, "place": place.shown() if place else None}
