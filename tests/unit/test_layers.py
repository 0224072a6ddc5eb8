"""The layers are the tables of docs/architecture.md, and no import crosses them."""

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
OUTSIDE_OF_THE_PAGE = re.compile(r"\b(document|window|navigator|localStorage|setTimeout|setInterval|Date\.now)\b")
DRAWING = re.compile(r"\bdocument\.(createElement|createElementNS|querySelector|body)\b|\binnerHTML\b")


class Import(NamedTuple):
    """``file`` (from the package's folder) imports ``name``, a module of ours or of others."""

    file: str
    name: str


def table(heading: str) -> Iterator[list[str]]:
    """The rows of the table under a heading of the document, as the words in backticks (or bare) of each cell."""
    part = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    for line in part.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def words(cell: str) -> list[str]:
    return re.findall(r"[\w./*]+", cell)


LAYERS = {row[0]: (words(row[1]), words(row[2])) for row in list(table("Layers"))[1:]}
DRIVERS = {library: words(row[1]) for row in list(table("Drivers"))[1:] for library in words(row[0])}


def layer_of(module: str, layers: Mapping[str, tuple[list[str], list[str]]] = LAYERS) -> str:
    """The layer of a module of ours (``delivery.sending``); "" when the table does not have it. Whole names first."""
    for pattern in (module, module.partition(".")[0] + ".*"):
        for layer, (modules, _) in layers.items():
            if pattern in modules:
                return layer
    return ""


def module_of(file: str) -> str:
    """``delivery/__init__.py`` is ``delivery``; the package's own ``__init__.py`` is ``citychat``."""
    name = file.removesuffix(".py").replace("/", ".").removesuffix("__init__").rstrip(".")
    return name or "citychat"


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
            # `from citychat import app` names a module; `from citychat.app import serve` something in one
            part_of = [f"{name}.{alias.name}" for alias in node.names] if name == "citychat" else [name]
            found |= dict.fromkeys(part_of)
    known = sys.stdlib_module_names - {"sqlite3"}
    return [Import(file, name) for name in found if name.partition(".")[0] not in known]


def complaint(found: Import) -> str:
    """A sentence naming file, import and rule, or ""."""
    start = f"citychat/{found.file} imports {found.name}, but "
    if found.name.startswith("."):
        return start + "imports are written out from the top"
    library, _, module = found.name.partition(".")
    if library != "citychat":
        return start + _of_others(found.file, library) if _of_others(found.file, library) else ""
    here, there = layer_of(module_of(found.file)), layer_of(module or "citychat")
    for name, layer in ((found.file, here), (found.name, there)):
        if not layer:
            return start + f"{name} is in no layer of {DOC}"
    if here == there or there in LAYERS[here][1]:
        return ""
    allowed = ", ".join(LAYERS[here][1]) or "nothing of ours"
    return start + f"the layer {here} may import {allowed}, and not {there} ({DOC}, Layers)"


def _of_others(file: str, library: str) -> str:
    if library not in DRIVERS:
        return f"{library} is not in the table of drivers ({DOC}, Drivers)"
    only = DRIVERS[library]
    return "" if only == ["anywhere"] or f"citychat/{file}" in only else f"only {', '.join(only)} may ({DOC}, Drivers)"


def all_imports() -> list[Import]:
    return [found for file, path in our_modules().items() for found in imports(file, path.read_text("utf-8"))]


def test_no_import_crosses_a_layer_and_each_driver_is_behind_its_files() -> None:
    assert [text for found in all_imports() if (text := complaint(found))] == []


def test_a_crossed_layer_is_told_with_file_import_and_rule() -> None:
    source = (
        "import sqlite3\nimport requests\nfrom citychat.joining import Joining\ndef late():\n    from . import app\n"
    )
    told = [complaint(found) for found in imports("delivery/sending.py", source)]
    assert told == [
        "citychat/delivery/sending.py imports sqlite3, but only citychat/adapters/sqlite.py, "
        "citychat/adapters/sqlite_copy.py may (docs/architecture.md, Drivers)",
        "citychat/delivery/sending.py imports requests, but requests is not in the table of drivers "
        "(docs/architecture.md, Drivers)",
        "citychat/delivery/sending.py imports citychat.joining, but the layer delivery may import model, ports, tasks, "
        "and not joining (docs/architecture.md, Layers)",
        "citychat/delivery/sending.py imports ., but imports are written out from the top",
    ]
    stray = Import("helpers/__init__.py", "citychat.model")
    assert complaint(stray).endswith("helpers/__init__.py is in no layer of docs/architecture.md")


def test_the_tables_name_nothing_that_is_not_there() -> None:
    modules = {module_of(file) for file in our_modules()}
    used = {layer_of(module) for module in modules}
    assert used == set(LAYERS), "layers without a module, or modules without a layer"
    for layer, (named, may) in LAYERS.items():
        missing = [name for name in named if name.removesuffix(".*") not in modules]
        assert not missing, f"layer {layer} names {missing}"
        assert set(may) <= set(LAYERS), f"layer {layer} may import an unknown layer: {may}"
    needed = {(library, f"citychat/{file}") for file, name in all_imports() if (library := name.split(".")[0])}
    kept = {(library, file) for library, files in DRIVERS.items() for file in files if file != "anywhere"}
    assert kept <= needed, f"the table of drivers allows what nobody needs: {sorted(kept - needed)}"


def test_layers_point_one_way_and_modules_never_in_a_circle() -> None:
    assert _circle({layer: set(may) - {layer} for layer, (_, may) in LAYERS.items()}) == []
    modules = {module_of(file) for file in our_modules()}
    ours: dict[str, set[str]] = {module: set() for module in modules}
    for file, name in all_imports():
        if name.startswith("citychat.") and (target := name.removeprefix("citychat.")) in modules:
            ours[module_of(file)].add(target)
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
    for name in ("outbox.js", "state.js", "text.js", "words.js"):
        found = OUTSIDE_OF_THE_PAGE.findall(code_of(STATIC / name))
        assert not found, f"{name} uses {found}; only storage, time and calls passed in may be used there"


def test_code_is_told_from_comments(tmp_path: Path) -> None:
    module = tmp_path / "module.js"
    module.write_text("// window\n/** document\n * window */\nf(); // window\n  //\ng('http://x');\n")
    assert code_of(module).split() == ["f();", "g('http://x');"]


def test_only_views_draw_and_only_socket_js_knows_the_library() -> None:
    for path in sorted([*STATIC.glob("*.js"), *STATIC.glob("views/*.js")]):
        name, code = path.relative_to(STATIC).as_posix(), code_of(path)
        if not name.startswith("views/"):
            assert not DRAWING.search(code), f"{name} draws; only views/ may"
            assert name == "app.js" or "citychat/views/" not in code, f"{name} imports a view; only app.js may"
        assert name == "socket.js" or "socket.io" not in code, f"{name} knows socket.io; only socket.js may"
