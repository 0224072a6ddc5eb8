"""The same faults and the same checker over the embedded stores, on one process."""

from pathlib import Path
from random import Random

from tests.faults.injection import Injection
from tests.faults.matrix import PROCESS_FAULTS
from tests.faults.town import Town


async def test_the_embedded_stores_keep_every_promise_at_every_moment(tmp_path: Path) -> None:
    async with Town(tmp_path, Random(3)) as town:
        result = await Injection(town, PROCESS_FAULTS[0], whole=True).play()
    assert not result.complaints, "\n".join(result.complaints[:20])
