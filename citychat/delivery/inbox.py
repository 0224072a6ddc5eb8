"""A guest's mailbox as one page has it open: mail in, in order, and what is settled out of it (protocol §2.7)."""

import asyncio
from collections.abc import Callable
from functools import partial

from citychat.model import Message, Unavailable
from citychat.ports import Mail, Mailbox
from citychat.tasks import Tasks

OPEN_S = 1.0  # a silent broker does not hold up a join for longer


class _OpenMailbox:
    """One opening of the mailbox: its handle once the broker has answered, and the mail that came before that.

    Tags belong to one opening: what an older one still delivers has gone back already.
    """

    def __init__(self) -> None:
        self.handle: object | None = None
        self.early: list[Mail] = []


class Inbox:
    """The mailbox of ``guest``. ``incoming`` gets each message with its tag, for ``forget``; ``opened`` is called
    whenever mail begins to come."""

    def __init__(
        self,
        guest: str,
        mailbox: Mailbox,
        tasks: Tasks,
        incoming: Callable[[Message, int], None],
        opened: Callable[[], None],
    ) -> None:
        self.guest, self._mailbox, self._tasks = guest, mailbox, tasks
        self._incoming, self._on_open = incoming, opened
        self._opening: _OpenMailbox | None = None

    async def open(self) -> None:
        """Let the guest's mail come in from here on; a broker that is silent is left to answer later."""
        if self._opening is None:
            opening = self._opening = _OpenMailbox()
            answer = asyncio.ensure_future(self._mailbox.open(self.guest, partial(self._mail, opening)))
            self._tasks.spawn(self._opened(opening, answer), "open a mailbox")
            await asyncio.wait([answer], timeout=OPEN_S)

    async def close(self) -> None:
        """Put everything unacked back, for the next opener."""
        opening, self._opening = self._opening, None
        if opening is not None and opening.handle is not None:
            await self._mailbox.close(opening.handle)

    def forget(self, *tags: int | None) -> None:
        """Take these out of the mailbox; None is of a message that came another way."""
        known = [tag for tag in tags if tag is not None]
        if known and self._opening is not None:
            self._mailbox.ack(self._opening.handle, known)

    async def is_read(self) -> bool:
        """Tell whether everything stored until now has come in: a marker put behind it has come out. Not while the
        mailbox is not open, its broker is away, or another process reads it."""
        opening = self._opening
        if opening is None or opening.handle is None:
            return False
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def read(yes: bool) -> None:
            if not answer.done():
                answer.set_result(yes)

        self._mailbox.mark(opening.handle, read)
        return await answer and self._opening is opening

    async def _opened(self, opening: _OpenMailbox, answer: "asyncio.Future[object]") -> None:
        try:
            opening.handle = await answer
        except Unavailable:
            if self._opening is opening:
                self._opening = None  # Endpoint.reopen_mailbox tries again
            return
        if self._opening is opening:
            for mail in opening.early:
                self._incoming(mail.message, mail.tag)
            opening.early.clear()
            self._on_open()
        else:
            await self._mailbox.close(opening.handle)

    def _mail(self, opening: _OpenMailbox, mail: Mail) -> None:
        if self._opening is opening and opening.handle is not None:
            self._incoming(mail.message, mail.tag)
        elif self._opening is opening:
            opening.early.append(mail)
