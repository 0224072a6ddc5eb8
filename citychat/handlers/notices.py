"""The form by which somebody who is no guest says what is unlawful here: plain HTML and one POST, without a script."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from tornado.httputil import HTTPServerRequest

from citychat.catalogue import REPORT_REASONS
from citychat.handlers.pages import PageHandler, Pages
from citychat.limits import bound
from citychat.model import ChatError, clean_text, is_blank
from citychat.tasks import described

LETTERS = {"what": bound("text"), "where": 500, "name": 100, "mail": 200}
WITHOUT_NAME = "minor"  # a law that wants names makes this exception
BOXES = ("reason", "faith")

log = logging.getLogger(__name__)

Wait = Callable[[HTTPServerRequest], float]


class NoticeDesk(NamedTuple):
    """The desk that takes notices. ``is_ours``: whether the request comes from a page of ours; ``wait_s``: takes its
    turn in the limits, or says how long there is none; ``keep``: keeps a reason and words, and gives the code."""

    pages: Pages
    is_ours: Callable[[HTTPServerRequest], bool]
    wait_s: Wait
    keep: Callable[[str, str], Awaitable[str]]


class NoticeHandler(PageHandler):
    """``/notice``: the form, what is wrong with what was sent, or the code."""

    form_action = "'self'"

    def initialize(self, desk: NoticeDesk) -> None:  # type: ignore[override]
        super().initialize(desk.pages)
        self._desk = desk

    def set_default_headers(self) -> None:
        """With no referrer at all a browser would not say that a form is of ours."""
        super().set_default_headers()
        self.set_header("Referrer-Policy", "same-origin")

    def get(self, name: str = "notice") -> None:
        self._answer(200, {})

    async def post(self) -> None:
        desk, said = self._desk, self._said()
        if not desk.is_ours(self.request):
            return self._answer(403, said, "failed")
        if len(self.request.body) > bound("notice size"):
            return self._answer(413, said, "long")
        if wrong := problem(said):
            return self._answer(400, said, wrong)
        if desk.wait_s(self.request):
            self.set_header("Retry-After", "3600")
            return self._answer(429, said, "failed")
        try:
            code = await desk.keep(said["reason"], words_of(said))
        except ChatError:
            return self._answer(503, said, "failed")
        except Exception as error:
            log.error("a notice was not kept: %s", described(error))
            return self._answer(500, said, "failed")
        self._answer(200, {}, code=code)

    def _said(self) -> dict[str, str]:
        """Return what was sent, each field as it may be kept."""
        found = {name: self.get_body_argument(name, "") for name in (*LETTERS, *BOXES)}
        return {name: clean_text(text if name == "what" else " ".join(text.split())) for name, text in found.items()}

    def _answer(self, status: int, said: Mapping[str, str], problem: str = "", code: str = "") -> None:
        spoken = self.spoken()
        more = {"said": said, "problem": problem, "code": code, "reasons": REPORT_REASONS, "letters": LETTERS}
        self.set_status(status)
        self.set_header("Content-Language", spoken.language)
        self.set_header("Vary", "Accept-Language")
        self.set_header("Cache-Control", "no-store")
        self.finish(self._pages.form("notice", spoken, more))


def problem(said: Mapping[str, str]) -> str:
    """Return what is wrong, as the sentence about it is called, or ""."""
    if any(len(said[name]) > most for name, most in LETTERS.items()):
        return "long"
    if said["reason"] not in REPORT_REASONS or is_blank(said["what"]) or is_blank(said["where"]):
        return "missing"
    if said["reason"] != WITHOUT_NAME and not (said["name"] and "@" in said["mail"]):
        return "nameless"
    return "" if said["faith"] else "missing"


def words_of(said: Mapping[str, str]) -> str:
    """Return a notice as its host reads it; the lines that are ours stand first, so that none can be made up."""
    who = ", ".join(filter(None, (said["name"], said["mail"]))) or "nobody who has said so"
    return f"Where: {said['where']}\nFrom: {who}\n{said['what']}"
