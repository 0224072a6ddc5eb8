"""A threat, what stands against it, and the tests that hold it; each control left out is a mutant."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.mutants.mutant_row import Mutant
from tests.support.mutation import Change


@dataclass(frozen=True)
class Control:
    """``held_by``: tests, each of which fails when ``left_out`` is made. ``needs``: a server of the test run.
    ``library``: what does it for us, where there is nothing of ours to leave out."""

    what: str
    held_by: tuple[str, ...]
    left_out: tuple[Change, ...] = ()
    needs: str = ""
    library: str = ""


@dataclass(frozen=True)
class Threat:
    """``see``: other threats whose controls stand against this one too. ``open``: what is not closed, for a host."""

    id: str
    what: str
    controls: tuple[Control, ...]
    see: str = ""
    open: str = ""


def control(what: str, tests: str, file: str, old: str, new: str = "", needs: str = "") -> Control:
    """A control of one place in the code. ``tests``: file and names, ``tests/x.py::test_a,test_b``, with blanks
    between files."""
    return Control(what, tuple(named(tests)), (Change(file, old, new),), needs)


def held(what: str, tests: str, library: str) -> Control:
    """What a library does for us."""
    return Control(what, tuple(named(tests)), library=library)


def named(tests: str) -> list[str]:
    """Each test by its file and name."""
    found = (word.partition("::") for word in tests.split())
    return [f"{file}::{name}" for file, _, names in found for name in names.split(",")]


def mutants_of(threats: Sequence[Threat]) -> list[Mutant]:
    """Return a mutant for each control, which all its tests must notice."""
    return [
        Mutant(f"{threat.id}: {each.what}", threat.id, " ".join(each.held_by), each.left_out, each.needs)
        for threat in threats
        for each in threat.controls
        if each.left_out
    ]


def lines(threats: Sequence[Threat]) -> list[str]:
    """The threats as a table of a document: a row for each control."""
    made = ["| Id | Threat | Control | Left out in | Tests that then fail |", "| --- | --- | --- | --- | --- |"]
    for threat in threats:
        head = f"| {threat.id} | {threat.what} "
        for each in threat.controls:
            files = ", ".join(dict.fromkeys(f"`{change.file}`" for change in each.left_out))
            tests = ", ".join(f"`{test}`" for test in each.held_by)
            made.append(f"{head}| {each.what} | {files or each.library} | {tests} |")
            head = f"| {threat.id} | "
        if threat.see:
            made.append(f"{head}| as {' and '.join(threat.see.split())} | | |")
            head = f"| {threat.id} | "
        if threat.open:
            made.append(f"{head}| **Open**: {threat.open} | | |")
    return made
