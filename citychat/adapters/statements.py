"""Reader of SQL and Lua files: named blocks, each a statement or a script."""

import re
from importlib import resources

_HEADER = re.compile(r"-- ([a-z][a-z0-9_]*) --")  # "--" starts a comment in SQL and in Lua: one form serves both


def statements(file: str) -> dict[str, str]:
    """The named blocks of ``file`` in this package, as ``blocks`` reads them."""
    return blocks(resources.files(__package__).joinpath(file).read_text(encoding="utf-8"), file)


def blocks(text: str, file: str) -> dict[str, str]:
    """Every block that a line ``-- name --`` starts, by its name.

    Raises ValueError naming ``file`` for a name used twice, a block without code, or code before the first name.
    """
    found: dict[str, list[str]] = {}
    name: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line.strip()):
            name = header[1]
            if name in found:
                raise ValueError(f"{file}:{number}: the block {name!r} is there twice")
            found[name] = []
        elif name is not None:
            found[name].append(line)
        elif _is_code(line):
            raise ValueError(f"{file}:{number}: expected a line '-- name --' before the first statement")
    for name, lines in found.items():
        if not any(map(_is_code, lines)):
            raise ValueError(f"{file}: the block {name!r} is empty")
    return {name: "\n".join(lines).strip() for name, lines in found.items()}


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("--")
