"""What every history promises of sessions that not both stores have agreed on yet, and of those that are deleted."""

import asyncio

from msgspec.structs import replace

from citychat.limits import bound
from citychat.model import PENDING, Message, Session
from citychat.ports import Committed, History
from citychat.rules import ALONE_MS, DAY_MS, PENDING_MS
from tests.contract.accusing import MONTH_MS, NOW, guest, session
from tests.support.patience import PATIENCE_S
from tests.support.stores import add, message


def pending(s: str = "s", *, members: tuple[str, ...] = ("anna", "ben"), started: int = NOW) -> Session:
    return replace(session(s, members=members, started=started), expires=started + PENDING_MS, ended=PENDING)


async def test_a_pending_session_is_nobodys_until_it_is_confirmed(history: History) -> None:
    await history.guests.keep(guest("anna", NOW - 9))
    await history.sessions.begin(pending())
    assert await history.sessions.find("s") == pending()
    assert await history.sessions.of("anna") == [] == await history.sessions.idle(NOW + MONTH_MS)
    dossier = await history.guests.dossier("ben", NOW)
    assert (dossier.sessions, dossier.partner_seen) == ([], 0)
    assert await history.sessions.confirm("s", MONTH_MS) == session()
    assert await history.sessions.of("anna") == [session()] == await history.sessions.idle(NOW + ALONE_MS + 1)
    dossier = await history.guests.dossier("ben", NOW)
    assert (dossier.sessions, dossier.partner_seen) == ([session()], NOW - 9)


async def test_two_begin_no_more_than_so_many_sessions_in_a_day(history: History) -> None:
    most = bound("chats of a pair")
    for n in range(most):  # whoever of the two has asked
        members = ("anna", "ben") if n % 2 else ("ben", "anna")
        assert await history.sessions.begin(session(f"s{n}", members=members, started=NOW + n))
    assert not await history.sessions.begin(pending(started=NOW + most)) and await history.sessions.find("s") is None
    assert await history.sessions.begin(pending("others", members=("anna", "carl"), started=NOW + most))
    assert await history.sessions.begin(pending("tomorrow", started=NOW + DAY_MS))


async def test_confirming_twice_and_at_once_is_confirming_once(history: History) -> None:
    await history.sessions.begin(pending())
    confirmed = await asyncio.gather(*(history.sessions.confirm("s", MONTH_MS) for _ in range(4)))
    assert confirmed == [session()] * 4
    assert await history.sessions.confirm("s", 2 * MONTH_MS) == session() == await history.sessions.find("s")
    await history.sessions.begin(pending())
    assert await history.sessions.find("s") == session()


async def test_what_is_over_unknown_or_of_two_who_are_kept_apart_is_not_confirmed(history: History) -> None:
    for s in ("over", "apart", "apart later"):
        await history.sessions.begin(pending(s))
    await history.sessions.confirm("over", MONTH_MS)
    await history.sessions.end("over", NOW + 5)
    await history.sessions.confirm("apart later", MONTH_MS)
    await history.relations.block("ben", "anna", NOW)
    for s in ("over", "apart", "apart later", "unknown"):
        assert await history.sessions.confirm(s, MONTH_MS) is None
    assert await history.sessions.find("apart") == pending("apart")
    assert [found.id for found in await history.sessions.of("anna") if found.ended is None] == ["apart later"]


async def test_of_a_confirm_and_a_block_at_once_the_confirm_is_refused_or_the_next_one_is(history: History) -> None:
    for n in range(10):
        await history.sessions.begin(pending(f"s{n}", members=("anna", f"ben{n}")))
        found, _ = await asyncio.gather(
            history.sessions.confirm(f"s{n}", MONTH_MS), history.relations.block("anna", f"ben{n}", NOW)
        )
        assert found is None or found.ended is None
        assert await history.sessions.confirm(f"s{n}", MONTH_MS) is None


async def test_what_is_confirmed_is_newer_than_all_that_was_whatever_the_clocks_say(history: History) -> None:
    await history.sessions.begin(session("ahead", members=("ben", "carl"), started=NOW + 300_000))
    await history.sessions.end("ahead", NOW + 300_001)
    await history.sessions.begin(pending("never", started=NOW + 900_000))
    await history.sessions.begin(pending())
    confirmed = await history.sessions.confirm("s", MONTH_MS)
    assert confirmed == session(started=NOW + 300_001) == await history.sessions.find("s")
    assert [found.id for found in await history.sessions.of("ben")] == ["s", "ahead"]


async def test_the_end_of_a_pending_session_forgets_it(history: History) -> None:
    await history.sessions.begin(pending())
    await history.sessions.end("s", NOW + 5)
    assert await history.sessions.find("s") is None
    assert await history.sessions.confirm("s", MONTH_MS) is None
    assert await history.sessions.of("anna") == []


async def test_of_an_end_and_a_confirm_at_once_nothing_runs_on(history: History) -> None:
    for n in range(10):
        await history.sessions.begin(pending(f"s{n}"))
        await asyncio.gather(history.sessions.confirm(f"s{n}", MONTH_MS), history.sessions.end(f"s{n}", NOW + 5))
        await history.sessions.end(f"s{n}", NOW + 6)
        assert await history.sessions.confirm(f"s{n}", MONTH_MS) is None
        found = await history.sessions.find(f"s{n}")
        assert found is None or found.ended in (NOW + 5, NOW + 6)


async def test_a_pending_session_goes_after_an_hour_and_with_its_guest(history: History) -> None:
    for s, members in (("old", ("carl", "dora")), ("erased", ("ben", "anna"))):
        await history.sessions.begin(pending(s, members=members))
    await history.sessions.begin(pending("young", members=("carl", "dora"), started=NOW + 1))
    await history.guests.erase("anna", NOW)
    assert await history.sessions.find("erased") is None
    await history.guests.prune(NOW + PENDING_MS, MONTH_MS)
    assert await history.sessions.find("old") is None
    assert await history.sessions.confirm("young", MONTH_MS) is not None
    await history.guests.prune(NOW + PENDING_MS + 1, MONTH_MS)
    assert await history.sessions.find("young") is not None


async def test_texts_that_come_after_their_session_was_deleted_are_not_kept(history: History) -> None:
    for s in ("gone", "here"):
        await history.sessions.begin(session(s, started=NOW if s == "gone" else NOW + 1))
    assert await add(history, message(1, s="gone"), message(1, s="here")) == frozenset()
    await history.guests.prune(NOW + MONTH_MS, MONTH_MS)
    late = [message(2, s="gone"), message(3, s="gone", x="", k="gap"), message(2, s="here"), message(1, s="never")]
    assert await added(history, *late) == {("gone", 0, "st", 2), ("never", 0, "st", 1)}
    assert await history.messages.page("gone", None, 10) == [] == await history.messages.page("never", None, 10)
    assert [m.number for m in await history.messages.page("here", None, 10)] == [1, 2]


async def test_a_prune_in_the_middle_of_an_add_leaves_no_text(history: History) -> None:
    for n in range(10):
        await history.sessions.begin(session(f"s{n}"))
    adding = [asyncio.ensure_future(added(history, message(1, s=f"s{n}"))) for n in range(10)]
    await history.guests.prune(NOW + MONTH_MS, MONTH_MS)
    await asyncio.gather(*adding)
    await history.guests.prune(NOW + MONTH_MS, MONTH_MS)
    assert [await history.messages.page(f"s{n}", None, 5) for n in range(10)] == [[]] * 10


async def added(history: History, *rows: Message) -> set[tuple[str, int, str, int]]:
    """Add without making room; the keys of those texts that were not kept."""
    done: asyncio.Future[Committed | None] = asyncio.get_running_loop().create_future()
    history.messages.add(rows, done.set_result)
    async with asyncio.timeout(PATIENCE_S):
        committed = await done
    assert committed is not None
    return {key for key in committed.unkept if any(row.key == key[2:] and row.kind is None for row in rows)}
