"""What every history promises a paused guest: by which name the case goes, one objection, its answer, and the end."""

from msgspec.structs import replace

from citychat.model import Act
from citychat.ports import Case, History, Lifted, Pause, Sanction
from citychat.rules import DAY_MS, FOR_GOOD_MS, reference
from tests.contract.accusing import MONTH_MS, NOW, Reports
from tests.support.stores import cases_of

REFERENCE = reference("r1", "anna")


def act(what: str, code: str = "CODE1", at: int = NOW) -> Act:
    return Act(at, "ada", what, code, "")


async def paused(history: History, until: int = NOW + 7 * DAY_MS, code: str = "CODE1", at: int = NOW) -> None:
    await cases_of(history).sanction(Sanction("ben", until, "threats", (), 0, "3"), act("pause", code, at))


async def reported_and_paused(history: History, until: int = NOW + 7 * DAY_MS) -> Reports:
    reports = Reports(history)
    await reports.of("anna", "n1")
    await paused(history, until)
    return reports


async def case_of(history: History, code: str = "CODE1") -> Case:
    return next(case for case in await cases_of(history).cases() if case.code == code)


async def decide(history: History, code: str = "CODE1", **changes: object) -> None:
    await cases_of(history).record([], [replace(await case_of(history, code), **changes)])


async def test_a_pause_names_rule_reason_and_reference_and_neither_code_nor_reporter(history: History) -> None:
    await reported_and_paused(history)
    pause = await history.guests.pause("ben", NOW)
    assert pause == Pause(NOW + 7 * DAY_MS, "threats", "3", REFERENCE)
    assert (await history.guests.dossier("ben", NOW)).pause == pause
    assert await history.guests.sanctions(NOW - 1, NOW) == [("ben", pause)]
    assert len(REFERENCE) == 10 and REFERENCE not in ("CODE1", reference("r1", "ben"), reference("r2", "anna"))


async def test_the_pause_after_three_reports_has_the_reference_of_the_third(history: History) -> None:
    reports = Reports(history)
    for n in range(3):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n)
    pause = await history.guests.pause("ben", NOW + 3)
    assert pause is not None and (pause.rule, pause.reference) == ("", reference("r3", "g2"))


async def test_a_pause_takes_one_objection_which_stands_in_its_case(history: History) -> None:
    await reported_and_paused(history)
    before = await history.guests.pause("ben", NOW)
    assert before is not None
    said = replace(before, objection="it was not me")
    for n, text in enumerate(("it was not me", "and another thing")):
        assert await history.guests.keep_objection("ben", text, NOW + 5 + n) == said
    assert await history.guests.pause("ben", NOW + 9) == said
    assert (await history.guests.dossier("ben", NOW)).pause == said
    case = await case_of(history)
    assert (case.objection, case.objected, case.awaits_answer) == ("it was not me", NOW + 5, True)


async def test_who_is_not_paused_has_nothing_to_object_to(history: History) -> None:
    await Reports(history).of("anna", "n1")
    assert await history.guests.keep_objection("ben", "why", NOW) is None
    await paused(history, NOW + 5)
    assert await history.guests.keep_objection("ben", "why", NOW + 5) is None
    assert await history.guests.keep_objection("anna", "why", NOW) is None
    assert (await case_of(history)).objected is None


async def test_an_answer_is_told_with_the_pause_and_a_decision_keeps_what_was_objected_meanwhile(
    history: History,
) -> None:
    await reported_and_paused(history)
    read_before = await case_of(history)
    await history.guests.keep_objection("ben", "it was not me", NOW + 5)
    await cases_of(history).record(
        [], [replace(read_before, state="acted", rule="3", closed=NOW + 6, goes=NOW + 10**10)]
    )
    assert (await case_of(history)).objection == "it was not me"
    await decide(history, answer="It was.", answered=NOW + 7)
    pause = await history.guests.pause("ben", NOW + 8)
    assert pause is not None and (pause.objection, pause.answer) == ("it was not me", "It was.")
    assert not (await case_of(history)).awaits_answer


async def test_what_was_objected_and_answered_goes_with_its_case_and_the_pause_stays(history: History) -> None:
    await reported_and_paused(history, FOR_GOOD_MS)
    await history.guests.keep_objection("ben", "it was not me", NOW)
    await decide(history, answer="It was.", answered=NOW, state="acted", closed=NOW, goes=NOW + 5)
    await history.guests.prune(NOW + 5, MONTH_MS)
    assert await cases_of(history).cases() == []
    alone = Pause(FOR_GOOD_MS, "threats", "3")
    assert await history.guests.pause("ben", NOW + 6) == alone
    assert await history.guests.keep_objection("ben", "again", NOW + 6) == alone


async def test_a_lifted_pause_is_told_with_the_answer_for_as_long_as_it_would_have_held(history: History) -> None:
    await reported_and_paused(history, NOW + DAY_MS)
    await history.guests.keep_objection("ben", "it was not me", NOW)
    await decide(history, answer="You are right.", answered=NOW)
    assert (await history.guests.dossier("ben", NOW)).lifted is None
    await cases_of(history).lift("ben", (), act("lift", at=NOW + 5))
    dossier = await history.guests.dossier("ben", NOW + DAY_MS - 1)
    assert (dossier.pause, dossier.lifted) == (None, Lifted(NOW + 5, "You are right."))
    assert await history.guests.pause("ben", NOW + 6) is None
    assert await history.guests.sanctions(NOW - 1, NOW) == []
    assert await history.guests.keep_objection("ben", "thank you", NOW + 6) is None
    assert (await history.guests.dossier("ben", NOW + DAY_MS)).lifted is None


async def test_a_lifted_ban_is_told_for_30_days_and_then_nothing_is_left_of_it(history: History) -> None:
    await reported_and_paused(history, FOR_GOOD_MS)
    await cases_of(history).lift("ben", (), act("lift", at=NOW + 5))
    last = NOW + 5 + 30 * DAY_MS - 1
    await history.guests.prune(last, MONTH_MS)
    assert (await history.guests.dossier("ben", last)).lifted == Lifted(NOW + 5)
    await history.guests.prune(last + 1, MONTH_MS)
    assert (await history.guests.dossier("ben", last)).lifted is None


async def test_a_pause_that_was_lifted_keeps_no_other_from_holding(history: History) -> None:
    reports = await reported_and_paused(history, FOR_GOOD_MS)
    cases = cases_of(history)
    await cases.lift("ben", (), act("lift", at=NOW + 1))
    for n in range(3):
        await reports.of(f"g{n}", f"n{n + 5}", at=NOW + 2 + n)
    pause = await history.guests.pause("ben", NOW + 5)
    assert pause is not None and (pause.rule, pause.reference) == ("", reference("r4", "g2"))
    await cases.lift("ben", (), act("lift", "CODE4", NOW + 6))
    await paused(history, NOW + DAY_MS, "CODE2", NOW + 7)
    dossier = await history.guests.dossier("ben", NOW + 8)
    assert dossier.pause == Pause(NOW + DAY_MS, "threats", "3", reference("r2", "g0")) and dossier.lifted is None


async def test_a_reporter_is_told_what_the_host_has_decided_last(history: History) -> None:
    await reported_and_paused(history)
    reports, cases = history.reports, cases_of(history)

    async def told(now: int = NOW) -> str | None:
        return await reports.state("CODE1", now)

    assert await told() == "received"
    await decide(history, held=NOW + 50)
    assert [await told(NOW + 49), await told(NOW + 50)] == ["held", "received"]
    await decide(history, state="acted", closed=NOW + 60, goes=NOW + 10**10)
    assert await told() == "acted"
    await cases.lift("ben", (), act("lift", at=NOW + 70))
    assert await told() == "lifted"
    await paused(history, at=NOW + 80)
    assert await told() == "acted", "it was taken back for a time only"
    await history.guests.keep_objection("ben", "it was not me", NOW + 81)
    await cases.lift("ben", (), act("lift", at=NOW + 90))
    assert await told() == "objected"
    await decide(history, state="acted", closed=NOW + 91)
    assert await told() == "acted", "decided anew, by somebody who knows"
    await decide(history, state="none")
    assert await told() == "none"


async def test_the_reporter_of_the_case_of_the_pause_is_told_whichever_code_it_was_lifted_by(history: History) -> None:
    reports = await reported_and_paused(history)
    await reports.of("carl", "n2", at=NOW + 1)
    for code in ("CODE1", "CODE2"):
        await decide(history, code, state="acted", closed=NOW + 2, goes=NOW + 10**10)
    await reports.of("dora", "n3", at=NOW + 3)
    await decide(history, "CODE3", state="acted", closed=NOW + 3, goes=NOW + 10**10)
    await cases_of(history).lift("ben", (), act("lift", "CODE2", NOW + 4))
    assert [await history.reports.state(f"CODE{n}", NOW) for n in (1, 2, 3)] == ["lifted", "lifted", "acted"]


async def test_where_nothing_holds_any_more_nothing_is_taken_back(history: History) -> None:
    await reported_and_paused(history, NOW + 5)
    await decide(history, state="acted", closed=NOW + 1, goes=NOW + 10**10)
    await cases_of(history).lift("ben", (), act("lift", at=NOW + 5))
    assert await history.reports.state("CODE1", NOW + 6) == "acted"
    assert (await history.guests.dossier("ben", NOW)).lifted is None


async def test_new_guests_of_a_paused_network_learn_of_no_case(history: History) -> None:
    await Reports(history).of("anna", "n1")
    await cases_of(history).sanction(Sanction("ben", FOR_GOOD_MS, "threats", ("n1",), NOW + DAY_MS, "3"), act("pause"))
    pause = await history.guests.networks_paused(["n1"], NOW)
    assert pause == Pause(NOW + DAY_MS, "threats", "3")


async def test_a_warning_is_told_for_30_days_and_shuts_nobody_out(history: History) -> None:
    await Reports(history).of("anna", "n1")
    await cases_of(history).warn(Sanction("ben", 0, "threats", rule="3"), act("warn", at=NOW + 5))
    dossier = await history.guests.dossier("ben", NOW + 30 * DAY_MS)
    assert (dossier.pause, dossier.lifted) == (None, Lifted(NOW + 5, "", "3", "threats"))
    assert await history.guests.sanctions(NOW - 1, NOW) == []
    assert await history.guests.keep_objection("ben", "why", NOW + 6) is None
    await history.guests.prune(NOW + 5 + 30 * DAY_MS, MONTH_MS)
    assert (await history.guests.dossier("ben", NOW)).lifted is None
    assert [row.act.act for row in await cases_of(history).trail()] == ["warn"]


async def test_who_was_warned_can_be_paused(history: History) -> None:
    reports = Reports(history)
    for n in range(2):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n)
    await cases_of(history).warn(Sanction("ben", 0, "threats", rule="3"), act("warn"))
    await reports.of("g2", "n2", at=NOW + 2)
    pause = await history.guests.pause("ben", NOW + 3)
    assert pause is not None and pause.reference == reference("r3", "g2")


async def test_an_objection_to_a_closed_case_waits_for_the_host_until_it_is_answered(history: History) -> None:
    await reported_and_paused(history)
    await decide(history, state="acted", closed=NOW, goes=NOW + MONTH_MS)
    assert (await history.reports.open(), await history.reports.objections()) == (0, 0)
    await history.guests.keep_objection("ben", "it was not me", NOW + 5)
    assert (await history.reports.open(), await history.reports.objections()) == (1, 1)
    await decide(history, answer="It was.", answered=NOW + 6)
    assert await history.reports.open() == 0
