"""What the faults hit: processes of the real program, and the real servers behind a proxy for each process."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Protocol, Self, TypeVar

from citychat.tokens import load_keys
from tests.faults.kept import Kept, embedded, of_servers
from tests.faults.people import Resident
from tests.support.patience import PATIENCE_S
from tests.support.proxy import Proxy
from tests.support.server_process import ServerProcess
from tests.support.services import listens

PROCESSES = 3
FLAGS = (
    "--message-burst", "600", "--message-rate", "200",  # a mailbox is filled in seconds
    "--ring-s", "60",  # an offer is still open when the fault comes
)  # fmt: skip

TICK_S = 0.05
READY = b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

T = TypeVar("T")


async def _is_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.write(READY)
    try:
        return b" 200 " in await reader.readline()
    finally:
        writer.close()


class EngineServer(Protocol):
    port: int

    @property
    def url(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def running(self) -> bool: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...


class NotBegun(Exception):
    """Nothing was broken yet, and what it takes was not there in time: the machine has too much to do."""


class Ports:
    """Ports of our own, below the ephemeral ones and one after the other: a process that was killed must find its own
    again, and its pages must not find somebody else's server there meanwhile. ``share``: of how many at once, from 0.
    Two runs on one machine begin at different ones.
    """

    FIRST, EACH = 29_000, 900

    def __init__(self, share: int = 0) -> None:
        self._first, self._next = self.FIRST + share * self.EACH, 37 * os.getpid() % self.EACH

    def take(self) -> int:
        for _ in range(self.EACH):
            port = self._first + self._next
            self._next = (self._next + 1) % self.EACH
            if not listens(port):
                return port
        raise RuntimeError(f"no port is free from {self._first} on")


class Service:
    """A real server of our own, and what stands between it and each process: ``proxies``."""

    def __init__(self, name: str, server: EngineServer, engines: "Engines") -> None:
        self.name, self.server, self._engines = name, server, engines
        self.proxies: list[Proxy] = []

    async def do(self, deed: Callable[[], T]) -> T:
        """Starting takes seconds, which nobody else must wait for."""
        return await self._engines.do(deed)

    def url(self, proxy: Proxy) -> str:
        return self.server.url.replace(f":{self.server.port}", f":{proxy.port}")


class Engines:
    """Redis, RabbitMQ and MongoDB's protocol, private, for one run after the other. ``with`` starts and ends them.

    All their deeds are done on one thread that lives as long: Linux ends a child with the thread that began it.
    """

    def __init__(self, folder: Path, share: int = 0) -> None:
        from tests.support.services.mongo import MongoServer
        from tests.support.services.rabbitmq import RabbitServer
        from tests.support.services.redis import RedisServer

        self.redis_server, self.rabbit_server = RedisServer(folder / "redis"), RabbitServer(folder / "rabbitmq")
        self.mongo_server = MongoServer(folder / "mongo")
        self.redis = Service("redis", self.redis_server, self)
        self.rabbit = Service("rabbit", self.rabbit_server, self)
        self.mongo = Service("mongo", self.mongo_server, self)
        self.all = (self.redis, self.rabbit, self.mongo)
        self.ports = Ports(share)
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        try:
            self._thread.submit(self.mend).result()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        for service in self.all:
            self._thread.submit(service.server.stop).result()
        self._thread.shutdown()

    def mend(self) -> None:
        """All three run, whatever a test that was stopped has left broken."""
        for service in self.all:
            (service.server.thaw if service.server.running else service.server.start)()

    async def do(self, deed: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, deed)

    def versions(self) -> list[str]:
        return [
            f"Redis {self.redis_server.version}",
            f"RabbitMQ {self.rabbit_server.version}",
            self._thread.submit(lambda: self.mongo_server.version).result(),
        ]


class Town:
    """Processes over ``engines``, or one with the embedded store; and the people at them.

    ``program`` is what runs instead of citychat: a mutant of it, for the test of the checker. ``exit_s``: how long a
    process may take that is told to stop.
    """

    def __init__(
        self,
        folder: Path,
        random: Random,
        engines: Engines | None = None,
        program: Sequence[str] = ("citychat",),
        name: str = "town",
        exit_s: float = PATIENCE_S,
    ) -> None:
        self.folder, self.random, self.engines, self.program = folder, random, engines, program
        self.database, self.exit_s = name, exit_s
        self.ports = engines.ports if engines else Ports()
        self.nodes: list[ServerProcess] = []
        self.people: list[Resident] = []
        self.drains: list[asyncio.Task[None]] = []
        self.exits: list[int | None] = []  # statuses of processes that were told to stop
        self._stack = AsyncExitStack()

    @property
    def services(self) -> Sequence[Service]:
        return self.engines.all if self.engines else ()

    async def __aenter__(self) -> Self:
        """Raises NotBegun."""
        try:
            await self._start()
        except BaseException as error:
            await self._stack.aclose()
            if isinstance(error, (TimeoutError, RuntimeError)):
                raise NotBegun(f"the processes did not start: {error!r}") from error
            raise
        return self

    async def _start(self) -> None:
        if self.engines:
            await self.engines.do(self.engines.mend)
            await self.engines.do(self.engines.redis_server.lose_data)  # who was killed last stays free for 15 s
            secret = self.folder / "secret.keys"
            load_keys(secret, Random(self.random.random()))
            for service in self.services:
                service.proxies = []
                for _ in range(PROCESSES):
                    proxy = Proxy(lambda port=service.server.port: [port], self.ports.take())  # type: ignore[misc]
                    service.proxies.append(await self._stack.enter_async_context(proxy))
            for i in range(PROCESSES):
                flags = [*FLAGS, "--secret-file", str(secret)]
                urls = {service.name: service.url(service.proxies[i]) for service in self.services}
                mongo = urls["mongo"].rstrip("/") + "/" + self.database
                flags += ["--bus", urls["redis"], "--mailbox", urls["rabbit"], "--history", mongo]
                await self._add(self.folder / f"p{i}", flags)
        else:
            await self._add(self.folder / "p0", FLAGS)
        for node in self.nodes:
            await self.ready(node)
        self._stack.push_async_callback(self.close_people)

    async def _add(self, data: Path, flags: Iterable[str]) -> None:
        node = ServerProcess(data, *flags, program=self.program)
        node.port = self.ports.take()
        await self._stack.enter_async_context(node)
        self.nodes.append(node)

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def close_people(self) -> None:
        await asyncio.gather(*(person.close() for person in self.people))

    # -- people -------------------------------------------------------------------------------------------------------

    def person(self, home: int, moment: str) -> Resident:
        """Somebody new, who comes to process ``home`` first."""
        random = Random(self.random.random())
        name, home = f"p{len(self.people)}", home % len(self.nodes)
        person = Resident(name, home, random, lambda: [node.port for node in self.nodes], self.ports.take())
        person.moment = moment
        self.people.append(person)
        return person

    async def ready(self, node: ServerProcess) -> None:
        """Wait until ``/ready`` answers 200. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while not await _is_ready(node.port):  # noqa: ASYNC110 - another process cannot set an event
                await asyncio.sleep(TICK_S)

    # -- processes ----------------------------------------------------------------------------------------------------

    def freeze(self, node: ServerProcess) -> None:
        os.kill(node.pid, signal.SIGSTOP)

    def thaw(self, node: ServerProcess) -> None:
        if node.running:
            os.kill(node.pid, signal.SIGCONT)

    async def drain(self, node: ServerProcess) -> None:
        """SIGTERM, wait for its end, note its status. One that does not go in time is noted as None, and killed."""
        os.kill(node.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(self.exit_s):
                self.exits.append(await node.ended())
        except TimeoutError:
            self.exits.append(None)
            await node.kill()

    # -- what is kept -------------------------------------------------------------------------------------------------

    async def kept(self) -> Kept:
        if self.engines is None:
            return embedded(self.folder / "p0")
        engines = self.engines
        return await engines.do(lambda: of_servers(engines.mongo_server.url, self.database, engines.rabbit_server))
