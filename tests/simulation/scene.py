"""The stage of stories: two people who talk already, hours that pass in a blink, and a hand on everything."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from citychat.client.entries import key_of
from citychat.model import Message
from tests.simulation.couple import Couple
from tests.simulation.ground import LOOK_S
from tests.simulation.person import Person
from tests.support.virtual_time import VirtualLoop

HOUR_S = 3_600.0
SELDOM_S = 10.0


class Scene(Couple):
    """Two people who talk already, and a hand on everything."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(VirtualLoop(), seed)
        self.strict = True  # check every row as it is drawn: not for stories with gaps, lies or older pages
        self.a, self.b = self.people
        self.loop.run_until_complete(self.meet())
        self.s = self.a.here.outbox.running

    def wait(self, secs: float) -> None:
        """Let the time pass; in hours, looking each quarter of a second is most of the cost."""
        self.look_s = SELDOM_S if secs > HOUR_S / 2 else LOOK_S
        self.loop.run_until_complete(asyncio.sleep(secs))

    def do(self, call: Callable[[], Any]) -> Any:
        """Inside the loop, as a page does."""

        async def done() -> Any:
            return call()

        return self.loop.run_until_complete(done())

    def say(self, person: Person, *texts: str) -> None:
        for text in texts:
            assert self.do(partial(person.say, text)), f"{person.name} cannot write {text}"

    def ask(self, person: Person, event: str, **payload: object) -> dict[str, Any]:
        """An event of the page with its answer."""
        answers: list[Any] = []
        self.do(lambda: person.here.ask(event, payload, answers.append))
        self.wait(1)
        assert answers, f"no answer to {event}"
        return dict(answers[0])

    def both(self, what: Callable[[Person], object]) -> None:
        for person in self.people:
            self.do(partial(what, person))

    def close(self) -> None:
        self.do(self.end)
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.wait(0)
        self.loop.close()

    def check_drawn(self, person: Person, rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
        if self.strict:
            super().check_drawn(person, rows, row)

    def check_settled(self, message: Message) -> None:
        if self.strict:
            super().check_settled(message)

    def check_transcripts(self, s: str) -> None:
        if self.strict:
            super().check_transcripts(s)

    def finish(self, s: str = "") -> list[str]:
        """Everything settles, both load afresh; what both see of the chat, which must be the same."""
        self.loop.run_until_complete(self.settle())
        self.left = True  # or has stayed: the story knows
        self.check_end()
        s = s or self.s
        self.strict = False
        for person in self.people:
            self.transcript(person, s)
        return [row.text for row in self.world.rows(s)]

    def transcript(self, person: Person, s: str) -> None:
        """A chat as its history tells this page is what its screen shows, but for gaps and what was left behind."""
        rows = self.ask(person, "chat-history", session=s, limit=100)["messages"]
        side = next(row["side"] for row in self.ask(person, "user-chats")["chats"] if row["session"] == s)
        self.do(lambda: person.here.outbox.older(s, side, rows))
        aside = {key for key, state in person.screen.states.items() if state != "delivered"} - {*map(key_of, rows)}
        shown = [row for row in person.shown() if row["session"] == s and key_of(row) not in aside]
        assert [row["text"] for row in shown if row["text"]] == [row["text"] for row in rows if row["text"]]
        assert [row["text"] for row in rows] == [row.text for row in self.world.rows(s, side)]

    def states(self, person: Person) -> list[str]:
        """The ticks of the messages that this person's screen shows as its own, in order."""
        states = person.screen.states
        return [states[key_of(row)] for row in person.shown() if key_of(row) in states]

    def theirs(self, person: Person) -> list[str]:
        """What this screen shows of the partner, gaps as "…"."""
        rows = [row for row in person.shown() if key_of(row) not in person.screen.states]
        return ["…" if row.get("kind") == "gap" else row["text"] for row in rows]


S = TypeVar("S", bound=Scene)


@contextmanager
def told(scene: S) -> Iterator[S]:
    """A scene for one story, with nothing wrong at its end."""
    logging.disable(logging.ERROR)
    yield scene
    scene.close()
    logging.disable(logging.NOTSET)
    assert scene.wrong == []
