"""A probe: a page that goes a guest's way in, and asks what the server sees of it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from citychat.client import Row, SocketLink
from citychat.model import PROTOCOL_VERSION

Answer = Mapping[str, Any]


class _ProbePage:
    """The page of a probe. ``answer``: of its join; None when the connection ended before."""

    def __init__(self, link: SocketLink, consent: str) -> None:
        self._link, self._consent = link, consent
        self.answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        link.page = self

    def opened(self) -> None:
        asked: Row = {
            "v": PROTOCOL_VERSION, "consent": self._consent, "adult": True, "available": False, "visible": False,
            "probe": True,
        }  # fmt: skip
        self._link.emit("user-join", asked, self._answered)

    def event(self, name: str, payload: Mapping[str, Any]) -> None:
        """Take nothing: nobody tells a probe anything."""

    def heard(self) -> None:
        """Take a sign of life; the limit of the whole is all that counts."""

    def closed(self) -> None:
        self._answered(None)

    def _answered(self, answer: Answer | None) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


async def probe(url: str, consent: str, headers: Mapping[str, str], within_s: float) -> Answer | None:
    """Connect as a page does and join as a probe; the answer, None for none."""
    link = SocketLink(url, headers)
    page = _ProbePage(link, consent)
    link.open()
    try:
        async with asyncio.timeout(within_s):
            return await page.answer
    except TimeoutError:
        return None
    finally:
        await link.finish()
