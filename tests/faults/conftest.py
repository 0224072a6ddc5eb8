"""Servers of their own for the tests that kill and freeze them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.town import Engines


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """Raises MissingServer where one of them cannot be had: these tests cannot be done without."""
    folder: Path = tmp_path_factory.mktemp("engines")
    with Engines(folder) as started:
        yield started
