"""Sockets in the data folder by which commands ask a running process: who connects is told, and that is all.

One for each port, because several processes of one machine may share a data folder.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from citychat.tasks import described

ANSWER_S = 12.0  # less than who asks waits; who does not read is left alone

log = logging.getLogger(__name__)


@asynccontextmanager
async def answering(path: Path, tell: Callable[[asyncio.StreamReader], Awaitable[bytes]]) -> AsyncIterator[None]:
    """Answer what ``tell`` says while entered. A server whose socket cannot be had runs on: one line says so."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                writer.write(await tell(reader))
                await writer.drain()
        except (OSError, TimeoutError):
            pass  # whoever asked has gone
        except Exception as error:
            log.error("telling a command failed: %s", described(error))
        finally:
            writer.close()

    try:
        server = await asyncio.start_unix_server(answer, path)  # in place of one that a killed process has left
        path.chmod(0o600)
    except OSError as error:
        log.warning("%s cannot be made, so that no command can ask there: %s", path, error.strerror or error)
        yield
        return
    try:
        yield
    finally:
        server.close()  # a stop waits for nobody who asks
        with suppress(OSError):
            path.unlink()
