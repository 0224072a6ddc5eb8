"""Storage of a browser whose windows run in processes of their own, as Chromium has it: none sees the others at once.

A window reads its own copy. What it writes is there at once, reaches the disk a moment later, and all windows a moment
after that; until its own has come back, a window believes no other's of that name: the disk had that one before.

The disk may be full: what it does not take stays in the window's memory and is offered to it with every change; until
then nothing is removed, as ``static/entries.js`` leaves what others have left. A browser that crashes loses what was on
its way to the disk. One that refuses has no disk at all: each window has its memory, which ends with it.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

Later = Callable[[Callable[[], None]], None]


class Browser:
    """``disk``: what a window that opens now finds. ``later`` calls in order, a moment later. ``room``: how many
    characters the disk holds, None for as many as there are. ``refuses``: nothing is kept for this site (a private
    window, a browser that was told so)."""

    def __init__(self, later: Later) -> None:
        self.disk: dict[str, str] = {}
        self.windows: list[Window] = []
        self.later = later
        self.room: int | None = None
        self.refuses = False
        self.crashes = 0

    def fill(self) -> None:
        """Somebody else has taken what was free."""
        self.room = sum(map(len, self.disk.values()))

    def takes(self, name: str, text: str) -> bool:
        """Tell whether there is room for it."""
        if self.refuses:
            return False
        others = sum(len(kept) for other, kept in self.disk.items() if other != name)
        return self.room is None or others + len(text) <= self.room

    def crash(self) -> None:
        """Lose all windows, and what they have written and the disk does not have yet: of the writes that belong
        together perhaps the first alone."""
        self.crashes += 1
        self.windows.clear()

    def open(self) -> "Window":
        window = Window(self)
        self.windows.append(window)
        return window


class Window(dict[str, str]):
    """One window's copy. ``heard``: the ``storage`` event of the browser, name and value."""

    def __init__(self, browser: Browser) -> None:
        super().__init__(browser.disk)
        self.browser = browser
        self.heard: Callable[[str, str], None] = lambda name, text: None
        self._on_the_way = Counter[str]()
        self.unsaved: dict[str, str | None] = {}  # what the disk has not taken yet, None: is to be removed

    def __setitem__(self, name: str, text: str) -> None:
        super().__setitem__(name, text)
        self._send(name, text)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._send(name, None)

    def pop(self, name: str, *default: Any) -> Any:
        if name in self:
            self._send(name, None)
        return super().pop(name, *default)

    def _send(self, name: str, text: str | None) -> None:
        self.unsaved.pop(name, None)
        self.unsaved[name] = text
        for each, value in [*self.unsaved.items()]:
            waits = any(other is not None for other in self.unsaved.values())
            if (value is None and not waits) or (value is not None and self.browser.takes(each, value)):
                del self.unsaved[each]
                self._on_the_way[each] += 1
                self.browser.later(partial(self._arrives, self.browser.crashes, each, value))

    def _arrives(self, crashes: int, name: str, text: str | None) -> None:
        if crashes != self.browser.crashes:
            return
        _put(self.browser.disk, name, text)
        for window in self.browser.windows:
            self.browser.later(partial(window._hears, self, name, text))

    def _hears(self, writer: "Window", name: str, text: str | None) -> None:
        if writer is self:
            self._on_the_way[name] -= 1
            return
        if not self._on_the_way[name]:
            self.unsaved.pop(name, None)  # the other's is newer
            if text is None:
                super().pop(name, None)
            else:
                super().__setitem__(name, text)
        if text is not None:
            self.heard(name, text)


def _put(storage: dict[str, str], name: str, text: str | None) -> None:
    if text is None:
        storage.pop(name, None)
    else:
        storage[name] = text
