"""Somebody with a browser in the simulated world, and what the pages show."""

from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Protocol

from citychat.client import HeadlessPage
from citychat.client.entries import kept, key_of
from citychat.client.shapes import OUTBOX, TOKEN, Row
from tests.simulation.engines import World
from tests.simulation.wire import Pick, SimLink
from tests.support.late_storage import Browser, Window
from tests.support.virtual_time import VirtualClock, VirtualLoop

RELOAD_S = 0.05
STORAGE_S = 0.05  # between two renderers of a busy browser
TORN = 0.3  # of the crashes leave half a value
TICKS = {"waiting": "clock", "stored": "✓", "delivered": "✓✓"}


class Place(Protocol):
    """What people need of the ground they stand on."""

    loop: VirtualLoop
    world: World
    random: Random
    texts: dict[tuple[str, int], str]

    @property
    def pick(self) -> Pick: ...

    def trace(self, *words: object) -> None: ...

    def noted(self, stream: str, number: int, where: str) -> None: ...

    def outlived(self, streams: Iterable[str]) -> None: ...

    def vanished(self, token: str) -> None: ...

    def now_ms(self) -> int: ...

    def unlinked(self, streams: Iterable[str]) -> None: ...

    def check_drawn(self, person: "Person", rows: list[Row], row: Row) -> None: ...

    def check_mark(self, person: "Person", session: str, stream: str, number: int, state: str) -> None: ...

    def check_told(self, person: "Person", session: str, stream: str, number: int) -> None: ...

    def check_met(self, session: str) -> None: ...


class Screen:
    """What one page has shown, in the order it was shown."""

    def __init__(self, person: "Person") -> None:
        self.person = person
        self.rows: list[Row] = []
        self.states: dict[tuple[str, int], str] = {}

    def draw(self, row: Row, state: str) -> None:
        person, place = self.person, self.person.place
        place.texts.setdefault(key_of(row), row["text"])
        tick = f", {TICKS.get(state, state)}" if state else ""
        place.noted(*key_of(row), f"on {person.name}'s screen{tick}")
        self.rows.append(row)
        if state:
            self.states[key_of(row)] = state
        if state == "delivered":
            place.check_told(person, row["session"], *key_of(row))
        place.check_drawn(person, self.rows, row)

    def mark(self, session: str, stream: str, number: int, state: str, why: str) -> None:
        self.person.place.noted(stream, number, f"{self.person.name} sees {TICKS.get(state, state)} {why}".rstrip())
        self.states[stream, number] = state
        self.person.place.check_mark(self.person, session, stream, number, state)

    def said(self, event: str, payload: Mapping[str, Any]) -> None:
        if not event.startswith("chat-"):
            self.person.place.trace(self.person.name, "hears", event, payload.get("ok", ""), payload.get("error", ""))
        self.person.heard(event, payload)


class Person:
    """Somebody with one browser: a storage, pages that come and go, and things to say."""

    def __init__(self, place: Place, name: str, consent: str) -> None:
        self.place, self.name, self.consent = place, name, consent
        self.browser = Browser(self._later)
        self.storage = self.browser.disk
        self.said: list[str] = []
        self.looking = False
        self.wishes: Row = {}
        self.position: Mapping[str, float] | None = None
        self.network = True
        self.clock = VirtualClock(place.loop)
        self.pages: list[HeadlessPage] = []
        self.slowest_storage_s = STORAGE_S
        self._storage_s = 0.0  # when the last that was written in one window is seen in another

    @property
    def page(self) -> HeadlessPage | None:
        """The one that writes, else the newest. One that was replaced shows nothing that could be written in."""
        shown = [page for page in self.pages if not page.stopped] or self.pages
        pages = [page for page in shown if page.outbox.writes] or shown
        return pages[-1] if pages else None

    @property
    def here(self) -> HeadlessPage:
        page = self.page
        assert page is not None
        return page

    @property
    def screen(self) -> Screen:
        assert isinstance(self.here.screen, Screen)
        return self.here.screen

    @property
    def token(self) -> str:
        """The newest, "" before the first."""
        kept = self.page.storage if self.browser.refuses and self.page else self.storage
        return kept.get(TOKEN, "")

    @property
    def talks(self) -> bool:
        return self.page is not None and bool(self.page.outbox.running)

    def open_page(self) -> None:
        """A new page (a reload, a second window, a return); it takes over."""
        link = SimLink(self.place.world, self.name, self.place.pick)
        link.allowed = self.network
        window = self.browser.open()
        page = HeadlessPage(link, Screen(self), window, self.clock, self.place.random, consent=self.consent)
        window.heard = lambda name, text: page.outbox.inherit(name, text, page.now)
        link.page = page
        page.looking, page.wishes, page.position = self.looking, self.wishes, self.position
        self.pages.append(page)
        page.start()

    def _later(self, call: Callable[[], None]) -> None:
        """A moment later, in order: so long do windows not see each other's storage."""
        loop = self.place.loop
        late_s = self.place.random.uniform(0, self.slowest_storage_s)
        self._storage_s = max(loop.time() + late_s, self._storage_s + 1e-6)
        loop.call_at(self._storage_s, call)

    @property
    def _storage_lags(self) -> bool:
        """Whether another page may join before it sees what is written now."""
        return self.slowest_storage_s > STORAGE_S or self._storage_s > self.place.loop.time() + STORAGE_S

    def return_home(self) -> None:
        """Have a page that works: a new one, or "Use it here" where another window has taken over and is gone."""
        page = self.page
        if page is None or page.stopped or (page.answered and not page.outbox.writes):
            self.open_page()

    def close_pages(self) -> None:
        for page in self.pages:
            page.stop()
            assert isinstance(page.storage, Window)
            if page.storage.unsaved:
                self._outlived(page)
            if self.browser.refuses:
                self.place.vanished(page.storage.get(TOKEN, ""))
        self.pages.clear()
        self.browser.windows.clear()

    def crash(self) -> None:
        """The browser is killed in the middle of a write. The outbox that was written last may be torn."""
        for page in self.pages:
            page.stop()
            self._outlived(page)
        self.pages.clear()
        self.browser.crash()
        torn = [name for name in self.storage if name.startswith(OUTBOX)]
        self.place.outlived({entry["stream"] for entry in kept(self.storage)})
        if torn and self.place.random.random() < TORN:
            self.storage[torn[-1]] = self.storage[torn[-1]][: self.place.random.randrange(1, 200)]

    def _outlived(self, page: HeadlessPage) -> None:
        """What was written in this page may be known to others, and to no page after it."""
        self.place.outlived({page.outbox.stream, *(entry["stream"] for entry in page.outbox.entries.all)})

    def reload(self, times: int) -> None:
        """Press reload again and again: the joins of the pages before are still under way."""
        self.close_pages()
        self.open_page()
        if times > 1:
            self.place.loop.call_later(RELOAD_S, self.reload, times - 1)

    def heard(self, event: str, payload: Mapping[str, Any]) -> None:
        if event == "user-session":
            self.looking = False
            self.place.check_met(payload["session"])
        elif event == "user-offer" and not payload["looking"] and self.page:
            self.page.answer("yes")

    def find_someone(self) -> None:
        self.looking = True
        if self.page:
            self.page.seek()

    def say(self, text: str = "") -> bool:
        """Write one message; whether it could be written."""
        page = self.page
        text = text or f"{self.name}{len(self.said)}"
        if page is None or page.outbox.compose(text, page.now) != "":
            return False
        self.said.append(text)
        if self._storage_lags:
            self.place.unlinked({page.outbox.stream})
        return True

    def shown(self) -> list[Row]:
        return sorted(self.screen.rows, key=lambda row: (row["session"], row["lamport"], row["side"], *key_of(row)))
