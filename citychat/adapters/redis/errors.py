"""Errors of Redis and of its driver, in words for the host: without address, password or what was sent."""

import logging
import re

from redis import exceptions

from citychat.tasks import described

RIGHTS = {"channels": "&citychat:*", "keys": "~citychat:*"}

log = logging.getLogger(__name__)


def _missing_right(refusal: str) -> str:
    """Return what the user lacks whom an access list of Redis has refused something, as ACL SETUSER takes it; "" when
    the refusal is about something else."""
    if found := re.search(r"no permissions to run the '([\w|-]{1,40})' command", refusal):
        return f"+{found[1]}"
    if "can't run this command" in refusal:  # in a script, and Redis does not say which
        return "+@all"
    return next((right for what, right in RIGHTS.items() if f"one of the {what}" in refusal), "")


def first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


def kind_of(error: exceptions.RedisError) -> str:
    """Return what Redis has against it, without what was sent."""
    right = _missing_right(str(error))
    return f"its user lacks {right}" if right else type(error).__name__


def trouble_of(error: BaseException) -> tuple[str, bool]:
    """Return what is wrong in a few words, without address or password; and whether the server answers and says no."""
    match error:
        case exceptions.AuthenticationError():
            return "refused the password", True
        case exceptions.BusyLoadingError():
            return "is loading its data", False
        case exceptions.ResponseError():
            return f"refused a command ({kind_of(error)})", True
        case exceptions.TimeoutError() | TimeoutError():
            return "does not answer", False
        case exceptions.RedisError() | OSError():
            return f"no connection ({type(error.__context__ or error).__name__})", False
        case RuntimeError() if "the handler is closed" in str(error):  # uvloop's, of a write after the end
            return "no connection", False
    log.error("the connection to Redis failed: %s", described(error))
    return "a fault of ours", False
