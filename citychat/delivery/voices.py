"""Knowledge of one page's end of a chat: who has written in it."""

from citychat.delivery.endpoint import Endpoint
from citychat.model import Session


def who_wrote(endpoint: Endpoint, session: Session) -> frozenset[int]:
    """Return the sides that have written: the page's own since it was loaded, the partner's if anything of it came."""
    own, sender = session.side(endpoint.guest), endpoint.senders.get(session.id)
    wrote = {own: sender is not None and sender.said, 1 - own: endpoint.receiver.has_heard(session.id)}
    return frozenset(side for side, has_written in wrote.items() if has_written)
