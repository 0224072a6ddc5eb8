"""Limits: a bucket gives what it promises, says how long to wait, and forgets before it grows; one table has them."""

import ast
import math
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citychat.limits import LIMITS, Buckets, bound, buckets, rate
from citychat.settings import FIELDS

PACKAGE = Path(__file__).parents[2] / "citychat"
BOUND = re.compile(r"MAX(_BYTES|_CHARS|_ROWS)?$|WINDOW|PREFETCH")
SHARING = ("Event", "Shares")
TELLING = 32  # smaller numbers mean too many things
OF_ANOTHER_MEANING = {
    "adapters/mongo/connection.py CONNECTIONS_MAX = 100": "of the driver",
    "adapters/rabbitmq/connection.py CHANNELS_MAX = 2000": "of a connection to the broker",
    "adapters/rabbitmq/publisher.py KNOWN_MAX = 10000": "names of queues that are remembered",
    "adapters/rabbitmq/publisher.py MISFITS_MAX = 1000": "names of queues that are remembered",
    "adapters/redis/connection.py SCRIPTS_MAX = 64": "of our own, not a guest's",
    "cases/sanctions.py WORDS_MAX = 100": "letters of what a host says",
    "client/declines.py DECLINES_MAX = 50": "in the page's own storage",
    "client/drawn.py HAVE_MAX = 200": "what our page names of the 1,000 it may",
    "client/shapes.py ENTRIES_MAX = 2000": "in the page's own storage",
    "client/shapes.py NUMBER_MAX = 9007199254740992": "the largest whole number of JavaScript",
    "doctor/browsing.py BODY_MAX_BYTES = 1000000": "of somebody else's server",
    "face/logo.py MAX_BYTES = 64000": "of the host's own file",
    "figures.py BOUNDS_MAX = 32": "of the histogram of another process",
    "handlers/user.py max_length = 100": "letters of a city that is searched",
    "model/values.py LAMPORT_MAX = 4503599627370496": "the largest number of the protocol",
    "model/values.py max_length = 200": "alias, city or reason",
    "places/gazetteer.py SEARCH_MAX_CHARS = 60": "letters of a city that are compared",
    "console/case_pages.py CODE_MAX = 60": "letters of a code that a host types, spaces too",
    "places/ip_fetch.py FILE_MAX_BYTES = 1000000000": "of a city database, for the host",
    "releases.py PAGE_MAX_BYTES = 4000000": "of somebody else's server",
    "rules.py ENDED_MAX = 20000": "a rule of both lobbies",
    "server/board.py PROCESSES_MAX = 1000": "processes that answer",
    "setting_types.py FILE_MAX_BYTES = 4096": "of a file with one URL",
    "terminal/chats.py READ_MAX = 1000": "lines on a terminal at once",
    "terminal/site.py PAGE_MAX_BYTES = 1000000": "of somebody else's server",
    "tokens.py TOKEN_MAX_CHARS = 512": "of what we signed ourselves",
}
# The page cannot import the table. Its other copies are the twins' tests' to compare.
IN_THE_PAGE = {
    "outbox.js WINDOW": "pending",
    "outbox.js WAITING_MAX": "outbox unsent",
    "outbox.js STORED_MAX": "outbox",
    "text.js TEXT_MAX_CHARS": "text",
    "shapes.js NOTE_MAX_CHARS": "report note",
    "shapes.js OBJECTION_MAX_CHARS": "objection",
}


class HandClock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_the_burst_goes_at_once_and_then_the_rate() -> None:
    clock = HandClock()
    taken = Buckets(40, 5, clock)
    assert [taken.take("a") for _ in range(40)] == [0.0] * 40
    assert taken.take("a") == pytest.approx(0.2)
    clock.now_s += 0.2
    assert taken.take("a") == 0.0
    assert taken.take("a") == pytest.approx(0.2)


def test_a_refused_try_costs_nothing() -> None:
    clock = HandClock()
    taken = Buckets(1, 1, clock)
    taken.take("a")
    for _ in range(100):
        assert taken.take("a") == pytest.approx(1.0)
    clock.now_s += 1
    assert taken.take("a") == 0.0


def test_a_look_at_a_bucket_takes_nothing() -> None:
    taken = Buckets(1, 1, HandClock())
    assert taken.wait_s("a") == taken.wait_s("a") == taken.take("a") == 0.0
    assert taken.wait_s("a") == taken.wait_s("a") == taken.take("a") == pytest.approx(1.0)


def test_an_untouched_bucket_fills_up_and_no_further() -> None:
    clock = HandClock()
    taken = Buckets(3, 1, clock)
    for _ in range(3):
        taken.take("a")
    clock.now_s += 1_000_000
    assert [taken.take("a") for _ in range(3)] == [0.0] * 3
    assert taken.take("a") > 0


def test_keys_do_not_share_a_bucket() -> None:
    taken = Buckets(1, 1, HandClock())
    assert taken.take("a") == taken.take("b") == 0.0
    assert taken.take("a") > 0


def test_a_flood_of_keys_does_not_grow_the_memory_and_spares_those_in_use() -> None:
    taken = Buckets(1, 1, HandClock(), max_keys=100)
    taken.take("mine")
    for i in range(100_000):
        taken.take(str(i))
        if i % 50 == 0:
            assert taken.take("mine") > 0
    assert len(taken) <= 100


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    clock = HandClock()
    taken = Buckets(1, 1, clock)
    taken.take("a")
    clock.now_s -= 5
    assert taken.take("a") == pytest.approx(6.0)


@given(
    burst=st.integers(1, 50),
    per_s=st.floats(0.01, 200),
    pauses=st.lists(st.floats(0, 5), max_size=200),
)
def test_no_pattern_of_tries_gets_more_than_burst_plus_rate(burst: int, per_s: float, pauses: list[float]) -> None:
    clock = HandClock()
    taken, passed = Buckets(burst, per_s, clock), 0
    for pause in pauses:
        clock.now_s += pause
        wait = taken.take("a")
        passed += wait == 0.0
        assert passed <= burst + (clock.now_s - 1000) * per_s + 1e-3
        if wait:
            clock.now_s += wait  # who waits as told is let through
            assert taken.take("a") == 0.0
            passed += 1


@pytest.mark.parametrize(
    ("burst", "per_s", "max_keys"), [(0, 1, 1), (1, 0, 1), (1, -1, 1), (1, 1, 0), (1, float("inf"), 1)]
)
def test_a_bucket_that_could_never_give_is_refused(burst: float, per_s: float, max_keys: int) -> None:
    with pytest.raises(ValueError, match="a bucket needs"):
        Buckets(burst, per_s, HandClock(), max_keys)


def test_buckets_are_made_as_the_table_says() -> None:
    clock = HandClock()
    taken = buckets("cases", clock)
    assert [taken.take("a") for _ in range(5)] == [0.0] * 5
    assert taken.take("a") == pytest.approx(12.0)
    with pytest.raises(ValueError, match="pending is a bound"):
        buckets("pending", clock)
    assert bound("cases") == 5 and rate("cases") == pytest.approx(1 / 12)


def names_asked_for(tree: ast.Module) -> Iterator[str]:
    """The limits that a module reads by name: ``bound("held")``, or ``Event(..., "seeks")``, whose default is one."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="bound" | "rate" | "buckets" | "Event" | "Shares" as asks), args=args):
                names = [arg.value for arg in args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                yield from (row for name in names for row in (rows_of(name) if asks in SHARING else [name]))
            case ast.AnnAssign(target=ast.Name(id="limit"), value=ast.Constant(value=str(name))):
                yield from rows_of(name)


def rows_of(name: str) -> list[str]:
    """The rows of what guests, networks and the process have a bucket of."""
    return [name, f"{name} of a network", f"{name} of a process"]


def bounds_spelled(tree: ast.Module) -> Iterator[tuple[str, float]]:
    """Where a module may keep a bound as a number: a constant of such a name, a default, the length of a field."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if BOUND.search(name):
                yield name, number(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=value):
                yield name, number(value)
            case ast.keyword(arg="max_length" as name, value=value):
                yield name, number(value)
            case ast.Call(func=ast.Name(id="_setting"), args=[default, *_]):
                yield "_setting", number(default)
            case ast.arguments():
                last_first = zip(reversed(node.posonlyargs + node.args), reversed(node.defaults), strict=False)
                for arg, value in (*last_first, *zip(node.kwonlyargs, node.kw_defaults, strict=True)):
                    yield arg.arg, number(value)


def number(node: ast.expr | None) -> float:
    """What a literal such as ``8 * 2**20`` comes to; NaN for everything else."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return number(left) * number(right)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return float(number(left) ** number(right))
    return math.nan


def modules() -> dict[str, ast.Module]:
    paths = (path for path in PACKAGE.rglob("*.py") if path.name != "limits.py")
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}


def test_every_limit_is_read_from_the_table() -> None:
    beside_it = ast.parse((PACKAGE / "limits.py").read_text("utf-8"))
    asked = {name for tree in (*modules().values(), beside_it) for name in names_asked_for(tree)}
    assert asked & LIMITS.keys() == LIMITS.keys()


def test_no_module_spells_a_bound_of_its_own_or_a_number_of_the_table_again() -> None:
    numbers = {limit.value for limit in LIMITS.values() if limit.value >= TELLING}
    spelled = ((file, *found) for file, tree in modules().items() for found in bounds_spelled(tree))
    again = {
        f"{file} {name} = {value:.0f}"
        for file, name, value in spelled
        if value in numbers or (BOUND.search(name) and value >= TELLING)
    }
    assert again - OF_ANOTHER_MEANING.keys() == set(), "ask citychat.limits.bound for it, or say what else it is"
    assert OF_ANOTHER_MEANING.keys() - again == set(), "not needed any more: take it out"


def test_a_bound_is_found_wherever_it_is_spelled() -> None:
    source = """
    HELD_MAX = 6 * 100
    class Shape(Struct):
        text: Annotated[str, Meta(max_length=500)] = ""
        frames: int = 2**10
    def f(a, b=32, *, c: int = 200, d): OTHER, WINDOW = 600, bound("pending")
    x: int = _setting(40, whole)
    """
    found = [(name, value) for name, value in bounds_spelled(ast.parse(dedent(source))) if not math.isnan(value)]
    assert sorted(found) == [
        ("HELD_MAX", 600), ("_setting", 40), ("b", 32), ("c", 200), ("frames", 1024), ("max_length", 500)
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "limit"), IN_THE_PAGE.items())
def test_the_page_has_the_numbers_of_the_table(name: str, limit: str) -> None:
    file, constant = name.split()
    spelled = re.search(rf"\bconst {constant} = ([\d_]+);", (PACKAGE / "static" / file).read_text("utf-8"))
    assert spelled and int(spelled[1]) == LIMITS[limit].value


def test_the_table_says_what_the_settings_start_with() -> None:
    assert FIELDS["message_burst"].default == LIMITS["messages"].value
    assert FIELDS["message_rate"].default == LIMITS["messages"].per_s
    assert FIELDS["connections_per_address"].default == LIMITS["connections"].value
    assert FIELDS["guests_per_hour"].default == LIMITS["new guests"].value
    for limit in LIMITS.values():
        assert limit.reason and limit.unit and limit.each
        assert all(name in FIELDS for name in limit.setting.split())
