"""The host's commands for reports, beside a server that has the store open."""

import asyncio
import io
import json
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import pytest

from citychat import cases
from citychat.adapters.sqlite import SqliteHistory
from citychat.model import Guest
from citychat.ports import Pause
from citychat.rules import DAY_MS, reference
from tests.support.made_cases import CANARY, make_case

NOW = datetime(2026, 3, 9, 12, 0, 0, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1_000)
HOUR_MS = 3_600_000


class Typed(io.StringIO):
    """A terminal at which that is typed."""

    def isatty(self) -> bool:
        return True


async def reported(
    history: SqliteHistory,
    code: str,
    reason: str = "hate",
    *,
    hours: int,
    accused: str = "ben",
    text: str = CANARY,
    reporter: str = "anna",
) -> None:
    """A report of so many hours ago, of a chat in which the accused has written that."""
    at = NOW_MS - hours * HOUR_MS
    await make_case(history, code, at, reason=reason, accused=accused, text=text, reporter=reporter)


async def run(
    data: Path,
    *words: str,
    now: datetime = NOW,
    typed: TextIO | None = None,
    history: str = "embedded",
    group: str = "cases",
) -> tuple[int, str]:
    """The exit status and all that was printed. In a loop of its own, as in a process of its own."""
    said = io.StringIO()

    def command() -> int:
        answers = io.StringIO() if typed is None else typed
        return cases.main(group, words, data=data, history=history, now=now, typed=answers, out=said, errors=said)

    return await asyncio.to_thread(command), said.getvalue()


async def done(data: Path, *words: str, now: datetime = NOW, group: str = "cases") -> str:
    status, said = await run(data, *words, now=now, group=group)
    assert status == 0, said
    return said


async def acts(data: Path) -> list[str]:
    """What the trail says was done, with the codes, before this look."""
    rows = await done(data, "audit", "--rows")
    return [" ".join(line.split()[5:7]) for line in rows.splitlines() if " UTC  " in line]


# Listing


async def test_urgent_ones_are_on_top_then_the_oldest_and_those_on_one_guest_are_together(
    data: Path, history: SqliteHistory
) -> None:
    await reported(history, "OLDHATE", "hate", hours=90, accused="carl")
    await reported(history, "SPAM1", "spam", hours=80, accused="dora")
    await reported(history, "THREAT", "threat", hours=20, accused="eve")
    await reported(history, "MINOR", "minor", hours=30)
    await reported(history, "SPAM2", "spam", hours=10, accused="dora")
    said = await done(data)
    assert [line.split()[0] for line in said.splitlines()[1:6]] == ["MINOR", "THREAT", "OLDHATE", "SPAM1", "+"]
    assert said.splitlines()[0] == "5 open reports on 4 guests; the oldest waits for 3 days"
    assert "Someone under 18" in said and CANARY not in said and "a note" not in said
    only = await done(data, "--open", "--reason", "spam", "--reason", "minor", "--json")
    assert [each["code"] for each in json.loads(only)] == ["MINOR", "SPAM1", "SPAM2"]
    await done(data, "close", "MINOR", "--none")
    assert [each["code"] for each in json.loads(await done(data, "list", "--open", "--json"))] == [
        "THREAT", "OLDHATE", "SPAM1", "SPAM2"
    ]  # fmt: skip
    await reported(history, "LATER", "threat", hours=1, accused="dora", reporter="fay")
    assert [line.split()[:2] for line in (await done(data)).splitlines()[2:5]] == [
        ["LATER", "Threat"], ["+", "SPAM1"], ["+", "SPAM2"]
    ], "and so it is with those on one guest"  # fmt: skip


async def test_a_store_without_reports_says_so(data: Path, history: SqliteHistory) -> None:
    assert await done(data) == "No report.\n"


# Reading


async def test_a_case_is_shown_with_all_but_its_texts_which_come_after_a_question(
    data: Path, history: SqliteHistory
) -> None:
    await reported(history, "FIRST", "spam", hours=40)
    await reported(history, "CODE", "threat", hours=2)
    await done(data, "close", "FIRST", "--acted", "--rule", "5", "--note", "warned")
    said = await done(data, "show", "code")
    for piece in ("Threat or danger", "2026-03-09 10:00:00 UTC (2 hours ago)", "a note", "reported before: 1",
                  "acted, rule 5", "It counts", "is not paused", "30 days after it is closed without action",
                  "citychat cases close CODE --acted", "The 2 messages are shown with --text."):  # fmt: skip
        assert piece in said, piece
    assert CANARY not in said
    for answer, wanted in (("y\n", True), ("n\n", False), ("", False)):
        status, said = await run(data, "show", "CODE", typed=Typed(answer))
        assert (status, CANARY in said) == (0, wanted)
    assert f"2026-03-09 09:59:52 UTC  accused   {CANARY}" in await done(data, "show", "CODE", "--text")
    assert await acts(data) == [
        "close FIRST", "show CODE", "show CODE", "read CODE", "show CODE", "show CODE", "show CODE", "read CODE"
    ]  # fmt: skip


async def test_texts_of_others_move_nothing_on_the_terminal_and_look_like_no_line_of_ours(
    data: Path, history: SqliteHistory
) -> None:
    evil = "\U0001f469\u200d\U0001f680 a\x1b[2J\x07\u202eb\u2066\u200bc\u2028d\x9b1m"
    evil += "\n2026-03-09 09:00:00 UTC  reporter  yes\r"
    await reported(history, "CODE", hours=1, text=evil)
    said = await done(data, "show", "CODE", "--text")
    assert not {letter for letter in said if not letter.isprintable()} - {"\n", "\u200d"}
    assert "\U0001f469\u200d\U0001f680" in said, "what only joins signs stays"
    assert r"a\x1b[2J\x07\u202eb\u2066\u200bc\u2028d\x9b1m" in said
    assert "\n2026-03-09 09:00:00" not in said


async def test_what_the_machine_did_is_shown(data: Path, history: SqliteHistory) -> None:
    for n in range(3):
        await reported(history, f"CODE{n}", hours=3 - n, reporter=f"guest {n}")
    await reported(history, "SHORT", hours=1, accused="carl", text="")
    said = await done(data, "show", "CODE0")
    assert "It counts: three by three" in said and "is paused until 2026-03-10 11:00:00 UTC" in said
    assert "citychat cases close CODE0 CODE1 CODE2 --acted" in said, "all that is open on this guest"
    assert "is not paused" in await done(data, "show", "SHORT")


# Deciding


async def test_closing_tells_the_reporter_and_says_when_all_of_it_goes(data: Path, history: SqliteHistory) -> None:
    for n in range(3):
        await reported(history, f"CODE{n}", hours=3 - n)
    assert await done(data, "close", "CODE0", "CODE1", "--none", "--note", "nothing in it") == (
        "CODE0: no action, deleted on 2026-04-08\nCODE1: no action, deleted on 2026-04-08\n"
    )
    assert await done(data, "close", "CODE2", "--acted", "--rule", "3") == (
        "CODE2: acted, rule 3, deleted on 2026-09-05\n"
    )
    assert [await history.reports.state(f"CODE{n}", NOW_MS) for n in range(3)] == ["none", "none", "acted"]


async def test_of_several_codes_with_an_unknown_one_nothing_is_closed(data: Path, history: SqliteHistory) -> None:
    await reported(history, "CODE", hours=1)
    status, said = await run(data, "close", "CODE", "NOBODY", "--none")
    assert status == 1 and "no report has the code NOBODY" in said
    assert await history.reports.state("CODE", NOW_MS) == "received"
    assert await acts(data) == []


async def test_a_case_that_is_held_outlives_its_day(data: Path, history: SqliteHistory) -> None:
    await reported(history, "CODE", hours=1)
    await done(data, "hold", "CODE", "--until", "2027-03-09", "--note", "the police asked")
    assert "held until 2027-03-09" in await done(data)
    assert await done(data, "close", "CODE", "--none") == "CODE: no action, deleted on 2027-03-09 (held)\n"
    assert await done(data, "prune", now=datetime(2027, 3, 8, tzinfo=UTC)) == "Cases deleted: 0\n"
    assert "deleted on 2026-04-08" in await done(data, "hold", "CODE", "--until", "2026-01-01")
    assert await done(data, "prune", now=datetime(2026, 4, 9, tzinfo=UTC)) == "Cases deleted: 1\n"
    assert await done(data) == "No report.\n"


async def test_nothing_of_a_case_that_went_is_left_in_the_file(data: Path, history: SqliteHistory) -> None:
    await reported(history, "CODE", hours=1)
    await history.guests.prune(NOW_MS + 60 * DAY_MS, 30 * DAY_MS)
    await done(data, "close", "CODE", "--none")
    assert CANARY.encode() in b"".join(path.read_bytes() for path in data.iterdir())
    await history.guests.prune(NOW_MS + 60 * DAY_MS, 30 * DAY_MS)
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in data.iterdir())


# Guests


async def test_a_guest_is_paused_banned_and_let_in_again_by_the_code_of_a_report(
    data: Path, history: SqliteHistory
) -> None:
    await reported(history, "CODE", hours=1)
    said = await done(data, "pause", "CODE", "--for", "12h", "--rule", "3", "--reason", "threats", group="guests")
    assert said.startswith("CODE: the accused is shut out until 2026-03-10 00:00:00 UTC")
    pause = await history.guests.pause("ben", NOW_MS)
    assert pause == Pause(NOW_MS + 12 * HOUR_MS, "threats", "3", reference("sCODE", "anna"))
    await done(data, "ban", "CODE", "--rule", "3", group="guests")
    assert "The accused is paused for good, decided by the host, rule 3." in await done(data, "show", "CODE")
    await done(data, "lift", "CODE", "--note", "was right to object", group="guests")
    assert await history.guests.pause("ben", NOW_MS) is None
    assert await acts(data) == ["pause CODE", "ban CODE", "show CODE", "lift CODE"]
    status, said = await run(data, "lift", "CODE", group="guests")
    assert (status, said) == (1, "citychat guests: CODE: the accused is not paused\n")
    assert (await acts(data))[-1] == "lift CODE", "of what was not done the trail says nothing"


async def test_who_comes_new_from_their_network_is_shut_out_for_a_day_where_that_is_asked_for_and_known(
    data: Path, history: SqliteHistory
) -> None:
    await reported(history, "CODE", hours=1)
    words = ("ban", "CODE", "--rule", "3", "--network")
    status, said = await run(data, *words, group="guests")
    assert status == 1 and "not known any more" in said
    assert await history.guests.pause("ben", NOW_MS) is None
    await history.guests.keep(Guest("ben", 1, NOW_MS - 5, "1", 1, networks=("n1", "n2")))
    assert "from their network is shut out until 2026-03-10 12:00:00 UTC" in await done(data, *words, group="guests")
    pause = await history.guests.networks_paused(["n2"], NOW_MS)
    assert pause is not None and pause.until == NOW_MS + DAY_MS


async def test_a_step_up_the_ladder_is_proposed_for_each_act_within_30_days(data: Path, history: SqliteHistory) -> None:
    for n in range(7):
        await reported(history, f"CODE{n}", hours=9 - n)
    proposed = []
    for n in range(6):
        said = await done(data, "show", "CODE6")
        proposed.append(said.split("Proposed")[1].splitlines()[0].strip())
        await done(data, "close", f"CODE{n}", "--acted", "--rule", "1")
    assert proposed[0] == "if you act: citychat guests warn CODE6 --rule N"
    assert [line.split("CODE6")[1].strip() for line in proposed[1:]] == [
        "--for 1h --rule N", "--for 1d --rule N", "--for 7d --rule N", "--for 30d --rule N", "--rule N"
    ]  # fmt: skip
    later = await done(data, "show", "CODE6", now=datetime(2026, 4, 9, tzinfo=UTC))
    assert "guests warn" in later


# Exporting


async def test_an_export_is_whole_private_and_can_be_verified(
    data: Path, history: SqliteHistory, tmp_path: Path
) -> None:
    await reported(history, "CODE", "threat", hours=1)
    folder = tmp_path / "for the police"
    said = await done(data, "export", "CODE", "--to", str(folder))
    assert said.startswith(f"Kept {folder}: SHA256SUMS, case.json, case.txt")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())]
    assert modes == [0o700, 0o600, 0o600, 0o600]
    checked = await asyncio.create_subprocess_exec("sha256sum", "--check", "--status", "SHA256SUMS", cwd=folder)
    assert await checked.wait() == 0
    text, whole = (folder / "case.txt").read_text(), json.loads((folder / "case.json").read_text())
    assert f"2026-03-09 10:59:52 UTC  accused   {CANARY}" in text and "Accused   guest ben" in text
    assert [(m["by_accused"], m["text"]) for m in whole["messages"]] == [(False, "hello"), (True, CANARY)]
    assert whole["trail"][-1]["act"]["act"] == "export"
    status, said = await run(data, "export", "CODE", "--to", str(folder))
    assert status == 1 and "is there already" in said


# The trail


async def test_a_byte_that_was_changed_in_the_trail_is_found(data: Path, history: SqliteHistory) -> None:
    await reported(history, "CODE", hours=1)
    await done(data, "show", "CODE")
    await done(data, "close", "CODE", "--none", "--note", "nothing")
    await done(data)
    whole = await done(data, "audit")
    assert whole.startswith("Whole: rows 1 to 3, since 2026-03-09.")
    noted = whole.splitlines()[1]
    await done(data)
    assert (await run(data, "audit", noted))[0] == 0
    with closing(sqlite3.connect(data / "citychat.db", isolation_level=None)) as somebody:
        for statement in ("UPDATE trail SET who = 'eve' WHERE n = 2", "DELETE FROM trail WHERE n = 4"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                somebody.execute(statement)
        somebody.execute("DROP TRIGGER trail_stands")
        somebody.execute("DROP TRIGGER trail_stays")
        somebody.execute("DELETE FROM trail WHERE n > 2")
        assert (await run(data, "audit"))[0] == 0, "what was cut off at the end leaves no mark"
        status, said = await run(data, "audit", noted)
        assert status == 1 and "no row has that hash" in said
        somebody.execute("UPDATE trail SET words = replace(words, 'nothing', 'anything') WHERE n = 2")
    status, said = await run(data, "audit")
    assert status == 1 and "broken at row 2" in said


async def test_the_year_is_counted_though_its_cases_are_gone(data: Path, history: SqliteHistory) -> None:
    await reported(history, "A", "threat", hours=4)
    await reported(history, "B", "spam", hours=2)
    await reported(history, "C", "spam", hours=1)
    await done(data, "close", "A", "--acted", "--rule", "3")
    await done(data, "close", "B", "--none")
    await done(data, "prune", now=datetime(2026, 12, 1, tzinfo=UTC))
    said = [line.split() for line in (await done(data, "numbers", "--year", "2026")).splitlines()]
    assert ["Threat", "or", "danger", "1", "1", "0", "0"] in said
    assert ["Spam,", "money", "or", "selling", "2", "0", "1", "1"] in said
    assert ["All", "3", "1", "1", "1"] in said
    assert " ".join(said[-1]) == "Half of the closed ones were closed within 3.0 hours."
    assert "All                                   0" in await done(data, "numbers", "--year", "2025")


# Wrong words, and stores that cannot be had


@pytest.mark.parametrize("span", ["3x", "h", "", "0d", "-1d", "1.5h", "9999d", "1" * 5_000 + "d", "٣d٣"])
async def test_a_span_that_is_none_is_told_with_what_was_expected(data: Path, span: str) -> None:
    status, said = await run(data, "pause", "CODE", f"--for={span}", "--rule", "3", group="guests")
    assert status == 2 and f"argument --for: expected 12h, or 7d, and at most ten years, not {span}" in said


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["close", "CODE"], "one of the arguments --acted --none is required"),
        (["close", "CODE", "--acted"], "expected --rule N"),
        (["close", "--none"], "required: CODE"),
        (["hold", "CODE", "--until", "soon"], "expected a day such as 2030-01-31, not soon"),
        (["hold", "CODE", "--until", "2030-02-31"], "expected a day such as 2030-01-31, not 2030-02-31"),
        (["numbers", "--year", "20x"], "expected a year such as 2030, not 20x"),
        (["numbers", "--year", "99999"], "expected a year such as 2030, not 99999"),
        (["--reason", "boredom"], "invalid choice: 'boredom'"),
        (["nothing"], "unrecognized arguments: nothing"),
    ],
)
async def test_wrong_words_are_told_and_nothing_is_done(
    data: Path, history: SqliteHistory, words: list[str], complaint: str
) -> None:
    status, said = await run(data, *words)
    assert status == 2 and complaint in said
    assert await acts(data) == []


async def test_a_folder_without_a_store_is_named_and_nothing_is_made(data: Path) -> None:
    status, said = await run(data)
    assert status == 1 and f"no citychat.db in {data}" in said
    assert not data.exists()


async def test_a_store_of_an_older_version_is_left_as_it_is(data: Path, history: SqliteHistory) -> None:
    with closing(sqlite3.connect(data / "citychat.db")) as older:
        older.execute("PRAGMA user_version = 3")
    status, said = await run(data)
    assert status == 1 and "start the server of this version once" in said


async def test_an_address_that_cannot_be_had_is_told_in_a_line(data: Path) -> None:
    status, said = await run(data, history="mongodb://127.0.0.1:9/?connectTimeoutMS=nonsense")
    assert status == 1 and said.startswith("citychat cases: history")
