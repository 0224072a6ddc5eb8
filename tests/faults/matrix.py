"""The rows and columns of the fault matrix: what is broken, and what people are in the middle of when it breaks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.people import Resident
from tests.faults.town import Service, Town

HIT, DRAINED = 1, 2  # which process is hit, and which one drains meanwhile

IDLE, TALKING = "idle chat", "talking"
PUBLISHED, PUSHED, DRAWN = "published, not pushed", "pushed, not acked", "drawn, not in history"
DEEP, OFFERED, ACCEPTING, DRAINING = "mailbox 200 deep", "offer open", "accept in flight", "during drain"
MOMENTS = (IDLE, TALKING, PUBLISHED, PUSHED, DRAWN, DEEP, OFFERED, ACCEPTING, DRAINING)
EMBEDDED_MOMENTS = (IDLE, TALKING, PUSHED, DEEP, OFFERED)  # the others lie between processes and services

Deed = Callable[[Town], Awaitable[None]]
Trick = Callable[[Resident], Awaitable[None]]


async def _nothing(_: object) -> None:
    pass


@dataclass(frozen=True)
class Fault:
    """A row. ``begin`` and ``end`` are ``hold_s`` apart; recovery counts from ``begin`` when the rest of the site works
    on meanwhile (``at_once``). ``without``: columns that this row does not have."""

    name: str
    of: str
    begin: Deed
    end: Deed
    hold_s: float
    at_once: bool = False
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClientFault:
    """A row of one page's link: ``begin`` and ``end`` for each person it happens to."""

    name: str
    begin: Trick
    end: Trick
    hold_s: float
    at_once: bool = False


# -- processes ---------------------------------------------------------------------------------------------------------


async def _kill(town: Town) -> None:
    await town.nodes[HIT % len(town.nodes)].kill()
    if len(town.nodes) > DRAINED:
        await town.nodes[DRAINED].kill()


async def _restart(town: Town) -> None:
    """The one that was told to stop; another one that drains is started by whoever drained it."""
    await asyncio.gather(*town.drains)
    await town.nodes[HIT % len(town.nodes)].start()


async def _restart_killed(town: Town) -> None:
    for node in town.nodes:
        if not node.running:
            await node.start()


async def _freeze(town: Town) -> None:
    town.freeze(town.nodes[HIT % len(town.nodes)])


async def _thaw(town: Town) -> None:
    town.thaw(town.nodes[HIT % len(town.nodes)])


async def _term(town: Town) -> None:
    """Only the signal: what is held back goes on while the process drains."""
    town.drains.append(asyncio.create_task(town.drain(town.nodes[HIT % len(town.nodes)])))
    await asyncio.sleep(0)


PROCESS_FAULTS = (
    Fault("kill -9", "process", _kill, _restart_killed, 5, at_once=True),
    Fault("frozen 1 s", "process", _freeze, _thaw, 1, at_once=True, without=(DRAINING,)),
    Fault("frozen 10 s", "process", _freeze, _thaw, 10, at_once=True, without=(DRAINING,)),
    Fault("frozen 40 s", "process", _freeze, _thaw, 40, at_once=True, without=(DRAINING,)),
    Fault("SIGTERM", "process", _term, _restart, 2, at_once=True),
)


# -- services ----------------------------------------------------------------------------------------------------------


def _of(name: str, deed: Callable[[Service], Awaitable[object]]) -> Deed:
    async def done(town: Town) -> None:
        for service in town.services:
            if name in (service.name, "all"):
                await deed(service)

    return done


async def _kill_server(service: Service) -> None:
    await service.do(service.server.kill)


async def _stop_server(service: Service) -> None:
    await service.do(service.server.stop)


async def _start_server(service: Service) -> None:
    await service.do(service.server.start)


async def _freeze_server(service: Service) -> None:
    service.server.freeze()


async def _thaw_server(service: Service) -> None:
    service.server.thaw()


async def _blackhole(service: Service) -> None:
    for proxy in service.proxies:
        proxy.blackhole()


async def _reset(service: Service) -> None:
    for proxy in service.proxies:
        proxy.reset()


async def _slow(service: Service) -> None:
    for flow in (flow for proxy in service.proxies for flow in proxy.flows):
        flow.latency_s, flow.bytes_per_s = 0.05, 100_000


async def _cut(service: Service) -> None:
    for proxy in service.proxies:
        proxy.to_server.cut_after_bytes = 3_000
        proxy.to_client.cut_after_bytes = 5_000


async def _heal(service: Service) -> None:
    for proxy in service.proxies:
        await proxy.heal()


async def _lose_redis(town: Town) -> None:
    if town.engines:
        await town.engines.do(town.engines.redis_server.lose_data)


def _disk_alarm(on: bool) -> Deed:
    async def done(town: Town) -> None:
        if town.engines:
            rabbit, limit = town.engines.rabbit_server, "1000000GB" if on else "50MB"
            await town.engines.do(lambda: rabbit.control("set_disk_free_limit", limit))

    return done


SERVICE_FAULTS = (
    Fault("Redis kill -9, data lost", "redis", _of("redis", _kill_server), _of("redis", _start_server), 5),
    Fault("Redis blackhole 30 s", "redis", _of("redis", _blackhole), _of("redis", _heal), 30),
    Fault("Redis blackhole 90 s", "redis", _of("redis", _blackhole), _of("redis", _heal), 90),
    Fault("Redis frozen 10 s", "redis", _of("redis", _freeze_server), _of("redis", _thaw_server), 10),
    Fault("Redis FLUSHALL", "redis", _lose_redis, _nothing, 5),
    Fault("Redis connections reset", "redis", _of("redis", _reset), _nothing, 3),
    Fault("RabbitMQ kill -9", "rabbit", _of("rabbit", _kill_server), _of("rabbit", _start_server), 5),
    Fault("RabbitMQ blackhole 30 s", "rabbit", _of("rabbit", _blackhole), _of("rabbit", _heal), 30),
    Fault("RabbitMQ blackhole 90 s", "rabbit", _of("rabbit", _blackhole), _of("rabbit", _heal), 90),
    Fault("RabbitMQ disk alarm 15 s", "rabbit", _disk_alarm(True), _disk_alarm(False), 15),
    Fault("MongoDB kill -9", "mongo", _of("mongo", _kill_server), _of("mongo", _start_server), 5),
    Fault("MongoDB blackhole 30 s", "mongo", _of("mongo", _blackhole), _of("mongo", _heal), 30),
    Fault("MongoDB blackhole 90 s", "mongo", _of("mongo", _blackhole), _of("mongo", _heal), 90),
    Fault("MongoDB frozen 10 s", "mongo", _of("mongo", _freeze_server), _of("mongo", _thaw_server), 10),
    Fault("all three slow for 15 s", "all", _of("all", _slow), _of("all", _heal), 15),
    Fault("all three cut after 4 kB, 10 s", "all", _of("all", _cut), _of("all", _heal), 10),
    Fault("all three restarted", "all", _of("all", _stop_server), _of("all", _start_server), 1, without=(DRAINING,)),
)


# -- clients -----------------------------------------------------------------------------------------------------------


async def _reset_link(person: Resident) -> None:
    person.proxy.reset()


async def _blackhole_link(person: Resident) -> None:
    person.proxy.blackhole()


async def _heal_link(person: Resident) -> None:
    await person.proxy.heal()


async def _offline(person: Resident) -> None:
    await person.proxy.down()


async def _online(person: Resident) -> None:
    """The browser's ``online`` event: the page forgets its backoff."""
    await person.proxy.heal()
    person.page.reconnect()


async def _slow_link(person: Resident) -> None:
    for flow in person.proxy.flows:
        flow.latency_s, flow.bytes_per_s = 0.3, 2_000


async def _cut_link(person: Resident) -> None:
    person.proxy.to_server.cut_after_bytes = 2_500
    person.proxy.to_client.cut_after_bytes = 4_000


CLIENT_FAULTS = (
    ClientFault("page: link reset", _reset_link, _nothing, 0, at_once=True),
    ClientFault("page: blackhole 30 s", _blackhole_link, _heal_link, 30),
    ClientFault("page: reload", Resident.reload, _nothing, 0, at_once=True),
    ClientFault("page: second tab", Resident.open, _nothing, 0, at_once=True),
    ClientFault("page: offline 60 s", _offline, _online, 60),
    ClientFault("page: slow link 15 s", _slow_link, _heal_link, 15),
    ClientFault("page: cut after 4 kB, 10 s", _cut_link, _heal_link, 10),
)
# Everybody's own link at once; what happens to each person is told by Person.fault
CLIENTS = Fault("pages", "page", _nothing, _nothing, 0)

FAULTS = (*PROCESS_FAULTS, *SERVICE_FAULTS)
EMBEDDED_FAULTS = PROCESS_FAULTS


def short(fault: ClientFault, most_s: float) -> ClientFault:
    """The same, not held for longer."""
    return ClientFault(fault.name, fault.begin, fault.end, min(fault.hold_s, most_s), fault.at_once)
