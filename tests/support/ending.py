"""The end of a test, its own or one that is forced on it: nothing of it may be left for the next."""

import asyncio
import functools
from collections.abc import Awaitable, Callable

import pytest

from tests.support.live_page import LivePage
from tests.support.patience import PATIENCE_S


def limit(item: pytest.Function, limit_s: float) -> None:
    """Let the coroutine of a test be cancelled when it does not end, so that its ``async with`` and ``finally`` do.

    pytest-timeout raises in whatever runs at that moment: the test's own coroutine would stay where it waits.
    """
    test: Callable[..., Awaitable[None]] = item.obj

    @functools.wraps(test)
    async def ends(*given: object, **named: object) -> None:
        try:
            async with asyncio.timeout(limit_s):
                await test(*given, **named)
        finally:
            await asyncio.gather(*(page.done() for page in list(LivePage.unfinished)))

    item.obj = ends


async def communicated(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    """What a process has printed when it ends; it does not outlive whoever waits for it. Raises TimeoutError."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
