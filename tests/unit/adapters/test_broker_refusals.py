"""What RabbitMQ says when it refuses something, by its versions, and what of it a host is told."""

import pytest
from pika.exceptions import ConnectionClosedByBroker, ProbableAccessDeniedError

from citychat.adapters.rabbitmq.errors import ChannelClosed, trouble_of

LIMITS = [
    (406, "PRECONDITION_FAILED - cannot declare queue 'inbox.b': queue limit in vhost 'v' (6) is reached",
     "the limit max-queues of its virtual host (6) is reached"),
    (406, "PRECONDITION_FAILED - cannot declare queue 'inbox.b': queue limit in cluster (7) is reached",
     "the limit cluster_queue_limit (7) is reached"),
    (406, "PRECONDITION_FAILED - message size 1200 is larger than configured max size 512",
     "the limit max_message_size (512) is reached"),
    (403, "ACCESS_REFUSED - access to queue 'inbox.b' in vhost 'v' refused for user 'u'",
     "its user lacks a right on the queues named inbox. (set_permissions)"),
    (403, "ACCESS_REFUSED - configure access to queue 'inbox.b' in vhost 'v' refused for user 'u'",
     "its user lacks a right on the queues named inbox. (set_permissions)"),
    (403, "ACCESS_REFUSED - write access to exchange 'amq.default' in vhost 'v' refused for user 'u'",
     "its user lacks the right to write to amq.default (set_permissions)"),
    (0, "its channel_max (5) is too low for this process", "its channel_max (5) is too low for this process"),
    (404, "NOT_FOUND - no queue 'inbox.b' in vhost 'v'", ""),
    (406, "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'inbox.b' in vhost 'v': ...", ""),
]  # fmt: skip
OF_CONNECTIONS = [
    ("NOT_ALLOWED - number of channels opened for user 'u' has reached the maximum allowed user limit of (24)",
     "the limit max-channels of its user (24) is reached"),
    ("NOT_ALLOWED - number of channels opened on node 'rabbit@h' has reached the maximum allowed limit of (99)",
     "the limit channel_max_per_node (99) is reached"),
    ("NOT_ALLOWED - access to vhost 'v' refused for user 'u': connection limit (2) is reached",
     "the limit max-connections of its virtual host (2) is reached"),
    ("NOT_ALLOWED - connection refused for user 'u': user connection limit (1) is reached",
     "the limit max-connections of its user (1) is reached"),
    ("NOT_ALLOWED - vhost v not found", "the virtual host does not exist or is not ours to use"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text", "told"), LIMITS)
def test_a_channel_that_is_closed_for_what_a_host_can_change_is_told_without_the_queue(
    code: int, text: str, told: str
) -> None:
    assert ChannelClosed(code, text).refusal == told


@pytest.mark.parametrize(("text", "told"), OF_CONNECTIONS)
def test_a_connection_that_is_refused_by_a_limit_is_told_with_its_name_and_number(text: str, told: str) -> None:
    closed = ConnectionClosedByBroker(530, text)
    for error in (closed, ProbableAccessDeniedError(f"probably denied: {closed!r}"))[
        0 if "not found" not in text else 1 :
    ]:
        trouble = trouble_of(error)
        assert (trouble.said, trouble.refused) == (told, True)
