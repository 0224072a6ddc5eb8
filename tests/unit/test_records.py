"""What processes tell each other survives the way as it was, and nothing else is taken for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citychat import records
from citychat.model import TEXT_MAX_BYTES, Message, Offer
from citychat.records import RECORD_MAX_BYTES, Record, decode, encode

ALL: list[Record] = [
    records.Said(Message("s", 1, "st", 2**52, 2**52, "né \U0001f98a\n\"", 5, ("older", 3), "gap")),
    records.Said(Message("s", 0, "st", 1, 1, "", 5)),
    records.Receipt("s", "st", [(1, 2), (5, 2**52)]),
    records.Here("s"),
    records.Away("s", 1_700_000_000_000),
    records.Left("s", 1),
    records.Typing("s", True),
    records.Erased("s"),
    records.Takeover(2**52),
    records.Offered(Offer("o", "ann", "ben", "Lyon", 15, True, 1)),
    records.Over("o"),
    records.Met("s"),
    records.Paused(1, "reports"),
]


@pytest.mark.parametrize("record", ALL, ids=lambda record: type(record).__name__)
def test_every_record_arrives_as_it_was_sent(record: Record) -> None:
    assert decode(encode(record)) == record


def test_the_list_above_names_them_all() -> None:
    assert {type(record) for record in ALL} == set(Record.__args__)


def test_the_longest_text_fits_however_it_is_escaped() -> None:
    for letter in ("\x01", '"', "\u2028", "\U0001f98a"):
        said = records.Said(Message("s" * 43, 1, "t" * 43, 1, 1, letter * (TEXT_MAX_BYTES // len(letter.encode())), 5))
        assert decode(encode(said)) == said


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{}", b"null", b"[1]", b'"said"', b"\xff\xfe", b"{" * 1_000,
        b'{"type":"unknown"}', b'{"type":"here"}', b'{"type":"here","s":1}',
        b'{"type":"receipt","s":"s","st":"t","ranges":[[1]]}',
        b'{"type":"away","s":"s","since":"now"}', b'{"type":"said","message":{"s":"s"}}',
        b'{"type":"here","s":"' + b"x" * RECORD_MAX_BYTES + b'"}', b'{"type":"here","s":"\xff"}',
        b'{"type":"here","s":"s","mood":' + b"[" * 20_000 + b"}",
    ],
)  # fmt: skip
def test_anything_else_is_no_record(raw: bytes) -> None:
    assert decode(raw) is None


@given(st.binary(max_size=200))
def test_no_bytes_raise(raw: bytes) -> None:
    decode(raw)


def test_fields_of_a_newer_version_are_passed_over() -> None:
    assert decode(b'{"type":"here","s":"s","mood":"good"}') == records.Here("s")
