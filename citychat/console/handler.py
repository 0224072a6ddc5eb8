"""The handler of every request to the console: by which name it is asked, who asks, and whether a form is of ours."""

import logging
import re
from hmac import compare_digest
from typing import Any

from tornado.web import HTTPError, RequestHandler

from citychat.cases import CasesUsage, Desk, NotDone, Sanctions
from citychat.console.backroom import Backroom
from citychat.console.doorway import VISIT_S, Visit
from citychat.console.drawing import Drawer
from citychat.model import Unavailable
from citychat.tasks import described

COOKIE = "citychat_console"
# Whatever port a tunnel has on the host's own machine; by any other name the page of somebody else may come here.
OUR_NAME = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.ASCII)
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
NO_LINK = "This page opens by a link that works once. On the server, type: citychat console"
NOT_OURS = "This form is of an earlier visit, or not of ours. Go back, load the page anew, and send it again."
AWAY = "The history does not answer. Nothing was done, or look at the trail."

log = logging.getLogger(__name__)


class ConsoleHandler(RequestHandler):
    """A page for whoever has come in by a link. ``said``: what a form holds, by the names of its fields."""

    visit: Visit

    def initialize(self, room: Backroom, drawer: Drawer) -> None:
        self.room, self.drawer = room, drawer

    async def prepare(self) -> None:
        if not OUR_NAME.fullmatch(self.request.host.lower()):
            self.refuse(421, "The console goes by localhost, 127.0.0.1 and [::1] only.")
        elif self.request.method == "POST" and not self._is_own_page():
            self.refuse(403, NOT_OURS)
        elif (visit := self.room.doorway.visit(self.get_cookie(COOKIE) or "")) is not None:
            self.visit = visit
            if self.request.method == "POST" and not self._has_form_key(visit):
                self.refuse(403, NOT_OURS)
        elif not self.is_open:
            self.refuse(403, NO_LINK)

    is_open = False
    """Whether it answers somebody who has not come in."""

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        # With none at all a browser would not say that a form is of ours.
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    def compute_etag(self) -> None:
        """Have none: nothing of it is kept."""

    def _is_own_page(self) -> bool:
        """Tell whether a form comes from a page of this very address, or from no browser."""
        origin, site = self.request.headers.get("Origin"), self.request.headers.get("Sec-Fetch-Site", "same-origin")
        return origin in (None, f"http://{self.request.host}") and site == "same-origin"

    def _has_form_key(self, visit: Visit) -> bool:
        return compare_digest(self.said("form_key").encode(), visit.form_key.encode())

    def said(self, name: str) -> str:
        """Return what a field of the form holds."""
        return self.get_body_argument(name, "")

    def refuse(self, status: int, why: str) -> None:
        """Answer that something was not done."""
        self.set_status(status)
        self.finish(self.drawer.page("refused", visit=None, why=why))

    def show(self, name: str, **facts: object) -> None:
        """Answer with a page, and with what the act before it has done."""
        news, self.visit.news = self.visit.news, []
        self.finish(self.drawer.page(name, visit=self.visit, news=news, **({"problem": ""} | facts)))

    def go_on(self, to: str, *news: str) -> None:
        """Lead to the next page, which says the news."""
        self.visit.news = [*self.visit.news, *news]
        self.redirect(to, status=303)

    @property
    def now_ms(self) -> int:
        return self.room.clock.wall_ms()

    def desk(self) -> Desk:
        """The desk of whoever has come in; what it says is news."""
        return Desk(self.room.history, self.visit.who, self.room.now(), self.visit.news.append)

    def sanctions(self) -> Sanctions:
        return Sanctions(self.room.history, self.visit.who, self.room.now(), self.visit.news.append)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what was not done: the host's words that made no sense, or a store that is away."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(error, NotDone | CasesUsage):
            self.refuse(400, str(error))
        elif isinstance(error, Unavailable):
            self.refuse(503, AWAY)
        else:
            self.refuse(status_code, f"{status_code} {self._reason}")

    def log_exception(self, typ: Any, value: BaseException | None, tb: Any) -> None:
        """Log what is a fault of ours, without what stands in it."""
        if value is not None and not isinstance(value, NotDone | CasesUsage | Unavailable | HTTPError):
            log.error("a page of the console failed: %s", described(value))


class FileHandler(ConsoleHandler):
    """The style and the site's sign, which are no secrets."""

    is_open = True

    def get(self, name: str) -> None:
        content, kind = self.drawer.file(name)
        self.set_header("Content-Type", kind)
        self.finish(content)


class EntryHandler(ConsoleHandler):
    """The link that works once: looked at it shows a button, pressed it is used up. So nothing that follows links by
    itself uses it, and the cookie is sent from the first page on, wherever the link was pressed."""

    is_open = True

    def get(self, key: str) -> None:
        doorway = self.room.doorway
        if doorway.is_shut():
            self.refuse(429, "Too many wrong links. Wait a minute, then print another one: citychat console")
        elif not doorway.waits(key):
            self.refuse(403, "This link was used, or is older than five minutes. Print another one: citychat console")
        else:
            self.finish(self.drawer.page("enter", visit=None, key=key))

    async def post(self, key: str) -> None:
        found = self.room.doorway.enter(key)
        if found is None:
            self.get(key)
            return
        token, self.visit = found
        try:
            await self.desk().enter()
        except Unavailable:
            self.room.doorway.leave(token)
            raise
        self.set_cookie(COOKIE, token, httponly=True, samesite="Strict", max_age=VISIT_S)
        self.go_on("/")

    def _has_form_key(self, visit: Visit) -> bool:
        """Whoever has a link may use it, whatever visit there is in this browser already."""
        return True


class LeaveHandler(ConsoleHandler):
    def post(self) -> None:
        self.room.doorway.leave(self.get_cookie(COOKIE) or "")
        self.clear_cookie(COOKIE)
        self.refuse(200, f"Signed out. {NO_LINK}")
