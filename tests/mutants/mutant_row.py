"""A row of the tables of mutants: one rule left out, and who has to notice."""

from dataclasses import dataclass

from tests.support.mutation import Change


@dataclass(frozen=True)
class Mutant:
    """``rule``: of the protocol, as it is written in docs/protocol.md, or the number of a threat. ``world``: one of the
    simulation, or the arguments of pytest: a suite, of which one test has to fail, or tests, all of which have to.
    ``needs``: a server of the test run."""

    name: str
    rule: str
    world: str
    changes: tuple[Change, ...]
    needs: str = ""

    @property
    def is_simulated(self) -> bool:
        return not self.world.startswith("tests/")

    @property
    def tests(self) -> list[str]:
        """Those that all have to fail, by file and name; none where a suite is asked."""
        return [word for word in self.world.split() if "::" in word]


def left_out(name: str, rule: str, world: str, file: str, old: str, new: str, needs: str = "") -> Mutant:
    """A mutant of one change."""
    return Mutant(name, rule, world, (Change(file, old, new),), needs)
