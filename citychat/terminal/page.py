"""Page of a terminal guest: it says when its link is down, and shows what the server refuses."""

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from random import Random
from typing import Any

from citychat.client import HeadlessPage, Row, SocketLink
from citychat.clock import SystemClock
from citychat.terminal.refusals import refusal
from citychat.terminal.screen import Screen
from citychat.terminal.site import Site

Then = Callable[[Mapping[str, Any]], None]


class TerminalPage(HeadlessPage):
    link: SocketLink
    screen: Screen

    def __init__(self, site: Site, screen: Screen, storage: MutableMapping[str, str], random: Random) -> None:
        link = SocketLink(site.url)
        clock = SystemClock(asyncio.get_running_loop())
        super().__init__(link, screen, storage, clock, random, consent=site.consent)
        link.page = screen.page = self
        screen.questions = site.questions

    def closed(self) -> None:
        super().closed()
        if not self.stopped:
            self.screen.cut()

    def reconnect(self) -> None:
        super().reconnect()
        self.screen.cut()

    def object(self, text: str) -> None:
        """Join once more, with what a paused guest says to it."""
        self.objected, self.stopped = {"objection": text}, False
        self.start()

    def request(self, event: str, payload: Row, then: Then) -> None:
        """Ask the server and go on with a good answer; a bad one is shown."""

        def answered(answer: Mapping[str, Any]) -> None:
            if answer["ok"]:
                then(answer)
            else:
                self.screen.out.say(refusal(answer, self.screen.out.words))

        if self.joined:
            self.ask(event, payload, answered)
        else:
            self.screen.out.tell("link.cut.short")
