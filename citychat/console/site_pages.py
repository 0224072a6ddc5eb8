"""Pages of the console about the site: how it goes, who is paused, whether the house is open, and the trail."""

from citychat.cases import CasesUsage, NotDone, close_house, closure_of, end_of, numbers, open_house
from citychat.console.curve import HEIGHT, WIDTH
from citychat.console.handler import ConsoleHandler
from citychat.model import first_broken
from citychat.rules import reference

ROWS = 100  # of the trail, on a page


class StatusHandler(ConsoleHandler):
    """``/``: what ``citychat status`` says, and the curve of a day."""

    async def get(self) -> None:
        lines = await self.room.status()
        drawing = self.room.curve.drawn(self.now_ms // 1_000)
        self.show("status", lines=lines, drawing=drawing, width=WIDTH, height=HEIGHT)


class PausedHandler(ConsoleHandler):
    """``/paused``: the guests who are kept out."""

    async def get(self) -> None:
        pauses, cases = await self.desk().paused()
        of_case = {reference(case.session, case.reporter): case for case in cases if case.accused}
        found = [(pause, of_case.get(pause.reference)) for _, pause in sorted(pauses, key=lambda each: each[1].until)]
        self.show("paused", paused=found)


class HouseHandler(ConsoleHandler):
    """``/house``: whether anybody new is led together."""

    async def get(self, problem: str = "") -> None:
        closure = await self.room.history.house.closure(self.now_ms)
        said = {name: self.said(name) for name in ("text", "until")}
        self.show("house", closure=closure, end=end_of(closure) if closure else "", problem=problem, said=said)

    async def post(self) -> None:
        history, who, now = self.room.history, self.visit.who, self.room.now()
        try:
            if self.said("do") == "open":
                news = await open_house(history, who, now)
            else:
                news = await close_house(history, closure_of(self.said("text"), self.said("until"), now), who, now)
        except (CasesUsage, NotDone) as error:
            self.set_status(400)
            await self.get(str(error))
        else:
            self.go_on("/house", news)


class TrailHandler(ConsoleHandler):
    """``/trail``: who has seen and done what, whether it is whole, and the numbers of a year."""

    async def get(self) -> None:
        cases = self.room.history.cases
        rows = await cases.trail()
        before = self.get_query_argument("before", "")
        newest_first = [row for row in reversed(rows) if not before.isdecimal() or row.n < int(before)]
        year = self.room.now().year
        self.show(
            "trail",
            rows=newest_first[:ROWS],
            older=newest_first[ROWS - 1].n if len(newest_first) > ROWS else None,
            first=rows[0] if rows else None,
            last=rows[-1] if rows else None,
            broken=first_broken(rows),
            in_words=numbers.in_words,
            numbers=numbers.of_year(year, await cases.cases(), rows),
        )


class MissingPageHandler(ConsoleHandler):
    def get(self) -> None:
        self.refuse(404, "There is no such page.")

    post = get
