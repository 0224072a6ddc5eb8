"""What every history promises (citychat.ports.History)."""

import asyncio
import itertools

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from citychat.model import PENDING, District, Guest, Message, Place, Ranges, Session, drawable, to_ranges
from citychat.ports import Dossier, History
from citychat.rules import DAY_MS
from tests.contract.accusing import MONTH_MS, NOW, Reports, guest, session
from tests.support.killing import killed_after
from tests.support.stores import Store, add, message

fresh = map("session{}".format, itertools.count())


# Messages


async def test_a_message_is_kept_as_it_was_first_added(history: History) -> None:
    first = Message("s", 1, "stream", 1, 2**52, "né \U0001f98a\n" + "\U0001f98a" * 1_995, NOW, ("older", 7))
    second = Message("s", 1, "stream", 2, 2**52, "", NOW, kind="unknown")
    assert await add(history, first, second) == frozenset()
    assert await add(history, Message("s", 1, "stream", 1, 3, "other words", 4), second) == frozenset()
    assert await history.messages.page("s", None, 10) == [first, second]


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
    assert await history.messages.page("good", None, 5) == [message(1, s="good"), message(2, s="good")]


async def test_a_batch_may_hold_the_same_message_twice(history: History) -> None:
    assert await add(history, message(1), message(1), message(2)) == frozenset()
    assert await history.messages.page("s", None, 10) == [message(1), message(2)]


async def test_pages_go_back_in_the_order_of_the_transcript(history: History) -> None:
    places = [(1, 0, "b", 1), (1, 1, "a", 1), (3, 0, "b", 2), (2, 1, "a", 2), (3, 0, "a", 1), (3, 0, "b", 3)]
    rows = [Message("s", side, stream, n, lamport, f"{lamport}", NOW) for lamport, side, stream, n in places]
    await add(history, *rows)
    await add(history, message(1, s="another"))
    ordered = sorted(rows, key=lambda m: m.order)
    newest = await history.messages.page("s", None, 4)
    assert newest == ordered[2:]
    assert await history.messages.page("s", newest[0].order, 4) == ordered[:2]
    assert await history.messages.page("s", ordered[0].order, 4) == []


async def test_progress_counts_each_stream_of_that_side_up_to_its_first_hole(history: History) -> None:
    await add(history, *(message(n, st="whole") for n in (2, 1, 3)))
    await add(history, *(message(n, st="holed") for n in (1, 2, 4, 5, 9)))
    await add(history, *(message(n, st="headless") for n in (2, 3)))
    await add(history, message(1, st="patched"), message(2, st="patched", x="", k="gap"), message(3, st="patched"))
    await add(history, message(1, side=1), message(1, s="another"))
    progress = await history.messages.progress("s", 0)
    assert progress.seen == {"whole": 3, "holed": 2, "headless": 0, "patched": 3}
    assert progress.beyond == [
        message(2, st="headless"), message(3, st="headless"),
        message(4, st="holed"), message(5, st="holed"), message(9, st="holed"),
    ]  # fmt: skip


async def test_progress_names_what_each_stream_of_that_side_links_to(history: History) -> None:
    await add(history, message(1, st="one"), message(1, st="two", p=("one", 3)), message(2, st="two"))
    await add(history, message(1, st="three", p=("two", 2)), message(2, st="headless"))
    await add(history, message(1, st="another", side=1, p=("one", 3)), message(1, s="another", st="one", p=("x", 1)))
    assert (await history.messages.progress("s", 0)).links == {"two": ("one", 3), "three": ("two", 2)}


async def test_there_is_no_progress_in_a_session_without_messages(history: History) -> None:
    progress = await history.messages.progress("s", 0)
    assert (progress.seen, progress.beyond) == ({}, [])


async def test_held_names_exactly_the_messages_it_has_and_no_gaps(history: History) -> None:
    await add(history, *(message(n) for n in (1, 2, 3, 5, 8)), message(4, x="", k="gap"), message(9, side=1))
    assert await history.messages.held("s", 0, "st", [(2, 6), (8, 2**52)]) == [(2, 3), (5, 5), (8, 8)]
    assert await history.messages.held("s", 0, "st", [(1, 2), (1, 3), (2, 2)] * 300) == [(1, 3)]
    assert await history.messages.held("s", 0, "other", [(1, 9)]) == []
    assert await history.messages.held("s", 0, "st", []) == []


rows = st.builds(
    message,
    st.integers(1, 8),
    side=st.integers(0, 1),
    st=st.sampled_from("ab"),
    # As it reaches a store: FerretDB 1.24 makes "" of what shows nothing, of a single space or a soft hyphen
    x=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5).map(drawable),
    k=st.sampled_from([None, None, "gap"]),
)


@given(
    batches=st.lists(st.lists(rows, max_size=8), max_size=6),
    asked=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9))),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_batches_leave_what_a_plain_dictionary_would(
    history: History, batches: list[list[Message]], asked: Ranges
) -> None:
    s = next(fresh)
    kept: dict[tuple[int, str, int], Message] = {}
    for batch in batches:
        mine = [Message(s, m.side, m.stream, m.number, m.lamport, m.text, m.at, kind=m.kind) for m in batch]
        for m in mine:
            there = kept.setdefault((m.side, m.stream, m.number), m)
            if there.kind == "gap" != m.kind:
                kept[m.side, m.stream, m.number] = m
        assert await add(history, *mine) == frozenset()
    assert await history.messages.page(s, None, 100) == sorted(kept.values(), key=lambda m: m.order)
    for side in (0, 1):
        progress = await history.messages.progress(s, side)
        for stream in "ab":
            numbers = {n for a, b, n in kept if (a, b) == (side, stream)}
            seen = next(n for n in itertools.count() if n + 1 not in numbers)
            assert progress.seen.get(stream, 0) == seen
            beyond = [kept[side, stream, n] for n in sorted(numbers) if n > seen]
            assert [m for m in progress.beyond if m.stream == stream] == beyond
            real = (n for n in numbers if kept[side, stream, n].kind != "gap" and any(a <= n <= b for a, b in asked))
            assert await history.messages.held(s, side, stream, asked) == to_ranges(real)


async def test_all_that_was_added_outlives_the_process(history_store: Store[History]) -> None:
    async with history_store.open() as history:
        await history.sessions.begin(session())
        await add(history, message(1), message(2))
        await history.relations.block("anna", "ben", NOW)
        code = await Reports(history).of("anna", "net")
    async with history_store.open() as history:
        assert await history.messages.page("s", None, 10) == [message(1), message(2)]
        assert await history.sessions.find("s") == session()
        assert await history.relations.blocked("ben") == ["anna"]
        assert await history.reports.state(code, NOW) == "received"


@pytest.mark.parametrize("lines", [1, 60, 900])
async def test_nothing_committed_is_lost_when_the_process_is_killed(history_store: Store[History], lines: int) -> None:
    committed = await killed_after("history", history_store.adapter, history_store.folder, lines)
    async with history_store.open() as history:
        progress = await history.messages.progress("s", 0)
        held: set[int] = set()
        for stream in progress.seen:
            held |= {n for a, b in await history.messages.held("s", 0, stream, [(1, 2**52)]) for n in range(a, b + 1)}
    assert set(committed) <= held


# Guests and sessions


async def test_a_guest_is_kept_whole_and_replaced(history: History) -> None:
    assert await history.guests.find("anna") is None
    place = Place("lyon", "Lyon", "FR", "position", District(2_287, 241))
    anna = Guest("anna", 1, 2, "2024-1", 3, place, (4, 5), ("net1", "net2"))
    await history.guests.keep(guest("anna"))
    await history.guests.keep(anna)
    assert await history.guests.find("anna") == anna


async def test_beginning_twice_keeps_the_first(history: History) -> None:
    await history.sessions.begin(session())
    await history.sessions.end("s", NOW + 5)
    await history.sessions.begin(session())
    ended = Session("s", ("anna", "ben"), ("Amber Fox", "Teal Owl"), "Lyon", NOW, NOW + MONTH_MS, NOW + 5)
    assert await history.sessions.find("s") == ended


async def test_the_first_end_stays(history: History) -> None:
    await history.sessions.begin(session())
    await history.sessions.end("s", NOW + 5)
    await history.sessions.end("s", NOW + 9)
    await history.sessions.end("unknown", NOW)
    kept = await history.sessions.find("s")
    assert kept is not None and kept.ended == NOW + 5


async def test_sessions_of_a_guest_come_newest_first(history: History) -> None:
    for n, members in enumerate([("anna", "ben"), ("carl", "anna"), ("ben", "carl"), ("anna", "dora")]):
        await history.sessions.begin(session(f"s{n}", members=members, started=NOW + n))
    assert [found.id for found in await history.sessions.of("anna")] == ["s3", "s1", "s0"]
    assert [found.id for found in await history.sessions.of("nobody")] == []


async def test_the_newest_sessions_of_a_guest_come_in_pages_and_pending_ones_do_not(history: History) -> None:
    for n in range(7):  # three at each time
        await history.sessions.begin(session(f"s{n}", members=("anna", "ben"), started=NOW + n // 3))
    await history.sessions.begin(session("other", members=("ben", "carl"), started=NOW + 1))
    await history.sessions.begin(replace(session("pending", started=NOW + 9), ended=PENDING))
    assert [found.id for found in await history.sessions.newest("anna", None, 3)] == ["s6", "s5", "s4"]
    assert [found.id for found in await history.sessions.newest("anna", (NOW + 1, "s4"), 3)] == ["s3", "s2", "s1"]
    assert [found.id for found in await history.sessions.newest("anna", (NOW, "s1"), 3)] == ["s0"]


async def test_a_dossier_holds_the_ten_newest_sessions_and_older_ones_that_run(history: History) -> None:
    for n in range(14):
        await history.sessions.begin(session(f"s{n}", started=NOW + n))
        if n != 1:
            await history.sessions.end(f"s{n}", NOW + n)
    found = (await history.guests.dossier("anna", NOW)).sessions
    assert [row.id for row in found] == [*(f"s{n}" for n in range(13, 3, -1)), "s1"]


async def test_a_session_is_idle_when_all_its_members_were_last_seen_over_a_day_ago(history: History) -> None:
    for name, seen in [("anna", NOW + 10), ("ben", NOW + 20), ("carl", NOW + 90)]:
        await history.guests.keep(guest(name, seen))
    await history.sessions.begin(session("both away"))
    await history.sessions.begin(session("one here", members=("anna", "carl")))
    await history.sessions.begin(session("over"))
    await history.sessions.end("over", NOW + 1)
    await history.sessions.begin(session("unknown guests", members=("erased", "pruned")))
    await history.sessions.begin(session("new", members=("erased", "pruned"), started=NOW + 60))
    assert {found.id for found in await history.sessions.idle(NOW + DAY_MS + 50)} == {"both away", "unknown guests"}
    assert {found.id for found in await history.sessions.idle(NOW + DAY_MS + 20)} == {"unknown guests"}


# Dossiers


async def test_a_dossier_of_nobody_is_empty(history: History) -> None:
    assert await history.guests.dossier("anna", NOW) == Dossier(None, None, [], {}, [], 0)


async def test_a_dossier_holds_what_the_stores_say_one_by_one(history: History) -> None:
    place = Place("lyon", "Lyon", "FR", "position", District(2_287, 241))
    await history.guests.keep(Guest("anna", 1, NOW, "2024-1", 3, place, (4, 5), ("net1", "net2")))
    for name, seen in [("ben", NOW + 3), ("carl", NOW + 5), ("dora", NOW + 7)]:
        await history.guests.keep(guest(name, seen))
    for n, members in enumerate([("anna", "ben"), ("carl", "anna"), ("ben", "carl"), ("anna", "dora")]):
        await history.sessions.begin(session(f"s{n}", members=members, started=NOW + n))
    await history.sessions.end("s3", NOW + 9)
    await history.relations.block("dora", "anna", NOW)
    await history.relations.block("dora", "ben", NOW)
    await history.relations.avoid_networks("anna", ["n1", "n2"], NOW)
    await history.relations.avoid_networks("anna", ["n1"], NOW + 1_000)
    await history.relations.avoid_networks("ben", ["n3"], NOW)
    for now in (NOW + 10, NOW + DAY_MS):
        dossier = await history.guests.dossier("anna", now)
        assert dossier == Dossier(
            row=await history.guests.find("anna"),
            pause=None,
            sessions=await history.sessions.of("anna"),
            avoided_networks=await history.relations.avoided_networks("anna", now),
            blocked=await history.relations.blocked("anna"),
            partner_seen=NOW + 5,
            met=["dora", "carl", "ben"],
        )
        assert [found.id for found in dossier.sessions] == ["s3", "s1", "s0"]
        assert (dossier.blocked, len(dossier.avoided_networks)) == (["dora"], 2 if now == NOW + 10 else 1)
    dossier = await history.guests.dossier("anna", NOW + DAY_MS + 1_000)
    assert (dossier.avoided_networks, dossier.met) == ({}, []), "nobody is kept away any more"


async def test_a_dossier_tells_when_the_partner_of_the_chat_that_runs_was_last_seen(history: History) -> None:
    await history.guests.keep(guest("ben", NOW + 5))
    await history.sessions.begin(session("over", started=NOW + 1))
    await history.sessions.begin(session("runs"))
    assert (await history.guests.dossier("anna", NOW)).partner_seen == NOW + 5
    assert (await history.guests.dossier("ben", NOW)).partner_seen == 0, "nobody knows the partner"
    for name in ("over", "runs"):
        await history.sessions.end(name, NOW + 2)
    assert (await history.guests.dossier("anna", NOW)).partner_seen == 0, "nothing runs"


# Relations and wishes


async def test_a_blocked_pair_is_blocked_both_ways_and_once(history: History) -> None:
    await history.relations.block("anna", "ben", NOW)
    await history.relations.block("ben", "anna", NOW + 1)
    await history.relations.block("carl", "anna", NOW)
    assert sorted(await history.relations.blocked("anna")) == ["ben", "carl"]
    assert await history.relations.blocked("ben") == ["anna"]
    assert await history.relations.blocked("dora") == []


async def test_whom_a_guest_has_talked_with_is_known_the_last_first(history: History) -> None:
    for n, (members, ended) in enumerate(
        [(("anna", "ben"), NOW), (("carl", "anna"), None), (("anna", "dora"), PENDING), (("ben", "dora"), None),
         (("ben", "anna"), None)]
    ):  # fmt: skip
        await history.sessions.begin(
            msgspec.structs.replace(session(f"s{n}", members=members, started=NOW + n), ended=ended)
        )
    assert await history.relations.met("anna") == ["ben", "carl"]
    assert await history.relations.met("eve") == []


async def test_a_network_is_avoided_for_a_day_counted_from_the_last_block(history: History) -> None:
    await history.relations.avoid_networks("anna", ["n1", "n2"], NOW)
    await history.relations.avoid_networks("anna", ["n1"], NOW + 1_000)
    await history.relations.avoid_networks("anna", [], NOW)
    assert await history.relations.avoided_networks("anna", NOW + 2_000) == {"n1": NOW + 1_000, "n2": NOW}
    assert await history.relations.avoided_networks("anna", NOW + DAY_MS) == {"n1": NOW + 1_000}
    assert await history.relations.avoided_networks("anna", NOW + DAY_MS + 1_000) == {}
    assert await history.relations.avoided_networks("ben", NOW) == {}
    await history.relations.avoid_networks("anna", ["n1"], NOW + DAY_MS)
    assert await history.relations.avoided_networks("anna", NOW + 2 * DAY_MS - 1) == {"n1": NOW + DAY_MS}
    assert await history.relations.avoided_networks("anna", NOW + 2 * DAY_MS) == {}


async def test_two_wishes_within_a_day_meet_once(history: History) -> None:
    assert not await history.sessions.wish("s", "anna", NOW)
    assert not await history.sessions.wish("s", "anna", NOW + 1)
    assert not await history.sessions.wish("other", "ben", NOW + 1)
    assert await history.sessions.wish("s", "ben", NOW + 2) == NOW + 1
    assert not await history.sessions.wish("s", "anna", NOW + 3)
    assert not await history.sessions.wish("s", "ben", NOW + 3 + DAY_MS)


async def test_wishes_that_came_to_nothing_keep_their_times(history: History) -> None:
    await history.sessions.keep_wish("s", "anna", NOW)
    await history.sessions.keep_wish("s", "ben", NOW + 5)
    assert await history.sessions.wish("s", "ben", NOW + 9) == NOW
    await history.sessions.keep_wish("s", "anna", NOW)
    assert not await history.sessions.wish("s", "ben", NOW + DAY_MS)


async def test_the_newest_time_at_which_a_guest_was_seen_is_known(history: History) -> None:
    assert await history.guests.newest_seen() == 0
    for name, seen in (("anna", NOW + 5), ("ben", NOW + 9), ("carl", NOW + 7)):
        await history.guests.keep(guest(name, seen=seen))
    assert await history.guests.newest_seen() == NOW + 9


# Erase and prune


async def test_erasing_blanks_the_texts_and_keeps_the_ids(history: History) -> None:
    for name in ("anna", "ben"):
        await history.guests.keep(guest(name))
    await history.sessions.begin(session("old"))
    await history.sessions.end("old", NOW + 1)
    await history.sessions.begin(session("new", members=("ben", "anna"), started=NOW + 2))
    await add(history, message(1, s="old"), message(2, s="old", side=1), message(1, s="new", side=1))
    await history.relations.block("anna", "carl", NOW)
    await history.relations.avoid_networks("anna", ["n1"], NOW)
    await history.sessions.wish("old", "anna", NOW)

    erased = await history.guests.erase("anna", NOW + 9)

    assert [(found.id, found.ended, found.erased) for found in erased] == [
        ("new", NOW + 9, (1,)),
        ("old", NOW + 1, (0,)),
    ]
    assert erased == await history.sessions.of("anna") == await history.guests.erase("anna", NOW + 10)
    assert [m.text for m in await history.messages.page("old", None, 10)] == ["", "text 2"]
    assert [(m.key, m.text) for m in await history.messages.page("new", None, 10)] == [(("st", 1), "")]
    assert await history.guests.find("anna") is None and await history.guests.find("ben") is not None
    assert await history.relations.blocked("anna") == ["carl"]
    assert await history.relations.avoided_networks("anna", NOW + 9) == {}
    assert not await history.sessions.wish("old", "ben", NOW + 9)


async def test_a_late_copy_of_an_erased_message_stays_blank(history: History) -> None:
    await history.sessions.begin(session())
    await add(history, message(1))
    await history.guests.erase("anna", NOW)
    await add(history, message(1), message(2), message(3, side=1))
    assert [m.text for m in await history.messages.page("s", None, 10)] == ["", "", "text 3"]


async def test_pruning_deletes_what_has_expired_and_nothing_else(history: History) -> None:
    await history.sessions.begin(session("old"))
    await history.sessions.begin(session("young", started=NOW + 1))
    await add(history, *(message(n, s="old") for n in range(1, 2_101)))
    await add(history, message(1, s="young"))
    await history.guests.keep(guest("anna", NOW))
    await history.guests.keep(guest("long away", NOW))
    await history.guests.keep(guest("just here", NOW + 1))
    await history.guests.prune(NOW + MONTH_MS, MONTH_MS)
    assert await history.sessions.find("old") is None
    assert [found.id for found in await history.sessions.of("anna")] == ["young"]
    assert await history.messages.page("old", None, 10) == []
    assert len(await history.messages.page("young", None, 10)) == 1
    assert await history.guests.find("long away") is None
    assert await history.guests.find("just here") is not None
    assert await history.guests.find("anna") is not None, "a guest lives as long as their history"
    await history.guests.prune(NOW + MONTH_MS + 1, MONTH_MS)
    assert await history.guests.find("anna") is None


async def test_a_host_who_keeps_chats_for_a_shorter_time_keeps_the_old_ones_no_longer(history: History) -> None:
    await history.sessions.begin(session("of two days ago", started=NOW - 2 * DAY_MS))
    await history.sessions.begin(session("of now", started=NOW))
    await add(history, message(1, s="of two days ago"), message(1, s="of now"))
    await history.guests.prune(NOW, MONTH_MS)
    assert await history.sessions.find("of two days ago") is not None
    await history.guests.prune(NOW, DAY_MS)
    assert await history.sessions.find("of two days ago") is None
    assert await history.messages.page("of two days ago", None, 10) == []
    (young,) = await history.sessions.of("anna")
    assert (young.id, young.expires) == ("of now", NOW + DAY_MS), "the page says the day"
    await history.guests.prune(NOW + DAY_MS, DAY_MS)
    assert await history.sessions.of("anna") == []


async def test_pruning_meanwhile_holds_up_no_message(history: History) -> None:
    await history.sessions.begin(session())
    await add(history, *(message(n) for n in range(1, 3_001)))
    pruning = asyncio.create_task(history.guests.prune(NOW + MONTH_MS, MONTH_MS))
    await add(history, message(1, s="other"))
    await pruning
    assert await history.messages.page("s", None, 10) == []
    assert len(await history.messages.page("other", None, 10)) == 1
