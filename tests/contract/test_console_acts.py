"""What a host does in the console is kept by every history, and each look and act is a row of the trail."""

import io
import re
import zipfile
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import cast
from urllib.parse import urlencode

import pytest

from citychat.cases import HistoryWithCases
from citychat.model import Guest
from citychat.ports import Case, History
from citychat.rules import DAY_MS, FOR_GOOD_MS
from tests.support.console_visitor import Visitor, console_over
from tests.support.made_cases import CANARY, make_case
from tests.support.stores import StoreClock

NOW = 1_900_000_000_000
HOUR_MS = 3_600_000
A, B, C, D = ("AAAAAAAAAA", "BBBBBBBBBB", "CCCCCCCCCC", "DDDDDDDDDD")


@pytest.fixture
async def host(history: History) -> AsyncIterator[Visitor]:
    """Somebody who has come in, to four cases: two of them on ben, and a threat on top."""
    await history.guests.keep(Guest("ben", 1, NOW - 5, "1", 1, networks=("n1",)))
    await make_case(history, A, NOW - 60 * HOUR_MS, reason="spam")
    await make_case(history, B, NOW - 5 * HOUR_MS, accused="carl", note="<i>said</i> \u202eit")
    await make_case(history, C, NOW - 3 * HOUR_MS, reporter="cleo")
    await make_case(history, D, NOW - 2 * HOUR_MS, reason="threat", accused="dan")
    async with console_over(cast(HistoryWithCases, history), StoreClock(lambda: NOW)) as visitor:
        await visitor.comes_in()
        yield visitor


async def acts(host: Visitor, *, since: int = 1) -> list[tuple[str, str, str]]:
    """Who has done what about which code, behind the first rows."""
    return [(row.act.who, row.act.act, row.act.code) for row in (await host.room.history.cases.trail())[since:]]


async def case_of(host: Visitor, code: str) -> Case:
    return next(case for case in await host.room.history.cases.cases() if case.code == code)


async def test_the_text_is_folded_and_reading_it_is_a_row_of_the_trail_before_it_is_shown(host: Visitor) -> None:
    shown = await host.sees(f"/cases/{A}")
    assert CANARY not in shown and "The last 2 messages of the two are folded." in shown
    assert await acts(host) == [("ada", "show", A)]
    answer = await host.sends(f"/cases/{A}/read")
    assert answer.code == 200 and CANARY in host.page
    assert (await acts(host))[-1] == ("ada", "read", A)
    again = await host.asks(f"/cases/{A}/read")
    assert (again.code, again.headers["Location"]) == (303, f"/cases/{A}"), "loaded anew it is folded"
    assert CANARY not in await host.sees(f"/cases/{A}")


async def test_the_list_is_in_the_order_of_the_command_and_names_no_text(host: Visitor) -> None:
    listed = await host.sees("/cases")
    assert re.findall(r'href="/cases/(\w+)">', listed) == [D, A, C, B], "the threat, then who waits longest, joined"
    assert CANARY not in listed and "said" not in listed
    assert await acts(host) == [("ada", "list", "")]


@pytest.mark.parametrize("typed", [A, A.lower(), " ".join(A), f"  {A[:5]} {A[5:]}\t"])
async def test_a_case_is_found_by_its_code_however_it_is_written_down(host: Visitor, typed: str) -> None:
    answer = await host.asks("/find?" + urlencode({"code": typed}))
    assert (answer.code, answer.headers["Location"]) == (303, f"/cases/{A}")


async def test_a_wrong_code_is_said_above_the_list_and_obeyed_by_nothing(host: Visitor) -> None:
    answer = await host.asks("/find?" + urlencode({"code": "<b>WRONG</b>"}))
    assert answer.code == 404 and "No such code: &lt;b&gt;WRONG&lt;/b&gt;." in host.page and f"/cases/{D}" in host.page


async def test_the_list_is_of_one_reason_when_that_is_asked_for(host: Visitor) -> None:
    assert re.findall(r'href="/cases/(\w+)">', await host.sees("/cases?reason=threat")) == [D]
    assert "No case of this reason." in await host.sees("/cases?reason=minor")
    assert re.findall(r'href="/cases/(\w+)">', await host.sees("/cases?reason=unheard-of")) == [D, A, C, B]


async def test_what_is_over_its_day_is_deleted_at_a_press_and_noted(host: Visitor) -> None:
    await host.sees(f"/cases/{B}")
    await host.does(f"/cases/{B}/close", act="none")
    await host.sees("/cases?all")
    assert await host.does("/cases/prune") == "/cases?all" and "Cases deleted: 0" in host.page and B in host.page
    cast(StoreClock, host.room.clock).wall_ms = lambda: NOW + 31 * DAY_MS
    await host.does("/cases/prune")
    assert "Cases deleted: 1" in host.page and B not in host.page
    assert ("ada", "prune", "") in await acts(host)


async def test_markup_and_marks_of_others_are_shown_and_not_obeyed(host: Visitor) -> None:
    shown = await host.sees(f"/cases/{B}")
    assert "&lt;i&gt;said&lt;/i&gt; \\u202eit" in shown
    assert "2: No &lt;b&gt;threats&lt;/b&gt;." in shown and "3: " not in shown, "rules are those of the first list"


async def test_a_decision_is_kept_told_and_followed_by_the_next_case(host: Visitor) -> None:
    await host.sees(f"/cases/{D}")
    assert await host.does(f"/cases/{D}/close", act="none", note="no more than unfriendly") == f"/cases/{A}"
    assert f"{D}: no action, deleted on " in host.page
    closed = await case_of(host, D)
    assert (closed.state, closed.closed, closed.words) == ("none", NOW, "no more than unfriendly")
    following = await host.does(
        f"/cases/{A}/close", act=str(DAY_MS), rule="2", reason="threats", network="yes", also=[C]
    )
    assert following == f"/cases/{B}", "what was closed with it does not come again"
    assert {(await case_of(host, code)).state for code in (A, C)} == {"acted"}
    pause = await host.room.history.guests.pause("ben", NOW)
    assert pause is not None and (pause.until, pause.reason, pause.rule) == (NOW + DAY_MS, "threats", "2")
    assert await host.room.history.guests.networks_paused(("n1",), NOW) is not None
    assert await host.does(f"/cases/{B}/close", act=str(FOR_GOOD_MS), rule="1") == "/cases"
    assert "Nothing waits." in host.page
    done = [act for act in await acts(host) if act[1] not in ("show", "list")]
    assert done == [
        ("ada", "close", D), ("ada", "pause", A), ("ada", "close", A), ("ada", "close", C),
        ("ada", "ban", B), ("ada", "close", B),
    ]  # fmt: skip


async def test_a_warning_waits_for_its_guest(host: Visitor) -> None:
    await host.sees(f"/cases/{B}")
    await host.does(f"/cases/{B}/close", act="0", rule="1", reason="be nice")
    told = (await host.room.history.guests.dossier("carl", NOW)).lifted
    assert told is not None and (told.rule, told.reason) == ("1", "be nice")


@pytest.mark.parametrize(
    ("path", "fields", "why"),
    [
        ("close", {"note": "hm"}, "expected one of the ways to close it"),
        ("close", {"act": "acted", "note": "hm"}, "expected the rule that was broken"),
        ("close", {"act": "0", "rule": "1" * 21}, "rule: expected 1 to 20 letters"),
        ("close", {"act": str(DAY_MS), "rule": "1", "reason": "x" * 101}, "reason: expected 0 to 100 letters"),
        ("hold", {"until": "soon"}, "expected a day, such as 2030-12-31"),
        ("answer", {"answer": "You are right."}, "nobody has objected"),
    ],
)
async def test_what_makes_no_sense_is_said_and_nothing_is_done(
    host: Visitor, path: str, fields: dict[str, str], why: str
) -> None:
    await host.sees(f"/cases/{B}")
    answer = await host.sends(f"/cases/{B}/{path}", **fields)
    assert answer.code == 400 and why in host.page, host.page
    for value in fields.values():
        if path == "close" and value.isalpha():
            assert f'value="{value}"' in host.page, "what was typed stands there"
    assert (await case_of(host, B)).closed is None
    assert await host.room.history.guests.pause("carl", NOW) is None
    assert {act for _, act, _ in await acts(host)} == {"show"}


async def test_an_objection_is_answered_and_the_guest_let_in_from_the_list_of_who_is_kept_out(host: Visitor) -> None:
    await host.sees(f"/cases/{B}")
    await host.does(f"/cases/{B}/close", act=str(7 * DAY_MS), rule="1")
    guests = host.room.history.guests
    await guests.keep_objection("carl", "It was <me>.", NOW)
    listed = await host.sees("/cases")
    assert "objection waits" in listed
    assert "It was &lt;me&gt;." in await host.sees(f"/cases/{B}")
    await host.does(f"/cases/{B}/answer", answer="We are sorry.")
    assert (await case_of(host, B)).answer == "We are sorry."
    kept_out = await host.sees("/paused")
    assert f'href="/cases/{B}"' in kept_out and "Their objection is answered." in kept_out
    await host.does(f"/cases/{B}/lift", note="was right", **{"from": "paused"})
    assert "Nobody is kept out." in host.page
    assert await guests.pause("carl", NOW) is None


async def test_a_case_is_held_and_exported_with_its_checksums(host: Visitor) -> None:
    await host.sees(f"/cases/{B}")
    await host.does(f"/cases/{B}/hold", until="2099-12-31", note="asked for")
    assert "held until 2099-12-31" in host.page
    answer = await host.sends(f"/cases/{B}/export")
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as folder:
        files = {name.rpartition("/")[2]: folder.read(name) for name in folder.namelist()}
    assert CANARY in files["case.txt"].decode()
    sums = {line[66:]: line[:64] for line in files["SHA256SUMS"].decode().splitlines()}
    assert sums == {name: sha256(files[name]).hexdigest() for name in ("case.txt", "case.json")}
    assert (await acts(host))[-2:] == [("ada", "show", B), ("ada", "export", B)]


async def test_the_house_is_closed_and_opened(host: Visitor) -> None:
    house = host.room.history.house
    await host.sees("/house")
    assert (await host.sends("/house", do="close", text="Back soon", until="yesterday")).code == 400
    assert "until yesterday: expected 30m, 12h, 2d" in host.page and 'value="Back soon"' in host.page
    assert await house.closure(NOW) is None
    await host.does("/house", do="close", text="Back soon", until="2h")
    closure = await house.closure(NOW)
    assert closure is not None and (closure.text, closure.until) == ("Back soon", NOW + 2 * HOUR_MS)
    assert "The house is closed" in host.page
    await host.does("/house", do="open")
    assert await house.closure(NOW) is None
    assert (await host.sends("/house", do="open")).code == 400, "it is open"
    assert [act for _, act, _ in await acts(host)] == ["close the house", "open the house"]


async def test_the_trail_says_whether_it_is_whole_and_what_was_decided(host: Visitor) -> None:
    await host.sees(f"/cases/{B}")
    await host.does(f"/cases/{B}/close", act="acted", rule="1", note="why not")
    trail = await host.sees("/trail")
    rows = await host.room.history.cases.trail()
    assert f"Whole: rows 1 to {len(rows)}" in trail and rows[-1].hash in trail
    assert "enter the console" in trail and "acted, rule 1: why not</span>" in trail
    assert "Reports that came in 2030 (UTC)" in trail


async def test_a_code_that_nobody_has_is_told(host: Visitor) -> None:
    assert (await host.asks("/cases/ZZZZZZZZZZ")).code == 400
    assert "no report has the code ZZZZZZZZZZ" in host.page
