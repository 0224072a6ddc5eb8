"""docs/glossary.md explains every word that a newcomer meets first."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
NAMED = set(re.findall(r"`([\w-]+)`", GLOSSARY))  # anywhere
SENTENCE_WORDS = 3
ROOMS = ("model", "ports", "registry")
# Constants are numbers with a comment of their own, not words.
CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")


def trees() -> Iterator[ast.Module]:
    for room in ROOMS:
        for path in sorted((ROOT / "citychat" / room).glob("*.py")):
            yield ast.parse(path.read_text("utf-8"))


def classes() -> Iterator[ast.ClassDef]:
    for tree in trees():
        yield from (node for node in tree.body if isinstance(node, ast.ClassDef))


def is_port(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base) == "Protocol" for base in node.bases)


def entries(glossary: str) -> dict[str, str]:
    """Every word that has a row of its own, with the sentence at its end: the one name of the code that stands first
    there. A row for several names, or one that says nothing, explains none."""
    found = {}
    for line in glossary.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else [""]
        names = re.findall(r"`([\w.-]+)`|^(M\d+)$", cells[0])
        if len(names) == 1 and len(re.findall(r"\w+", cells[-1])) >= SENTENCE_WORDS:
            found["".join(names[0])] = cells[-1]
    return found


EXPLAINED = entries(GLOSSARY).keys()


def words() -> Iterator[str]:
    """Public names at the top of the rooms' modules, and the methods of the ports."""
    for tree in trees():
        for node in tree.body:
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                    yield name
                case ast.Assign(targets=[ast.Name(id=name)]) if not CONSTANT.fullmatch(name):
                    yield name
    for port in filter(is_port, classes()):
        methods = (node.name for node in port.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        yield from (f"{port.name}.{method}" for method in methods)


def test_every_word_of_model_ports_and_registry_is_explained() -> None:
    wanted = {word for word in words() if not word.startswith("_") and word not in ("T",)}
    assert len(wanted) > 80
    assert sorted(wanted - EXPLAINED) == []
    assert sorted({word for word in EXPLAINED if "." in word} - wanted) == [], "methods that no port has"


def test_every_event_and_every_rule_is_explained() -> None:
    events = yaml.safe_load((ROOT / "docs" / "events.yaml").read_text("utf-8"))
    named = set(re.findall(r"\b(?:user|chat)-[a-z-]+", str(events)))
    assert named and sorted(named - EXPLAINED) == []
    rules = set(re.findall(r"\bM\d+\b", (ROOT / "docs" / "protocol.md").read_text("utf-8")))
    assert rules and sorted(rules - EXPLAINED) == []


def test_the_glossary_explains_nothing_that_is_not_there() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "citychat").rglob("*.py"))
    assert sorted(word for word in NAMED if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", code)) == []


def test_a_word_that_is_only_mentioned_is_not_explained() -> None:
    assert entries("| guest, `Guest` | Somebody who uses it. |\n| M1 | one offer at most |") == {
        "Guest": "Somebody who uses it.",
        "M1": "one offer at most",
    }
    assert entries("| `Gone` | `gone` | the offer is over |") == {"Gone": "the offer is over"}
    for mentioned in ("`Mail` waits for a guest.", "| mailbox | Where `Mail` waits for a guest. |", "| `Mail` | |",
                      "| `Mail` | a word |", "| `Mail`, `Mailbox` | What waits for a guest. |"):  # fmt: skip
        assert entries(mentioned) == {}
