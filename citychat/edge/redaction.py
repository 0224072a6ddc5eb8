"""Logs without people in them: no text, address, id or position, whatever level somebody turns on."""

import logging
from collections import OrderedDict
from collections.abc import Callable

from citychat.tasks import described

# python-engineio and python-socketio log packet texts at INFO, Tornado's access log addresses and ids, its general log
# origins and hosts, asyncio the text of exceptions nobody fetched.
_LIBRARY_LOGGERS = (
    "asyncio",
    "engineio",
    "engineio.server",
    "socketio",
    "socketio.server",
    "tornado.access",
    "tornado.application",
    "tornado.general",
)
_MINUTE_S = 60.0
_KEYS = 1024


class RateLimitedLog:
    """One turn a minute for each key, so that nobody can fill the disk; ``about`` says in a line what a key is.

    While all that it remembers is younger, a new key gets no turn: an old one must not go for it (so no ``Expiring``).
    """

    def __init__(self, now_s: Callable[[], float], about: str) -> None:
        self._now_s = now_s
        self._about = about
        self._since: OrderedDict[str, list[float]] = OrderedDict()  # key → [last turn, times without one]

    def take(self, key: str) -> str | None:
        """None when it is not this key's turn, else what to add to the line about the times without one."""
        now_s = self._now_s()
        entry = self._since.get(key)
        if entry is not None and now_s - entry[0] < _MINUTE_S:
            entry[1] += 1
            return None
        if entry is None and len(self._since) >= _KEYS and now_s - next(iter(self._since.values()))[0] < _MINUTE_S:
            return None
        self._since[key] = [now_s, 0]
        self._since.move_to_end(key)
        if len(self._since) > _KEYS:
            self._since.popitem(last=False)
        return f" ({int(entry[1])} more since the last line about {self._about})" if entry and entry[1] else ""


class _Anonymous(logging.Filter):
    """Lets errors of libraries through as their type and place in the code, each once a minute; drops the rest."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        super().__init__()
        self._kinds = RateLimitedLog(now_s, "this error")

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.ERROR:
            return False
        error = record.exc_info[1] if record.exc_info else None
        kind = f"{record.name}: {described(error) if error else 'an error'}"
        if (more := self._kinds.take(kind)) is None:
            return False
        record.msg, record.args = kind + more, ()
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def hush_libraries(now_s: Callable[[], float]) -> None:
    """Pin the libraries' loggers. The filter holds even where somebody sets a lower level later; a second call takes
    the place of the first."""
    anonymous = _Anonymous(now_s)
    for name in _LIBRARY_LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        for old in [each for each in logger.filters if isinstance(each, _Anonymous)]:
            logger.removeFilter(old)
        logger.addFilter(anonymous)


def nowhere() -> logging.Logger:
    """A logger outside the tree, for libraries that insist on one."""
    logger = logging.Logger("nowhere", logging.CRITICAL + 1)
    logger.propagate = False
    return logger


class RefusalLog:
    """The log of refusals, at most one line a minute per source. Sources are never written."""

    def __init__(self, logger: logging.Logger, now_s: Callable[[], float]) -> None:
        self._logger = logger
        self._sources = RateLimitedLog(now_s, "this source")

    def note(self, source: str, what: str) -> None:
        """Count one refusal; ``what`` is a sentence of ours."""
        if (more := self._sources.take(source)) is not None:
            self._logger.warning("Refused: %s%s", what, more)
