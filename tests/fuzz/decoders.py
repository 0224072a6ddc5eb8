"""Every layer's reader over so many frames of a seed, one process: what was taken, what was refused, and the finds."""

import logging
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from tests.fuzz.layers import LAYERS, Layer

AT_ONCE = 500  # frames of one layer, before the next one has its turn


@dataclass
class Count:
    """What became of the frames of one layer. ``finds``: one line each, with the frame that it can be made of again."""

    frames: int = 0
    taken: int = 0
    finds: list[str] = field(default_factory=list)


def frame_of(layer: Layer, seed: int, number: int) -> object:
    """The same frame on every machine."""
    return layer.make(Random(f"{seed} {layer.name} {number}"))


def read(layer: Layer, seed: int, numbers: range, count: Count) -> None:
    """Read these frames of a layer."""
    for number in numbers:
        frame = frame_of(layer, seed, number)
        count.frames += 1
        try:
            count.taken += layer.take(frame)
        except layer.refusals:
            pass
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            found = f"{type(error).__name__} at {where.filename.rpartition('/')[2]}:{where.lineno}"
            count.finds.append(f"{layer.name}: {found}, --seed {seed} --layer '{layer.name}' --frame {number}")


def fuzz(seed: int, frames: int, until_s: float, only: str = "") -> dict[str, Count]:
    """All layers in turn, until so many frames in all were read or the time (of ``time.monotonic``) has come."""
    layers = [layer for layer in LAYERS if only in layer.name]
    counts = {layer.name: Count() for layer in layers}
    logging.disable(logging.CRITICAL)
    try:
        for numbers in _slices():
            for layer in layers:
                left = frames - sum(count.frames for count in counts.values())
                if left <= 0 or time.monotonic() > until_s:
                    return counts
                read(layer, seed, numbers[:left], counts[layer.name])
    finally:
        logging.disable(logging.NOTSET)
    return counts


def _slices() -> Iterator[range]:
    start = 0
    while True:
        yield range(start, start + AT_ONCE)
        start += AT_ONCE
