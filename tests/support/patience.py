"""How long tests wait: for what happens, not for how fast. No machine is so slow that a limit here ends a good test."""

import asyncio
from collections.abc import Callable

PATIENCE_S = 300.0  # for one thing; the longest, a first start of RabbitMQ, takes 5 s, and 50 s on a tenth of a core
TEST_S = 1_800.0  # for a test; the longest takes two minutes. pytest-timeout's limit, in pyproject.toml, lies beyond


async def until(true: Callable[[], bool]) -> None:
    """Wait until so, where nobody tells. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - that is what it is for
            await asyncio.sleep(0.005)
