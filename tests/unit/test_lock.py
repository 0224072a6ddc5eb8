"""requirements.lock: the same tools and libraries on every day that `make check` or `make test` installs them."""

import json
import re
import tomllib
from pathlib import Path

import pytest
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


@pytest.mark.parametrize("folder", [".", "bench/peers", "bench/lighthouse"])
def test_what_comes_from_npm_is_locked_too(folder: str) -> None:
    asked, lock = (json.loads((ROOT / folder / f"package{name}.json").read_text("utf-8")) for name in ("", "-lock"))
    wanted = asked["dependencies"] | asked.get("devDependencies", {})
    assert wanted
    assert {name: lock["packages"][f"node_modules/{name}"]["version"] for name in wanted} == wanted
    packages = [package for path, package in lock["packages"].items() if path]
    assert [package for package in packages if "resolved" in package or "integrity" not in package] == []
