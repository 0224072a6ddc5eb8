"""The same faults and the same checker over the embedded stores, on one process."""

from pathlib import Path
from random import Random

import pytest

from tests.faults.injection import Injection
from tests.faults.matrix import PROCESS_FAULTS
from tests.faults.town import Town

BY_NAME = {fault.name: fault for fault in PROCESS_FAULTS}
pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]


@pytest.mark.parametrize("name", ["kill -9", "frozen 1 s"])
async def test_the_embedded_stores_keep_every_promise_at_every_moment(tmp_path: Path, name: str) -> None:
    async with Town(tmp_path, Random(3)) as town:
        result = await Injection(town, BY_NAME[name], times=1).play()
    assert not result.complaints, "\n".join(result.complaints[:20])
    assert all(cell.reached for cell in result.cells.values()), result.cells
