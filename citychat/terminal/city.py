"""Choosing a city, for guests whose place the server does not know or knows wrongly."""

from collections.abc import Mapping
from typing import Any

from citychat.terminal.page import TerminalPage


class CityChoice:
    """The question for the city. ``wanted``: the city named at start; it answers the first question."""

    def __init__(self, page: TerminalPage, wanted: str) -> None:
        self.page, self.wanted = page, wanted
        self.out = page.screen.out
        self.asking = False
        self._found: list[Mapping[str, str]] = []

    def ask(self) -> None:
        self.asking = True
        if self.wanted:
            name, self.wanted = self.wanted, ""
            self.search(name)
        else:
            self.out.say(self.out.words.two("city.title", "city.text"))

    def line(self, text: str) -> bool:
        """Take a line; whether it was meant for the city: a number of the list, or a name when asked for one."""
        if self._found and text.isdecimal() and 1 <= int(text) <= len(self._found):
            self._choose(self._found[int(text) - 1])
        elif self.asking and text not in ("help", "quit"):
            self.search(text)
        else:
            return False
        return True

    def search(self, name: str) -> None:
        def found(answer: Mapping[str, Any]) -> None:
            self._found = answer["cities"]
            exact = [city for city in self._found if city["name"].casefold() == name.casefold()]
            if len(self._found) == 1 or len(exact) == 1:
                self._choose((exact or self._found)[0])
                return
            self.asking = self.asking or not self._found
            self.out.tell("terminal.cities" if self._found else "city.none")
            for number, city in enumerate(self._found, 1):
                where = ", ".join(part for part in (city["name"], city["region"], city["country"]) if part)
                self.out.say(f"{number}: {where}")

        self.page.request("user-cities", {"q": name}, found)

    def _choose(self, city: Mapping[str, str]) -> None:
        self._found = []

        def placed(answer: Mapping[str, Any]) -> None:
            self.asking = False
            self.page.screen.placed(answer["place"])

        self.page.request("user-place", {"city": city["id"]}, placed)
