"""Errors that a guest can be told: each class's docstring is the sentence the guest reads (protocol §1)."""

from collections.abc import Mapping


class ChatError(Exception):
    """Something went wrong on the server. Please try again."""

    code = "internal"
    retry_ms: int | None = None

    def shown(self) -> dict[str, object]:
        """The failed ack (protocol §1): code, sentence, and what the code carries along."""
        sentence = str(self) or (type(self).__doc__ or "").splitlines()[0]
        failed: dict[str, object] = {"ok": False, "error": self.code, "message": sentence}
        if self.retry_ms is not None:
            failed["retry_ms"] = self.retry_ms
        return failed


class NotJoined(ChatError):
    """Join first."""

    code = "not-joined"


class BadPayload(ChatError):
    """The request was not understood."""

    code = "bad-payload"


class UnknownEvent(ChatError):
    """There is no such event."""

    code = "unknown-event"


class NoPlace(ChatError):
    """Choose a city first."""

    code = "no-place"


class NoSession(ChatError):
    """There is no such chat."""

    code = "no-session"


class Gone(ChatError):
    """They are no longer waiting."""

    code = "gone"


class Reload(ChatError):
    """This page is older than the server. Please reload it."""

    code = "reload"


class Busy(ChatError):
    """Too fast. Please wait a moment."""

    code = "busy"

    def __init__(self, message: str = "", *, retry_ms: int) -> None:
        super().__init__(message)
        self.retry_ms = retry_ms


class Unavailable(ChatError):
    """A part of the server is away. Please try again in a moment."""

    code = "unavailable"
    retry_ms = 2_000


class DayFull(ChatError):
    """You have written as much as fits into a day. Go on tomorrow."""

    code = "day-full"


class DiskFull(Unavailable):
    """The disk of this server is nearly full: no new chat begins until its host has made room."""

    code = "disk-full"
    retry_ms = 30_000


class HouseClosed(Unavailable):
    """Nobody new is led together right now."""

    code = "closed"
    retry_ms = 30_000


class RefusedConsent(ChatError):
    """Please accept the rules first."""

    code = "refused-consent"

    def __init__(self, consent: str) -> None:
        super().__init__()
        self.consent = consent

    def shown(self) -> dict[str, object]:
        return super().shown() | {"consent": self.consent}


class Banned(ChatError):
    """You cannot use this server for now."""

    code = "banned"

    def __init__(self, facts: Mapping[str, object]) -> None:
        """``facts``: what the page shows (protocol §1)."""
        super().__init__()
        self.facts = facts

    def shown(self) -> dict[str, object]:
        return {**super().shown(), **self.facts}
