"""Facts about a server that a guest needs before anything connects: its rules and their version."""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Self
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from citychat.catalogue import ENGLISH as WORDS
from citychat.questions import read_questions

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
    def fetch(cls, url: str) -> Self:
        """Read them from the page, as a browser does. Raises NoSite."""
        try:
            page = _fetched(url + "/")
            site = cls.of_page(url, page)
            found = re.search(ATTRIBUTE.format("questions"), page)
            asked = read_questions(_fetched(url + found[1])) if found and found[1] else []
            return replace(site, questions=tuple(asked))
        except HTTPError as error:
            raise NoSite(f"{url} answers {error.code} {error.reason}: this is no CityChat server") from error
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise NoSite(f"cannot reach {url}: {getattr(reason, 'strerror', None) or reason}") from error

    @classmethod
    def of_page(cls, url: str, page: str) -> Self:
        """Read them from the page's text. Raises NoSite."""
        said = {name: re.search(ATTRIBUTE.format(name), page) for name in ("consent", "days", "version")}
        consent, days, version = (found[1] if found else "" for found in said.values())
        if not (consent and version and days.isdigit()):
            raise NoSite(f"{url} is no CityChat server")
        return cls(url, consent, int(days), version)

    def rules(self) -> list[str]:
        """Their essence, as the page's first screen has it."""
        until = date.today() + timedelta(days=self.days)
        return [
            WORDS["arrive.title"],
            WORDS["arrive.text"],
            WORDS["arrive.rules"],
            WORDS["arrive.seen"],
            WORDS["arrive.stored"].format(date=f"{until:%d %B %Y}"),
            f"All of it: {self.url}/rules {self.url}/privacy",
        ]


def _fetched(url: str) -> str:
    opener = build_opener(ProxyHandler({}))  # the socket will not go through a proxy either
    with opener.open(Request(url, headers={"Accept-Language": "en"}), timeout=FETCH_S) as answer:
        text: bytes = answer.read(PAGE_MAX_BYTES)
    return text.decode("utf-8", "replace")
