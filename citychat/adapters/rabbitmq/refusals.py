"""Refusals that only the host can end, a limit or a right that is missing: said once, and in /ready while they last."""

from collections.abc import Callable

from citychat.ports import Clock, Timer

KEPT_S = 75.0  # what is refused is tried again within a minute by whoever still wants it


class Refusals:
    """The refusals of now. ``changed`` is called when one begins or is over: the broker has done none for a while."""

    def __init__(self, clock: Clock, changed: Callable[[], None]) -> None:
        self._clock, self._changed = clock, changed
        self._timers: dict[str, Timer] = {}

    def __str__(self) -> str:
        return "; ".join(self._timers)

    def note(self, refusal: str) -> None:
        """The broker has refused something for this reason."""
        known = self._timers.pop(refusal, None)
        if known is not None:
            known.cancel()
        self._timers[refusal] = self._clock.later(KEPT_S, lambda: self.over(refusal))
        if known is None:
            self._changed()

    def over(self, refusal: str) -> None:
        """Forget it."""
        if (timer := self._timers.pop(refusal, None)) is not None:
            timer.cancel()
            self._changed()

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
