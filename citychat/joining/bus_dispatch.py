"""Events of the bus for one page: held until its join is answered, then handed, by kind, to the part they concern."""

from collections.abc import Callable
from typing import Any

from citychat.delivery import Endpoint
from citychat.joining.presence import Presence
from citychat.limits import bound
from citychat.matching import Matching
from citychat.ports import (
    BusEvent,
    GuestPaused,
    NewerPage,
    NewMessage,
    OfferEnded,
    OfferMade,
    PartnerAway,
    PartnerHere,
    PartnerTyping,
    Receipt,
    SessionBegun,
    SessionEnded,
    TextsErased,
)
from citychat.registry import Client

EARLY_MAX = bound("early events")

Handle = Callable[[Client, Any], None]


class BusDispatch:
    """Table of which part takes which kind of event. ``replaced`` is called when another process tells of a newer page,
    ``paused`` when the guest was paused."""

    def __init__(self, matching: Matching, presence: Presence, replaced: Handle, paused: Handle) -> None:
        self._reconciler = matching.reconciler
        self.to_delivery: dict[type, Callable[[Endpoint, Any], None]] = {
            NewMessage: Endpoint.on_message,
            Receipt: Endpoint.on_receipt,
            PartnerTyping: Endpoint.on_typing,
            TextsErased: Endpoint.on_erased,
        }
        self.to_others: dict[type, Handle] = {
            PartnerHere: presence.came,
            PartnerAway: presence.went,
            SessionEnded: self._session_ended,
            SessionBegun: matching.reconciler.on_session_begun,
            OfferMade: matching.reconciler.on_offer_made,
            OfferEnded: matching.reconciler.on_offer_ended,
            NewerPage: replaced,
            GuestPaused: paused,
        }

    def _session_ended(self, client: Client, event: SessionEnded) -> None:
        """Matching closes the chat of now; delivery looks for mail of one that was over before this side heard."""
        self._reconciler.on_session_ended(client, event)
        client.endpoint.on_session_ended(event)


class BusListener:
    """The subscriber of one page: the bus calls it with the events of its guest. ``epoch``: the page's, given by the
    lobby."""

    def __init__(self, dispatch: BusDispatch, epoch: int) -> None:
        self._dispatch, self._epoch = dispatch, epoch
        self._client: Client | None = None
        self._early: list[BusEvent] = []  # heard before the join was answered
        self.replaced = False  # by a newer page, while the join was going on

    def __call__(self, event: BusEvent) -> None:
        """Hand on one event; nothing once the client's page is gone or replaced."""
        client = self._client
        if client is None:
            self._hold(event)
        elif client.here:
            handle = self._dispatch.to_delivery.get(type(event))
            if handle is not None:
                handle(client.endpoint, event)
            elif (other := self._dispatch.to_others.get(type(event))) is not None:  # else it is for processes
                other(client, event)

    def start(self, client: Client) -> None:
        """Hand on what was held, then everything at once: the join is answered."""
        self._client = client
        early, self._early = self._early, []
        for event in early:
            self(event)

    def _hold(self, event: BusEvent) -> None:
        if isinstance(event, NewerPage):
            self.replaced = self.replaced or event.epoch > self._epoch
        elif len(self._early) < EARLY_MAX:
            self._early.append(event)
