"""Logs without people in them: no text, address, id or position, whatever level somebody turns on."""

import logging
import traceback
from collections import OrderedDict
from collections.abc import Callable

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
_SOURCES = 1024


class _Anonymous(logging.Filter):
    """Lets errors of libraries through as their type and place in the code; drops everything else."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.ERROR:
            return False
        record.msg, record.args = f"{record.name}: {what_failed(_error_of(record))}", ()
        record.exc_info = record.exc_text = record.stack_info = None
        return True


_anonymous = _Anonymous()


def _error_of(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def what_failed(error: BaseException | None) -> str:
    """An error's type and the last line of code it passed; its message may hold what a guest wrote."""
    if error is None:
        return "an error"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def hush_libraries() -> None:
    """Pin the libraries' loggers; idempotent. The filter holds even where somebody sets a lower level later."""
    for name in _LIBRARY_LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        if _anonymous not in logger.filters:
            logger.addFilter(_anonymous)


def nowhere() -> logging.Logger:
    """A logger outside the tree, for libraries that insist on one."""
    logger = logging.Logger("nowhere", logging.CRITICAL + 1)
    logger.propagate = False
    return logger


class Refusals:
    """At most one line a minute per source, so that an attacker cannot fill the disk. Sources are never written."""

    def __init__(self, logger: logging.Logger, now_s: Callable[[], float]) -> None:
        self._logger = logger
        self._now_s = now_s
        self._since: OrderedDict[str, list[float]] = OrderedDict()  # source → [last line, refusals without one]

    def note(self, source: str, what: str) -> None:
        """Count one refusal; ``what`` is a sentence of ours."""
        now_s = self._now_s()
        entry = self._since.get(source)
        if entry is not None and now_s - entry[0] < _MINUTE_S:
            entry[1] += 1
            return
        if entry is None and len(self._since) >= _SOURCES and now_s - next(iter(self._since.values()))[0] < _MINUTE_S:
            return
        more = f" ({int(entry[1])} more since the last line about this source)" if entry and entry[1] else ""
        self._logger.warning("Refused: %s%s", what, more)
        self._since[source] = [now_s, 0]
        self._since.move_to_end(source)
        if len(self._since) > _SOURCES:
            self._since.popitem(last=False)
