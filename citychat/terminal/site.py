"""Facts about a server that a guest needs before anything connects: its rules and their version."""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Self
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from citychat.languages import ENGLISH_CODE, Words
from citychat.questions import read_questions
from citychat.terminal.console import ENGLISH_WORDS

FETCH_S = 8.0
PAGE_MAX_BYTES = 1_000_000
ATTRIBUTE = r'<html[^>]*\bdata-{}="([^"]*)"'


class NoSite(Exception):
    """One line for the person: why there is no server to talk to."""


@dataclass(frozen=True)
class Site:
    """A server's facts. ``consent``: the version of the rules; ``days``: how long messages are kept; ``version``: of
    the program; ``questions``: first questions of chats, none where the host shows none."""

    url: str
    consent: str
    days: int
    version: str
    questions: tuple[str, ...] = ()

    @classmethod
    def fetch(cls, url: str, in_words: Words = ENGLISH_WORDS) -> Self:
        """Read them from the page, as a browser does. Raises NoSite."""
        code = in_words.language.code
        try:
            page = _fetched(url + "/", code)
            site = cls.of_page(url, page, in_words)
            found = re.search(ATTRIBUTE.format("questions"), page)
            asked = read_questions(_fetched(url + found[1], code)) if found and found[1] else []
            return replace(site, questions=tuple(asked))
        except HTTPError as error:
            status = f"{error.code} {error.reason}"
            raise NoSite(in_words("terminal.site.status", url=url, status=status)) from error
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            why = getattr(reason, "strerror", None) or reason
            raise NoSite(in_words("terminal.site.cut", url=url, reason=why)) from error

    @classmethod
    def of_page(cls, url: str, page: str, in_words: Words = ENGLISH_WORDS) -> Self:
        """Read them from the page's text. Raises NoSite."""
        said = {name: re.search(ATTRIBUTE.format(name), page) for name in ("consent", "days", "version")}
        consent, days, version = (found[1] if found else "" for found in said.values())
        if not (consent and version and days.isdigit()):
            raise NoSite(in_words("terminal.site", url=url))
        return cls(url, consent, int(days), version)

    def rules(self, in_words: Words) -> list[str]:
        """Their essence, as the page's first screen has it."""
        rules, privacy = (self._address(name, in_words) for name in ("rules", "privacy"))
        until = date.today() + timedelta(days=self.days)
        return [
            in_words("arrive.title"),
            in_words("arrive.text"),
            in_words("arrive.rules"),
            in_words("arrive.seen"),
            in_words("arrive.stored", date=in_words.day(until)),
            in_words("terminal.all", rules=rules, privacy=privacy),
        ]

    def _address(self, text: str, in_words: Words) -> str:
        """The address of one of the texts in the guest's language."""
        code = in_words.language.code
        return f"{self.url}/{text}" + ("" if code == ENGLISH_CODE else f"?language={code}")


def _fetched(url: str, language: str) -> str:
    opener = build_opener(ProxyHandler({}))  # the socket will not go through a proxy either
    with opener.open(Request(url, headers={"Accept-Language": language}), timeout=FETCH_S) as answer:
        text: bytes = answer.read(PAGE_MAX_BYTES)
    return text.decode("utf-8", "replace")
