"""The console over a history, on a port of its own, and somebody who comes in by a link: forms as a browser sends
them."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from citychat.cases import HistoryWithCases
from citychat.console import Backroom, DayCurve, Doorway, application
from citychat.face import Face
from citychat.figures import Summary
from tests.support.stores import StoreClock

Fields = dict[str, str | Sequence[str]]
RULES = "# Rules\n\n- Be decent.\n- No <b>threats</b>.\n\n## Else\n\n- nothing\n"


async def no_figures() -> Summary:
    raise AssertionError("nobody asks for them here")


class Visitor:
    """A browser at the console of ``room``, with the cookie that it was given."""

    def __init__(self, room: Backroom, port: int) -> None:
        self.room, self.url = room, f"http://127.0.0.1:{port}"
        self.cookie = ""
        self.page = ""

    async def asks(self, path: str, body: str | None = None, **headers: str) -> HTTPResponse:
        """Send a request; the page that comes is kept."""
        request = HTTPRequest(
            self.url + path,
            method="GET" if body is None else "POST",
            body=body,
            headers={"Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}},
            follow_redirects=False,
        )
        answer = await AsyncHTTPClient().fetch(request, raise_error=False)
        for said in answer.headers.get_list("Set-Cookie"):
            self.cookie = said.partition(";")[0]
        self.page = answer.body.decode("utf-8", "replace")
        return answer

    async def sees(self, path: str) -> str:
        """Open a page that there is, and return it."""
        answer = await self.asks(path)
        assert answer.code == 200, (answer.code, self.page)
        return self.page

    async def comes_in(self, who: str = "ada") -> None:
        answer = await self.asks(f"/enter/{self.room.doorway.new_link(who)}", "")
        assert (answer.code, answer.headers["Location"]) == (303, "/"), self.page

    async def sends(self, path: str, **fields: str | Sequence[str]) -> HTTPResponse:
        """Send a form with the key of the page that was seen last."""
        found = re.search(r'name="form_key" value="([^"]+)"', self.page)
        assert found is not None, self.page
        return await self.asks(path, urlencode({"form_key": found[1], **fields}, doseq=True))

    async def does(self, path: str, **fields: str | Sequence[str]) -> str:
        """Send a form that is taken; return the address that follows, whose page is opened."""
        answer = await self.sends(path, **fields)
        assert answer.code == 303, (answer.code, self.page)
        await self.sees(answer.headers["Location"])
        return answer.headers["Location"]


@asynccontextmanager
async def console_over(history: HistoryWithCases, clock: StoreClock, rules: str = RULES) -> AsyncIterator[Visitor]:
    """Serve the console, and yield somebody who has not come in yet."""

    async def status() -> list[tuple[str, str]]:
        return [("Guests", "3 here")]

    room = Backroom(
        history=history,
        clock=clock,
        doorway=Doorway(clock.monotonic_s, Random(7)),
        curve=DayCurve(no_figures),
        status=status,
        face=lambda: Face("Lyon parle", ("#0b6e4f",)),
        rules=lambda: rules,
    )
    (listening,) = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(application(room))
    server.add_socket(listening)
    try:
        yield Visitor(room, listening.getsockname()[1])
    finally:
        server.stop()
        await server.close_all_connections()
