"""Wishes of a terminal guest, whom to meet: guests of towns nearby too, and those who share a language."""

import json

from citychat.catalogue import ENGLISH as WORDS
from citychat.client import LANGUAGE, SPOKEN, TOWNS, read
from citychat.rules import LANGUAGES_MAX
from citychat.terminal.page import TerminalPage


class Preferences:
    """Keeps them where the page keeps the rest, and says them with each join."""

    def __init__(self, page: TerminalPage) -> None:
        self._page = page
        languages = read(page.storage, SPOKEN) or []
        page.wishes = {"towns": read(page.storage, TOWNS) == "yes", "languages": languages}

    def towns(self, rest: list[str]) -> None:
        """Switch meeting guests of towns nearby on or off."""
        if rest not in (["on"], ["off"]):
            self._page.screen.out.say("towns on, or towns off?")
            return
        if rest == ["on"]:
            self._page.storage[TOWNS] = "yes"
        else:
            self._page.storage.pop(TOWNS, None)
        self._tell({"towns": rest == ["on"]}, f"{WORDS['ready.towns']}: {rest[0]}")

    def languages(self, rest: list[str]) -> None:
        """Name the languages that the guest speaks; none: anybody is as welcome."""
        codes = list(dict.fromkeys(code.lower() for code in rest))
        if len(codes) > LANGUAGES_MAX or not all(LANGUAGE.fullmatch(code) for code in codes):
            self._page.screen.out.say(f"languages: expected up to {LANGUAGES_MAX} codes, such as: languages fr en")
            return
        self._page.storage[SPOKEN] = json.dumps(codes)
        self._tell({"languages": codes}, f"{WORDS['more.languages']}: {' '.join(codes) or 'any'}")

    def _tell(self, change: dict[str, object], said: str) -> None:
        page = self._page
        page.wishes = {**page.wishes, **change}
        page.request("user-prefer", page.wishes, lambda _: page.screen.out.say(said))
