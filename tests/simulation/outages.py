"""What goes wrong with servers of their own: Redis, a broker and a database that processes reach over a network.

Each outage ends by itself, or when the ground is ``well`` again.
"""

from collections.abc import Callable
from functools import partial

from citychat.rules import CLOCK_TOLERANCE_MS
from tests.simulation.ground import Ground, SimServer
from tests.simulation.records import OldPrimary
from tests.simulation.store_clocks import OwnClock

HEARTBEAT_S = 15.0  # a broker that hears nothing for so long calls a consumer dead (protocol §2.5: late requeue)
FREEZES_S = (1.0, 10.0, 40.0)
AWAY_S, LINK_S, FIRST_S = 8.0, 4.0, 0.01
ALONE_S = 10.0  # until a primary that hears nobody steps down
SWITCH_S, FOUND_S = 0.1, 3.0  # a driver may hear of the new one in the middle of a join; until there is one to talk to
GOES_BACK_S = (1.0, 60.0)
STEPS_MS = (2_000, 60_000, 1_800_000, 7_200_000, 259_200_000)  # beyond five minutes a process ends
STORE_STEPS_MS = (2_000, 60_000, 240_000, 1_800_000, 7_200_000)
SET_RIGHT_S = 80.0  # of a store beyond five minutes: no process serves anybody meanwhile
STRETCH = 15.0  # of the towns whose faults last longer than every patience: outages of 2 minutes, freezes of 10


def rough_up(ground: Ground) -> None:
    """From now on engines have the manners of servers: how bad, the seed says."""
    ground.world.rough = ground.random.choice([0.0, 0.05, 0.2])
    ground.world.requeue_s = ground.random.choice([0.0, HEARTBEAT_S])
    ground.world.uneven = ground.random.choice([0.0, 0.0, 0.2])


def _redis(ground: Ground) -> None:
    """Redis cannot be reached. What was in it stays."""
    ground.world.redis_up = False
    for server in _running(ground):
        server.bus.cut(_link_s(ground))
    _back(ground, "redis_up")


def _redis_lost(ground: Ground) -> None:
    """Redis is killed, and what was in it is gone."""
    _redis(ground)
    ground.world.forgot()


def _emptied(ground: Ground) -> None:
    """FLUSHALL: no connection notices."""
    ground.world.forgot()


def _gone_back(ground: Ground) -> None:
    """A replica takes over that has not heard of the last second, or minute; one process reaches it first. Running
    chats go on, and who is kept apart shares none, though the two may be offered to each other once more (protocol
    §2.8)."""
    ground.loop.call_later(ground.random.choice(GOES_BACK_S), _go_back, ground, ground.stand.remember())


def _go_back(ground: Ground, before: Callable[[], None]) -> None:
    if ground.mended:
        return
    before()
    ground.gone_back()
    servers = _running(ground)
    ground.random.shuffle(servers)
    for i, server in enumerate(servers):
        server.bus.cut(_link_s(ground) if i else FIRST_S)


def _link(ground: Ground) -> None:
    """One process loses its connections to Redis."""
    if server := _any(ground):
        server.bus.cut(_link_s(ground))


def _answer(ground: Ground) -> None:
    """One process's next step in the lobby is taken, and its answer is lost."""
    if server := _any(ground):
        server.lobby.loses_next = True


def _broker(ground: Ground) -> None:
    """The broker restarts: durable messages stay, everything unacked goes back, every confirm under way is lost."""
    ground.world.mailbox_up = False
    for server in _running(ground):
        server.mailbox.broken(0, _link_s(ground))
    _back(ground, "mailbox_up")


def _consumers(ground: Ground) -> None:
    """One process loses its connection to the broker, which notices late."""
    if server := _any(ground):
        noticed_s = ground.random.choice([0, ground.random.uniform(0, HEARTBEAT_S)])
        server.mailbox.broken(noticed_s, _link_s(ground))


def _reads(ground: Ground) -> None:
    """The history takes, and does not answer."""
    ground.world.reads_up = False
    _back(ground, "reads_up")


def _fail_over(ground: Ground) -> None:
    """Another member of MongoDB's set is elected. Who is on the old primary's side reads there what was so, as long as
    that takes itself for the primary; nothing it does alone stays."""
    old = OldPrimary(ground.world)
    for server in _running(ground):
        longest_s = ground.random.choice((0.0, SWITCH_S, ALONE_S))
        server.history.link.fail_over(old, ground.random.uniform(0, longest_s), ground.random.uniform(0, FOUND_S))


def _freeze(ground: Ground) -> None:
    """SIGSTOP. Who is silent for too long is no consumer any more when it goes on."""
    server = _any(ground)
    if server is None or server.machine.frozen:
        return
    secs = ground.random.choice(FREEZES_S) * ground.stretch
    ground.trace("process", server.name, "freezes for", secs)
    server.machine.freeze()
    if secs > HEARTBEAT_S:
        server.mailbox.broken(ground.random.uniform(HEARTBEAT_S / 2, HEARTBEAT_S), 0)
    ground.loop.call_later(secs, server.machine.thaw)


def _clock(ground: Ground) -> None:
    """Somebody sets one process's clock, wrong or right."""
    if server := _any(ground):
        server.clock.ahead_ms = ground.random.choice((-1, 0, 1)) * ground.random.choice(STEPS_MS)


def _store_clock(ground: Ground) -> None:
    """The clock of a store steps."""
    _set(ground, ground.random.choice(ground.world.store_clocks))


def _wakes_up(ground: Ground) -> None:
    """Redis or the broker restarts, on a machine that comes up with another date."""
    outage, clock = ground.random.choice([(_redis, ground.world.redis_clock), (_broker, ground.world.broker_clock)])
    outage(ground)
    _set(ground, clock)


def _set(ground: Ground, clock: OwnClock) -> None:
    step_ms = ground.random.choice((-1, 0, 1)) * ground.random.choice(STORE_STEPS_MS)
    ground.set_store_clock(clock, clock.usual_ms + step_ms)
    if abs(step_ms) > CLOCK_TOLERANCE_MS:
        right_s = ground.random.uniform(0.5, SET_RIGHT_S)
        ground.loop.call_later(right_s, ground.set_store_clock, clock, clock.usual_ms)


OUTAGES: dict[str, Callable[[Ground], None]] = {
    "redis": _redis,
    "redis lost": _redis_lost,
    "emptied": _emptied,
    "gone back": _gone_back,
    "link": _link,
    "answer": _answer,
    "broker": _broker,
    "consumers": _consumers,
    "reads": _reads,
    "fail over": _fail_over,
    "freeze": _freeze,
    "clock": _clock,
    "store clock": _store_clock,
    "wakes up": _wakes_up,
}


def _running(ground: Ground) -> list[SimServer]:
    return [server for server in ground.servers if server is not None]


def _any(ground: Ground) -> SimServer | None:
    running = _running(ground)
    return ground.random.choice(running) if running else None


def _link_s(ground: Ground) -> float:
    """How long one connection is gone."""
    return ground.random.uniform(0.1, LINK_S) * ground.stretch


def _back(ground: Ground, what: str) -> None:
    ground.loop.call_later(
        ground.random.uniform(0.5, AWAY_S) * ground.stretch, partial(setattr, ground.world, what, True)
    )
