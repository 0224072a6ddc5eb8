"""Redis for one process: one connection for commands, one for what is pushed, and the watch over both.

The connections are opened by redis-py (address, TLS, password); what runs over them is ours. redis-py's client repeats
failed commands behind one's back; its PubSub subscribes again without a word and never notices a stalled server.
"""

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

from redis import exceptions
from redis.asyncio.connection import ConnectionPool, SSLConnection

from citychat.adapters.redis.clock import compare
from citychat.adapters.redis.errors import first_of, kind_of, trouble_of
from citychat.adapters.redis.resp import Answer, PushReceiver, Word, options_in, packed, scripts
from citychat.adapters.redis.wire import Wire
from citychat.adapters.service_clock import ServiceClock
from citychat.adapters.service_status import ServiceStatus
from citychat.adapters.statements import statements
from citychat.limits import bound
from citychat.model import Unavailable
from citychat.ports import Clock
from citychat.tasks import described, pause

LEAST = (6, 2)
CONNECT_S = 3.0  # a stopped server takes the connection and says nothing
BEAT_S = 0.5  # between two looks at the server
# So many looks without an answer to the oldest command, or without a word on the other connection, and the server
# counts as stalled: after 2.0 to 2.5 s. Looks and not seconds: if this process has slept, the server is not to blame.
STALLED_LOOKS = 4
# Beyond these (Redis answers 100,000 publishes a second) one at once is better than late: the mailbox takes over.
WAITING_MAX, UNSENT_MAX_BYTES = bound("waiting for Redis"), bound("unsent to Redis")
PULSE = "renew"  # the script that each process runs every 5 s: it shows whether the lobby can be used
# A thousand guests who enter again after a reconnect must not keep the publishes of those who talk waiting.
SCRIPTS_MAX = 64

log = logging.getLogger(__name__)


class Redis:
    """One process's Redis. ``prefix`` starts every channel and key of ours.

    The two connections live and die together. What was under way when they died is answered as Unavailable and never
    repeated: it may have been carried out.
    """

    def __init__(self, url: str, *, status: ServiceStatus, clock: Clock, prefix: str = "citychat:") -> None:
        """Raises ValueError for options in ``url`` that are not known, or not for the host to choose."""
        self.status, self.prefix, self._clock, self._time = status, prefix, clock, ServiceClock(status, clock)
        self._pool = _pool(url)
        texts = scripts(statements("redis/lobby.lua"))
        self._scripts = {name: (text, hashlib.sha1(text.encode()).hexdigest()) for name, text in texts.items()}
        self._turns = asyncio.Semaphore(SCRIPTS_MAX)
        self._task: asyncio.Task[None] | None = None
        self._commands: Wire | None = None
        self._pushes: Wire | None = None
        self._receiver: PushReceiver | None = None
        self._waiting: deque[Answer] = deque()
        self._asked = 0  # commands since the connection came; the number answered is that less those waiting
        self._silent_looks = 0
        self._beat = f"{prefix}beat:{id(self):x}-{clock.wall_ms():x}".encode()
        self._refused: dict[str, str] = {}  # the scripts that do not work, and why

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stay(), name="redis")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def attach(self, receiver: PushReceiver) -> None:
        """Give the pushes to ``receiver`` from now on."""
        self._receiver = receiver

    def send(self, answer: Answer, *command: Word) -> None:
        """Send a command, in one write with all others of this turn of the loop; replies come in the same order.

        ``answer`` is called once and never before this has returned.
        """
        wire = self._commands
        if wire is None or len(self._waiting) >= WAITING_MAX or wire.unsent > UNSENT_MAX_BYTES:
            asyncio.get_running_loop().call_soon(answer, Unavailable())
            return
        self._waiting.append(answer)
        self._asked += 1
        wire.send(packed(command))

    def push(self, *command: Word) -> None:
        """Send a command on the connection of the pushes; what it answers is pushed. Nothing while Redis is away."""
        if self._pushes is not None:
            self._pushes.send(packed(command))

    async def call(self, *command: Word) -> object:
        """Send a command and wait for its reply. Raises Unavailable when there is none or it is an error."""
        try:
            return await self._reply(command)
        except exceptions.RedisError as error:
            raise Unavailable from error

    async def run(self, script: str, args: Sequence[Word]) -> object:
        """Run a script of lobby.lua with ``args`` as its ARGV; the reply is bytes, int, list or None.

        Raises Unavailable, with the cause, when Redis is away, refuses, or does not answer in time; the script may
        have run then.
        """
        text, digest = self._scripts[script]
        async with self._turns:
            try:
                try:
                    reply = await self._reply(("EVALSHA", digest, 0, *args))
                except exceptions.NoScriptError:  # a server that has just started
                    reply = await self._reply(("EVAL", text, 0, *args))
            except exceptions.RedisError as error:
                self._refuse(script, kind_of(error))
                raise Unavailable from error
        self._refused.pop(script, None)
        if script == PULSE and self.status.degradation:
            self.status.degraded("")
        return reply

    def _refuse(self, script: str, kind: str) -> None:
        if self._refused.get(script) != kind:  # a full Redis refuses each one again and again
            log.error("Redis refused the script %s: %s", script, kind)
        self._refused[script] = kind
        if script == PULSE:
            self.status.degraded(f"refuses the lobby's scripts ({kind})")

    async def _reply(self, command: Sequence[Word]) -> object:
        reply: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        def answer(got: object) -> None:
            if not reply.done():  # the caller may have been cancelled
                reply.set_exception(got) if isinstance(got, Exception) else reply.set_result(got)

        self.send(answer, *command)
        return await reply

    async def _stay(self) -> None:
        """Connect again and again, until cancelled."""
        came = False
        while True:
            trouble, refused = "away", False
            try:
                await self._serve(came)
            except* Exception as errors:
                trouble, refused = trouble_of(first_of(errors))
            came = came or self.status.up
            self.status.on_down(trouble)
            await pause(self._clock, self.status.wait_s(refused))

    async def _serve(self, again: bool) -> None:
        """One life of the two connections."""
        commands, pushes = Wire(self._pool, self._replied), Wire(self._pool, self._pushed)
        try:
            async with asyncio.timeout(CONNECT_S):
                version = await commands.connect()
                await pushes.connect()
                # Both before it counts as up: a refusal later would end this life, and the next begin at once.
                await pushes.may("SUBSCRIBE", self._beat)
                await commands.may("PUBLISH", self._beat, b"")
            self._pushes, self._asked, self._silent_looks = pushes, 0, 0
            async with asyncio.TaskGroup() as group:
                for work in (commands.life(), pushes.life(), self._watch()):
                    group.create_task(work)
                if self._receiver is not None:
                    await self._receiver.resume()
                if self.status.on_up(version, LEAST):
                    self._commands = commands
                    group.create_task(compare(self.call, self._time, self._clock))
                if self._receiver is not None and again:
                    self._call(self._receiver.resumed)
        finally:
            self._commands = self._pushes = None
            self._lost()
            await commands.close()
            await pushes.close()

    async def _watch(self) -> None:
        """Raises when the server has stalled, also while it subscribes us again, or does not let us publish."""
        asked: deque[int] = deque(maxlen=STALLED_LOOKS)
        beaten: list[object] = []
        while True:
            self.send(beaten.append, "PUBLISH", self._beat, b"")
            asked.append(self._asked)
            await pause(self._clock, BEAT_S)
            if beaten and isinstance(refusal := beaten.pop(), exceptions.ResponseError):
                raise refusal
            self._silent_looks += 1
            overdue = len(asked) == STALLED_LOOKS and self._asked - len(self._waiting) < asked[0]
            if overdue or self._silent_looks > STALLED_LOOKS:
                raise TimeoutError

    def _replied(self, reply: object) -> None:
        self._call(self._waiting.popleft(), reply)

    def _pushed(self, reply: object) -> None:
        self._silent_looks = 0
        match reply:
            case [bytes() as kind, bytes() as channel, what]:
                if self._receiver is not None and channel != self._beat:
                    self._call(self._receiver.receive, kind, channel, what)
            case _:
                raise reply if isinstance(reply, Exception) else exceptions.InvalidResponse

    def _lost(self) -> None:
        waiting, self._waiting = self._waiting, deque()
        for answer in waiting:
            self._call(answer, Unavailable())

    def _call(self, call: Callable[..., None], *got: object) -> None:
        """A fault of whoever is told must not take the connection along."""
        try:
            call(*got)
        except Exception as error:
            log.error("telling what Redis has said failed: %s", described(error))


def _pool(url: str) -> ConnectionPool:
    """Raises ValueError, in words that do not repeat the address."""
    if strange := [name for name in options_in(url) if name != "db" and not name.startswith("ssl_")]:
        raise ValueError(f"{strange[0][:40]!r} is no option for the host to set: expected db or those of TLS (ssl_…)")
    try:
        # RESP2: one shape of push; RESP3 was measured to be no faster.
        pool = ConnectionPool.from_url(url, protocol=2, socket_timeout=None, socket_connect_timeout=CONNECT_S)
        connection = pool.make_connection()  # type: ignore[no-untyped-call]
        if isinstance(connection, SSLConnection):
            connection.ssl_context.get()  # reads the files of certificates
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ValueError(f"a file that its options for TLS name cannot be used: {why}") from None
    except (exceptions.RedisError, ValueError, TypeError, AttributeError):
        raise ValueError("an option in the address of Redis has a wrong name or value; ssl_… needs rediss://") from None
    return pool
