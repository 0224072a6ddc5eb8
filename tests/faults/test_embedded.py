"""The same faults and the same checker over the embedded stores, on one process."""

from pathlib import Path
from random import Random

import pytest

from tests.faults.injection import Injection
from tests.faults.matrix import PROCESS_FAULTS
from tests.faults.town import Town

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]


async def test_the_embedded_stores_keep_every_promise_at_every_moment(tmp_path: Path) -> None:
    async with Town(tmp_path, Random(3)) as town:
        result = await Injection(town, PROCESS_FAULTS[0]).play()
    assert not result.complaints, "\n".join(result.complaints[:20])
    assert all(cell.reached for cell in result.cells.values()), result.cells
