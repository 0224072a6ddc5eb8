"""What every history promises of reports, of the pauses they bring, and of what an erased guest leaves behind."""

from typing import Any

import msgspec
import pytest

from citychat.ports import History, Pause, Report
from citychat.rules import CLOCK_TOLERANCE_MS, DAY_MS, reference
from tests.contract.accusing import MONTH_MS, NOW, Reports, guest, session
from tests.support.stores import add, message


async def test_a_report_keeps_its_first_code(history: History) -> None:
    assert await history.reports.add(Report("FIRST", "s", "anna", "ben", "hate", "", NOW, ("n1",))) == "FIRST"
    assert await history.reports.add(Report("AGAIN", "s", "anna", "ben", "spam", "again", NOW + 5, ("n2",))) == "FIRST"
    assert await history.reports.add(Report("OTHER", "s", "ben", "anna", "spam", "", NOW, ("n2",))) == "OTHER"
    assert await history.reports.state("FIRST", NOW) == "received"
    assert await history.reports.state("AGAIN", NOW) is None
    assert await history.reports.state("AAAAAAAAAA", NOW) is None


async def test_reports_that_nobody_has_closed_are_counted_each_once(history: History) -> None:
    assert await history.reports.open() == 0
    for code, reporter in (("FIRST", "anna"), ("AGAIN", "anna"), ("OTHER", "ben")):
        await history.reports.add(Report(code, "s", reporter, "carl", "hate", "", NOW, ()))
    assert await history.reports.open() == 2


async def test_three_reports_by_three_guests_on_three_networks_within_a_day_pause(history: History) -> None:
    reports = Reports(history)
    await reports.of("g1", "n1", "old n1")
    await reports.of("g2", "n2", at=NOW + 10)
    assert await history.guests.pause("ben", NOW + 10) is None
    await reports.of("g3", "n3", at=NOW + DAY_MS - 1)
    pause = await history.guests.pause("ben", NOW + DAY_MS)
    assert pause is not None and pause.until == NOW + 2 * DAY_MS - 1 and pause.reason
    assert await history.guests.pause("ben", pause.until) is None
    assert await history.guests.pause("g1", NOW + DAY_MS) is None


async def test_who_looks_for_new_pauses_finds_those_of_reports_and_none_of_networks(history: History) -> None:
    reports, guests = Reports(history), history.guests
    await guests.keep(msgspec.structs.replace(guest("ben"), networks=("home",)))
    for n in range(3):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n)
    pause = await guests.pause("ben", NOW)
    assert await guests.networks_paused(["home"], NOW) is not None
    assert pause is not None and await guests.sanctions(NOW, NOW + 2) == [("ben", pause)]
    assert await guests.sanctions(NOW + 2, NOW + 2) == []
    await reports.of("g3", "n3", at=NOW + 3)
    assert await guests.sanctions(NOW + 2, NOW + 3) == [
        ("ben", Pause(NOW + 3 + DAY_MS, pause.reason, "", reference("r4", "g3")))
    ], "it has grown"


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
    assert await history.guests.pause("ben", at) is None
    assert await history.guests.pause("carl", at) is None


async def test_three_reports_pause_though_the_last_bears_the_earliest_time(history: History) -> None:
    """It came from a process whose clock is behind, or the clock was set back."""
    reports = Reports(history)
    await reports.of("g1", "n1", at=NOW + 20)
    await reports.of("g2", "n2", at=NOW + 10)
    await reports.of("g3", "n3", at=NOW)
    assert isinstance(await history.guests.pause("ben", NOW + 20), Pause)


async def test_one_guest_on_two_networks_is_not_two(history: History) -> None:
    reports = Reports(history)
    await reports.of("g1", "n1")
    await reports.of("g1", "n2", at=NOW + 10)
    await reports.of("g2", "n3", at=NOW + 20)
    assert await history.guests.pause("ben", NOW + 20) is None


async def test_of_three_reports_the_last_to_be_written_may_bear_the_earliest_time(history: History) -> None:
    reports = Reports(history)
    for n in (3, 2, 1):  # the clocks of processes differ
        assert await history.guests.pause("ben", NOW) is None
        await reports.of(f"guest {n}", f"net {n}", at=NOW + n)
    assert await history.guests.pause("ben", NOW) is not None


@pytest.mark.parametrize(
    "unfounded",
    [{"said": ""}, {"said": "gap"}, {"lasted": 59_999}, {"lasted": -1}],
    ids=["no word", "a gap", "a second short", "a clock behind"],
)
async def test_a_report_counts_where_the_accused_has_written_and_the_chat_lasted_a_minute(
    history: History, unfounded: dict[str, Any]
) -> None:
    reports = Reports(history)
    for n in range(3):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n, **unfounded)
    for n in range(3, 5):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n)
    assert await history.guests.pause("ben", NOW + 9) is None
    await reports.of("g5", "n5", at=NOW + 5)
    assert await history.guests.pause("ben", NOW + 9) is not None


async def test_a_report_of_a_chat_that_is_over_counts_by_how_long_it_had_lasted(history: History) -> None:
    for n in range(3):
        await history.sessions.begin(session(f"s{n}", members=(f"g{n}", "ben"), started=NOW))
        await add(history, message(1, s=f"s{n}", side=1))
        await history.sessions.end(f"s{n}", NOW + 59_999)
        await history.reports.add(Report(f"C{n}", f"s{n}", f"g{n}", "ben", "hate", "", NOW + 3_600_000, (f"n{n}",)))
    assert await history.guests.pause("ben", NOW + 3_600_000) is None


async def test_erasing_does_not_make_an_accusation_groundless(history: History) -> None:
    reports = Reports(history)
    for n in range(2):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n)
    await history.sessions.begin(session("last", members=("g2", "ben"), started=NOW - 60_000))
    await add(history, message(1, s="last", side=1))
    await history.guests.erase("ben", NOW + 2)
    await history.reports.add(Report("C", "last", "g2", "ben", "hate", "", NOW + 9, ("n2",)))
    assert await history.guests.pause("ben", NOW + 9) is not None


@pytest.mark.parametrize("same", ["reporter", "network", "both"])
@pytest.mark.parametrize("minutes", [(-2, -1, 0), (0, 1, 2), (-59, 0, 0), (-30, 0, 29)])
async def test_who_reports_three_within_an_hour_pauses_nobody(
    history: History, same: str, minutes: tuple[int, int, int]
) -> None:
    """The first of them is the third of ben's: it counts, until there are three of the reporter."""
    reports = Reports(history)
    for n, minute in enumerate(minutes):
        reporter = "bot" if same != "network" else f"bot {n}"
        networks = ("home",) if same != "reporter" else (f"home {n}",)
        await reports.of(reporter, *networks, at=NOW + minute * 60_000, accused="ben" if n == 0 else f"other {n}")
    for n in range(2):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n)
    assert await history.guests.pause("ben", NOW + 9) is None
    await reports.of("g2", "n2", at=NOW + 10)
    assert await history.guests.pause("ben", NOW + 10) is not None, "those of others count"


async def test_who_reports_two_within_an_hour_is_believed(history: History) -> None:
    reports = Reports(history)
    for minute, accused in ((0, "carl"), (1, "ben"), (60, "dora")):
        await reports.of("anna", "home", at=NOW + minute * 60_000, accused=accused)
    for n in range(2):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n)
    assert await history.guests.pause("ben", NOW + 9) is not None


async def test_with_a_guest_the_new_ones_of_the_network_are_paused_in_the_same_step(history: History) -> None:
    """As for a guest, the later end holds."""
    reports, guests = Reports(history), history.guests
    await guests.keep(msgspec.structs.replace(guest("ben"), networks=("n1", "n2")))
    await guests.keep(msgspec.structs.replace(guest("carl"), networks=("n2",)))
    for n in range(3):
        assert await guests.networks_paused(["n1", "n2"], NOW) is None
        await reports.of(f"b{n}", f"at b{n}", at=NOW + n)
    bens, carls = NOW + 2 + DAY_MS, NOW - 2 + DAY_MS
    for n in range(3):
        await reports.of(f"c{n}", f"at c{n}", at=NOW - n, accused="carl")
    for networks, now, until in (
        (["n2"], NOW, bens), (["n0", "n1"], bens - 1, bens), (["n1"], bens, 0), (["n0"], NOW, 0), ([], NOW, 0),
    ):  # fmt: skip
        pause = await guests.networks_paused(networks, now)
        assert (pause.until if pause else 0) == until
    assert await guests.pause("n1", NOW) is None
    assert await guests.pause("carl", NOW) == Pause(
        carls, "reported by several people", "", reference("r6", "c2")
    )  # fmt: skip


async def test_a_pause_covers_the_network_of_who_was_erased_before_the_third_report(history: History) -> None:
    await history.guests.keep(msgspec.structs.replace(guest("ben"), networks=("n1",)))
    await history.guests.erase("ben", NOW)
    for n in range(3):
        await Reports(history, n).of(f"g{n}", f"at g{n}", at=NOW + n)
    pause = await history.guests.networks_paused(["n1"], NOW)
    assert pause is not None and pause.until == NOW + 2 + DAY_MS


async def test_the_network_of_a_guest_is_known_for_a_day_also_when_they_are_erased(history: History) -> None:
    await history.guests.keep(msgspec.structs.replace(guest("anna"), networks=("n1", "n2")))
    await history.guests.keep(msgspec.structs.replace(guest("old", NOW - DAY_MS), networks=("n3",)))
    assert await history.guests.networks("anna", NOW + DAY_MS - 1) == ("n1", "n2")
    assert await history.guests.networks("anna", NOW + DAY_MS) == ()
    for name in ("anna", "old"):
        await history.guests.erase(name, NOW + 5)
        await history.guests.erase(name, NOW + 6)
    assert await history.guests.networks("anna", NOW + DAY_MS + 4) == ("n1", "n2")
    assert await history.guests.networks("anna", NOW + DAY_MS + 5) == ()
    assert await history.guests.networks("old", NOW + 5) == ()
    assert await history.guests.networks("nobody", NOW) == ()


async def test_an_erased_guest_is_known_to_be_for_as_long_as_a_token_lives(history: History) -> None:
    await history.guests.keep(guest("anna"))
    assert not (await history.guests.dossier("anna", NOW)).erased
    await history.guests.erase("anna", NOW)
    until = NOW + 30 * DAY_MS + CLOCK_TOLERANCE_MS
    for now, erased in ((NOW, True), (until - 1, True), (until, False)):
        assert (await history.guests.dossier("anna", now)).erased is erased
        await history.guests.prune(now, MONTH_MS)
    assert not (await history.guests.dossier("ben", NOW)).erased
    assert (await history.guests.dossier("anna", NOW)).erased is False, "it is forgotten"


async def test_no_row_comes_back_of_a_guest_who_was_erased(history: History) -> None:
    await history.guests.keep(guest("anna"))
    assert not await history.guests.is_erased("anna", NOW)
    await history.guests.erase("anna", NOW)
    await history.guests.keep(guest("anna", NOW + 5))
    assert await history.guests.find("anna") is None
    until = NOW + 30 * DAY_MS + CLOCK_TOLERANCE_MS
    assert await history.guests.is_erased("anna", until - 1) and not await history.guests.is_erased("anna", until)
    assert not await history.guests.is_erased("ben", NOW)


async def test_the_network_of_an_erased_guest_is_deleted_after_a_day(history: History) -> None:
    await history.guests.keep(msgspec.structs.replace(guest("anna"), networks=("n1",)))
    await history.guests.erase("anna", NOW)
    await history.guests.prune(NOW + DAY_MS, MONTH_MS)
    assert await history.guests.networks("anna", NOW) == ()
    assert (await history.guests.dossier("anna", NOW)).erased


async def test_reports_from_one_network_do_not_hide_those_from_three(history: History) -> None:
    reports = Reports(history)
    for n in range(20):
        await reports.of(f"flood{n}", "n1", at=NOW + n)
    for n in (2, 3):
        await reports.of(f"g{n}", f"n{n}", at=NOW + 30)
    assert await history.guests.pause("ben", NOW + 30) is None
    await reports.of("g4", "n4", at=NOW + 40)
    assert isinstance(await history.guests.pause("ben", NOW + 40), Pause)


async def test_a_dossier_of_a_reported_guest_holds_the_pause(history: History) -> None:
    reports = Reports(history)
    for n in range(3):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n)
    assert (await history.guests.dossier("ben", NOW + 9)).pause == await history.guests.pause("ben", NOW + 9)
    assert (await history.guests.dossier("ben", NOW + 9)).pause is not None
    assert (await history.guests.dossier("ben", NOW + 2 + DAY_MS)).pause is None
    assert (await history.guests.dossier("g0", NOW + 9)).pause is None
