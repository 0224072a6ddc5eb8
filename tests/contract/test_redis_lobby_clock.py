"""The Redis lobby under a server clock that is set (protocol §2.8, Clocks): what it counts ends all the same."""

from random import Random

import pytest

from citychat.adapters.redis import RedisLobby
from citychat.rules import AVOIDED_MS
from tests.contract.lobby_town import RENEWED_S, LobbyTown
from tests.contract.redis_scripts import Scripts

START_MS = 1_700_000_000_000
STEPS_MS = (-60_000, -7_200_000, -259_200_000)


class ServerClock:
    """A server's clock: ``now_ms`` is the time that has passed, ``wall_ms`` what the clock was set to."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts, self._passed_ms, self._ahead_ms = scripts, 0, 0
        self.set(0)

    def now_ms(self) -> int:
        return START_MS + self._passed_ms

    def wall_ms(self) -> int:
        return self.now_ms() + self._ahead_ms

    async def advance(self, seconds: float) -> None:
        self._passed_ms += round(seconds * 1_000)
        self.set(0)

    def set(self, step_ms: int) -> None:
        self._ahead_ms += step_ms
        self._scripts.set_time(self.wall_ms())


@pytest.fixture
def server_clock(lobby_scripts: Scripts) -> ServerClock:
    return ServerClock(lobby_scripts)


@pytest.fixture
async def town(lobby_scripts: Scripts, server_clock: ServerClock) -> LobbyTown:
    lobby = RedisLobby(lobby_scripts.run, random=Random(7), now_ms=server_clock.now_ms, prefix=lobby_scripts.prefix)
    for process in ("p", "q"):
        await lobby.renew(process)
    return LobbyTown(lobby, server_clock)


@pytest.mark.parametrize("before", ["right", "ahead"])
@pytest.mark.parametrize("step_ms", STEPS_MS)
async def test_set_back_or_put_right_it_leaves_no_offer_open_and_nobody_free_on_a_silent_process(
    town: LobbyTown, server_clock: ServerClock, step_ms: int, before: str
) -> None:
    if before == "ahead":
        server_clock.set(-step_ms)
        for process in ("p", "q"):
            await town.lobby.renew(process)
    await town.enter("ben")
    await town.enter("carl", process="q")
    await town.enter("anna", available=False, blocked=("carl",))
    await town.ask("anna", "ben")
    server_clock.set(step_ms)
    await town.advance(RENEWED_S + 16)
    assert await town.states("anna", "ben", "carl") == ["free", "free", "gone"]


@pytest.mark.parametrize("step_ms", STEPS_MS)
async def test_set_back_it_keeps_no_two_from_each_other_for_longer_than_they_rest(
    town: LobbyTown, server_clock: ServerClock, step_ms: int
) -> None:
    await town.enter("ben")
    await town.enter("anna", available=False)
    await town.ask("anna", "ben")
    server_clock.set(step_ms)
    await town.advance(RENEWED_S + 616)
    await town.lobby.view("ben", True, True)
    await town.ask("anna", "ben")


@pytest.mark.parametrize("step_ms", [*STEPS_MS, *(-step_ms for step_ms in STEPS_MS)])
async def test_a_process_knows_the_lobbys_time_within_a_renewal(
    town: LobbyTown, server_clock: ServerClock, step_ms: int
) -> None:
    """What an offer has left is neither nothing nor hours."""
    server_clock.set(step_ms)
    await town.lobby.renew("p")
    await town.enter("ben")
    await town.enter("anna", available=False)
    offer = await town.ask("anna", "ben")
    assert offer.ends - town.lobby.now_ms() == 15_000


@pytest.mark.parametrize("step_ms", STEPS_MS)
async def test_an_epoch_is_larger_than_those_before_the_clock_was_set_back(
    town: LobbyTown, server_clock: ServerClock, lobby_scripts: Scripts, step_ms: int
) -> None:
    await town.advance(60)
    older = (await town.enter("anna")).epoch
    await town.advance(14)
    server_clock.set(step_ms)
    lobby_scripts.command("UNLINK", f"{lobby_scripts.prefix}v:anna")
    assert (await town.enter("anna")).epoch > older


async def test_a_network_is_avoided_for_a_day_by_the_date_whatever_the_clock_was(
    town: LobbyTown, server_clock: ServerClock
) -> None:
    """The block's time is the history's, so that it is not the lobby's that it is compared with."""
    server_clock.set(3 * AVOIDED_MS)
    await town.lobby.renew("p")
    server_clock.set(-3 * AVOIDED_MS)
    await town.lobby.renew("p")
    await town.enter("ben", networks=("n",))
    await town.enter("anna", available=False, avoided_networks={"n": server_clock.wall_ms() - 60_000})
    assert await town.waits("anna")
