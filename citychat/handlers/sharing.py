"""Handlers for those who share the site, and for those who come: `/meeting.ics`, `/badge.svg`, `/qr.svg` and the lists
of first questions. Nothing here knows a guest, and nothing is kept of who asked."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from tornado.web import RequestHandler

from citychat.handlers.files import SAFE_HOST, YEAR_S, short_hash
from citychat.handlers.pages import Pages, RenderedHandler
from citychat.hours import Hours, calendar_file
from citychat.languages import languages, words
from citychat.places import City
from citychat.questions import questions_in
from citychat.sharing import Crowd, badge, link_to, qr_svg

BADGE_S, QR_S = 60, 86_400
MINUTE_MS = 60_000
OWN = "own"


class ShareDesk:
    """The host's hours and questions as they are now. ``now_ms``: the date; ``city``: finds one by its number."""

    def __init__(self, now_ms: Callable[[], int], city: Callable[[str], City | None]) -> None:
        self.now_ms, self.city = now_ms, city
        self.hours = Hours()
        self._lists: dict[str, bytes] = {}
        self._told = (-1, "")

    def use(self, hours: Hours, own: Sequence[str], with_questions: bool) -> None:
        """Show these from now on. ``own``: the host's questions, if any."""
        self.hours, self._told = hours, (-1, "")
        lists = {OWN: own} if own else {language: questions_in(language) for language in languages()}
        self._lists = {name: "\n".join(lines).encode() for name, lines in lists.items()} if with_questions else {}

    def told(self) -> str:
        """Return what pages are told of the hours, "" of none; looked at once a minute."""
        minute = self.now_ms() // MINUTE_MS
        if self._told[0] != minute:
            told = self.hours.told(self.now_ms())
            self._told = minute, json.dumps(told, separators=(",", ":")) if told else ""
        return self._told[1]

    def questions(self, name: str) -> bytes | None:
        """Return a list by its name, a language or ``own``."""
        return self._lists.get(name)

    def questions_url(self, language: str) -> str:
        """The address of the questions for this language; "" where there are none to be shown."""
        name = OWN if OWN in self._lists else language
        found = self._lists.get(name)
        return f"/questions/{name}.txt?v={short_hash(found)}" if found else ""


class _SharingHandler(RenderedHandler):
    def initialize(self, pages: Pages, desk: ShareDesk, **more: Any) -> None:  # type: ignore[override]
        super().initialize(pages)
        self._desk = desk

    def language_asked(self) -> str:
        """The best of our languages for who asks."""
        self.set_header("Vary", "Accept-Language")
        return self.spoken().language

    def origin_asked(self) -> str:
        """The site as its visitor calls it; "" for what is no name of a host."""
        host = self.request.host
        return f"{self.request.protocol}://{host}" if SAFE_HOST.fullmatch(host) else ""


class CalendarHandler(_SharingHandler):
    def get(self) -> None:
        hours, origin = self._desk.hours, self.origin_asked()
        if not hours.meeting or not origin:
            return self.send_error(404 if origin else 400)
        said, name = words(self.language_asked()), self._pages.face.name
        self.set_header("Content-Type", "text/calendar; charset=utf-8")
        self.set_header("Content-Disposition", 'inline; filename="meeting.ics"')
        self.set_header("Cache-Control", "no-cache")
        title, text, url = said("calendar.title", site=name), said("about"), link_to(origin, None)
        self.finish(calendar_file(hours, self._desk.now_ms(), name=name, title=title, text=text, url=url))


class BadgeHandler(_SharingHandler):
    """Other sites may show it: it says the same to everybody."""

    def initialize(self, pages: Pages, desk: ShareDesk, crowd: Crowd) -> None:  # type: ignore[override]
        super().initialize(pages, desk)
        self._crowd = crowd

    async def get(self) -> None:
        desk, language = self._desk, self.language_asked()
        self.set_header("Content-Type", "image/svg+xml")
        self.set_header("Cache-Control", f"public, max-age={BADGE_S}")
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        level = await self._crowd.level()
        await self.finish(badge(self._pages.face, words(language), level, desk.hours, desk.now_ms()))

    async def head(self) -> None:  # type: ignore[override]
        await self.get()


class QrHandler(_SharingHandler):
    """The code of the site's address, for the city named by ``city``."""

    def get(self) -> None:
        origin, asked = self.origin_asked(), self.get_query_argument("city", "")
        city = self._desk.city(asked) if asked else None
        if not origin or (asked and city is None):
            return self.send_error(404 if origin else 400)
        self.set_header("Content-Type", "image/svg+xml")
        self.set_header("Cache-Control", f"public, max-age={QR_S}")
        self.finish(qr_svg(link_to(origin, city)))


class QuestionsHandler(_SharingHandler):
    def get(self, name: str) -> None:
        found = self._desk.questions(name)
        if found is None:
            return self.send_error(404)
        known = self.get_query_argument("v", "") == short_hash(found)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", f"public, max-age={YEAR_S}, immutable" if known else "no-cache")
        self.finish(found)


def sharing_routes(
    pages: Pages, desk: ShareDesk, crowd: Crowd
) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """Tornado's routes for everything here."""
    here = {"pages": pages, "desk": desk}
    return [
        (r"/meeting\.ics", CalendarHandler, here),
        (r"/badge\.svg", BadgeHandler, {**here, "crowd": crowd}),
        (r"/qr\.svg", QrHandler, here),
        (r"/questions/([\w-]+)\.txt", QuestionsHandler, here),
    ]
