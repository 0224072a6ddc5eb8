"""A data folder, and the server's history in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from citychat.adapters.sqlite import Database, SqliteHistory


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def history(data: Path) -> AsyncIterator[SqliteHistory]:
    """The server's, open all the time."""
    async with Database(data / "citychat.db") as database:
        yield SqliteHistory(database)
