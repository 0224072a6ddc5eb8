"""A host reads what a paused guest objects, answers it, and lets them in again."""

import json
from pathlib import Path

import pytest

from citychat.adapters.sqlite import SqliteHistory
from citychat.cases.reading import facts
from citychat.ports import Case, Lifted
from citychat.rules import DAY_MS, LADDER_MS, PAUSE_MS, reference
from tests.unit.cases.test_commands import NOW_MS, acts, done, reported, run

SAID = "It was not me\x1b[2J.\nReally"
REFERENCE = reference("sCODE", "anna")


async def objected(data: Path, history: SqliteHistory) -> None:
    """A report whose accused was paused and has objected."""
    await reported(history, "CODE", hours=2)
    await done(data, "pause", "CODE", "--for", "7d", "--rule", "3", "--reason", "threats", group="guests")
    assert await history.guests.keep_objection("ben", SAID, NOW_MS + 5) is not None


async def test_an_objection_is_listed_and_shown_until_it_is_answered(data: Path, history: SqliteHistory) -> None:
    await objected(data, history)
    await reported(history, "OTHER", hours=1, accused="carl")
    await done(data, "close", "CODE", "OTHER", "--acted", "--rule", "3")
    listed = await done(data, "list", "--open")
    assert "  CODE" in listed and "acted, rule 3" in listed and "objection waits" in listed and "OTHER" not in listed
    assert listed.startswith("0 open reports on 0 guests, 1 objection waits\n")
    (found,) = json.loads(await done(data, "list", "--open", "--json"))
    assert (found["code"], found["reference"], found["objection"]) == ("CODE", REFERENCE, "waits")
    shown = await done(data, "show", "CODE")
    assert f"Reference {REFERENCE}, as the accused reads it when paused" in shown
    assert "Objection 2026-03-09 12:00:00 UTC: It was not me\\x1b[2J.\n          Really" in shown
    assert 'citychat cases answer CODE "text"' in shown and "citychat guests lift CODE" in shown
    assert await done(data, "answer", "CODE", "It was.") == "CODE: answered; the accused reads it at the next look\n"
    assert await done(data, "list", "--open") == "No report.\n"
    shown = await done(data, "show", "CODE")
    assert "Answer    2026-03-09 12:00:00 UTC: It was." in shown
    assert "objection answered" in await done(data)


async def test_an_answer_is_told_to_the_guest_and_the_trail_has_the_act_without_the_text(
    data: Path, history: SqliteHistory
) -> None:
    await objected(data, history)
    await done(data, "answer", REFERENCE.lower(), " The canary\u202e of yours\x00.\r\nEnd ")
    pause = await history.guests.pause("ben", NOW_MS)
    assert pause is not None and pause.answer == "The canary of yours.\nEnd"
    assert (await acts(data))[-1] == "answer CODE"
    assert "canary" not in await done(data, "audit", "--rows"), "it goes with its case"
    await done(data, "answer", "CODE", "Once more.")
    pause = await history.guests.pause("ben", NOW_MS)
    assert pause is not None and pause.answer == "Once more."


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x" * 1_001, "at most 1,000 characters, not 1,001"),
        (" \u200b", "nothing to read in it"),
        ("", "nothing to read"),
    ],
)
async def test_an_answer_has_at_most_1000_characters_and_something_to_read(
    data: Path, history: SqliteHistory, text: str, complaint: str
) -> None:
    await objected(data, history)
    status, said = await run(data, "answer", "CODE", text)
    assert status == 1 and complaint in said
    assert await acts(data) == ["pause CODE"]


async def test_without_an_objection_there_is_nothing_to_answer(data: Path, history: SqliteHistory) -> None:
    await reported(history, "CODE", hours=2)
    status, said = await run(data, "answer", "CODE", "No.")
    assert status == 1 and "CODE: nobody has objected" in said
    assert await acts(data) == []


async def test_a_lifted_pause_is_told_to_guest_and_reporter_and_shown(data: Path, history: SqliteHistory) -> None:
    await objected(data, history)
    await done(data, "close", "CODE", "--acted", "--rule", "3")
    await done(data, "answer", "CODE", "You are right.")
    said = await done(data, "lift", "CODE", "--note", "was right", group="guests")
    assert said == "CODE: the accused may come in again, and is told so\n"
    lifted = (await history.guests.dossier("ben", NOW_MS)).lifted
    assert lifted is not None and lifted.answer == "You are right."
    assert await history.reports.state("CODE", NOW_MS) == "objected"
    shown = await done(data, "show", "CODE")
    assert "Lifted    2026-03-09 12:00:00 UTC" in shown and "is not paused" in shown
    assert "lifted" in await done(data)


async def test_an_export_has_what_was_objected_and_answered(data: Path, history: SqliteHistory, tmp_path: Path) -> None:
    await objected(data, history)
    await done(data, "answer", "CODE", "It was.")
    await done(data, "export", "CODE", "--to", str(tmp_path / "out"))
    text, whole = ((tmp_path / "out" / name).read_text() for name in ("case.txt", "case.json"))
    assert "Objection 2026-03-09 12:00:00 UTC: It was not me\\x1b[2J.\n          Really\n" in text
    assert "Answer    2026-03-09 12:00:00 UTC: It was.\n" in text
    assert (json.loads(whole)["case"]["objection"], json.loads(whole)["case"]["answer"]) == (SAID, "It was.")


async def test_nothing_of_objection_and_answer_is_left_in_the_file_when_their_case_goes(
    data: Path, history: SqliteHistory
) -> None:
    await objected(data, history)
    await history.guests.prune(NOW_MS + 60 * DAY_MS, 30 * DAY_MS)
    await done(data, "answer", "CODE", "It was the canary.")
    await done(data, "close", "CODE", "--none")

    def kept() -> bytes:
        return b"".join(path.read_bytes() for path in data.iterdir())

    assert b"It was not me" in kept() and b"It was the canary." in kept()
    await history.guests.prune(NOW_MS + 60 * DAY_MS, 30 * DAY_MS)
    assert b"It was not me" not in kept() and b"It was the canary." not in kept()


@pytest.mark.parametrize(("rule", "reason"), [("", ""), ("x" * 21, ""), ("3\n", ""), ("3", "x" * 101), ("3", "a\nb")])
async def test_rule_and_reason_of_a_pause_are_a_short_line(
    data: Path, history: SqliteHistory, rule: str, reason: str
) -> None:
    await reported(history, "CODE", hours=2)
    words = ("pause", "CODE", "--for", "1d", "--rule", rule, "--reason", reason)
    status, said = await run(data, *words, group="guests")
    assert status == 1 and "expected" in said
    assert await history.guests.pause("ben", NOW_MS) is None


def test_the_machine_never_pauses_for_longer_than_a_day_and_says_that_further_steps_are_the_hosts() -> None:
    assert PAUSE_MS == DAY_MS
    assert [step / DAY_MS for step in LADDER_MS[1:5]] == [1 / 24, 1, 7, 30]
    said = "\n".join(facts(Case("CODE", "s", "anna", "ben", "hate", "", NOW_MS), [], None, NOW_MS))
    assert "three by three guests on three networks within a day pause for a day." in said


async def test_the_first_step_that_is_proposed_is_a_warning_which_the_guest_reads(
    data: Path, history: SqliteHistory
) -> None:
    await reported(history, "CODE", hours=2)
    assert "Proposed  if you act: citychat guests warn CODE --rule N" in await done(data, "show", "CODE")
    said = await done(data, "warn", "CODE", "--rule", "3", "--reason", "threats", group="guests")
    assert said == "CODE: the accused reads the warning when they come in next, once\n"
    assert (await history.guests.dossier("ben", NOW_MS)).lifted == Lifted(NOW_MS, "", "3", "threats")
    await done(data, "pause", "CODE", "--for", "1h", "--rule", "3", group="guests")
    status, said = await run(data, "warn", "CODE", "--rule", "3", group="guests")
    assert status == 1 and "is paused already" in said
    assert await acts(data) == ["show CODE", "warn CODE", "pause CODE"]
