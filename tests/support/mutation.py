"""Other source text for modules while they are imported: how the program is made without one of its rules.

Only for a process of its own, before it imports what is changed. A change whose old text is not there exactly once
fails: it would test nothing.
"""

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

ROOT = Path(__file__).parents[2]
STATEMENTS = "citychat.adapters.statements"  # reads the SQL and the Lua


@dataclass(frozen=True)
class Change:
    """``old`` becomes ``new`` in ``file``, a path from the top of the repository."""

    file: str
    old: str
    new: str


class Misplaced(Exception):
    """The text that a change would replace is not there, or more than once."""


def changed(file: str, text: str, changes: Sequence[Change]) -> str:
    """The text of ``file`` with those of the changes that are its. Raises Misplaced."""
    for change in changes:
        if change.file == file:
            count = text.count(change.old)
            if count != 1:
                raise Misplaced(f"{file}: expected once, found {count} times: {change.old!r}")
            text = text.replace(change.old, change.new)
    return text


def check(changes: Sequence[Change]) -> None:
    """Raises Misplaced when one of them fits no more."""
    for file in {change.file for change in changes}:
        changed(file, (ROOT / file).read_text("utf-8"), changes)


def put_in_place(changes: Sequence[Change]) -> None:
    """From now on modules are imported with these changes, and statements read with them. Raises Misplaced."""
    check(changes)
    finder = _Finder(changes)
    early = [name for name in finder.files if name in sys.modules]
    assert not early, f"imported already: {early}"
    sys.meta_path.insert(0, finder)
    if {Path(change.file).suffix for change in changes} - {".py"}:
        _change_statements(changes)


class _Loader(SourceFileLoader):
    """Compiles the changed text, whatever lies in a cache."""

    def __init__(self, name: str, file: str, changes: Sequence[Change]) -> None:
        super().__init__(name, str(ROOT / file))
        self._file, self._changes = file, changes

    def get_code(self, fullname: str) -> CodeType:
        text = changed(self._file, (ROOT / self._file).read_text("utf-8"), self._changes)
        return compile(text, self.path, "exec", dont_inherit=True)


class _Finder(MetaPathFinder):
    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes
        self.files = {change.file.removesuffix(".py").replace("/", "."): change.file for change in changes}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.files:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None:
            spec.loader = _Loader(fullname, self.files[fullname], self._changes)
        return spec


def _change_statements(changes: Sequence[Change]) -> None:
    module = importlib.import_module(STATEMENTS)
    folder = "citychat/adapters"

    def statements(file: str) -> dict[str, str]:
        name = f"{folder}/{file}"
        blocks: dict[str, str] = module.blocks(changed(name, (ROOT / name).read_text("utf-8"), changes), file)
        return blocks

    module.__dict__["statements"] = statements
