"""``python -m tests.fuzz --minutes 5``: every reader and the real edge against frames that nobody of us has written.

Half of the time the readers, one layer after the other, in this process; half of it a real server on real sockets.
Exits 1 with a find. A frame of a reader is made again by its seed, layer and number.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.fuzz.decoders import Count, frame_of, fuzz
from tests.fuzz.layers import LAYERS
from tests.fuzz.site import Attacked, besiege
from tests.support.document import commit, fill

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
MINUTE_S = 60.0


def lines(counts: Mapping[str, Count], attacked: Attacked, seed: int) -> Iterator[str]:
    """The table, as it stands in the document."""
    frames = sum(count.frames for count in counts.values())
    yield f"Commit {commit()}, seed {seed}: {frames:,} frames into readers, {attacked.frames:,} over sockets."
    yield ""
    yield "| Layer | Frames | Taken | Refused | Finds |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for name, count in counts.items():
        refused = count.frames - count.taken - len(count.finds)
        yield f"| {name} | {count.frames:,} | {count.taken:,} | {refused:,} | {len(count.finds)} |"
    edge = f"the real edge, {attacked.connections:,} connections"
    yield f"| {edge} | {attacked.frames:,} | – | – | {len(attacked.finds)} |"
    yield ""
    grown_mb = attacked.grown_bytes / 2**20
    yield f"Meanwhile {attacked.said:,} honest messages were delivered; the server grew by {grown_mb:.1f} MiB."


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--frames", type=int, default=10**9, help="of readers, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layer", default="", help="readers with these words in their name, and no server")
    parser.add_argument("--frame", type=int, help="read this one frame of --layer and show it")
    parser.add_argument("--no-table", action="store_true", help=f"leave {DOCUMENT.name} as it is")
    given = parser.parse_args(argv)
    if given.frame is not None:
        layer = next(layer for layer in LAYERS if layer.name == given.layer)
        frame = frame_of(layer, given.seed, given.frame)
        print(repr(frame))
        print("taken" if layer.take(frame) else "refused")
        return 0
    half_s = given.minutes * MINUTE_S / 2
    counts = fuzz(given.seed, given.frames, time.monotonic() + half_s, given.layer)
    attacked = Attacked()
    if not given.layer:
        with tempfile.TemporaryDirectory(prefix="citychat-fuzz-") as folder:
            attacked = asyncio.run(besiege(given.seed, Path(folder), time.monotonic() + half_s))
    table = list(lines(counts, attacked, given.seed))
    finds = [*(find for count in counts.values() for find in count.finds), *attacked.finds]
    print("\n".join([*table, "", *finds[:50]]))
    if not given.layer and not given.no_table:
        fill(DOCUMENT, "make fuzz", table)
    return int(bool(finds))


if __name__ == "__main__":
    sys.exit(main())
