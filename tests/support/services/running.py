"""The servers of a test run: one of each, started once by the process that begins the run, shared by its workers.

``CITYCHAT_TEST_SERVERS=1`` asks for them, ``CITYCHAT_TEST_SERVERS=redis,mongo`` for some. CITYCHAT_TEST_REDIS_URL,
CITYCHAT_TEST_AMQP_URL and CITYCHAT_TEST_MONGO_URL name servers that run already. What a test does to them must not
disturb another: it takes a prefix or a database of its own. A test that kills or freezes a server has one for itself.
"""

import os
import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.support.services import MissingServer

ASKED = "CITYCHAT_TEST_SERVERS"


class Server(Protocol):
    @property
    def url(self) -> str: ...

    @property
    def version(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Kind(NamedTuple):
    """One sort of server: the variable that holds its URL, and the class of a private one."""

    key: str
    name: str
    variable: str
    class_name: str

    def make(self, folder: Path) -> Server:
        """A private one. Raises MissingServer."""
        module = import_module(f"tests.support.services.{self.key}")
        made: Server = getattr(module, self.class_name)(folder)
        return made


KINDS = (
    Kind("redis", "Redis", "CITYCHAT_TEST_REDIS_URL", "RedisServer"),
    Kind("rabbitmq", "RabbitMQ", "CITYCHAT_TEST_AMQP_URL", "RabbitServer"),
    Kind("mongo", "MongoDB protocol", "CITYCHAT_TEST_MONGO_URL", "MongoServer"),
)
REDIS, RABBITMQ, MONGO = KINDS


def redis_url() -> str:
    return _url(REDIS)


def rabbit_url() -> str:
    return _url(RABBITMQ)


def mongo_url() -> str:
    return _url(MONGO)


def _url(kind: Kind) -> str:
    """Raises MissingServer."""
    if url := os.environ.get(kind.variable):
        return url
    raise MissingServer(f"no {kind.name} in this test run: set {ASKED}=1, or {kind.variable} to one you have")


def is_tested(kind: Kind) -> bool:
    """Whether the tests have such a server; the matrices of the contracts ask."""
    return bool(os.environ.get(ASKED) and os.environ.get(kind.variable))


class Running:
    """The servers of this run: those that were named, and private ones. ``lines`` tell the reader of the tests."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.missing: list[str] = []
        self._started: list[tuple[Kind, Server]] = []
        self._folder: Path | None = None

    def start(self) -> None:
        """One after the other in the main thread: Linux ends a child with the thread that began it."""
        asked = os.environ.get(ASKED, "").split(",")
        if not any(asked):
            self.lines.append(f"servers: none asked for ({ASKED}=1 tests Redis, RabbitMQ and MongoDB's protocol too)")
            return
        self._folder = Path(tempfile.mkdtemp(prefix="citychat-tests-"))
        for kind in KINDS:
            if os.environ.get(kind.variable):
                self.lines.append(f"{kind.name}: the one that {kind.variable} names")
                continue
            if "1" not in asked and kind.key not in asked:
                self.lines.append(f"{kind.name}: not asked for")
                continue
            try:
                server = kind.make(self._folder / kind.key)
                server.start()
            except MissingServer as error:
                self.missing.append(f"NOT TESTED with {kind.name}: {error}")
                continue
            self._started.append((kind, server))
            os.environ[kind.variable] = server.url
            self.lines.append(f"{kind.name}: {server.version}, private, {server.url}")

    def stop(self) -> None:
        for kind, server in self._started:
            server.stop()
            os.environ.pop(kind.variable, None)
        self._started.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
