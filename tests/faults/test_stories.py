"""Two stories over the real servers: a rolling restart, and one message seen by each engine's own tool."""

from pathlib import Path
from random import Random

from tests.faults.life import tell
from tests.faults.rolling import roll
from tests.faults.town import PROCESSES, Engines, Town
from tests.support.services.running import KINDS, is_tested

__test__ = all(map(is_tested, KINDS))

CHATS, MEAN_S = 7, 1.0


async def test_a_rolling_restart_loses_repeats_and_reorders_nothing(engines: Engines, tmp_path: Path) -> None:
    async with Town(tmp_path, Random(1), engines, name="rolling") as town:
        rolled = await roll(town, CHATS, MEAN_S)
    assert not rolled.report.findings, rolled.report.findings
    assert rolled.statuses == [0] * PROCESSES
    assert rolled.report.counts["sent"] == rolled.report.counts["shown"] > 10 * CHATS
    assert len(rolled.gaps_s) >= 2 * CHATS, "everybody was sent away at least once"


async def test_the_engines_own_tools_see_a_message_travel_wait_and_stay(engines: Engines, tmp_path: Path) -> None:
    told: list[str] = []
    async with Town(tmp_path, Random(2), engines, name="life") as town:
        right = await tell(town, engines, told.append)
    assert right, "\n".join(told)
