"""Guests, their chats, and what they report of each other."""

import time
from dataclasses import dataclass

from citychat.model import Guest, Session
from citychat.ports import History, Report
from citychat.rules import DAY_MS
from tests.support.stores import add, message

NOW = round(time.time() * 1_000)  # a server may delete by itself what is over by its own clock
MONTH_MS = 30 * DAY_MS


def session(s: str = "s", *, members: tuple[str, ...] = ("anna", "ben"), started: int = NOW) -> Session:
    return Session(s, members, ("Amber Fox", "Teal Owl"), "Lyon", started, started + MONTH_MS)


def guest(name: str, seen: int = NOW) -> Guest:
    return Guest(name, NOW, seen, "1", NOW)


@dataclass
class Reports:
    """Reports on ben, each from a session of its own that lasted a minute, and in which the accused has written."""

    history: History
    made: int = 0

    async def of(
        self, reporter: str, *networks: str, at: int = NOW, accused: str = "ben", lasted: int = 60_000, said: str = "x"
    ) -> str:
        """``said``: the kind of what the accused has written, "" for nothing."""
        self.made += 1
        s = f"r{self.made}"
        await self.history.sessions.begin(session(s, members=(reporter, accused), started=at - lasted))
        await add(self.history, message(1, s=s))
        if said:
            await add(self.history, message(1, s=s, side=1, k="gap" if said == "gap" else None))
        return await self.history.reports.add(
            Report(f"CODE{self.made}", s, reporter, accused, "hate", "a note", at, networks)
        )
