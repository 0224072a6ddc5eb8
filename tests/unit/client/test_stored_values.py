"""What a browser keeps of ours may be torn, foreign, late or full: every page joins, and what was whole goes on."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from citychat.client.declines import PendingDeclines
from citychat.client.entries import kept, key_of
from citychat.client.shapes import (
    CONSENT,
    DECLINE,
    ENTRIES_MAX,
    OLD_DECLINES,
    OLD_LAST,
    OLD_OUTBOX,
    OLD_TOKEN,
    OUTBOX,
    TOKEN,
    WRITER,
    Left,
    parse,
    read,
)  # fmt: skip
from tests.support import node
from tests.support.late_storage import Browser
from tests.unit.client.desk import NOW, Desk, session

TWIN = Path(__file__).with_name("stored_values.js")
FRAME_CHARS = 16_000  # a longer join closes the link
SHARED = [
    CONSENT, TOKEN, OLD_TOKEN, WRITER, OUTBOX + "old", OUTBOX + "no id!", DECLINE + "offer",
    OLD_OUTBOX, OLD_LAST, OLD_DECLINES,
]  # fmt: skip
NAMES = [
    *SHARED, "citychat.settings", "citychat.reload", "citychat.looking", "citychat.draft.s", "citychat.leaving",
    "citychat.pointed", "citychat.language", "citychat.sign", "citychat.unsent.s", "citychat.report.s",
    "citychat.objection",
]  # fmt: skip
ENTRY = {"s": "s", "side": 0, "st": "old", "n": 1, "l": 1, "x": "hello", "at": NOW, "state": "waiting"}
FIRST = {
    "session": "s", "side": 0, "stream": "old", "number": 1, "lamport": 1, "text": "hello", "at": NOW,
    "state": "waiting",
}  # fmt: skip
GOOD = {
    CONSENT: "1", TOKEN: "k.p.m", OLD_TOKEN: "k.o.m", WRITER: "old", DECLINE + "offer": "1",
    OLD_OUTBOX: json.dumps([ENTRY]),
    OUTBOX + "old": json.dumps({"last": ["s", "old", 1, 1], "entries": [ENTRY]}), OLD_LAST: '["s", "old", 1]',
    OLD_DECLINES: '["first"]', "citychat.settings": '{"ask": false, "slow": true}', "citychat.reload": "1",
    "citychat.looking": "yes", "citychat.draft.s": "half a thought", "citychat.leaving": "s", "citychat.pointed": "s",
    "citychat.language": "pt-BR",
    "citychat.sign": "1", "citychat.unsent.s": "said too late", "citychat.objection": "It was not me.",
    "citychat.report.s": '{"reason": "spam", "note": "sells"}',
}  # fmt: skip
STRANGE: list[Any] = [
    None, True, -1, 0, 1.0, 1.5, 2**53 + 2, 10**40, "", "x" * 50_000, "a\ud800b", [], {}, [[]], [None, {}],
    {"entries": 3}, {"__proto__": {"entries": []}, "constructor": 1}, {"entries": [{"__proto__": ENTRY}]},
    {"last": "s", "entries": []},
    [{**ENTRY, "side": 2}, {**ENTRY, "n": 0}, {**ENTRY, "x": 7}, {**ENTRY, "at": None}, {**ENTRY, "state": []}],
    [{**ENTRY, "x": "x" * 2_001}, {**ENTRY, "p": ["old"]}, {**ENTRY, "state": "stored"}, {**ENTRY, "k": "gap"}],
]  # fmt: skip
TORN = ["", "\0" * 9, "{", '{"entries":[{"s":"s"', "[" * 50_000, "NaN", "[Infinity]", "nothing of ours", "\ufeff[]"]


def texts(random: Random, count: int) -> list[str]:
    """Values that may stand under any name: ours, strange ones, and ours with pieces of strange ones in the middle."""
    found = [*GOOD.values(), *TORN, *(json.dumps(value) for value in STRANGE)]
    while len(found) < count:
        text = random.choice(list(GOOD.values()))
        at = random.randrange(len(text))
        piece = random.choice(["", "9", '"', "null", json.dumps(random.choice(STRANGE))])
        found.append(text[:at] + piece + text[at + random.randrange(4) :])
    return found


def test_what_is_torn_or_foreign_is_known_alike_in_both_languages(caplog: pytest.LogCaptureFixture) -> None:
    asked = [(name, text) for name in SHARED for text in texts(Random(name), 300)]
    answers = node.answer(TWIN, {"shapes": asked})["shapes"]
    for (name, text), answer in zip(asked, answers, strict=True):
        caplog.clear()
        value = parse(name, text)
        if isinstance(value, Left):
            assert answer["value"]["torn"] == value.torn, (name, text)
            assert answer["value"].get("last") == value.last, (name, text)
            assert value.entries == answer["value"]["entries"], (name, text)
        else:
            assert answer["value"] == value, (name, text)
        assert answer["line"] == bool(caplog.records), (name, text)


def test_a_page_joins_and_writes_whatever_its_browser_has_kept() -> None:
    random = Random(7)
    some = texts(random, 200)
    opened = [{name: text} for name in NAMES for text in some[:60]]
    opened += [{name: random.choice(some) for name in random.sample(NAMES, 8)} for _ in range(300)]
    answers = node.answer(TWIN, {"values": [[values, 10**9] for values in opened]})["values"]
    for values, answer in zip(opened, answers, strict=True):
        assert len(json.dumps(answer["request"])) < FRAME_CHARS, values
        assert all(type(value) is bool for value in answer["settings"].values()), values
        assert all(type(text) is str for text in answer["typed"]), values
        assert answer["refused"] == "" and answer["emitted"][-1]["text"] == "hello", values
        for line in answer["lines"]:
            name, _, rest = line.partition(": ")
            assert name in values and rest == "what was stored here is torn or foreign; thrown away", line


def test_a_page_in_python_joins_and_writes_whatever_its_storage_has_kept() -> None:
    random = Random(8)
    some = texts(random, 300)
    for _ in range(1_000):
        storage = {name: random.choice(some) for name in random.sample(SHARED, 5)}
        PendingDeclines(storage, lambda event, payload, told: None, lambda name, delay_s, call: None).resend()
        desk = Desk(storage).join()
        desk.say("hello")
        assert desk.emitted[-1][1]["text"] == "hello"


def test_a_line_says_the_name_of_what_was_thrown_away_and_never_what_it_was(caplog: pytest.LogCaptureFixture) -> None:
    storage = {TOKEN: "my secret\n", OUTBOX + "old": '{"entries": [{"x": "my secret"}]}'}
    with caplog.at_level(logging.WARNING):
        Desk(storage).join()
        assert read(storage, TOKEN) is None and TOKEN not in storage
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [OUTBOX + "old", TOKEN]
    assert "secret" not in caplog.text


def test_of_a_torn_outbox_the_whole_messages_are_sent_and_the_link_is_not_believed() -> None:
    entries = [{**ENTRY, "n": 1}, {**ENTRY, "n": 2, "x": None}, {**ENTRY, "n": 3}]
    desk = Desk({OUTBOX + "old": json.dumps({"last": ["s", "old", 2, 2], "entries": entries})}).join()
    assert desk.sent() == [1, 3]
    desk.say("hello")
    assert "previous" not in desk.emitted[-1][1], "it named a message that exists nowhere"


def test_an_outbox_beyond_all_bounds_is_cut() -> None:
    entries = [{**ENTRY, "n": n} for n in range(1, ENTRIES_MAX + 2)]
    assert len(Desk({OUTBOX + "old": json.dumps({"entries": entries})}).join().box.entries.all) == ENTRIES_MAX


# Pages of 0.1.0 and 0.2.0


def test_what_an_older_page_has_left_is_sent_and_linked_to_after_the_upgrade() -> None:
    stored = {**ENTRY, "n": 2, "state": "stored", "since": NOW, "p": ["older", 4]}
    storage = {OLD_OUTBOX: json.dumps([ENTRY, stored]), OLD_LAST: '["s","old",2]', WRITER: "old"}
    desk = Desk(storage).join()
    assert desk.sent() == [1] and desk.states() == ["waiting", "stored"]
    assert [name for name in storage if name in (OLD_OUTBOX, OLD_LAST)] == []
    desk.say("hello")
    assert desk.emitted[-1][1]["previous"] == ["old", 2]


def test_what_a_page_of_letters_has_left_is_opened_and_kept_on_byte_for_byte() -> None:
    """The text is what pages of 0.2.0 and later have written."""
    left = (
        '{"last":["s","old",2,2],"entries":[{"s":"s","side":0,"st":"old","n":1,"l":1,"x":"né","at":1700000000000,'
        '"state":"waiting","p":["older",4]},{"s":"s","side":0,"st":"old","n":2,"l":2,"x":"two","at":1700000000000,'
        '"state":"stored","since":1700000000000}]}'
    )
    desk = Desk({OUTBOX + "old": left, WRITER: "old"}).join()
    first, second = desk.box.entries.all
    assert first == {**FIRST, "text": "né", "previous": ["older", 4]}
    assert second == {**FIRST, "number": 2, "lamport": 2, "text": "two", "state": "stored", "since": NOW}
    assert desk.storage == {OUTBOX + "p0": left, WRITER: "p0"}


# Two windows


class StoredWindows:
    """An older window with "one" and "two" in its outbox, a newer one that has just joined, and what is on the disk."""

    def __init__(self) -> None:
        self.to_come: list[Callable[[], None]] = []
        self.browser = Browser(self.to_come.append)
        self.disk = self.browser.disk
        self.older = self.open("older")
        self.older.say("one", "two")
        self.catch_up()
        self.newer = self.open("newer")

    def open(self, name: str) -> Desk:
        window = self.browser.open()
        desk = Desk(window, name)
        window.heard = lambda key, text: desk.box.inherit(key, text, desk.now)
        return desk.join()

    def catch_up(self) -> None:
        while self.to_come:
            self.to_come.pop(0)()


@pytest.fixture
def windows() -> StoredWindows:
    return StoredWindows()


def test_an_older_window_that_believes_itself_the_writer_overwrites_nothing_and_its_words_are_sent(
    windows: StoredWindows,
) -> None:
    older, newer = windows.older, windows.newer
    newer.say("three")
    older.say("late")  # it has not seen that another window writes
    windows.catch_up()
    assert [entry["text"] for entry in kept(windows.disk)] == ["one", "two", "three", "late"] == newer.texts()
    late = {"session": "s", "stream": "older-st1", "number": 3, "lamport": 3, "text": "late"}
    assert newer.emitted[-1] == ("chat-message", late)
    assert older.box.refusal("x") == "elsewhere" and newer.box.refusal("x") == ""


def test_what_the_older_window_wrote_just_before_the_takeover_is_taken_over_when_it_comes(
    windows: StoredWindows,
) -> None:
    third = windows.open("third")
    windows.newer.say("three")
    windows.catch_up()
    assert [entry["text"] for entry in kept(windows.disk)] == ["one", "two", "three"] == third.texts()


def test_a_link_always_names_a_message_that_is_kept_or_was_stored(windows: StoredWindows) -> None:
    windows.older.say("late")
    windows.newer.say("three")
    assert windows.newer.emitted[-1][1]["previous"] == ["older-st1", 2]
    windows.catch_up()
    third = windows.open("third")
    third.say("four")
    assert third.emitted[-1][1]["previous"] in [list(key_of(entry)) for entry in third.box.entries.all]


def test_what_was_delivered_does_not_come_back_from_a_window_that_does_not_know_it(windows: StoredWindows) -> None:
    windows.newer.status("delivered", [1, 2], stream="older-st1")
    windows.older.say("late")
    windows.catch_up()
    assert [entry["text"] for entry in kept(windows.disk)] == ["late"]


def test_a_window_that_was_replaced_takes_nothing_of_the_newer_one(windows: StoredWindows) -> None:
    windows.newer.say("three")
    windows.catch_up()
    assert windows.older.texts() == ["one", "two"]
    assert [entry["text"] for entry in kept(windows.disk)] == ["one", "two", "three"]


def test_a_window_that_comes_back_by_itself_goes_on_behind_what_the_other_has_written_and_got_its_ticks_for(
    windows: StoredWindows,
) -> None:
    """Both were on their way in, and the older one was last; the history that it has read was as before."""
    windows.newer.say("three", "four")
    windows.newer.status("delivered", [1, 2], stream="newer-st1")
    windows.catch_up()
    windows.older.join().say("five")
    five = windows.older.emitted[-1][1]
    assert five["stream"] == "older-st2" and five["previous"] == ["newer-st1", 2]
    assert five["lamport"] == 5


# The browser's storage itself


def storage_steps(*steps: list[Any]) -> list[dict[str, Any]]:
    (told,) = node.answer(TWIN, {"steps": [steps]})["steps"]
    assert isinstance(told, list)
    return told


def test_a_full_storage_is_told_once_goes_on_in_memory_and_is_told_when_it_is_over() -> None:
    told = storage_steps(
        ["set", "citychat.token", "t"], ["quota", 30], ["set", "citychat.a", "x" * 40], ["set", "citychat.a", "y" * 40],
        ["get", "citychat.a"], ["get", "citychat.token"], ["quota", 500], ["set", "citychat.b", "z"],
        ["get", "citychat.a"],
    )  # fmt: skip
    assert [step["trouble"] for step in told] == ["", "", "full", "full", "full", "full", "full", "", ""]
    assert told[2]["answer"] is False and told[4]["answer"] == "y" * 40 and told[5]["answer"] == "t"
    assert told[-1]["told"] == ["full", ""]
    assert told[-1]["kept"] == {"citychat.token": "t", "citychat.a": "y" * 40, "citychat.b": "z"}


def test_what_another_window_has_written_is_not_overwritten_when_there_is_room_again() -> None:
    told = storage_steps(
        ["set", "citychat.token", "t"], ["quota", 30], ["set", WRITER, "x" * 20], ["elsewhere", WRITER, "other"],
        ["quota", 500], ["set", "citychat.b", "z"], ["get", WRITER],
    )  # fmt: skip
    assert told[3]["told"] == ["full", ""] and told[-1]["answer"] == told[-1]["kept"][WRITER] == "other"


@pytest.mark.parametrize("none", [["refused"], ["absent"], ["quota", 0]], ids=lambda step: step[0])
def test_where_nothing_is_ever_stored_it_is_told_and_a_page_remembers_until_it_goes(none: list[Any]) -> None:
    """Switched off, switched off the way of an app's own browser, and a private window of an old one."""
    told = storage_steps(none, ["set", "citychat.token", "t"], ["get", "citychat.token"])
    assert told[1]["trouble"] == told[-1]["trouble"] == "none" and told[-1]["answer"] == "t"
    assert told[0]["trouble"] == ("" if none[0] == "quota" else "none"), "it can be known before anything is written"
    assert told[-1]["kept"] == {}


@pytest.mark.parametrize("quota", [-1, 0], ids=["refused", "no room at all"])
def test_a_page_whose_browser_stores_nothing_joins_and_writes(quota: int) -> None:
    (answer,) = node.answer(TWIN, {"values": [[{}, quota]]})["values"]
    assert answer["refused"] == "" and answer["emitted"][-1]["text"] == "hello" and answer["storing"] == "none"
    assert answer["kept"] == {} and answer["lines"] == []


@pytest.mark.parametrize("ends", ["refused", "break"])
def test_a_storage_that_is_refused_or_breaks_leaves_a_page_that_remembers_what_it_knew(ends: str) -> None:
    first = [["refused"]] if ends == "refused" else []
    told = storage_steps(
        *first, ["set", "citychat.token", "t"], ["break"], ["get", "citychat.token"], ["set", "citychat.a", "x"],
        ["get", "citychat.a"], ["delete", "citychat.a"],
    )  # fmt: skip
    assert told[-1]["trouble"] == "none" and told[-2]["answer"] == "x" and told[-4]["answer"] == "t"


def test_on_a_full_disk_a_page_leaves_what_the_ones_before_have_left_where_it_is() -> None:
    left = {OUTBOX + "old": GOOD[OUTBOX + "old"], WRITER: "old-"}
    (answer,) = node.answer(TWIN, {"values": [[left, sum(map(len, [*left, *left.values()])) + 1]]})["values"]
    assert [sent["text"] for sent in answer["emitted"]] == ["hello", "hello"] and answer["storing"] == "full"
    assert {name: answer["kept"][name] for name in left} == {**left, WRITER: "page"}


def test_a_window_that_wrote_last_in_the_chat_before_links_to_what_the_other_has_written_in_this_one() -> None:
    older = Desk(name="older").join()
    older.say("in the chat before")
    older.status("delivered", [1, 1], stream="older-st1")
    older.box.session(session("new"), NOW)
    newer = Desk(older.storage, "newer").join(session=session("new"))
    newer.say("one")
    newer.box.status({"session": "new", "stream": "newer-st1", "ranges": [[1, 1]], "state": "stored"}, NOW)
    older.box.closed()
    older.box.joined({"session": session("new")}, NOW)
    older.say("two")
    two = older.emitted[-1][1]
    assert two["text"] == "two" and two.get("previous") == ["newer-st1", 1]
