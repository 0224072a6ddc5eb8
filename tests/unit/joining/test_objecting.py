"""What a paused guest is told at the door, the one objection that is taken there, and how a lifted pause is told."""

import pytest
from msgspec.structs import replace

from citychat.limits import bound
from citychat.model import OBJECTION_MAX_CHARS, Act
from citychat.ports import Report, Sanction
from citychat.rules import DAY_MS, FOR_GOOD_MS, reference
from citychat.tokens import network_marks
from tests.support.stage import KEYS, Stage, on_stage
from tests.support.stores import cases_of

REFERENCE = reference("s", "anna")


async def pause(stage: Stage, guest: str = "ben", until: int = FOR_GOOD_MS, code: str = "CODE", *marks: str) -> None:
    now = stage.clock.wall_ms()
    await stage.history.reports.add(Report(code, f"s{code[4:]}", "anna", guest, "hate", "", now, ()))
    sanction = Sanction(guest, until, "threats", marks, now + DAY_MS, "3")
    await cases_of(stage.history).sanction(sanction, Act(now, "ada", "pause", code, ""))


async def objects(stage: Stage, text: object, guest: str = "ben", address: str = "") -> dict[str, object]:
    return dict(await stage.p.page(guest, address).join(objection=text))


async def objection(stage: Stage, code: str = "CODE") -> str:
    return next(case.objection for case in await cases_of(stage.history).cases() if case.code == code)


@on_stage
async def test_a_paused_guest_is_told_rule_reason_until_by_whom_and_a_reference(stage: Stage) -> None:
    await pause(stage)
    told = await stage.p.page("ben").join()
    facts = {
        "error": "banned", "until": FOR_GOOD_MS, "rule": "3", "reason": "threats", "automatic": False,
        "reference": REFERENCE, "objection": "", "answer": "", "network": False,
    }  # fmt: skip
    assert facts.items() <= told.items()


@on_stage
async def test_who_is_paused_while_here_is_told_the_same(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await pause(stage)
    await stage.after(16)
    told = ben.last("user-banned")
    assert (told["rule"], told["reason"], told["automatic"], told["reference"]) == ("3", "threats", False, REFERENCE)
    assert anna.open and ben.closed == "paused"


@on_stage
async def test_the_first_objection_of_a_paused_guest_is_kept_clean_and_shown_from_then_on(stage: Stage) -> None:
    await pause(stage)
    first = await objects(stage, "It was\u202e not me\x00.\r\nReally")
    assert (first["error"], first["objection"]) == ("banned", "It was not me.\nReally")
    second = await objects(stage, "And I want more")
    assert second["objection"] == first["objection"] == await objection(stage)
    assert (await stage.p.page("ben").join())["objection"] == first["objection"]


@on_stage
async def test_an_objection_has_at_most_1000_characters_and_something_to_see(stage: Stage) -> None:
    await pause(stage)
    assert OBJECTION_MAX_CHARS == 1_000
    for text in ("x" * 1_001, 5, None):
        assert (await objects(stage, text))["error"] == "bad-payload"
    assert (await objects(stage, " \u200b\n"))["objection"] == ""
    grown = "\u0958" * 1_000  # each letter is two once it is clean
    assert len(str((await objects(stage, grown))["objection"])) == 1_000


@on_stage
async def test_who_is_not_paused_comes_in_and_nothing_is_kept(stage: Stage) -> None:
    await pause(stage, "carl")
    assert (await objects(stage, "let me in"))["ok"] is True
    assert await objection(stage) == ""


@on_stage
async def test_new_guests_of_a_paused_network_learn_until_when_and_nothing_of_the_case(stage: Stage) -> None:
    now, address = stage.clock.wall_ms(), "203.0.113.9"
    await pause(stage, "ben", FOR_GOOD_MS, "CODE", *network_marks(KEYS, address, now))
    told = await stage.p.page(address=address).join(objection="it was my brother")
    facts = {
        "error": "banned", "until": now + DAY_MS, "network": True, "automatic": False, "rule": "", "reason": "",
        "reference": "", "objection": "", "answer": "",
    }  # fmt: skip
    assert facts.items() <= told.items()
    assert await objection(stage) == ""


@on_stage
async def test_objections_of_one_network_are_bounded_and_those_of_others_go_on(stage: Stage) -> None:
    most, address = int(bound("objections of a network")), "203.0.113.9"
    for n in range(most + 1):
        await pause(stage, f"g{n}", FOR_GOOD_MS, f"CODE{n}")
    answers = [(await objects(stage, "why", f"g{n}", address))["error"] for n in range(most + 1)]
    assert answers == ["banned"] * most + ["busy"]
    assert await objection(stage, f"CODE{most}") == ""
    assert (await objects(stage, "why", f"g{most}", "198.51.100.1"))["objection"] == "why"
    assert (await objects(stage, "why", "g0", address))["objection"] == "why", "what is kept is shown all the same"


@on_stage
async def test_objections_of_one_guest_are_bounded(stage: Stage) -> None:
    most = int(bound("objections"))
    for n in range(most + 1):
        await pause(stage, "ben", FOR_GOOD_MS, f"CODE{n}")
        assert (await objects(stage, "why"))["error"] == ("banned" if n < most else "busy")


@on_stage
async def test_an_answer_and_a_lifted_pause_are_told_at_the_next_visits(stage: Stage) -> None:
    await pause(stage)
    await objects(stage, "It was not me")
    cases, now = cases_of(stage.history), stage.clock.wall_ms()
    (case,) = await cases.cases()
    await cases.record([], [replace(case, answer="It was your brother.", answered=now)])
    told = await stage.p.page("ben").join()
    assert (told["objection"], told["answer"]) == ("It was not me", "It was your brother.")
    await cases.lift("ben", (), Act(now + 5, "ada", "lift", "CODE", ""))
    for _ in range(2):
        welcome = await stage.p.page("ben").join()
        assert (welcome["ok"], welcome["lifted"]) == (True, {
            "at": now + 5, "answer": "It was your brother.", "rule": "", "reason": "",
        })  # fmt: skip
    assert "lifted" not in await stage.p.page("anna").join()


@on_stage
async def test_who_was_warned_comes_in_and_reads_why(stage: Stage) -> None:
    _anna, ben = await stage.talking()
    now = stage.clock.wall_ms()
    await cases_of(stage.history).warn(Sanction("ben", now, "threats", rule="3"), Act(now, "ada", "warn", "CODE", ""))
    await stage.after(31)
    assert ben.open, "it shuts nobody out"
    welcome = await ben.next_page().join()
    assert (welcome["ok"], welcome["lifted"]) == (True, {"at": now, "answer": "", "rule": "3", "reason": "threats"})


@on_stage
async def test_an_objection_that_the_store_cannot_take_is_asked_for_again(stage: Stage) -> None:
    await pause(stage)
    stage.p.history.away = {"guests.keep_objection"}
    assert (await objects(stage, "why"))["error"] == "unavailable"
    stage.p.history.away = set()
    assert (await objects(stage, "why"))["objection"] == "why"


@pytest.mark.parametrize("name", ["objections", "objections of a network", "objections of a process"])
def test_there_is_a_limit_of_objections(name: str) -> None:
    assert bound(name) > 0
