"""requirements.lock: the same tools and libraries on every day that `make check` or `make test` installs them."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LINES = [line for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines() if not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def locked() -> dict[str, str]:
    pairs = (line.split("==") for line in LINES)
    return {canonicalize_name(name): version for name, version in pairs}


def test_the_project_still_admits_what_is_locked() -> None:
    versions = locked()
    extras = PROJECT["optional-dependencies"]
    asked = [Requirement(text) for text in (*PROJECT["dependencies"], *extras["test"], *extras["binary"])]
    assert len(asked) > 20
    for requirement in asked:
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in requirements.lock: make lock"
        assert requirement.specifier.contains(version), f"{requirement} does not admit {version}: make lock"


def test_a_line_is_a_name_and_a_version_and_nothing_else() -> None:
    assert sorted(LINES, key=str.lower) == LINES
    assert [line for line in LINES if not re.fullmatch(r"[A-Za-z0-9._-]+==[\w.!+-]+", line)] == []


def test_make_installs_by_it() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "-c requirements.lock -e '.[test]'" in makefile
    assert "-c requirements.lock '.[binary]'" in makefile
    assert "'.[test,binary]'" in (ROOT / "tools" / "lock").read_text("utf-8")
