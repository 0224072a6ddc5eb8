"""Node programs beside a running server, with the locked packages of package-lock.json."""

import asyncio
import shutil
from pathlib import Path

from tests.ending import communicated
from tests.node import NODE, NPM, ROOT

NPM_FILES = ("package.json", "package-lock.json", ".npmrc")


async def run(*command: str, folder: Path) -> str:
    """What the command printed. Raises RuntimeError with what it said when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await communicated(process)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{out.decode()}{err.decode()}")
    return out.decode()


async def installed(folder: Path) -> str:
    """Install what the page needs at run time into ``folder``; the path of node. npm checks the checksums."""
    for name in NPM_FILES:
        shutil.copy(ROOT / name, folder)
    await run(*NPM, "ci", "--omit=dev", "--prefer-offline", folder=folder)
    return str(NODE)
