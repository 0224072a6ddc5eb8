"""docs/glossary.md explains every word that a newcomer meets first."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
EXPLAINED = set(re.findall(r"`([\w-]+)`", GLOSSARY))
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


def words() -> Iterator[str]:
    """Public names at the top of the rooms' modules, and the verbs of the ports."""
    for tree in trees():
        for node in tree.body:
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                    yield name
                case ast.Assign(targets=[ast.Name(id=name)]) if not CONSTANT.fullmatch(name):
                    yield name
    for port in filter(is_port, classes()):
        yield from (node.name for node in port.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_word_of_model_ports_and_registry_is_explained() -> None:
    wanted = {word for word in words() if not word.startswith("_") and word not in ("T",)}
    assert len(wanted) > 80
    assert sorted(wanted - EXPLAINED - {"messages", "guests", "sessions", "relations", "reports"}) == []


def test_every_event_and_every_rule_is_explained() -> None:
    events = yaml.safe_load((ROOT / "docs" / "events.yaml").read_text("utf-8"))
    named = set(re.findall(r"\b(?:user|chat)-[a-z-]+", str(events)))
    assert named and sorted(named - EXPLAINED) == []
    rules = set(re.findall(r"\bM\d+\b", (ROOT / "docs" / "protocol.md").read_text("utf-8")))
    assert rules and sorted(rules - set(re.findall(r"\| (M\d+) \|", GLOSSARY))) == []


def test_the_glossary_explains_nothing_that_is_not_there() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "citychat").rglob("*.py"))
    assert sorted(word for word in EXPLAINED if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", code)) == []
