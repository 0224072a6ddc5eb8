"""The tree is the table of layers in docs/architecture.md, and no import crosses it."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "citychat"
STATIC = PACKAGE / "static"
DOC = "docs/architecture.md"
TEXT = (ROOT / DOC).read_text("utf-8")
MODULES_AT_THE_TOP, LAYERS_DEEP = 20, 10
OUTSIDE_OF_THE_PAGE = re.compile(r"\b(document|window|navigator|localStorage|setTimeout|setInterval|Date\.now)\b")
DRAWING = re.compile(r"\bdocument\.(createElement|createElementNS|querySelector|body)\b|\binnerHTML\b")


class Import(NamedTuple):
    """``file`` (from the package's folder) imports ``name``, a module of ours or of others."""

    file: str
    name: str


def table(heading: str) -> Iterator[list[str]]:
    """The rows of the table under a heading of the document, cell by cell, without its head."""
    part = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("| ")]
    for line in rows[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def words(cell: str) -> list[str]:
    return re.findall(r"[\w./*]+", cell)


LAYERS = {words(row[0])[0]: words(row[1]) for row in table("Layers")}
DRIVERS = {library: words(row[1]) for row in table("Drivers") for library in words(row[0])}


def part_of(file: str) -> str:
    """The part a file belongs to: its package at the top, or the module itself."""
    first = Path(file).parts[0].removesuffix(".py")
    return "citychat" if first == "__init__" else first


def target_of(name: str) -> str:
    """The part that ``citychat.delivery.sender`` or ``citychat`` belongs to."""
    return [*name.split("."), "citychat"][1] if "." in name else "citychat"


def our_modules() -> dict[str, Path]:
    return {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(file: str, source: str) -> list[Import]:
    """What a file imports at any depth, the standard library left out but for sqlite3, which is a driver."""
    found: dict[str, None] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            # `from citychat.server import app` may name a module; `from citychat.server.app import serve` cannot
            parts = [f"{name}.{alias.name}" for alias in node.names] if is_package(name) else [name]
            found |= dict.fromkeys(part if is_module(part) else name for part in parts)
    known = sys.stdlib_module_names - {"sqlite3"}
    return [Import(file, name) for name in found if name.partition(".")[0] not in known]


def place_of(name: str) -> Path:
    return PACKAGE.joinpath(*name.split(".")[1:])


def is_package(name: str) -> bool:
    return name.partition(".")[0] == "citychat" and place_of(name).is_dir()


def is_module(name: str) -> bool:
    return place_of(name).with_suffix(".py").exists() or (place_of(name) / "__init__.py").exists()


def complaint(found: Import) -> str:
    """A sentence naming file, import and rule, or ""."""
    start = f"citychat/{found.file} imports {found.name}, but "
    if found.name.startswith("."):
        return start + "imports are written out from the top"
    library = found.name.partition(".")[0]
    if library != "citychat":
        wrong = _of_others(found.file, library)
        return start + wrong if wrong else ""
    here, there = part_of(found.file), target_of(found.name)
    for part in (here, there):
        if part not in LAYERS:
            return start + f"{part} is no part of {DOC}"
    if here != there and there not in LAYERS[here]:
        allowed = ", ".join(LAYERS[here]) or "nothing of ours"
        return start + f"{here} may import {allowed}, and not {there} ({DOC}, Layers)"
    return ""


def past_the_door(file: str, source: str) -> Iterator[str]:
    """What a file imports out of the modules of a package that it is no part of: the ``__init__`` hands on what others
    use. ``from citychat.server import app`` is through the door, ``from citychat.server.app import serve`` is not."""
    home = ".".join(["citychat", *Path(file).parent.parts])
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and not is_package(node.module):
            package = node.module.rpartition(".")[0]
            if package.startswith("citychat.") and not f"{home}.".startswith(f"{package}."):
                yield f"{file}: {node.module}"


def _of_others(file: str, library: str) -> str:
    if library not in DRIVERS:
        return f"{library} is not in the table of drivers ({DOC}, Drivers)"
    only = DRIVERS[library]
    return "" if only == ["anywhere"] or f"citychat/{file}" in only else f"only {', '.join(only)} may ({DOC}, Drivers)"


def all_imports() -> list[Import]:
    return [found for file, path in our_modules().items() for found in imports(file, path.read_text("utf-8"))]


def arrows() -> dict[str, set[str]]:
    """For each part, the other parts it imports."""
    found: dict[str, set[str]] = {part_of(file): set() for file in our_modules()}
    for file, name in all_imports():
        if name.partition(".")[0] == "citychat" and target_of(name) != part_of(file):
            found[part_of(file)].add(target_of(name))
    return found


def depth(part: str, edges: Mapping[str, set[str]]) -> int:
    """How many layers lie under a part, itself counted."""
    return 1 + max((depth(other, edges) for other in edges[part]), default=0)


def test_no_import_crosses_a_layer_and_each_driver_is_behind_its_files() -> None:
    assert [text for found in all_imports() if (text := complaint(found))] == []


def test_other_packages_come_in_by_the_door() -> None:
    sources = {file: path.read_text("utf-8") for file, path in our_modules().items()}
    assert [found for file, source in sources.items() for found in past_the_door(file, source)] == []
    assert [*past_the_door("server/app.py", "from citychat.handlers.pages import Pages")]
    assert not [*past_the_door("handlers/user.py", "from citychat.handlers.pages import Pages")]
    assert not [*past_the_door("__main__.py", "from citychat.server import app")]


def test_no_module_is_named_at_run_time() -> None:
    """Such an import is seen by none of these tests."""
    by_name = re.compile(r"\b(import_module|__import__)\b")
    assert [file for file, path in our_modules().items() if by_name.search(path.read_text("utf-8"))] == []


def test_a_crossed_layer_is_told_with_file_import_and_rule() -> None:
    source = (
        "import sqlite3\nimport requests\nfrom citychat.joining import Joining\ndef late():\n    from . import app\n"
    )
    told = [complaint(found) for found in imports("ports/sender.py", source)]
    assert told == [
        "citychat/ports/sender.py imports sqlite3, but only citychat/adapters/sqlite/database.py, "
        "citychat/adapters/sqlite/schema.py, citychat/adapters/sqlite/errors.py, "
        "citychat/adapters/sqlite/copies.py may (docs/architecture.md, Drivers)",
        "citychat/ports/sender.py imports requests, but requests is not in the table of drivers "
        "(docs/architecture.md, Drivers)",
        "citychat/ports/sender.py imports citychat.joining, but ports may import limits, figures, rules, model, "
        "and not joining (docs/architecture.md, Layers)",
        "citychat/ports/sender.py imports ., but imports are written out from the top",
    ]
    stray = Import("helpers/__init__.py", "citychat.model")
    assert complaint(stray).endswith("helpers is no part of docs/architecture.md")


def test_the_tree_is_the_table_of_layers() -> None:
    assert {part_of(file) for file in our_modules()} == set(LAYERS), "a part without a row, or a row without a part"
    above: set[str] = set()
    for part, may in LAYERS.items():
        assert set(may) <= above, f"{part} may import {sorted(set(may) - above)}, which do not stand above it"
        above.add(part)
    unused = {part: set(LAYERS[part]) - imported for part, imported in arrows().items()}
    assert {part: names for part, names in unused.items() if names} == {}, "allowed, and needed by nobody"
    needed = {(library, f"citychat/{file}") for file, name in all_imports() if (library := name.split(".")[0])}
    kept = {(library, file) for library, files in DRIVERS.items() for file in files if file != "anywhere"}
    assert kept <= needed, f"the table of drivers allows what nobody needs: {sorted(kept - needed)}"


def test_the_house_is_small_enough_to_see() -> None:
    at_the_top = [file for file in our_modules() if "/" not in file]
    assert len(at_the_top) <= MODULES_AT_THE_TOP, at_the_top
    edges = arrows()
    deepest = max(depth(part, edges) for part in edges)
    print(f"parts {len(edges)}, arrows {sum(map(len, edges.values()))}, layers {deepest}, at the top {len(at_the_top)}")
    assert deepest <= LAYERS_DEEP


def test_no_class_name_is_used_twice() -> None:
    places: dict[str, list[str]] = {}
    for file, path in our_modules().items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.lstrip("_"), []).append(file)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_modules_never_import_in_a_circle() -> None:
    ours: dict[str, set[str]] = {file: set() for file in our_modules()}
    for file, name in all_imports():
        for target in (place_of(name).with_suffix(".py"), place_of(name) / "__init__.py"):
            if name.partition(".")[0] == "citychat" and target.exists():
                ours[file].add(target.relative_to(PACKAGE).as_posix())
    assert _circle(ours) == []
    assert _circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["a", "b", "c"]


def _circle(edges: Mapping[str, set[str]]) -> list[str]:
    """What lies on a circle or leads to one: the rest is taken away, those that point to nothing left first."""
    left = dict(edges)
    while done := [name for name, to in left.items() if not to & left.keys()]:
        for name in done:
            del left[name]
    return sorted(left)


def code_of(path: Path) -> str:
    """A module of the page without its comments, which may speak of what the code must not touch."""
    return re.sub(r"/\*(?s:.*?)\*/|(?m:(^|\s)//( .*)?$)", "", path.read_text("utf-8"))


def test_the_pages_outbox_and_state_know_no_browser() -> None:
    for name in ("outbox.js", "entries.js", "drawn.js", "acks.js", "wire.js", "state.js", "text.js", "i18n.js"):
        found = OUTSIDE_OF_THE_PAGE.findall(code_of(STATIC / name))
        assert not found, f"{name} uses {found}; only storage, time and calls passed in may be used there"


def test_code_is_told_from_comments(tmp_path: Path) -> None:
    module = tmp_path / "module.js"
    module.write_text("// window\n/** document\n * window */\nf(); // window\n  //\ng('http://x');\n")
    assert code_of(module).split() == ["f();", "g('http://x');"]


def test_the_pages_modules_never_import_in_a_circle() -> None:
    paths = sorted([*STATIC.glob("*.js"), *STATIC.glob("views/*.js")])
    names = {path.relative_to(STATIC).as_posix(): path for path in paths}
    edges = {name: set(re.findall(r'from "citychat/([^"]+)"', code_of(path))) for name, path in names.items()}
    assert _circle(edges) == []


def test_only_views_draw_and_only_socket_js_knows_the_library() -> None:
    for path in sorted([*STATIC.glob("*.js"), *STATIC.glob("views/*.js")]):
        name, code = path.relative_to(STATIC).as_posix(), code_of(path)
        if not name.startswith("views/"):
            assert not DRAWING.search(code), f"{name} draws; only views/ may"
            assert name == "app.js" or "citychat/views/" not in code, f"{name} imports a view; only app.js may"
        assert name == "socket.js" or "socket.io" not in code, f"{name} knows socket.io; only socket.js may"
