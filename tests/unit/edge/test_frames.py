"""Frames, read in pieces of any size: every rule of RFC 6455 that a reader can break."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citychat.edge.frames import BrokenFrame, FrameReader
from tests.unit.edge.frame_cases import (
    BINARY,
    CLOSE,
    CONTINUATION,
    LARGE,
    LIMIT_BYTES,
    NOT_UTF8,
    PING,
    PONG,
    SMALL,
    TEXT,
    WELL,
    FrameCase,
    closing,
    framed,
    pieces,
)  # fmt: skip

Read = tuple[list[tuple[int, bytes]], int]


def read(came: Iterable[bytes], most_bytes: int = LIMIT_BYTES) -> Read:
    """What an echo would send back for it, and the code of the end."""
    reader, echoed = FrameReader(most_bytes), list[tuple[int, bytes]]()
    try:
        for piece in came:
            frame = reader.next(piece)
            while frame is not None:
                kind, said = frame
                payload = said.encode() if isinstance(said, str) else said
                if kind == CLOSE:
                    return echoed, int.from_bytes(payload[:2], "big")
                if kind in (TEXT, BINARY, PING):
                    echoed.append((PONG if kind == PING else kind, payload))
                frame = reader.next()
    except BrokenFrame as error:
        return echoed, error.code
    return echoed, WELL


def bytewise(sent: bytes) -> list[bytes]:
    return [sent[at : at + 1] for at in range(len(sent))]


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_what_a_client_sends_is_read_alike_in_one_piece_and_byte_by_byte(case: FrameCase) -> None:
    assert read([case.sent]) == (case.echoed, case.code)
    if len(case.sent) < 10_000:
        assert read(bytewise(case.sent)) == (case.echoed, case.code)


@pytest.mark.parametrize("case", LARGE, ids=lambda case: case.name)
def test_large_messages_are_read_up_to_the_limit(case: FrameCase) -> None:
    assert read([case.sent]) == (case.echoed, case.code)
    assert read(case.sent[at : at + 16_384] for at in range(0, len(case.sent), 16_384)) == (case.echoed, case.code)


TALK = (
    framed("κόσμε".encode()) + framed(b"", PING) + pieces("a😀b".encode(), 3, between=framed(b"p", PING))
    + framed(b"x" * 300, BINARY) + framed(b"", PONG) + framed(b"last") + closing(3000, b"bye")
)  # fmt: skip


def test_a_talk_cut_in_two_at_any_byte_is_read_alike() -> None:
    whole = read([TALK])
    assert whole[1] == 3000 and len(whole[0]) == 6
    for at in range(len(TALK)):
        assert read([TALK[:at], TALK[at:]]) == whole


@given(st.lists(st.integers(0, len(TALK))), st.randoms(use_true_random=False))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_a_talk_cut_anywhere_is_read_alike(cuts: list[int], random: object) -> None:
    edges = [0, *sorted(cuts), len(TALK)]
    assert read(TALK[a:b] for a, b in pairwise(edges) if a < b) == read([TALK])


@given(st.binary(max_size=200))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_whatever_comes_is_read_or_refused_and_alike_in_pieces(sent: bytes) -> None:
    assert read([sent]) == read(bytewise(sent))


def test_wrong_text_is_found_in_the_fragment_that_has_it() -> None:
    reader = FrameReader(100)
    assert reader.next(framed(b"ok \xe2\x82", TEXT, final=False)) == (CONTINUATION, b"")
    with pytest.raises(BrokenFrame, match="UTF-8") as caught:
        reader.next(framed(b"(", CONTINUATION, final=False))
    assert caught.value.code == NOT_UTF8


@pytest.mark.parametrize("head", [b"\xf1\x80", b"\x83\x80", b"\x09\x80", b"\x80\x80", b"\x89\xfe", b"\x81\x05"])
def test_a_wrong_frame_is_refused_before_its_payload_has_come(head: bytes) -> None:
    with pytest.raises(BrokenFrame):
        FrameReader(100).next(head)


@pytest.mark.parametrize("fragments", [b"", framed(b"x" * 60, final=False)])
def test_a_message_over_the_limit_is_refused_before_it_has_come(fragments: bytes) -> None:
    reader = FrameReader(200)
    reader.next(fragments)
    with pytest.raises(BrokenFrame, match="limit"):
        reader.next(framed(b"x" * 201, CONTINUATION if fragments else TEXT)[:4])


def test_an_idle_reader_keeps_nothing() -> None:
    reader = FrameReader(LIMIT_BYTES)
    reader.next(pieces(b"x" * 100_000, 1_000))
    while reader.next() is not None:
        pass
    assert reader.ahead == b"" and reader._fragments is None
    assert reader.next(framed(b"y" * 50_000)) == (TEXT, "y" * 50_000)
    assert reader.ahead == b""


def test_a_refusal_says_nothing_of_what_was_in_the_frame() -> None:
    for case in SMALL:
        reader = FrameReader(LIMIT_BYTES)
        try:
            frame = reader.next(case.sent)
            while frame is not None:
                frame = reader.next()
        except BrokenFrame as error:
            assert (error.__cause__ is None and error.__suppress_context__) or error.__context__ is None
            assert not any(ord(letter) > 127 or letter.isdigit() for letter in str(error).replace("UTF-8", ""))
