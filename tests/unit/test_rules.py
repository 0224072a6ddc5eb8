"""The numbers of ``rules`` stand there alone, and its rules decide what they say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from citychat import rules
from citychat.adapters.redis.resp import scripts
from citychat.adapters.statements import statements
from citychat.model import PENDING
from citychat.rules import (
    CLOCK_TOLERANCE_MS,
    DAY_MS,
    HELD_MS,
    MAILBOX_MS,
    Accusation,
    Held,
    confirmed,
    held_after,
    held_until,
    is_avoided,
    is_covered,
    is_expired,
    is_founded,
    is_left_alone,
    is_third,
    left_alone_before,
    mailbox_expires_ms,
    paused_until,
    reports_around,
    reports_of_an_hour,
    retention,
    sprayed,
)

PACKAGE = Path(rules.__file__).parent
NUMBERS = {name: value for name, value in vars(rules).items() if name.isupper() and isinstance(value, int | float)}
HOW_LONG = [name for name in NUMBERS if name.endswith("_MS")]
LOBBY = ["adapters/memory", "adapters/redis"]
STORES = ("adapters/sqlite", "adapters/mongo", "adapters/rabbitmq")
# Those that nothing else can be meant by; a 32 may be another 32.
TELLING = {value for value in NUMBERS.values() if value >= 10_000 or value != int(value)}
NOW = 1_700_000_000_000


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in PACKAGE.rglob("*.py"):
        if path != Path(rules.__file__):
            yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text("utf-8"))


def names_set(tree: ast.Module) -> set[str]:
    targets = (target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets)
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def names_in(tree: ast.AST) -> set[str]:
    names = (getattr(node, "id", None) or getattr(node, "attr", "") for node in ast.walk(tree))
    return {str(name) for name in names}


def code_of_lua() -> str:
    return re.sub(r"--.*", "", "\n".join(statements("redis/lobby.lua").values()))


def test_no_name_of_the_table_is_set_elsewhere() -> None:
    assert len(NUMBERS) > 20
    assert {file: again for file, tree in modules() if (again := names_set(tree) & NUMBERS.keys())} == {}
    locals_set = re.findall(r"\blocal ([\w, ]+)=", code_of_lua())
    assert set(re.findall(r"\w+", " ".join(locals_set))) & NUMBERS.keys() == set()


def test_no_number_of_the_lobbies_is_spelled_again() -> None:
    assert len(TELLING) >= 7
    for file, tree in modules():
        if file.startswith(tuple(LOBBY)):
            values = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            numbers = {value for value in values if isinstance(value, int | float)}
            assert numbers & TELLING == set(), file
    assert {float(number) for number in re.findall(r"\b\d[\d.]*", code_of_lua())} & TELLING == set()


def test_a_script_begins_with_the_numbers_that_it_names() -> None:
    texts = scripts({"shared": "local a = LEASE_MS", "renew": "return KEY_MS", "drop": "return a"})
    assert texts == {
        "renew": "local KEY_MS = 172800000 local LEASE_MS = 15000 \nlocal a = LEASE_MS\nreturn KEY_MS",
        "drop": "local LEASE_MS = 15000 \nlocal a = LEASE_MS\nreturn a",
    }


def test_no_adapter_of_a_store_reckons_with_a_number_of_the_table() -> None:
    """What is over when is asked of a rule: an adapter only says it in its engine's words."""
    reckoned = [
        f"{file}:{node.lineno} {ast.unparse(node)}"
        for file, tree in modules()
        if file.startswith(STORES)
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and names_in(node) & {*HOW_LONG, "history_ms"}
    ]
    assert reckoned == []
    assert names_in(ast.parse("now - rules.WISH_MS")) & set(HOW_LONG)


def said(reporter: str, *networks: str, at: int = NOW, counts: bool = True) -> Accusation:
    return Accusation(reporter, at, frozenset(networks), counts)


@pytest.mark.parametrize(
    ("others", "third"),
    [
        ([said("ben", "2"), said("carl", "3")], True),
        ([said("ben", "2", at=NOW - DAY_MS + 1), said("carl", "3")], True),
        ([said("ben", "2", at=NOW + DAY_MS - 1), said("carl", "3")], True),  # another process's clock
        ([said("ben", "2"), said("carl", "3", "2"), said("dora", "4")], True),
        ([said("anna", "2"), said("ben", "2"), said("carl", "3")], True),
        ([], False),
        ([said("ben", "2")], False),
        ([said("ben", "2"), said("ben", "3")], False),
        ([said("ben", "2"), said("anna", "3")], False),
        ([said("ben", "2"), said("carl", "2")], False),
        ([said("ben", "1", "2"), said("carl", "3")], False),
        ([said("ben"), said("carl", "3")], False),
        ([said("ben", "2", counts=False), said("carl", "3")], False),
        ([said("ben", "2", counts=False), said("carl", "3"), said("dora", "4")], True),
        ([said("ben", "2", at=NOW - DAY_MS), said("carl", "3")], False),
        ([said("ben", "2", at=NOW - DAY_MS // 2), said("carl", "3", at=NOW + DAY_MS // 2)], False),
    ],
)
def test_three_guests_on_three_networks_within_a_day_pause_the_accused(others: list[Accusation], third: bool) -> None:
    assert is_third(said("anna", "1"), others) is third
    assert is_third(said("anna", "1"), others[::-1]) is third
    assert not is_third(said("anna"), others)
    assert not is_third(said("anna", "1", counts=False), others)


@pytest.mark.parametrize(
    ("wrote", "ended", "reported", "founded"),
    [
        (True, None, NOW + 60_000, True),
        (True, NOW + 60_000, NOW + DAY_MS, True),
        (False, None, NOW + DAY_MS, False),
        (True, None, NOW + 59_999, False),
        (True, NOW + 59_999, NOW + DAY_MS, False),  # waiting with the report does not make the chat longer
        (True, NOW + DAY_MS, NOW + 59_999, False),  # another process's clock
        (True, PENDING, NOW + DAY_MS, False),  # it never began
    ],
)
def test_a_report_is_founded_where_the_accused_wrote_in_a_chat_of_a_minute(
    wrote: bool, ended: int | None, reported: int, founded: bool
) -> None:
    assert is_founded(wrote, NOW, ended, reported) is founded


@pytest.mark.parametrize(
    ("minutes", "over"),
    [
        ((), ""), ((0,), ""), ((0, 59), ""), ((0, 30, 59), "abc"), ((0, 30, 60), ""), ((0, 0, 0, 60), "abc"),
        ((0, 59, 60, 118, 180), "bcd"), ((0, 40, 80, 120, 160), ""), ((0, 20, 40, 61, 70), "abcde"),
    ],
)  # fmt: skip
def test_three_reports_of_one_reporter_within_an_hour_count_for_nothing(minutes: tuple[int, ...], over: str) -> None:
    times = {code: NOW + minute * 60_000 for code, minute in zip("abcde", minutes, strict=False)}
    assert sprayed(times) == set(over)
    assert reports_of_an_hour(NOW) == (NOW - 3_600_000, NOW + 3_600_000)


@pytest.mark.parametrize(
    ("at", "has_met", "avoided"),
    [(None, False, False), (NOW, False, True), (NOW, True, False), (NOW - DAY_MS + 1, False, True),
     (NOW - DAY_MS, False, False)],
)  # fmt: skip
def test_a_network_is_avoided_for_a_day_but_for_those_one_has_met(at: int | None, has_met: bool, avoided: bool) -> None:
    assert is_avoided(at, has_met, NOW) is avoided


def test_a_pause_covers_who_was_made_since_it_began() -> None:
    until = paused_until(NOW)
    assert [is_covered(made, until) for made in (NOW - 1, NOW, NOW + 1)] == [False, True, True]


LONG_AGO, A_DAY_AGO = NOW - DAY_MS - 1, NOW - DAY_MS


@pytest.mark.parametrize(
    ("started", "seen", "alone"),
    [
        (LONG_AGO, [LONG_AGO, LONG_AGO], True),
        (LONG_AGO, [LONG_AGO, 0], True),
        (LONG_AGO, [], True),  # nobody knows either of them any more
        (LONG_AGO, [A_DAY_AGO, LONG_AGO], False),
        (LONG_AGO, [LONG_AGO, A_DAY_AGO], False),
        (LONG_AGO, [LONG_AGO, NOW], False),
        (LONG_AGO, [LONG_AGO, NOW + DAY_MS], False),  # another process's clock
        (A_DAY_AGO, [LONG_AGO, LONG_AGO], False),
        (A_DAY_AGO, [], False),
    ],
)
def test_a_chat_is_left_alone_when_both_were_away_for_over_a_day(started: int, seen: list[int], alone: bool) -> None:
    assert is_left_alone(started, seen, NOW) is alone
    assert not alone or started < left_alone_before(NOW), "a store that looks no further finds it"


def test_a_session_is_over_and_deleted_from_its_date_on() -> None:
    for expires, over in [(NOW - 1, True), (NOW, True), (NOW + 1, False)]:
        assert is_expired(expires, NOW) is over
        assert (expires <= retention(NOW, DAY_MS).due) is over


@pytest.mark.parametrize("kind", HELD_MS)
def test_what_is_held_is_over_at_its_time_however_it_is_asked(kind: Held) -> None:
    until = held_until(kind, NOW)
    assert until == NOW + HELD_MS[kind]
    assert held_after(kind, until - 1) < NOW, "it still holds"
    assert held_after(kind, until) == NOW, "it is over"


def test_what_is_held_for_how_long_is_what_guests_are_told() -> None:
    assert HELD_MS == {
        "mail": DAY_MS, "avoided network": DAY_MS, "wish": DAY_MS, "erased text": 3 * DAY_MS,
        "erased guest": 30 * DAY_MS + CLOCK_TOLERANCE_MS, "blamed network": DAY_MS, "reporter": DAY_MS,
    }  # fmt: skip
    assert paused_until(NOW) == NOW + DAY_MS
    assert reports_around(NOW) == (NOW - DAY_MS, NOW + DAY_MS)


def test_what_is_deleted_is_over_and_nothing_else() -> None:
    goes = retention(NOW, 30 * DAY_MS)
    assert (goes.due, goes.guests) == (NOW, NOW - 30 * DAY_MS)
    since = {
        "avoided network": goes.avoided_networks, "wish": goes.wishes, "erased text": goes.erased_texts,
        "erased guest": goes.erased_guests, "blamed network": goes.blamed_networks, "reporter": goes.reporters,
    }  # fmt: skip
    assert since.keys() == HELD_MS.keys() - {"mail"}, "mail goes by a time of the mailbox's own"
    for kind, last in since.items():
        assert held_until(kind, last) <= goes.due < held_until(kind, last + 1), kind  # type: ignore[arg-type]


def test_a_mailbox_goes_a_day_after_the_last_mail_that_may_be_in_it() -> None:
    assert mailbox_expires_ms() == MAILBOX_MS + DAY_MS
    assert mailbox_expires_ms(1_000) == 1_000 + DAY_MS


@pytest.mark.parametrize(("newest", "started"), [(0, NOW), (NOW - 1, NOW), (NOW, NOW + 1), (NOW + 5, NOW + 6)])
def test_a_confirmed_session_begins_after_all_others_of_its_two(newest: int, started: int) -> None:
    assert confirmed(NOW, newest, DAY_MS) == (started, started + DAY_MS)
