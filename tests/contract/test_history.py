"""What every history promises (citychat.ports.History)."""

import asyncio
import itertools
import time
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citychat.model import Cell, Guest, Message, Place, Ranges, Session, to_ranges
from citychat.ports import History, Pause, Report
from citychat.rules import DAY_MS
from tests.contract.killing import killed_after
from tests.contract.stores import Store, add, message

NOW = round(time.time() * 1_000)  # a server may delete by itself what is over by its own clock
MONTH_MS = 30 * DAY_MS
fresh = map("session{}".format, itertools.count())


def session(s: str = "s", *, members: tuple[str, ...] = ("anna", "ben"), started: int = NOW) -> Session:
    return Session(s, members, ("Amber Fox", "Teal Owl"), "Lyon", started, started + MONTH_MS)


def guest(name: str, seen: int = NOW) -> Guest:
    return Guest(name, NOW, seen, "1", NOW)


@dataclass
class Reports:
    """Reports on ben, each from a session of its own."""

    history: History
    made: int = 0

    async def of(self, reporter: str, *networks: str, at: int = NOW, accused: str = "ben") -> str:
        self.made += 1
        return await self.history.report(
            Report(f"CODE{self.made}", f"r{self.made}", reporter, accused, "hate", "a note", at, networks),
        )  # fmt: skip


# Messages


async def test_a_message_is_kept_as_it_was_first_added(history: History) -> None:
    first = Message("s", 1, "stream", 1, 2**52, "né \U0001f98a\n" + "x" * 1_990, NOW, ("older", 7))
    second = Message("s", 1, "stream", 2, 2**52, "", NOW, kind="unknown")
    assert await add(history, first, second) == frozenset()
    assert await add(history, Message("s", 1, "stream", 1, 3, "other words", 4), second) == frozenset()
    assert await history.page("s", None, 10) == [first, second]


NEVER_KEPT = {
    "n 0": message(0), "n large": message(2**63), "n huge": message(2**200), "side": message(1, side=99),
    "s": message(1, s="x y"), "st": message(1, st="a:b"), "st empty": message(1, st=""),
    "st long": message(1, st="t" * 44), "surrogate": message(1, x="\ud800"), "k": message(1, k="\ud800"),
    "l": Message("s", 0, "st", 1, 2**63, "", 1), "p": Message("s", 0, "st", 1, 1, "", 1, ("older", 2**63)),
    "at": Message("s", 0, "st", 1, 1, "", -1), "at large": Message("s", 0, "st", 1, 1, "", 2**63),
}  # fmt: skip


@pytest.mark.parametrize("bad", NEVER_KEPT.values(), ids=NEVER_KEPT)
async def test_a_row_that_can_never_be_kept_gets_no_receipt_and_stops_nobody(history: History, bad: Message) -> None:
    assert await add(history, message(1, s="good"), bad, message(2, s="good")) == {
        (bad.session, bad.side, bad.stream, bad.number)
    }
    assert await history.page("good", None, 5) == [message(1, s="good"), message(2, s="good")]


async def test_a_batch_may_hold_the_same_message_twice(history: History) -> None:
    assert await add(history, message(1), message(1), message(2)) == frozenset()
    assert await history.page("s", None, 10) == [message(1), message(2)]


async def test_a_message_that_comes_after_its_gap_is_reported_and_changes_nothing(history: History) -> None:
    gap = message(2, x="", k="gap")
    assert await add(history, message(1), gap) == frozenset()
    assert await add(history, message(2), message(3)) == {("s", 0, "st", 2)}
    assert await history.page("s", None, 10) == [message(1), gap, message(3)]


async def test_a_gap_that_comes_after_its_message_changes_nothing(history: History) -> None:
    await add(history, message(1))
    assert await add(history, message(1, x="", k="gap")) == frozenset()
    assert await history.page("s", None, 10) == [message(1)]


async def test_pages_go_back_in_the_order_of_the_transcript(history: History) -> None:
    places = [(1, 0, "b", 1), (1, 1, "a", 1), (3, 0, "b", 2), (2, 1, "a", 2), (3, 0, "a", 1), (3, 0, "b", 3)]
    rows = [Message("s", side, stream, n, lamport, f"{lamport}", NOW) for lamport, side, stream, n in places]
    await add(history, *rows)
    await add(history, message(1, s="another"))
    ordered = sorted(rows, key=lambda m: m.order)
    newest = await history.page("s", None, 4)
    assert newest == ordered[2:]
    assert await history.page("s", newest[0].order, 4) == ordered[:2]
    assert await history.page("s", ordered[0].order, 4) == []


async def test_standing_counts_each_stream_of_that_side_up_to_its_first_hole(history: History) -> None:
    await add(history, *(message(n, st="whole") for n in (2, 1, 3)))
    await add(history, *(message(n, st="holed") for n in (1, 2, 4, 5, 9)))
    await add(history, *(message(n, st="headless") for n in (2, 3)))
    await add(history, message(1, st="patched"), message(2, st="patched", x="", k="gap"), message(3, st="patched"))
    await add(history, message(1, side=1), message(1, s="another"))
    standing = await history.standing("s", 0)
    assert standing.seen == {"whole": 3, "holed": 2, "headless": 0, "patched": 3}
    assert standing.beyond == [
        message(2, st="headless"), message(3, st="headless"),
        message(4, st="holed"), message(5, st="holed"), message(9, st="holed"),
    ]  # fmt: skip


async def test_nothing_stands_in_a_session_without_messages(history: History) -> None:
    standing = await history.standing("s", 0)
    assert (standing.seen, standing.beyond) == ({}, [])


async def test_held_names_exactly_the_messages_it_has_and_no_gaps(history: History) -> None:
    await add(history, *(message(n) for n in (1, 2, 3, 5, 8)), message(4, x="", k="gap"), message(9, side=1))
    assert await history.held("s", 0, "st", [(2, 6), (8, 2**52)]) == [(2, 3), (5, 5), (8, 8)]
    assert await history.held("s", 0, "st", [(1, 2), (1, 3), (2, 2)] * 300) == [(1, 3)]
    assert await history.held("s", 0, "other", [(1, 9)]) == []
    assert await history.held("s", 0, "st", []) == []


rows = st.builds(
    message,
    st.integers(1, 8),
    side=st.integers(0, 1),
    st=st.sampled_from("ab"),
    x=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5),
    k=st.sampled_from([None, None, "gap"]),
)


@given(
    batches=st.lists(st.lists(rows, max_size=8), max_size=6),
    asked=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9))),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_batches_leave_what_a_plain_dictionary_would(
    history: History, batches: list[list[Message]], asked: Ranges
) -> None:
    s = next(fresh)
    kept: dict[tuple[int, str, int], Message] = {}
    for batch in batches:
        mine = [Message(s, m.side, m.stream, m.number, m.lamport, m.text, m.at, kind=m.kind) for m in batch]
        for m in mine:
            kept.setdefault((m.side, m.stream, m.number), m)
        late = [m for m in mine if m.kind != "gap" and kept[m.side, m.stream, m.number].kind == "gap"]
        assert await add(history, *mine) == {(s, m.side, m.stream, m.number) for m in late}
    assert await history.page(s, None, 100) == sorted(kept.values(), key=lambda m: m.order)
    for side in (0, 1):
        standing = await history.standing(s, side)
        for stream in "ab":
            numbers = {n for a, b, n in kept if (a, b) == (side, stream)}
            seen = next(n for n in itertools.count() if n + 1 not in numbers)
            assert standing.seen.get(stream, 0) == seen
            beyond = [kept[side, stream, n] for n in sorted(numbers) if n > seen]
            assert [m for m in standing.beyond if m.stream == stream] == beyond
            real = (n for n in numbers if kept[side, stream, n].kind != "gap" and any(a <= n <= b for a, b in asked))
            assert await history.held(s, side, stream, asked) == to_ranges(real)


async def test_all_that_was_added_outlives_the_process(history_store: Store[History]) -> None:
    async with history_store.open() as history:
        await add(history, message(1), message(2))
        await history.begin(session())
        await history.bar("anna", "ben", NOW)
        code = await Reports(history).of("anna", "net")
    async with history_store.open() as history:
        assert await history.page("s", None, 10) == [message(1), message(2)]
        assert await history.session("s") == session()
        assert await history.barred("ben") == ["anna"]
        assert await history.case(code) == "received"


@pytest.mark.parametrize("lines", [1, 60, 900])
async def test_nothing_committed_is_lost_when_the_process_is_killed(history_store: Store[History], lines: int) -> None:
    committed = await killed_after("history", history_store.adapter, history_store.folder, lines)
    async with history_store.open() as history:
        standing = await history.standing("s", 0)
        held: set[int] = set()
        for stream in standing.seen:
            held |= {n for a, b in await history.held("s", 0, stream, [(1, 2**52)]) for n in range(a, b + 1)}
    assert set(committed) <= held


# Guests and sessions


async def test_a_guest_is_kept_whole_and_replaced(history: History) -> None:
    assert await history.guest("anna") is None
    place = Place("lyon", "Lyon", "FR", "position", Cell(2_287, 241))
    anna = Guest("anna", 1, 2, "2024-1", 3, place, (4, 5), ("net1", "net2"))
    await history.keep_guest(guest("anna"))
    await history.keep_guest(anna)
    assert await history.guest("anna") == anna


async def test_beginning_twice_keeps_the_first_and_undoing_forgets_it(history: History) -> None:
    await history.begin(session())
    await history.end("s", NOW + 5)
    await history.begin(session())
    ended = Session("s", ("anna", "ben"), ("Amber Fox", "Teal Owl"), "Lyon", NOW, NOW + MONTH_MS, NOW + 5)
    assert await history.session("s") == ended
    await history.undo("s")
    await history.undo("s")
    assert await history.session("s") is None
    assert await history.sessions("anna") == []


async def test_the_first_end_stays(history: History) -> None:
    await history.begin(session())
    await history.end("s", NOW + 5)
    await history.end("s", NOW + 9)
    await history.end("unknown", NOW)
    kept = await history.session("s")
    assert kept is not None and kept.ended == NOW + 5


async def test_sessions_of_a_guest_come_newest_first(history: History) -> None:
    for n, members in enumerate([("anna", "ben"), ("carl", "anna"), ("ben", "carl"), ("anna", "dora")]):
        await history.begin(session(f"s{n}", members=members, started=NOW + n))
    assert [found.id for found in await history.sessions("anna")] == ["s3", "s1", "s0"]
    assert [found.id for found in await history.sessions("nobody")] == []


async def test_a_session_is_idle_when_all_its_members_were_last_seen_before(history: History) -> None:
    for name, seen in [("anna", NOW + 10), ("ben", NOW + 20), ("carl", NOW + 90)]:
        await history.keep_guest(guest(name, seen))
    await history.begin(session("both away"))
    await history.begin(session("one here", members=("anna", "carl")))
    await history.begin(session("over"))
    await history.end("over", NOW + 1)
    await history.begin(session("unknown guests", members=("erased", "pruned")))
    await history.begin(session("new", members=("erased", "pruned"), started=NOW + 60))
    assert {found.id for found in await history.idle(NOW + 50)} == {"both away", "unknown guests"}
    assert {found.id for found in await history.idle(NOW + 20)} == {"unknown guests"}


# Bars, shuns, wishes


async def test_a_barred_pair_is_barred_both_ways_and_once(history: History) -> None:
    await history.bar("anna", "ben", NOW)
    await history.bar("ben", "anna", NOW + 1)
    await history.bar("carl", "anna", NOW)
    assert sorted(await history.barred("anna")) == ["ben", "carl"]
    assert await history.barred("ben") == ["anna"]
    assert await history.barred("dora") == []


async def test_a_shun_holds_for_a_day_and_counts_from_the_first(history: History) -> None:
    await history.shun("anna", ["n1", "n2"], NOW)
    await history.shun("anna", ["n1"], NOW + 1_000)
    await history.shun("anna", [], NOW)
    assert await history.shunned("anna", NOW + 2_000) == {"n1": NOW, "n2": NOW}
    assert await history.shunned("anna", NOW + DAY_MS) == {"n1": NOW + 1_000}
    assert await history.shunned("anna", NOW + DAY_MS + 1_000) == {}
    assert await history.shunned("ben", NOW) == {}


async def test_two_wishes_within_a_day_meet_once(history: History) -> None:
    assert not await history.wish("s", "anna", NOW)
    assert not await history.wish("s", "anna", NOW + 1)
    assert not await history.wish("other", "ben", NOW + 1)
    assert await history.wish("s", "ben", NOW + 2)
    assert not await history.wish("s", "anna", NOW + 3)
    assert not await history.wish("s", "ben", NOW + 3 + DAY_MS)


# Reports


async def test_a_report_keeps_its_first_code(history: History) -> None:
    assert await history.report(Report("FIRST", "s", "anna", "ben", "hate", "", NOW, ("n1",))) == "FIRST"
    assert await history.report(Report("AGAIN", "s", "anna", "ben", "spam", "again", NOW + 5, ("n2",))) == "FIRST"
    assert await history.report(Report("OTHER", "s", "ben", "anna", "spam", "", NOW, ("n2",))) == "OTHER"
    assert await history.case("FIRST") == "received"
    assert await history.case("AGAIN") is None
    assert await history.case("AAAAAAAAAA") is None


async def test_three_reports_by_three_guests_on_three_networks_within_a_day_pause(history: History) -> None:
    reports = Reports(history)
    await reports.of("g1", "n1", "old n1")
    await reports.of("g2", "n2", at=NOW + 10)
    assert await history.pause("ben", NOW + 10) is None
    await reports.of("g3", "n3", at=NOW + DAY_MS - 1)
    pause = await history.pause("ben", NOW + DAY_MS)
    assert pause is not None and pause.until == NOW + 2 * DAY_MS - 1 and pause.reason
    assert await history.pause("ben", pause.until) is None
    assert await history.pause("g1", NOW + DAY_MS) is None


@pytest.mark.parametrize(
    "third",
    [
        ("g3", ("n1", "other"), NOW + 20, "ben"),  # a network of the first
        ("g3", ("n0", "n2"), NOW + 20, "ben"),  # a network of the second
        ("g3", (), NOW + 20, "ben"),  # no network known
        ("g2", ("n3",), NOW + 20, "ben"),  # the same guest again
        ("g3", ("n3",), NOW + DAY_MS, "ben"),  # the first was a day ago
        ("g3", ("n3",), NOW + 20, "carl"),  # on somebody else
    ],
)
async def test_nothing_less_pauses(history: History, third: tuple[str, tuple[str, ...], int, str]) -> None:
    reports = Reports(history)
    await reports.of("g1", "n1")
    await reports.of("g2", "n2", at=NOW + 10)
    reporter, networks, at, accused = third
    await reports.of(reporter, *networks, at=at, accused=accused)
    assert await history.pause("ben", at) is None
    assert await history.pause("carl", at) is None


async def test_one_guest_on_two_networks_is_not_two(history: History) -> None:
    reports = Reports(history)
    await reports.of("g1", "n1")
    await reports.of("g1", "n2", at=NOW + 10)
    await reports.of("g2", "n3", at=NOW + 20)
    assert await history.pause("ben", NOW + 20) is None


async def test_reports_from_one_network_do_not_hide_those_from_three(history: History) -> None:
    reports = Reports(history)
    for n in range(20):
        await reports.of(f"flood{n}", "n1", at=NOW + n)
    await reports.of("g2", "n2", at=NOW + 30)
    assert await history.pause("ben", NOW + 30) is None
    await reports.of("g3", "n3", at=NOW + 40)
    assert isinstance(await history.pause("ben", NOW + 40), Pause)


# Erase and prune


async def test_erasing_blanks_the_texts_and_keeps_the_ids(history: History) -> None:
    for name in ("anna", "ben"):
        await history.keep_guest(guest(name))
    await history.begin(session("old"))
    await history.end("old", NOW + 1)
    await history.begin(session("new", members=("ben", "anna"), started=NOW + 2))
    await add(history, message(1, s="old"), message(2, s="old", side=1), message(1, s="new", side=1))
    await history.bar("anna", "carl", NOW)
    await history.shun("anna", ["n1"], NOW)
    await history.wish("old", "anna", NOW)

    erased = await history.erase("anna", NOW + 9)

    assert [(found.id, found.ended, found.erased) for found in erased] == [
        ("new", NOW + 9, (1,)),
        ("old", NOW + 1, (0,)),
    ]
    assert erased == await history.sessions("anna") == await history.erase("anna", NOW + 10)
    assert [m.text for m in await history.page("old", None, 10)] == ["", "text 2"]
    assert [(m.key, m.text) for m in await history.page("new", None, 10)] == [(("st", 1), "")]
    assert await history.guest("anna") is None and await history.guest("ben") is not None
    assert await history.barred("anna") == ["carl"]
    assert await history.shunned("anna", NOW + 9) == {}
    assert not await history.wish("old", "ben", NOW + 9)


async def test_a_late_copy_of_an_erased_message_stays_blank(history: History) -> None:
    await history.begin(session())
    await add(history, message(1))
    await history.erase("anna", NOW)
    await add(history, message(1), message(2), message(3, side=1))
    assert [m.text for m in await history.page("s", None, 10)] == ["", "", "text 3"]


async def test_pruning_deletes_what_has_expired_and_nothing_else(history: History) -> None:
    await history.begin(session("old"))
    await history.begin(session("young", started=NOW + 1))
    await add(history, *(message(n, s="old") for n in range(1, 2_101)))
    await add(history, message(1, s="young"))
    await history.keep_guest(guest("anna", NOW))
    await history.keep_guest(guest("long away", NOW))
    await history.keep_guest(guest("just here", NOW + 1))
    await history.prune(NOW + MONTH_MS, MONTH_MS)
    assert await history.session("old") is None
    assert [found.id for found in await history.sessions("anna")] == ["young"]
    assert await history.page("old", None, 10) == []
    assert len(await history.page("young", None, 10)) == 1
    assert await history.guest("long away") is None
    assert await history.guest("just here") is not None
    assert await history.guest("anna") is not None, "a guest lives as long as their history"
    await history.prune(NOW + MONTH_MS + 1, MONTH_MS)
    assert await history.guest("anna") is None


async def test_pruning_meanwhile_holds_up_no_message(history: History) -> None:
    await history.begin(session())
    await add(history, *(message(n) for n in range(1, 3_001)))
    pruning = asyncio.create_task(history.prune(NOW + MONTH_MS, MONTH_MS))
    await add(history, message(1, s="other"))
    await pruning
    assert await history.page("s", None, 10) == []
    assert len(await history.page("other", None, 10)) == 1
