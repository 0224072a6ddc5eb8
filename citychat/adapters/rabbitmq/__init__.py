"""The mailbox over RabbitMQ: a queue for each guest."""

from citychat.adapters.rabbitmq.mailbox import RabbitMailbox

__all__ = ["RabbitMailbox"]
