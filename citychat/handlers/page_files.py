"""The files that the page loads: one script and one sheet where the build has made them of these very sources, else all
modules and sheets as they are.

The build writes down what it has made them of (``build_page.mjs``). Who edits a module, or a sheet, is served what was
edited and never what was made before.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from citychat.handlers.files import STATIC, hash_of, versioned

CLIENT = "vendor/socket.io.esm.min.js"
OWN, PATTERNS = "citychat/", ("*.js", "views/*.js", "style/*.css")
IMPORT = re.compile(r'^(?:import|export) [^;]*? from "([^"]+)"', re.MULTILINE)
SHEET = re.compile(r'^@import "([^"]+)"', re.MULTILINE)


class PageFiles(NamedTuple):
    """URLs with their content's hash. The import map is JSON, and "" where nothing is imported by a name."""

    script: str
    sheets: tuple[str, ...]
    preloads: tuple[str, ...] = ()
    importmap: str = ""


def page_files(static: Path = STATIC) -> PageFiles:
    """Look at the sources, and at what was made of them."""
    made_of = static / "bundle" / "made-of.json"
    hashes = {name: hash_of(static / name) for name in sources(static)}
    if made_of.is_file() and json.loads(made_of.read_text("utf-8")) == hashes:
        return PageFiles(versioned("bundle/app.js", static), (versioned("bundle/page.css", static),))
    return _as_they_are(static)


def sources(static: Path) -> list[str]:
    """All that the bundle is made of."""
    ours = (path for pattern in PATTERNS for path in static.glob(pattern))
    return sorted([*(path.relative_to(static).as_posix() for path in ours), CLIENT])


def _as_they_are(static: Path) -> PageFiles:
    """Modules by bare names, so that each is imported by a URL that names its content (architecture.md, fact 13), and
    all announced in the page: none waits until others have come and named it."""
    imports = {OWN + name: versioned(name, static) for name in sources(static) if name.endswith(".js")}
    imports["socket.io-client"] = imports.pop(OWN + CLIENT)
    sheets = SHEET.findall((static / "style" / "page.css").read_text("utf-8"))
    app = f"{OWN}app.js"
    return PageFiles(
        imports[app],
        tuple(versioned(f"style/{name}", static) for name in sheets),
        tuple(imports[name] for name in _imported(app, static) if name != app),
        json.dumps({"imports": imports}, separators=(",", ":")),
    )


def _imported(name: str, static: Path) -> Iterator[str]:
    """A module, and all that it and those import, each once."""
    found, left = {name}, [name]
    while left:
        yield (name := left.pop())
        if name.startswith(OWN):
            new = set(IMPORT.findall((static / name.removeprefix(OWN)).read_text("utf-8"))) - found
            found |= new
            left += sorted(new)
