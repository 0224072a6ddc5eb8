"""A replica set that changes its primary: what is told, and that nothing is twice, lost or stuck afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from pymongo import common

from citychat.adapters.mongo import MongoHistory
from citychat.adapters.mongo.documents import pair_id
from citychat.model import PENDING, Guest, Unavailable
from citychat.ports import Committed
from citychat.rules import DAY_MS, PAUSE_MS
from tests.server.mongo.conftest import MONTH_MS, NOW, accused, begun, new_history, new_status, report, session
from tests.support.mongo_set import Cue, ReplicaSet, Rows
from tests.support.patience import PATIENCE_S, until
from tests.support.stores import comes_up, message

ROWS = 50
BATCH = [message(n) for n in range(1, ROWS + 1)]

FAULTS = [
    Cue("", "refused", done=0, elects=True),
    Cue("", "refused", elects=True),  # done, and the new primary has it
    Cue("", "refused", elects=True, kept=False),  # done, and rolled back
    Cue("", "unsure"),
    Cue("", "reset", done=0),
    Cue("", "reset"),
]

# Everything that changes something, in an order in which each finds what it needs
CHANGES: list[Callable[[MongoHistory], Awaitable[object]]] = [
    lambda h: h.guests.keep(Guest("anna", NOW, NOW, "1", NOW)),
    lambda h: h.sessions.begin(session()),
    lambda h: add_or_fail(h),
    lambda h: h.relations.block("anna", "ben", NOW),
    lambda h: h.relations.avoid_networks("anna", ["n", "m"], NOW),
    lambda h: h.reports.add(report(1)),
    lambda h: h.sessions.wish("s", "ben", NOW),
    lambda h: h.sessions.end("s", NOW),
    lambda h: h.guests.erase("anna", NOW),
    lambda h: h.guests.prune(NOW + 2 * MONTH_MS, MONTH_MS),
]


async def add_or_fail(history: MongoHistory) -> None:
    if await begun(history, *BATCH[:3]) is None:
        raise Unavailable


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver looks at a member that has failed again after 20 ms instead of 0.5 s."""
    monkeypatch.setattr(common, "MIN_HEARTBEAT_INTERVAL", 0.02)


@asynccontextmanager
async def opened(replicas: ReplicaSet) -> AsyncIterator[MongoHistory]:
    link = new_status()
    async with new_history(replicas.url, link) as history:
        await comes_up(link)
        await history.sessions.begin(session())  # nothing is kept of a session that is not there
        replicas.heard.clear()
        yield history


async def in_the_end(history: MongoHistory, act: Callable[[MongoHistory], Awaitable[object]]) -> int:
    """Try until it is done, as everybody who asks does; how often it was not."""
    failures = 0
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await act(history)
                return failures
            except Unavailable:
                failures += 1
                await asyncio.sleep(0.02)


async def kept(history: MongoHistory) -> None:
    """Add the batch in the end; nothing of it is missing, twice or behind a gap."""

    async def whole(history: MongoHistory) -> None:
        if (committed := await begun(history, *BATCH)) is None:
            raise Unavailable
        assert committed == Committed()
        assert await history.messages.page("s", None, 2 * ROWS) == BATCH

    await in_the_end(history, whole)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda cue: f"{cue.then} {'before' if cue.done == 0 else 'after'}")
async def test_whatever_a_change_of_the_primary_breaks_is_whole_when_it_is_asked_for_again(fault: Cue) -> None:
    async with ReplicaSet() as undisturbed, opened(undisturbed) as history:
        after: list[Rows] = []
        for change in CHANGES:
            await change(history)
            after.append(undisturbed.primary.committed)
        commands = len(undisturbed.heard)
    failed = 0
    async with ReplicaSet() as replicas, opened(replicas) as history:
        for change, expected in zip(CHANGES, after, strict=True):
            replicas.cues = [fault]
            failed += await in_the_end(history, change)
            assert whole(replicas.primary.committed) == whole(expected)
        assert failed >= len(CHANGES), "each was told that it is not sure"
        assert len(replicas.heard) > commands
        await until(lambda: history._mongo._status.state == "")


def whole(rows: Rows) -> dict[str, dict[object, object]]:
    """The documents, but for what an index of dates deletes and what only tries the server."""
    return {name: dict(documents) for name, documents in rows.items() if documents and name != "trial"}


@pytest.mark.parametrize(
    "fault",
    [
        Cue("insert", "refused", done=20, elects=True),
        Cue("insert", "refused", done=20, elects=True, kept=False),
        Cue("insert", "refused each", done=20, elects=True),
        Cue("insert", "unsure"),
        Cue("insert", "reset"),
        Cue("insert", "reset", done=20, elects=True, kept=False),
    ],
    ids=lambda cue: f"{cue.then} {cue.done}",
)
async def test_a_batch_that_is_broken_in_the_middle_is_unavailable_and_whole_the_second_time(fault: Cue) -> None:
    async with ReplicaSet() as replicas, opened(replicas) as history:
        replicas.cues.append(fault)
        assert await begun(history, *BATCH) is None
        await until(lambda: history._mongo._status.up)
        await kept(history)
        assert len(replicas.primary.committed["messages"]) == ROWS


async def test_what_no_majority_has_is_not_read(caplog: pytest.LogCaptureFixture) -> None:
    """A row that a fail-over may take back: who was let in by it would be in a chat that never was."""
    async with ReplicaSet() as replicas, opened(replicas) as history:
        replicas.cues.append(Cue("insert", "unsure"))
        with pytest.raises(Unavailable):
            await history.sessions.begin(session("new"))
        assert "new" in replicas.primary.rows["sessions"]
        await until(lambda: history._mongo._status.up)
        assert await history.sessions.find("new") is None
        assert [kept.id for kept in await history.sessions.of("anna")] == ["s"]
        await history.sessions.begin(session("new"))
        assert await history.sessions.find("new") == session("new"), "a second try waits for the majority too"
    assert "anna" not in caplog.text


async def test_everything_that_is_read_on_a_set_is_what_a_majority_has() -> None:
    async with ReplicaSet() as replicas, opened(replicas) as history:
        for change in CHANGES:
            await change(history)
        await history.messages.progress("s", 0)
        await history.sessions.idle(NOW)
        asked = [command for command in replicas.heard if "find" in command or "aggregate" in command]
        assert len(asked) > len(CHANGES)
        assert {command.get("readConcern", {}).get("level") for command in asked} == {"majority"}


async def test_no_option_of_the_address_makes_less_of_what_a_set_is_asked_for() -> None:
    less = "&w=1&journal=false&wTimeoutMS=1&readConcernLevel=local&readPreference=secondary"
    async with ReplicaSet() as replicas:
        link = new_status()
        async with new_history(replicas.url + less, link) as history:
            await comes_up(link)
            await history.sessions.begin(session())
            for change in CHANGES:
                await change(history)
    reads = [command for command in replicas.heard if "find" in command or "aggregate" in command]
    writes = [command for command in replicas.heard if command not in reads]
    assert len(reads) > len(CHANGES) and len(writes) > len(CHANGES)
    assert {command["readConcern"]["level"] for command in reads} == {"majority"}
    assert all(command["writeConcern"] == {"w": "majority", "j": True, "wtimeout": 5_000} for command in writes)
    assert not any("$readPreference" in command for command in replicas.heard)


async def test_who_is_kept_apart_by_the_new_primary_is_not_confirmed_by_a_process_on_the_side_of_the_old_one() -> None:
    async with ReplicaSet(3) as replicas, opened(replicas) as history:
        await history.sessions.begin(replace(session("new"), ended=PENDING))
        old = replicas.primary
        replicas.cut_off(old)
        replicas.elect(next(member for member in replicas.members if member is not old))
        pair = {"_id": pair_id("anna", "ben"), "a": "anna", "b": "ben", "at": NOW}
        replicas.primary.rows.setdefault("barred", {})[pair["_id"]] = pair
        replicas.replicate()
        confirmed: list[object] = []

        async def confirm(history: MongoHistory) -> None:
            confirmed.append(await history.sessions.confirm("new", MONTH_MS))

        await in_the_end(history, confirm)
        assert confirmed == [None]
        replicas.heal(old)
        assert replicas.primary.committed["sessions"]["new"]["ended"] is not None


async def test_a_single_server_is_asked_without_a_majority() -> None:
    async with ReplicaSet(1, name="") as single, opened(single) as history:
        await history.sessions.begin(session())
        assert await history.sessions.find("s") == session()
        assert not any("readConcern" in command for command in single.heard)


async def test_a_stale_primary_gets_nothing_acknowledged_and_is_left_for_the_new_one() -> None:
    async with ReplicaSet(3) as replicas, opened(replicas) as history:
        await history.sessions.begin(session())
        old = replicas.primary
        replicas.cut_off(old)
        replicas.elect(next(member for member in replicas.members if member is not old))
        assert await begun(history, *BATCH) in (None, Committed()), "at the old one, or at the new one already"
        await until(lambda: history._mongo._status.up)
        await in_the_end(history, add_or_fail)
        assert {row["n"] for row in replicas.primary.committed["messages"].values()} >= {1, 2, 3}
        heard_by_old = len(old.rows.get("messages", {}))
        await kept(history)
        assert len(old.rows.get("messages", {})) == heard_by_old, "nobody goes back to it"
        replicas.heal(old)
        await kept(history)
        assert len(replicas.primary.committed["messages"]) == ROWS


async def test_a_set_without_a_primary_is_away_and_is_found_again() -> None:
    async with ReplicaSet() as replicas, opened(replicas) as history:
        link = history._mongo._status
        old, new = replicas.members
        old.election = None
        await until(lambda: link.trouble == "it has no primary")
        assert await begun(history, *BATCH) is None
        replicas.elect(new)
        await until(lambda: link.up)
        await kept(history)


async def test_a_set_that_may_not_be_read_by_majority_is_told_in_words() -> None:
    async with ReplicaSet() as replicas:
        replicas.reads_by_majority = False
        link = new_status()
        async with new_history(replicas.url, link):
            await until(lambda: "enableMajorityReadConcern" in link.trouble)


async def test_messages_that_are_written_minutes_later_are_there_once() -> None:
    async with ReplicaSet() as replicas, opened(replicas) as history:
        history._mongo._written_within_s = 0.2
        replicas.cues.append(Cue("insert", "late"))
        assert await begun(history, *BATCH) is None
        await kept(history)
        replicas.go_on()
        await kept(history)


async def test_a_wish_that_is_taken_back_minutes_later_is_not_the_one_of_now() -> None:
    """Both had wished, and the second of the two deletions is done long after."""
    async with ReplicaSet() as replicas, opened(replicas) as history:
        history._mongo._written_within_s = 0.2
        assert not await history.sessions.wish("s", "anna", NOW)
        replicas.cues += [Cue("delete", "answered"), Cue("delete", "late")]
        assert await history.sessions.wish("s", "ben", NOW)
        assert not await history.sessions.wish("s", "ben", NOW + 5)
        replicas.go_on()
        assert await history.sessions.wish("s", "anna", NOW + 6), "the wish of now is still there"


async def test_a_pause_that_is_prolonged_while_it_is_pruned_stays() -> None:
    """The server gets to the deletion after the next report."""
    async with ReplicaSet() as replicas, opened(replicas) as history:
        await accused(history, *range(1, 7))
        for n in range(1, 4):
            await history.reports.add(report(n))
        later = NOW + PAUSE_MS + 1
        replicas.cues.append(Cue("delete", "late"))
        pruning = asyncio.ensure_future(history.guests.prune(later, 10 * DAY_MS))
        await until(lambda: bool(replicas._late))
        for n in range(4, 7):
            await history.reports.add(report(n, later))
        replicas.go_on()
        pruning.cancel()
        await asyncio.wait([pruning])
        assert await history.guests.pause("ben", later) is not None


async def test_a_server_that_takes_seconds_for_each_answer_is_slow_and_not_away() -> None:
    """Fifty guests come back together, and more questions wait for a connection than there are."""
    async with ReplicaSet() as replicas, opened(replicas) as history:
        replicas.slow_s = 2.5
        guests = [f"guest{n}" for n in range(50)]
        async with asyncio.timeout(PATIENCE_S):
            found = await asyncio.gather(*(history.guests.dossier(guest, NOW) for guest in guests))
        assert [dossier.row for dossier in found] == [None] * 50
