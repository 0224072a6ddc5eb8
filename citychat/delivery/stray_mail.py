"""Mail of sessions that an endpoint has not loaded: the row in the history decides about it (protocol §2.5.2)."""

from collections.abc import Awaitable, Callable, Container

from citychat.delivery.delivery import Delivery
from citychat.model import PENDING, Message, Session, Unavailable

ADOPT_S = 1.0  # until a session is asked for again that an absent history could not tell

Waiting = list[tuple[Message, int]]  # messages with their tags


class StrayMail:
    """The stray mail of ``guest``. ``known``: the sessions that are loaded; ``load`` loads another one of the guest's;
    ``incoming`` gets its mail then, and ``forget`` takes what is of others out of the mailbox.

    A row that is not found, or is pending, is no proof that the chat does not run (a stale read, a rollback): its mail
    stays where it is, for its 24 hours, and is looked up again when the mailbox is opened anew.
    """

    def __init__(
        self,
        guest: str,
        shared: Delivery,
        *,
        known: Container[str],
        load: Callable[[Session], Awaitable[object]],
        incoming: Callable[[Message, int], None],
        forget: Callable[..., None],
    ) -> None:
        self._guest, self._store, self._tasks = guest, shared.engines.history.sessions, shared.tasks
        self._counts = shared.counts
        self._known, self._load, self._incoming, self._forget = known, load, incoming, forget
        self._waiting: dict[str, Waiting] = {}  # by session, while it is looked up
        self._left: set[str] = set()  # sessions without a row that counts

    def take(self, message: Message, tag: int) -> None:
        """Look its session up, once for all of its mail."""
        if message.session in self._left:
            return
        waiting = self._waiting.setdefault(message.session, [])
        waiting.append((message, tag))
        if len(waiting) == 1:
            self._tasks.spawn(self._adopt(message.session, waiting), "session of mail")

    def holds(self, session_id: str) -> bool:
        """Tell whether mail of this session has come and is not handed on yet."""
        return session_id in self._waiting

    def has_left(self, session_id: str) -> bool:
        """Tell whether mail of this session was left in the mailbox."""
        return session_id in self._left

    def clear(self) -> None:
        """The mailbox is closed: everything has gone back."""
        self._waiting.clear()
        self._left.clear()

    async def _adopt(self, session_id: str, waiting: Waiting) -> None:
        """While the history is away it is asked again: the session may begin here meanwhile, and what comes next would
        wait for this mail."""
        session: Session | None = None
        while session_id not in self._known and self._waiting.get(session_id) is waiting:
            try:
                session = await self._store.find(session_id)
                if session is not None and session.ended == PENDING:
                    session = None
                if session is not None and self._guest in session.members:
                    await self._load(session)
                break
            except Unavailable:
                await self._tasks.pause(ADOPT_S)
        if self._waiting.get(session_id) is not waiting:
            return
        del self._waiting[session_id]
        if session_id in self._known:
            for message, tag in waiting:
                self._incoming(message, tag)
        elif session is not None:
            self._forget(*(tag for _, tag in waiting))
        else:
            self._counts["mail left"] += len(waiting)
            self._left.add(session_id)
