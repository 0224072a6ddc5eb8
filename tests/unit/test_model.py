"""The words: ranges, texts, sessions, and the errors a guest is told."""

import re
import unicodedata
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citychat import model
from citychat.model import (
    ALIAS_ANIMALS,
    ALIAS_COLOURS,
    LAMPORT_MAX,
    TEXT_MAX_CHARS,
    Banned,
    Busy,
    ChatError,
    Message,
    NoSession,
    RefusedConsent,
    Session,
    Unavailable,
    by_stream,
    clean_text,
    drawable,
    fits,
    is_blank,
    merged,
    new_aliases,
    new_id,
    to_ranges,
)


@given(st.sets(st.integers(1, 60)))
def test_ranges_hold_exactly_the_numbers_and_are_as_few_as_can_be(numbers: set[int]) -> None:
    ranges = to_ranges(numbers)
    assert [n for first, last in ranges for n in range(first, last + 1)] == sorted(numbers)
    assert all(left[1] + 1 < right[0] for left, right in pairwise(ranges))


@given(st.lists(st.tuples(st.integers(-9, 60), st.integers(-9, 60))))
def test_merged_ranges_hold_the_numbers_that_a_page_may_use_once(ranges: list[tuple[int, int]]) -> None:
    assert merged(ranges) == to_ranges(n for first, last in ranges for n in range(max(first, 1), last + 1))


def test_a_range_asked_for_a_thousand_times_is_merged_into_one() -> None:
    assert merged([(4, 6), (1, 3), (2, 2), (9, 2**60), (8, 2), (-9, 0)] * 1_000) == [(1, 6), (9, LAMPORT_MAX)]


def test_ranges_of_each_stream_in_order_of_appearance() -> None:
    found = by_stream([("b", 2), ("a", 7), ("b", 1), ("b", 4), ("b", 4)])
    assert list(found.items()) == [("b", [(1, 2), (4, 4)]), ("a", [(7, 7)])]


@given(st.text())
def test_a_cleaned_text_is_clean_and_stays_as_it_is(raw: str) -> None:
    text = clean_text(raw)
    assert clean_text(text) == text == unicodedata.normalize("NFC", text)
    assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cs") for c in text)
    text.encode()


def test_no_long_row_of_marks_is_put_into_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the square of its length: a frame full of marks had held up everybody for 70 ms."""
    composed = list[str]()

    def normalize(form: str, text: str) -> str:
        composed.append(text)
        return text

    monkeypatch.setattr("citychat.model.text.unicodedata.normalize", normalize)
    for row in ("\u0301\u0323", "\u0f73\u0f71", "\U0001d165\u302e", "\u0301\u034f\u0323"):
        clean_text("a" + row * 2_000)
    assert composed
    assert [text for text in composed if re.search(r"[\u0301-\u034f\u0f71-\u0f73\u302e\U0001d165]{31}", text)] == []


def test_what_is_far_too_long_is_not_cleaned_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citychat.model.text.clean_text", lambda raw: pytest.fail("cleaned"))
    assert drawable("a" * 4_001) == ""


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("e\u0301", "\u00e9"),
        ("\u202aa\u202eb\u2066c\u2069", "abc"),
        ("bell\x07nul\x00del\x7f", "bellnuldel"),
        ("a\tpasted\ttable", "a pasted table"),
        ("a soft\x0bend of line,\x0ca new page\x85", "a soft\nend of line,\na new page\n"),
        ("\ud800lone", "lone"),
        ("one\n\ntwo\n\n\n\nthree\n" + "\n" * 1_998, "one\n\ntwo\n\nthree\n\n"),
        ("one\n \n\u200b\n\u3164\u2800\r\r\n\u2028\u2029\u00a0\n two", "one\n\n two"),
        ("e" + "\u0301" * 1_800 + "x" + "\u0488" * 5, "\u00e9" + "\u0301" * 4 + "x" + "\u0488" * 4),
        ("z" + "\u0300\u200d\ufe0f" * 6, "z" + "\u0300\u200d\ufe0f" * 4 + "\u200d\ufe0f" * 2),
        ("\u09c7" + "\u0300" * 4 + "\u09c7" + "\u0300" * 5, "\u09c7" + "\u0300" * 4 + "\u09c7" + "\u0300" * 4),
        ("\u09c7" * 40 + "x" + "\u0323\u0301" * 2, "\u09c7" * 30 + "x\u0323\u0323\u0301\u0301"),
        (
            "\u0baa\u0bcd \u0e17\u0e35\u0e48 \u1000\u103c\u103d\u103e\u1031\u1037",
            "\u0baa\u0bcd \u0e17\u0e35\u0e48 \u1000\u103c\u103d\u103e\u1031\u1037",
        ),
        ("שלום \U0001f468\u200d\U0001f469", "שלום \U0001f468\u200d\U0001f469"),
    ],
)
def test_what_is_cleaned_away(raw: str, text: str) -> None:
    assert clean_text(raw) == text


NOTHING_TO_SEE = [
    "\u200b", "\u2800", "\u3164", "\u00ad", "\ufe0f", "\U000e0100", "\u115f", "\uffa0", "\u034f", "\u061c", "\u200e",
    "\u2060", "\ufeff", "\u180e", "\u17b4", "\U000e0041", "\U0001d159", "\U0001d173", "\ufff9",
    "\U00013441\U00013442", " \u200b\n\u2800\u3000",
]  # fmt: skip


@pytest.mark.parametrize("text", NOTHING_TO_SEE)
def test_a_text_of_which_nothing_is_seen_is_empty(text: str) -> None:
    assert is_blank(clean_text(text)) and drawable(text) == "" and not fits(text * 100)
    assert drawable(f"{text}\U0001f98a") == f"{text}\U0001f98a"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("", False), (" \n\u3000", False), ("x" * TEXT_MAX_CHARS, True), ("x" * (TEXT_MAX_CHARS + 1), False),
        ("\u0434" * TEXT_MAX_CHARS, True), ("\u0928" * TEXT_MAX_CHARS, True), ("\u6f22" * TEXT_MAX_CHARS, True),
        ("\U0001f98a" * TEXT_MAX_CHARS, True), ("\U0001f98a" * (TEXT_MAX_CHARS + 1), False),
    ],
)  # fmt: skip
def test_which_texts_may_carry_a_number(text: str, good: bool) -> None:
    assert fits(text) == good


SESSION = Session("s", ("ann", "ben"), ("Amber Fox", "Teal Owl"), "Lyon", 1, 2)


def test_each_member_sees_the_others_alias_and_their_own_as_the_other_sees_it() -> None:
    assert SESSION.shown("ann") == {
        "session": "s", "side": 0, "alias": "Teal Owl", "you": "Amber Fox", "city": "Lyon", "started": 1, "expires": 2,
    }  # fmt: skip
    assert SESSION.shown("ben")["alias"] == "Amber Fox" and SESSION.partner("ben") == "ann"
    assert Session("s", SESSION.members, SESSION.aliases, "Lyon", 1, 2, ended=5).shown("ann")["ended"] == 5


def test_nobody_else_is_in_it() -> None:
    for ask in (SESSION.side, SESSION.partner, SESSION.shown):
        with pytest.raises(NoSession):
            ask("eve")


def test_the_two_aliases_share_neither_colour_nor_animal() -> None:
    for seed in range(300):
        (colour, animal), (other_colour, other_animal) = (alias.split() for alias in new_aliases(Random(seed)))
        assert colour != other_colour and animal != other_animal
        assert {colour, other_colour} <= set(ALIAS_COLOURS) and {animal, other_animal} <= set(ALIAS_ANIMALS)


def test_ids_have_as_many_bits_as_asked_for_and_need_no_escaping() -> None:
    random = Random(1)
    assert len(new_id(random)) == 22 and len(new_id(random, 64)) == 11
    assert all(c.isalnum() or c in "-_" for _ in range(100) for c in new_id(random))


def test_a_message_costs_at_least_what_its_text_takes() -> None:
    assert Message("s", 0, "st", 1, 1, "\U0001f98a" * 100, 1).size_bytes >= 400


def test_transcript_order_is_lamport_then_side_then_stream_then_n() -> None:
    rows = [(1, 1, "a", 1), (2, 0, "a", 1), (2, 0, "b", 1), (2, 0, "b", 2), (2, 1, "a", 1)]
    messages = [Message("s", side, stream, n, lamport, "x", 9 - i) for i, (lamport, side, stream, n) in enumerate(rows)]
    messages.reverse()
    assert [(m.lamport, m.side, m.stream, m.number) for m in sorted(messages, key=lambda m: m.order)] == rows


def test_every_error_has_a_code_of_its_own_and_a_sentence() -> None:
    errors = [error for error in vars(model).values() if isinstance(error, type) and issubclass(error, ChatError)]
    assert len({error.code for error in errors}) == len(errors) == 15
    for error in errors:
        assert error.__doc__ and error.__doc__[0].isupper() and error.__doc__.strip().endswith(".")


def test_what_a_failed_ack_carries() -> None:
    assert ChatError().shown() == {
        "ok": False, "error": "internal", "message": "Something went wrong on the server. Please try again.",
    }  # fmt: skip
    assert NoSession("Not that one.").shown()["message"] == "Not that one."
    assert Busy(retry_ms=5).shown()["retry_ms"] == 5
    assert Unavailable().shown()["retry_ms"] == 2_000
    assert RefusedConsent("2024-1").shown()["consent"] == "2024-1"
    facts = {"until": 7, "reason": "spam", "contact": "c"}
    assert (facts | {"ok": False, "error": "banned"}).items() <= Banned(facts).shown().items()
