"""One RabbitMQ for all of these tests, and mailboxes of processes on it."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from random import Random, SystemRandom
from typing import Any

import pika
import pytest

from citychat.adapters.rabbitmq import RabbitMailbox
from citychat.adapters.service_status import ServiceStatus
from citychat.ports import Mail
from tests.support.patience import until
from tests.support.services.rabbitmq import RabbitServer
from tests.support.stores import StoreClock

guests = map("guest{}".format, count())


class QueueReader:
    """An opener that remembers what it was given."""

    def __init__(self) -> None:
        self.mail: list[Mail] = []

    def __call__(self, mail: Mail) -> None:
        self.mail.append(mail)

    @property
    def numbers(self) -> list[int]:
        return [mail.message.number for mail in self.mail]

    async def read(self, number: int) -> list[int]:
        """The numbers so far, once there are so many."""
        await until(lambda: len(self.mail) >= number)
        return self.numbers


@asynccontextmanager
async def process(url: str, *, up: bool = True, **options: Any) -> AsyncIterator[tuple[RabbitMailbox, ServiceStatus]]:
    """A process's mailbox."""
    link = ServiceStatus("RabbitMQ", Random(1), options.pop("end_with", pytest.fail))
    clock = options.pop("clock", StoreClock(lambda: time.time_ns() // 10**6))
    async with RabbitMailbox(url, status=link, clock=clock, random=SystemRandom(), **options) as mailbox:
        if up:
            await until(lambda: link.up)
        yield mailbox, link


@contextmanager
def outsider(server: RabbitServer) -> Iterator[Any]:
    """A channel of somebody else's."""
    connection = pika.BlockingConnection(pika.URLParameters(server.url))
    yield connection.channel()
    connection.close()


@pytest.fixture(scope="package")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitServer]:
    with RabbitServer(tmp_path_factory.mktemp("rabbitmq"), managed=True) as started:
        yield started


@pytest.fixture
def server(one: RabbitServer) -> Iterator[RabbitServer]:
    yield one
    one.thaw()


@pytest.fixture
def guest() -> str:
    return next(guests)
