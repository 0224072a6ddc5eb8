"""What every history promises its host of cases: what was decided, how long it is kept, and the trail of who did it."""

from msgspec.structs import replace

from citychat.model import FORGOT, Act, first_broken
from citychat.ports import Case, History, Pause, Report, Sanction, Untold
from citychat.rules import DAY_MS, FOR_GOOD_MS, case_goes
from tests.contract.accusing import MONTH_MS, NOW, Reports, session
from tests.support.stores import add, cases_of, message

YEAR_MS = 365 * DAY_MS


def act(what: str, code: str = "", at: int = NOW, words: str = "") -> Act:
    return Act(at, "ada", what, code, words)


def closed(case: Case, *, at: int = NOW, held: int = 0) -> Case:
    return replace(case, state="none", closed=at, held=held, goes=case_goes("none", at, held))


async def test_a_report_is_an_open_case_with_the_side_of_the_accused_and_its_messages(history: History) -> None:
    await Reports(history).of("anna", "n1")
    cases = cases_of(history)
    (case,) = await cases.cases()
    assert case == Case("CODE1", "r1", "anna", "ben", "hate", "a note", NOW, side=1)
    assert [row.session for row in await cases.evidence("CODE1")] == ["r1", "r1"]
    assert await cases.evidence("AAAAAAAAAA") == []


async def test_the_side_stays_known_when_the_chat_is_gone(history: History) -> None:
    await Reports(history).of("anna", "n1")
    await history.guests.prune(NOW + MONTH_MS + 1, MONTH_MS)
    assert await history.sessions.find("r1") is None
    assert [case.side for case in await cases_of(history).cases()] == [1]


async def test_cases_are_read_oldest_first(history: History) -> None:
    for code, at in (("B", NOW + 1), ("C", NOW + 2), ("A", NOW)):
        await history.reports.add(Report(code, f"s{code}", "anna", "ben", "spam", "", at, ()))
    assert [case.code for case in await cases_of(history).cases()] == ["A", "B", "C"]


async def test_what_was_decided_is_kept_with_its_row_and_told_to_the_reporter(history: History) -> None:
    await Reports(history).of("anna", "n1")
    cases = cases_of(history)
    (case,) = await cases.cases()
    decided = replace(case, state="acted", rule="2", words="he will not", closed=NOW + 5, held=NOW + 9, goes=NOW + 10)
    await cases.record([act("close", "CODE1", words="acted")], [decided])
    assert await cases.cases() == [decided]
    assert await history.reports.state("CODE1", NOW) == "acted"
    (row,) = await cases.trail()
    assert (row.n, row.act) == (1, act("close", "CODE1", words="acted"))


async def test_a_closed_case_goes_on_its_day_with_its_evidence_and_an_open_one_stays(history: History) -> None:
    reports, cases = Reports(history), cases_of(history)
    for n in range(3):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n)
    first, second, _ = await cases.cases()
    assert await history.reports.open() == 3
    await cases.record([], [closed(first), closed(second, held=NOW + 40 * DAY_MS)])
    assert await history.reports.open() == 1
    assert await cases.prune(NOW + 30 * DAY_MS - 1) == 0
    await history.guests.prune(NOW + 30 * DAY_MS, 365 * DAY_MS)
    assert [case.code for case in await cases.cases()] == ["CODE2", "CODE3"], "the server's own tidying, on the day"
    assert (await history.reports.state("CODE1", NOW), await cases.evidence("CODE1")) == (None, [])
    assert await cases.prune(NOW + 40 * DAY_MS) == 1
    assert [case.code for case in await cases.cases()] == ["CODE3"]
    await cases.prune(NOW + 10 * YEAR_MS)
    assert len(await cases.evidence("CODE3")) == 2, "nobody has looked at it yet"


async def test_a_report_is_untold_until_it_is_told_or_closed(history: History) -> None:
    reports, cases = Reports(history), cases_of(history)
    for n in range(3):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n)
    assert await history.reports.untold() == [Untold(f"CODE{n}", "hate") for n in (1, 2, 3)]
    await history.reports.told(["CODE2", "GONE"])
    await cases.record([], [closed((await cases.cases())[0])])
    assert await history.reports.untold() == [Untold("CODE3", "hate")]
    await history.reports.told([])
    assert await history.reports.open() == 2


async def test_a_case_that_is_gone_is_not_made_again_by_a_decision(history: History) -> None:
    await cases_of(history).record([], [closed(Case("GONE", "s", "anna", "ben", "hate", "", NOW))])
    assert await cases_of(history).cases() == []


async def test_who_reports_a_chat_again_whose_case_is_gone_is_heard(history: History) -> None:
    await history.sessions.begin(session("s", started=NOW))
    await add(history, message(1, s="s", side=1))
    await history.reports.add(Report("FIRST", "s", "anna", "ben", "hate", "", NOW, ()))
    cases = cases_of(history)
    await cases.record([], [replace(case, state="none", closed=NOW, goes=NOW) for case in await cases.cases()])
    await cases.prune(NOW)
    assert await history.reports.add(Report("AGAIN", "s", "anna", "ben", "hate", "", NOW + 1, ())) == "AGAIN"


async def test_the_host_pauses_a_guest_and_their_network_for_any_time_and_lifts_it(history: History) -> None:
    cases, guests = cases_of(history), history.guests
    for until, reason in ((FOR_GOOD_MS, "for good"), (NOW + 500, "shorter")):
        await cases.sanction(Sanction("ben", until, reason, ("n1", "n2"), NOW + 700), act("pause", "A", NOW + 1))
        assert await guests.pause("ben", NOW) == Pause(until, reason)
    assert await guests.networks_paused(["n2"], NOW) == Pause(NOW + 700, "for good"), "it only grows"
    assert await guests.sanctions(NOW, NOW) == [("ben", Pause(NOW + 500, "shorter"))], "of the guest alone"
    assert await guests.sanctions(NOW + 1, NOW) == await guests.sanctions(NOW, NOW + 500) == []
    await cases.lift("ben", ["n1"], act("lift", "A"))
    assert await guests.pause("ben", NOW) is None
    assert (await guests.networks_paused(["n1"], NOW), bool(await guests.networks_paused(["n2"], NOW))) == (None, True)
    assert [row.act.act for row in await cases.trail()] == ["pause", "pause", "lift"]


async def test_three_reports_shorten_no_pause_of_the_host_and_lengthen_a_short_one(history: History) -> None:
    cases, reports = cases_of(history), Reports(history)
    for until, then in ((FOR_GOOD_MS, FOR_GOOD_MS), (NOW + 60_000, NOW + DAY_MS + 5)):
        await cases.sanction(Sanction("ben", until, "by the host"), act("pause"))
        for n in range(3):
            await reports.of(f"g{reports.made}", f"n{reports.made}", at=NOW + (n + 3 if until != FOR_GOOD_MS else n))
        pause = await history.guests.pause("ben", NOW)
        assert pause is not None and pause.until == then
        assert (pause.reason == "by the host") == (then == until)


async def test_rows_of_the_trail_follow_each_other_and_each_seals_the_one_before(history: History) -> None:
    cases = cases_of(history)
    await cases.record([act("list"), act("show", "A")])
    await cases.record([act("close", "A")])
    rows = await cases.trail()
    assert [(row.n, row.act.act) for row in rows] == [(1, "list"), (2, "show"), (3, "close")]
    assert first_broken(rows) is None
    assert first_broken([rows[0], replace(rows[1], act=act("list")), rows[2]]) == 2
    assert first_broken([rows[0], rows[2]]) == 2
    assert first_broken(rows[1:]) == 1
    assert first_broken([rows[0], replace(rows[1], hash="0" * 64), rows[2]]) == 2


async def test_the_oldest_of_the_trail_go_after_three_years_and_the_rest_hangs_on_a_row_that_says_so(
    history: History,
) -> None:
    cases = cases_of(history)
    await cases.record([act(f"act {year}", at=NOW + year * YEAR_MS) for year in range(4)])
    await history.guests.prune(NOW + 3 * YEAR_MS - 1, MONTH_MS)
    assert len(await cases.trail()) == 4
    await history.guests.prune(NOW + 3 * YEAR_MS, MONTH_MS)
    rows = await cases.trail()
    assert [(row.n, row.act.act) for row in rows] == [(3, "act 2"), (4, "act 3"), (5, FORGOT)]
    assert first_broken(rows) is None
    assert first_broken(rows[1:]) == 1, "somebody else has cut it"
    await history.guests.prune(NOW + 3 * YEAR_MS + 1, MONTH_MS)
    assert len(await cases.trail()) == 3
