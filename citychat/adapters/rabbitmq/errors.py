"""Reasons for which the broker closes a channel or a connection, in words without URL, user, address or queue."""

import re
from collections.abc import Mapping
from socket import gaierror
from ssl import SSLCertVerificationError, SSLError
from typing import NamedTuple

from pika.adapters.utils.connection_workflow import AMQPConnectorStackTimeout
from pika.exceptions import (
    AMQPHeartbeatTimeout,
    AuthenticationError,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    StreamLostError,
)

ACCESS_REFUSED, NOT_FOUND, NOT_ALLOWED = 403, 404, 530
PRECONDITION_FAILED = 406  # a queue is there that is not as we declare it; or mail lay unacked for too long
OTHER_ARGUMENT = re.compile(r"inequivalent arg '([\w-]{1,40})'")
CHANNELS_OF_USER = "max-channels of its user"
LARGEST_MESSAGE = "max_message_size"
# What RabbitMQ 3.10 to 4 say of limits that a host has set, and what the host calls each.
LIMITS: Mapping[str, re.Pattern[str]] = {
    "max-queues of its virtual host": re.compile(r"queue limit in vhost .*\((\d+)\) is reached"),
    "cluster_queue_limit": re.compile(r"queue limit in cluster .*\((\d+)\) is reached"),
    CHANNELS_OF_USER: re.compile(r"channels opened for user .*user limit of \((\d+)\)"),
    "channel_max_per_node": re.compile(r"channels opened .*node.*limit of \((\d+)\)"),
    "max-connections of its user": re.compile(r"user connection limit \((\d+)\) is reached"),
    "max-connections of its virtual host": re.compile(r"connection limit \((\d+)\) is reached"),
    LARGEST_MESSAGE: re.compile(r"message size \d+ is larger than configured max size (\d+)"),
}
TOO_FEW = "its channel_max ("
RIGHTS: Mapping[str, str] = {
    "queue": "its user lacks a right on the queues named inbox. (set_permissions)",
    "exchange": "its user lacks the right to write to amq.default (set_permissions)",
}
TROUBLES: Mapping[type, str] = {
    ConnectionRefusedError: "connection refused",
    StreamLostError: "connection lost",
    gaierror: "its host name is not known",
    SSLCertVerificationError: "its certificate is not valid for this host",
    SSLError: "no TLS with it",
}


class BrokerLimit(NamedTuple):
    """A limit of the broker that its host may raise."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"the limit {self.name} ({self.number}) is reached"


class Trouble(NamedTuple):
    """A reason why a connection ended or was not made. ``refused``: the broker answers and says no."""

    said: str
    refused: bool = False
    limit: BrokerLimit | None = None


class ChannelClosed(Exception):
    """A channel is gone. ``code``: the broker's, 0 when the connection was lost or we closed it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code)
        self.code, self.text = code, text  # the text names queues, which name guests: never logged

    @property
    def other_argument(self) -> str:
        """Return which argument of an existing queue is not as we declare it; "" when that is not the reason."""
        found = OTHER_ARGUMENT.search(self.text) if self.code == PRECONDITION_FAILED else None
        return found[1] if found else ""

    @property
    def is_overdue(self) -> bool:
        """Tell whether mail lay unacked for longer than the broker's ``consumer_timeout``, 30 min by default: it goes
        back. A page may wait for a missing message as long as that."""
        return self.code == PRECONDITION_FAILED and "acknowledgement" in self.text and "timed out" in self.text

    @property
    def limit(self) -> BrokerLimit | None:
        """Return the limit that was reached, if that is the reason."""
        return limit_in(self.text) if self.code else None

    @property
    def may_not_write(self) -> bool:
        return self.refusal == RIGHTS["exchange"]

    @property
    def refusal(self) -> str:
        """Return what the host has to change before this is no longer refused; "" when that is not the reason."""
        if limit := self.limit:
            return str(limit)
        if self.text.startswith(TOO_FEW):
            return self.text
        what = re.search(r"access to (queue|exchange) ", self.text) if self.code == ACCESS_REFUSED else None
        return RIGHTS[what[1]] if what else ""

    @property
    def is_gone(self) -> bool:
        """Tell whether a queue was asked for that somebody has deleted."""
        return self.code == NOT_FOUND and "no queue '" in self.text

    def is_about(self, queue: str) -> bool:
        """Tell whether the broker closed it for that queue: one with other arguments, on a node that is down, ..."""
        return f"'{queue}'" in self.text


def too_few(most: int) -> str:
    """Say that a connection may have ``most`` channels, which are not enough for it."""
    return f"{TOO_FEW}{most}) is too low for this process"


def limit_in(text: str) -> BrokerLimit | None:
    """Find the limit that the broker says was reached."""
    found = ((name, pattern.search(text)) for name, pattern in LIMITS.items())
    return next((BrokerLimit(name, int(match[1])) for name, match in found if match), None)


def trouble_of(error: object) -> Trouble:
    """Return what is wrong with a connection."""
    errors = [error]
    while inner := getattr(errors[-1], "exceptions", [None])[-1] or getattr(errors[-1], "exception", None):
        errors.append(inner)
    if isinstance(nested := next(iter(getattr(errors[-1], "args", ())), None), BaseException):
        errors.append(nested)
    kinds, last = {type(each) for each in errors}, errors[-1]
    if limit := limit_in(str(last)):
        return Trouble(str(limit), True, limit)
    if kinds & {ProbableAuthenticationError, AuthenticationError}:
        return Trouble("user or password refused", True)
    if ProbableAccessDeniedError in kinds:
        return Trouble("the virtual host does not exist or is not ours to use", True)
    if isinstance(last, ConnectionClosedByBroker):
        return Trouble(f"it closed the connection (code {last.reply_code})", last.reply_code == NOT_ALLOWED)
    if isinstance(last, AMQPHeartbeatTimeout | AMQPConnectorStackTimeout | TimeoutError):
        return Trouble("silent")
    return Trouble(TROUBLES.get(type(last), type(last).__name__))
