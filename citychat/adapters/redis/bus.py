"""The bus of several processes: one pub/sub channel of Redis for each guest."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Self

from citychat.adapters.redis.connection import Redis
from citychat.model import Unavailable
from citychat.ports import BusEvent, decode, encode

LISTEN_S = 3.0  # a page that joins waits no longer for Redis to confirm
CLOSE_S = 1.0  # for what was published last
BATCH = 1_000  # channels in one command: some 50 kB


class _RedisSubscription:
    def __init__(self, channel: bytes, heard: Callable[[BusEvent], None]) -> None:
        self.channel = channel
        self.heard = heard


class _RedisChannel:
    """A guest's channel as this process wants it; ``subscribed`` when Redis has confirmed it for the first time."""

    def __init__(self, subscribed: asyncio.Future[None]) -> None:
        self.subscribed = subscribed
        self.subscriptions: dict[_RedisSubscription, None] = {}


class RedisBus:
    """A Bus between all processes on one Redis (protocol §2.4.2). Opened inside the Redis it is given.

    ``counts``: records that were no records ("garbage"), records for a guest who has just gone ("unwanted"), publishes
    that Redis did not answer ("unanswered").
    """

    def __init__(self, redis: Redis) -> None:
        self.counts: Counter[str] = Counter()
        self._redis = redis
        self._start = f"{redis.prefix}u:".encode()
        self._channels: dict[bytes, _RedisChannel] = {}
        # Confirmations of SUBSCRIBE still to come. They come in the order of the commands, so that after any mixture
        # of SUBSCRIBE and UNSUBSCRIBE of one channel the last confirmation is the one that counts.
        self._owed: Counter[bytes] = Counter()
        self._all_subscribed = asyncio.Event()
        self._watchers: list[Callable[[], None]] = []
        redis.attach(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        channels = list(self._channels)
        self._channels.clear()
        for batch in _batches(channels):
            self._redis.push("UNSUBSCRIBE", *batch)
        with contextlib.suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._redis.call("PING")  # answered after all that was published before

    def publish(self, guest: str, record: BusEvent, published: Callable[[int], None] | None = None) -> None:
        def answered(reply: object) -> None:
            if not isinstance(reply, int):
                self.counts["unanswered"] += 1
            if published is not None:
                published(reply if isinstance(reply, int) else 0)

        self._redis.send(answered, "PUBLISH", self._start + guest.encode(), encode(record))

    async def listen(self, guest: str, heard: Callable[[BusEvent], None]) -> object:
        if not self._redis.status.up:
            raise Unavailable
        subscription = _RedisSubscription(self._start + guest.encode(), heard)
        channel = self._channel(subscription.channel)
        channel.subscriptions[subscription] = None
        subscribed = False
        try:
            async with asyncio.timeout(LISTEN_S):
                await asyncio.shield(channel.subscribed)  # others wait for the same
            subscribed = True
        except TimeoutError as error:
            raise Unavailable from error
        finally:
            if not subscribed:
                self.unlisten(subscription)
        return subscription

    def unlisten(self, handle: object) -> None:
        if not isinstance(handle, _RedisSubscription):
            raise TypeError(f"unlisten wants what listen answered, not {type(handle).__name__}")
        channel = self._channels.get(handle.channel)
        if channel is None or handle not in channel.subscriptions:
            return
        del channel.subscriptions[handle]
        if not channel.subscriptions:
            del self._channels[handle.channel]
            self._redis.push("UNSUBSCRIBE", handle.channel)

    async def listeners(self, guests: Sequence[str]) -> list[int]:
        """A process counts once, however many of the guest's pages it has."""
        counts: list[int] = []
        for batch in _batches([self._start + guest.encode() for guest in guests]):
            reply = await self._redis.call("PUBSUB", "NUMSUB", *batch)
            if not isinstance(reply, list) or len(reply) != 2 * len(batch):
                raise Unavailable from TypeError(f"NUMSUB of {len(batch)} channels is answered by a {type(reply)}")
            counts += reply[1::2]
        return counts

    def watch(self, resumed: Callable[[], None]) -> None:
        self._watchers.append(resumed)

    def _channel(self, name: bytes) -> _RedisChannel:
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = _RedisChannel(asyncio.get_running_loop().create_future())
            self._owed[name] += 1
            self._redis.push("SUBSCRIBE", name)
        return channel

    # -- what Redis tells (resp.PushReceiver) -----------------------------------------------------------------------

    async def resume(self) -> None:
        self._owed = Counter(dict.fromkeys(self._channels, 1))
        for batch in _batches(list(self._channels)):
            self._redis.push("SUBSCRIBE", *batch)
        self._all_subscribed.clear()
        if self._owed:
            await self._all_subscribed.wait()

    def resumed(self) -> None:
        for resumed in self._watchers:
            resumed()

    def receive(self, kind: bytes, channel: bytes, what: object) -> None:
        if kind == b"subscribe":
            self._subscribed(channel)
        elif kind == b"message" and isinstance(what, bytes):
            self._deliver(channel, what)
        elif kind == b"message":
            self.counts["garbage"] += 1

    def _subscribed(self, name: bytes) -> None:
        self._owed[name] -= 1
        if self._owed[name] > 0:
            return
        del self._owed[name]
        channel = self._channels.get(name)
        if channel is not None and not channel.subscribed.done():
            channel.subscribed.set_result(None)
        if not self._owed:
            self._all_subscribed.set()

    def _deliver(self, name: bytes, raw: bytes) -> None:
        channel = self._channels.get(name)
        if channel is None:
            self.counts["unwanted"] += 1
            return
        for subscription in list(channel.subscriptions):
            record = decode(raw)  # for each its own: no two share an object
            if record is None:
                self.counts["garbage"] += 1
                return
            # An earlier listener may have ended this one, which then must hear nothing more.
            if subscription in channel.subscriptions:
                subscription.heard(record)


def _batches(channels: Sequence[bytes]) -> list[Sequence[bytes]]:
    return [channels[start : start + BATCH] for start in range(0, len(channels), BATCH)]
