"""What processes tell each other survives the way as it was, and nothing else is taken for it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from citychat.figures import Figures, Meetings, Spread, Traffic
from citychat.model import LAMPORT_MAX, TEXT_MAX_CHARS, Message, Offer
from citychat.ports import RECORD_MAX_BYTES, BusEvent, decode, encode
from citychat.ports import bus_events as records

FIGURES = Figures(
    process="p", version="1.0.0", at=2**52, up_s=0.5, ready=True, wrong=("bus", "disk"), free=1, looking=2, talking=3,
    traffic=Traffic(4, 5, 6), meetings=Meetings(7, 8), mail=None, reports=9, disk_bytes=2**50, free_disk_bytes=2**40,
    backup_at=0, city_database_at=None,
)  # fmt: skip

ALL: list[BusEvent] = [
    records.NewMessage(Message("s", 1, "st", 2**52, 2**52, 'né \U0001f98a\n"', 5, kind="gap")),
    records.NewMessage(Message("s-_", 1, "st", 1, 1, "x" * 2_000, 2**53, ("older", 2**52))),
    records.NewMessage(Message("s", 0, "st", 1, 1, "", 5)),
    records.Receipt("s", "st", [(1, 2), (5, 2**52)]),
    records.PartnerHere("s"),
    records.PartnerAway("s", 1_700_000_000_000),
    records.SessionEnded("s", 1),
    records.PartnerTyping("s", True),
    records.TextsErased("s"),
    records.NewerPage(2**52),
    records.OfferMade(Offer("o", "ann", "ben", "Lyon", 15, True, 1)),
    records.OfferEnded("o"),
    records.SessionBegun("s"),
    records.GuestPaused(1, "reports"),
    records.GuestPaused(1, "threats", "3", "ABCDEFGHIJ"),
    records.FiguresAsked("p"),
    records.FiguresTold(FIGURES),
]


@pytest.mark.parametrize("record", ALL, ids=lambda record: type(record).__name__)
def test_every_record_arrives_as_it_was_sent(record: BusEvent) -> None:
    assert decode(encode(record)) == record


def test_the_list_above_names_them_all() -> None:
    assert {type(record) for record in ALL} == set(BusEvent.__args__)


def test_the_longest_text_fits_however_it_is_escaped() -> None:
    for letter in ('"', "\u20ac", "\U0001f98a"):
        text = letter * (TEXT_MAX_CHARS - 1) + "x"
        said = records.NewMessage(Message("s" * 43, 1, "t" * 43, 1, 1, text, 5, ("p" * 43, 2**52)))
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
        b'{"type":"here","s":"s","mood":"' + b"x" * RECORD_MAX_BYTES + b'"}',
    ],
)  # fmt: skip
def test_anything_else_is_no_record(raw: bytes) -> None:
    assert decode(raw) is None


def said(**fields: object) -> bytes:
    """A message like any other but for these fields."""
    message = {"s": "s", "side": 0, "st": "st", "n": 1, "l": 1, "x": "text", "at": 1} | fields
    return msgspec.json.encode({"type": "said", "message": message})


OUT_OF_BOUNDS = [
    *[said(**{key: bad}) for key in ("s", "st") for bad in ("", "a:b", "a b", "a\n", "é", "t" * 44, "t" * 17_000)],
    *[said(**{name: bad}) for name in ("n", "l") for bad in (-1, 0, LAMPORT_MAX + 1, 2**63, 1.5)],
    *[said(side=bad) for bad in (-1, 2, "0")],
    *[said(at=bad) for bad in (-1, 2**53 + 1, 2**63)],
    *[said(p=bad) for bad in (["a"], ["", 1], ["a" * 44, 1], ["a", 0], ["a", 2**63])],
    *[said(k=bad) for bad in ("", "k" * 44, "\u202e")],
    said(n=2, p=["older", 1]),
    b'{"type":"said","message":{"s":"s","side":0,"st":"st","n":1,"l":1' + b"0" * 5_000 + b',"x":"","at":1}}',
    encode(records.Receipt("s", "t" * 44, [(1, 1)])),
    encode(records.Receipt("s", "st", [(0, 1)])),
    encode(records.Receipt("s", "st", [(1, 2**63)])),
    encode(records.Receipt("s", "st", [(1, 1)] * 501)),
    encode(records.PartnerHere("")), encode(records.TextsErased("a b")),
    encode(records.SessionBegun("m" * 44)), encode(records.OfferEnded("")),
    encode(records.PartnerAway("s", -1)), encode(records.SessionEnded("s", 2**63)), encode(records.NewerPage(2**54)),
    encode(records.GuestPaused(2**63, "")), encode(records.GuestPaused(1, "\u202e")),
    encode(records.GuestPaused(1, "r" * 201)), encode(records.GuestPaused(1, "", "r" * 201)),
    encode(records.FiguresAsked("")), encode(records.FiguresAsked("p" * 44)),
    *[encode(records.FiguresTold(replace(FIGURES, **{name: -1}))) for name in ("free", "mail", "at", "up_s")],
    encode(records.FiguresTold(replace(FIGURES, mail=2**54))),
    encode(records.FiguresTold(replace(FIGURES, version="\x1b[2J"))),
    encode(records.FiguresTold(replace(FIGURES, wrong=("bus",) * 17))),
    encode(records.FiguresTold(replace(FIGURES, traffic=Traffic(times=Spread((1.0,), [-1, 0]))))),
    encode(records.FiguresTold(replace(FIGURES, traffic=Traffic(times=Spread((1.0,) * 33, [0]))))),
]  # fmt: skip


@pytest.mark.parametrize("raw", OUT_OF_BOUNDS, ids=range(len(OUT_OF_BOUNDS)))
def test_what_has_the_shape_and_is_out_of_bounds_is_no_record(raw: bytes) -> None:
    assert decode(raw) is None


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("t" * 2_001, ""), ("\U0001f98a" * 2_001, ""), ("t" * 31_000, ""), (" \n", ""), ("\u202e\x00", ""), ("", ""),
        ("a\u202eb\x1b\r\nc", "ab\nc"), ("e\u0301", "é"),
    ],
    ids=range(8),
)  # fmt: skip
def test_a_text_comes_as_the_door_would_have_taken_it(sent: str, text: str) -> None:
    assert decode(said(x=sent)) == records.NewMessage(Message("s", 0, "st", 1, 1, text, 1))


@given(st.binary(max_size=200))
def test_no_bytes_raise(raw: bytes) -> None:
    decode(raw)


def test_fields_of_a_newer_version_are_passed_over() -> None:
    assert decode(b'{"type":"here","s":"s","mood":"good"}') == records.PartnerHere("s")
