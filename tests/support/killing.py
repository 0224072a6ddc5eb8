"""Kill -9 of a process that writes."""

import asyncio
import sys
from pathlib import Path

from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]


async def killed_after(port: str, adapter: str, folder: Path, lines: int) -> list[int]:
    """Run the victim until it has printed so many numbers, kill it, and answer all that it had printed by then."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.victim", port, adapter, str(folder),
        stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            printed = [int(await process.stdout.readuntil()) for _ in range(lines)]
    finally:
        process.kill()
        rest = await process.stdout.read()
        await process.wait()
    whole, _, _ = rest.rpartition(b"\n")  # the last line may be cut
    return printed + [int(line) for line in whole.split()]
