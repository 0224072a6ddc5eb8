"""Storage of a browser whose windows run in processes of their own, as Chromium has it: none sees the others at once.

A window reads its own copy. What it writes is there at once, reaches the disk a moment later, and all windows a moment
after that; until its own has come back, a window believes no other's of that name: the disk had that one before.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

Later = Callable[[Callable[[], None]], None]


class Browser:
    """``disk``: what a window that opens now finds. ``later`` calls in order, a moment later."""

    def __init__(self, later: Later) -> None:
        self.disk: dict[str, str] = {}
        self.windows: list[Window] = []
        self.later = later

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
        self._on_the_way[name] += 1
        self.browser.later(partial(self._arrives, name, text))

    def _arrives(self, name: str, text: str | None) -> None:
        _put(self.browser.disk, name, text)
        for window in self.browser.windows:
            self.browser.later(partial(window._hears, self, name, text))

    def _hears(self, writer: "Window", name: str, text: str | None) -> None:
        if writer is self:
            self._on_the_way[name] -= 1
            return
        if not self._on_the_way[name]:
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
