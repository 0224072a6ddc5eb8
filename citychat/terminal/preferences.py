"""Wishes of a terminal guest: to meet guests of towns nearby too, or those who share a language; a first question."""

import json

from citychat.client import LANGUAGE, QUESTION, SPOKEN, TOWNS, read
from citychat.rules import LANGUAGES_MAX
from citychat.terminal.page import TerminalPage

# Older names of languages, and those of a part, under that by which the others are met; as citychat/static/spoken.js
MET_AS = {"in": "id", "iw": "he", "ji": "yi", "jw": "jv", "mo": "ro", "nb": "no", "nn": "no", "sh": "sr", "tl": "fil"}


class Preferences:
    """Keeps them where the page keeps the rest, and says them with each join."""

    def __init__(self, page: TerminalPage) -> None:
        self._page, self._out = page, page.screen.out
        languages = read(page.storage, SPOKEN) or []
        page.wishes = {"towns": read(page.storage, TOWNS) == "yes", "languages": languages}
        page.screen.asks = read(page.storage, QUESTION) != "no"

    def towns(self, rest: list[str]) -> None:
        """Switch meeting guests of towns nearby on or off."""
        if rest not in (["on"], ["off"]):
            self._out.tell("terminal.towns")
            return
        if rest == ["on"]:
            self._page.storage[TOWNS] = "yes"
        else:
            self._page.storage.pop(TOWNS, None)
        self._tell({"towns": rest == ["on"]}, f"{self._out.words('ready.towns')}: {rest[0]}")

    def question(self, rest: list[str]) -> None:
        """Switch the first question of a chat on or off."""
        if rest not in (["on"], ["off"]):
            self._out.tell("terminal.question")
            return
        self._page.screen.asks = rest == ["on"]
        if rest == ["off"]:
            self._page.storage[QUESTION] = "no"
        else:
            self._page.storage.pop(QUESTION, None)
        self._out.say(f"{self._out.words('more.question')}: {rest[0]}")

    def languages(self, rest: list[str]) -> None:
        """Name the languages that the guest speaks; none: anybody is as welcome."""
        codes = list(dict.fromkeys(MET_AS.get(code.lower(), code.lower()) for code in rest))
        if len(codes) > LANGUAGES_MAX or not all(LANGUAGE.fullmatch(code) for code in codes):
            self._out.tell("terminal.languages", most=LANGUAGES_MAX)
            return
        self._page.storage[SPOKEN] = json.dumps(codes)
        named = " ".join(codes) or self._out.words("terminal.any")
        self._tell({"languages": codes}, f"{self._out.words('more.languages')}: {named}")

    def _tell(self, change: dict[str, object], said: str) -> None:
        page = self._page
        page.wishes = {**page.wishes, **change}
        page.request("user-prefer", page.wishes, lambda _: self._out.say(said))
