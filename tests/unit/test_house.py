"""The house rules of CONTRIBUTING.md that a program can check."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES, TEST_MODULE_LINES, FUNCTION_LINES = 320, 500, 50
SHAPELESS = re.compile(r"^(utils?|helpers?|common|misc|managers?|base)$|(Manager|Helper|Util)s?$")
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "W" + "IP")) + r")\b")
REGISTRIES = re.compile("|".join(("npm" + r"js\.(org|com)", "py" + r"pi\.org", "python" + "hosted", "yarn" + "pkg")))
# Ada's home is made up, for the tests of the settings.
SOMEBODYS_PATHS = re.compile(r"(?<![\w.])/(home/(?!ada\b)\w|Users/\w|" + "ro" + r"ot/|work/)|\b[A-Z]:\\Users\\")
TOLD = (
    "ports/*", "model/*", "registry/*", "joining/*", "delivery/*", "matching/*", "edge/*", "server/process",
    "places/places", "tasks", "limits", "tokens", "rules", "networks", "expiring",
)  # fmt: skip
A_QUESTION = re.compile(r"(What|Who|Whose|Whom|Whether|How|Where|When|Why|Which)\b")
OBVIOUS_LINES = 3  # a definition so short says itself what it does


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository as they are now. Pictures and other files without text are left out."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True, text=True)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


@cache
def tree_of(path: Path) -> ast.Module:
    """A file of Python, parsed once for all who look at it."""
    return ast.parse(path.read_text("utf-8"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.AST, of: str = "") -> Iterator[tuple[str, int]]:
    """Every function with its lines; methods under their class's name."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{of}{node.name}", node.end_lineno - node.lineno + 1
        yield from functions(node, f"{node.name}." if isinstance(node, ast.ClassDef) else of)


def over(found: Iterator[tuple[str, int]], limit: int) -> list[str]:
    """The offenders."""
    return [f"{name} has {lines} lines, and may have {limit}" for name, lines in found if lines > limit]


def test_a_module_fits_into_a_head() -> None:
    paths = tracked("citychat/*.py", "citychat/**/*.py", "citychat/static/*.js", "citychat/static/views/*.js")
    assert len(paths) > 70
    lengths = ((name_of(path), len(path.read_text("utf-8").splitlines())) for path in paths)
    assert over(lengths, MODULE_LINES) == []


def test_a_module_of_tests_is_about_one_subject() -> None:
    paths = tracked("tests/*.py", "tests/**/*.py")
    assert len(paths) > 100
    lengths = ((name_of(path), len(path.read_text("utf-8").splitlines())) for path in paths)
    assert over(lengths, TEST_MODULE_LINES) == []


def test_no_two_helpers_of_the_tests_have_one_name() -> None:
    helpers: dict[str, list[str]] = {}
    for path in tracked("tests/*.py", "tests/**/*.py"):
        if not path.stem.startswith(("test_", "__")) and path.stem != "conftest":
            helpers.setdefault(path.stem, []).append(name_of(path))
    assert len(helpers) > 30
    assert [paths for paths in helpers.values() if len(paths) > 1] == []


def test_no_class_name_of_the_tests_is_used_twice() -> None:
    places: dict[str, list[str]] = {}
    for path in tracked("tests/*.py", "tests/**/*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.lstrip("_"), []).append(f"{name_of(path)}:{node.lineno}")
    assert len(places) > 100
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_what_is_not_a_test_stands_on_the_support_of_tests_only() -> None:
    for path in tracked("bench/*.py", "tools/*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests"):
                assert (node.module or "").startswith("tests.support."), f"{name_of(path)}:{node.lineno}"


def test_a_test_is_named_after_a_promise_and_not_after_the_number_of_a_rule() -> None:
    for path in tracked("tests/**/test_*.py"):
        for name, _ in functions(tree_of(path)):
            assert not re.match(r"test_m\d", name), f"{name_of(path)}: {name}"


def test_a_line_of_script_fits_on_a_screen() -> None:
    """What ruff sees to in Python, its like for JavaScript leaves to formatters."""
    paths = tracked("*.js", "*.mjs", "*.ts")
    assert [found for path in paths for found in lines_with(re.compile(r".{121}"), path)] == []


def test_a_function_fits_on_a_screen() -> None:
    found = (
        (f"{name_of(path)} {name}", lines)
        for path in tracked("citychat/*.py", "citychat/**/*.py")
        for name, lines in functions(tree_of(path))
    )
    assert over(found, FUNCTION_LINES) == []


def test_what_is_longer_is_named() -> None:
    assert over(iter([("fits", 320), ("long", 321)]), 320) == ["long has 321 lines, and may have 320"]


def test_every_module_and_class_is_named_after_what_it_is() -> None:
    for path in tracked("*.py"):
        shapeless = [name for name in (path.stem, path.parent.name) if SHAPELESS.search(name)]
        classes = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef))
        shapeless += [node.name for node in classes if SHAPELESS.search(node.name)]
        assert not shapeless, f"{name_of(path)}: {shapeless} says nothing about what is in there"


def test_nothing_is_left_unfinished() -> None:
    assert [found for path in tracked() for found in lines_with(UNFINISHED, path)] == []


def test_no_test_is_passed_over_and_nothing_is_mocked() -> None:
    for path in tracked("tests/*.py", "tests/**/*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("pytest", "pytest.mark", "unittest"):
                assert node.attr not in ("skip", "skipif", "xfail", "importorskip"), f"{name_of(path)}:{node.lineno}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                assert not any("mock" in name for name in names), f"{name_of(path)}:{node.lineno} imports a mock"


def test_no_file_knows_a_registry_or_somebodys_machine() -> None:
    here = re.compile(rf"{re.escape(str(ROOT))}(?!\w)")
    for pattern in (REGISTRIES, SOMEBODYS_PATHS, here):
        assert [found for path in tracked() for found in lines_with(pattern, path)] == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (UNFINISHED, "# TO" + "DO: later"),
        (REGISTRIES, "https://registry.npm" + "js.org/x"),
        (REGISTRIES, "https://py" + "pi.org/simple"),
        (SOMEBODYS_PATHS, 'Path("/ho' + 'me/bob/chat")'),
        (SOMEBODYS_PATHS, "see /ro" + "ot/notes"),
        (SHAPELESS, "SessionManager"),
        (SHAPELESS, "utils"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


def lines_with(pattern: re.Pattern[str], path: Path) -> list[str]:
    lines = path.read_text("utf-8").splitlines()
    return [f"{name_of(path)}:{number}" for number, line in enumerate(lines, 1) if pattern.search(line)]


def test_what_is_public_says_what_it_is() -> None:
    silent = []
    for path in tracked("citychat/*.py", "citychat/**/*.py"):
        tree = tree_of(path)
        name = path.relative_to(ROOT / "citychat").with_suffix("").as_posix()
        if not ast.get_docstring(tree):
            silent.append(f"{name_of(path)}: the module")
        if name in TOLD or f"{name.partition('/')[0]}/*" in TOLD:
            bare = (node for node in public(tree) if not ast.get_docstring(node))
            silent += [f"{name_of(path)}:{node.lineno} {node.name}" for node in bare]
    assert silent == []


def test_a_docstring_begins_with_a_verb_or_a_noun() -> None:
    """PEP 257: what begins like a question has to be read twice."""
    asking = []
    for path in tracked("citychat/*.py", "citychat/**/*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                said = ast.get_docstring(node) or ""
                if A_QUESTION.match(said):
                    asking.append(f"{name_of(path)} {getattr(node, 'name', '')}: {said.splitlines()[0]}")
    assert asking == []


def public(tree: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            assert node.end_lineno is not None
            if node.end_lineno - node.lineno >= OBVIOUS_LINES:
                yield node
