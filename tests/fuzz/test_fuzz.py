"""A few frames for every reader and for the real edge; ``make fuzz`` sends as many as there is time for."""

import time
from pathlib import Path

import pytest

from tests.fuzz.decoders import Count, frame_of, fuzz, read
from tests.fuzz.layers import LAYERS, Layer
from tests.fuzz.site import besiege
from tests.support.patience import PATIENCE_S

FRAMES, OVER_SOCKETS = 9_000, 300


def test_no_reader_is_brought_down_by_what_it_did_not_expect() -> None:
    counts = fuzz(1, FRAMES, time.monotonic() + PATIENCE_S)
    assert [find for count in counts.values() for find in count.finds] == []
    assert sum(count.frames for count in counts.values()) == FRAMES
    shares = {name: count.taken / count.frames for name, count in counts.items()}
    assert [name for name, share in shares.items() if not 0.01 < share < 0.99] == [], "one side was hardly tried"


async def test_a_server_under_hostile_frames_serves_the_others(tmp_path: Path) -> None:
    attacked = await besiege(1, tmp_path, time.monotonic() + PATIENCE_S, OVER_SOCKETS)
    assert attacked.finds == []
    assert attacked.frames >= OVER_SOCKETS and attacked.said > 0


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_seed_makes_the_same_frames_again(layer: Layer) -> None:
    once, again = ([repr(frame_of(layer, 7, number)) for number in range(20)] for _ in range(2))
    assert once == again and len(set(once)) > 10


def test_what_a_reader_raises_besides_its_refusals_is_a_find() -> None:
    def refuse(frame: int) -> bool:
        raise (ValueError if frame % 2 else KeyError)

    count = Count()
    read(Layer("odd", lambda random: random.randrange(100), refuse, (KeyError,)), 1, range(40), count)
    assert 0 < len(count.finds) < count.frames == 40
    assert count.finds[0].startswith("odd: ValueError at test_fuzz.py:")
