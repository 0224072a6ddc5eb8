"""``make cluster``: two processes over a Redis, a RabbitMQ and a MongoDB-protocol server of their own, on this machine.

Prints the two addresses and the commands that show each engine at work. Ctrl+C ends all of it and leaves nothing.
"""

import http.client
import shlex
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom
from threading import Event
from typing import Self

from citychat.tokens import load_keys
from tests.support.patience import PATIENCE_S
from tests.support.services import Child, MissingServer, free_port
from tests.support.services.mongo import MongoServer
from tests.support.services.rabbitmq import RabbitServer
from tests.support.services.redis import RedisServer

ROOT = Path(__file__).parents[1]
# mongosh, where there is one, shows the same; pymongo is here anyway.
DOCUMENTS = (
    "import pymongo, sys; history = pymongo.MongoClient(sys.argv[1]).get_default_database(); "
    "[print(document) for document in history.messages.find().sort('at', -1).limit(5)]"
)


class Process:
    """One CityChat on a free port. ``flags``: the engines."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.port = free_port()
        words = [sys.executable, "-m", "citychat", "--port", str(self.port), "--data", str(folder / "data"), *flags]
        self._child = Child(words, folder, None)
        self.log = folder / "log"

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """Returns when it is ready for guests."""
        self._child.start(self._ready)

    def stop(self) -> None:
        self._child.stop()

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


class Cluster:
    """``with`` starts everything and ends it. Raises MissingServer, RuntimeError."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stack = folder, ExitStack()
        self.redis, self.mongo = RedisServer(folder / "redis"), MongoServer(folder / "mongo")
        self.rabbitmq = RabbitServer(folder / "rabbitmq")
        self.processes: list[Process] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in (self.redis, self.rabbitmq, self.mongo):
                stack.callback(server.stop)
                server.start()
            keys = self._folder / "secret.keys"
            load_keys(keys, SystemRandom())
            for name in ("one", "two"):
                process = Process(self._folder / name, *self.flags(keys))
                stack.callback(process.stop)
                process.start()
                self.processes.append(process)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def history(self) -> str:
        return f"{self.mongo.url}citychat"

    def flags(self, keys: Path) -> list[str]:
        engines = {"bus": self.redis.url, "mailbox": self.rabbitmq.url, "history": self.history}
        return ["--secret-file", str(keys), *(word for name, url in engines.items() for word in (f"--{name}", url))]

    def watching(self) -> Mapping[str, Sequence[str]]:
        """What can be seen, and the command that shows it."""
        return {
            "Redis: each record on its way": [
                "redis-cli", "-p", str(self.redis.port), "PSUBSCRIBE", "citychat:u:*",
            ],
            "RabbitMQ: what waits for whom (close one page, write on the other, come back)": [
                *self.rabbitmq.control_words(), "list_queues", "name", "messages", "consumers",
            ],
            "MongoDB: what was delivered": [sys.executable, "-c", DOCUMENTS, self.history],
        }  # fmt: skip


def main() -> int:
    """Exit status: 0 ended by Ctrl+C or SIGTERM, 1 something could not be had or has ended by itself."""
    over = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with tempfile.TemporaryDirectory(prefix="citychat-cluster-") as folder:
        try:
            with Cluster(Path(folder)) as cluster:
                _tell(cluster)
                over.wait()
                print("Ending all of it.", flush=True)
        except (MissingServer, RuntimeError) as error:
            print(f"citychat cluster: {error}", file=sys.stderr)
            return 1
    return 0


def _tell(cluster: Cluster) -> None:
    print(
        f"Redis {cluster.redis.version}, RabbitMQ {cluster.rabbitmq.version}, {cluster.mongo.version}: private ones\n"
    )
    for name, process in zip(("One", "Two"), cluster.processes, strict=True):
        print(f"{name}  {process.url}")
    print("\nOpen both: a browser keeps a guest for each. Watch, in other terminals:\n")
    for what, command in cluster.watching().items():
        print(f"{what}\n  {shlex.join(command)}\n")
    print("Ctrl+C ends all of it.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
