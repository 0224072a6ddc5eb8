"""A scene for a story."""

from collections.abc import Iterator

import pytest

from tests.simulation.scene import Scene, told


@pytest.fixture
def scene() -> Iterator[Scene]:
    with told(Scene()) as scene:
        yield scene
