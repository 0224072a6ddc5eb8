"""A WebSocket on a real socket: every case of frames answered and closed as it must be, and what it does under load."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from citychat.edge.frames import BrokenFrame, answer_frame, close_frame, text_frame
from citychat.edge.websocket import WebSocket
from tests.support.patience import PATIENCE_S
from tests.unit.edge.frame_cases import (
    BINARY,
    CLOSE,
    LARGE,
    LIMIT_BYTES,
    PING,
    PONG,
    SMALL,
    TEXT,
    WELL,
    Echoed,
    FrameCase,
    closing,
    framed,
)  # fmt: skip


class EchoPage:
    """Sends every message back."""

    def __init__(self, channel: WebSocket) -> None:
        self.channel = channel
        self.heard_of: list[tuple[int, str | bytes]] = []
        self.over = 0
        self.answers = True

    def heard(self, kind: int, said: str | bytes) -> None:
        self.heard_of.append((kind, said))
        if kind == TEXT and isinstance(said, str) and self.answers:
            self.channel.send(text_frame(said.encode()))
        elif kind == BINARY and isinstance(said, bytes) and self.answers:
            self.channel.send(b"\x82" + text_frame(said)[1:])

    def broke(self, error: BrokenFrame) -> None:
        self.channel.cut(error.code)

    def ended(self) -> None:
        self.over += 1


class EchoClient:
    """The other end."""

    def __init__(self, end: socket.socket, echo: EchoPage) -> None:
        self.end, self.echo = end, echo
        self.loop = asyncio.get_running_loop()
        self._came = b""

    async def send(self, sent: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            await self.loop.sock_sendall(self.end, sent)

    async def _exactly(self, size: int) -> bytes:
        while len(self._came) < size:
            more = await self.loop.sock_recv(self.end, 1 << 20)
            if not more:
                raise EOFError
            self._came += more
        said, self._came = self._came[:size], self._came[size:]
        return said

    async def frame(self) -> Echoed:
        """The next one. Raises EOFError."""
        async with asyncio.timeout(PATIENCE_S):
            head, size = await self._exactly(2)
            if size > 125:
                size = int.from_bytes(await self._exactly(2 if size == 126 else 8), "big")
            assert head & 0x80 and not head & 0x70 and size >= 0
            return head & 0x0F, await self._exactly(size)

    async def rest(self) -> list[Echoed]:
        """All until the end."""
        frames: list[Echoed] = []
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                frames.append(await self.frame())
        return frames

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not true():  # noqa: ASYNC110  # what it waits for has no event of its own
                await asyncio.sleep(0.001)


Meet = Callable[..., EchoClient]


@pytest.fixture
async def meet() -> AsyncIterator[Meet]:
    """An echo, and a client of it; ``ahead``: what came with the handshake."""
    ends: list[socket.socket] = []

    def met(ahead: bytes = b"", most_bytes: int = LIMIT_BYTES) -> EchoClient:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
            ends.append(end)
        channel = WebSocket(ours, ahead, most_bytes)
        client = EchoClient(theirs, EchoPage(channel))
        channel.start(client.echo)
        return client

    yield met
    for end in ends:
        end.close()


async def plays(client: EchoClient, case: FrameCase) -> None:
    """The client sends it all, closes if it went well, and has what it must have."""
    end = closing(WELL) if case.code == WELL else b""
    sending = asyncio.create_task(client.send(case.sent + end))
    *echoed, last = await client.rest()
    await sending
    assert echoed == case.echoed
    assert last == (CLOSE, case.code.to_bytes(2, "big") if case.code else b"")
    await client.until(lambda: client.echo.over > 0)
    assert client.echo.channel.closed and client.echo.over == 1


@pytest.mark.parametrize("case", [*SMALL, *LARGE], ids=lambda case: case.name)
async def test_what_a_client_sends_is_answered_as_it_must_be(meet: Meet, case: FrameCase) -> None:
    await plays(meet(), case)


async def test_what_came_with_the_handshake_is_heard_first(meet: Meet) -> None:
    frames = framed(b"first") + framed(b"second")
    client = meet(frames[:15])
    await client.send(frames[15:] + closing(WELL))
    assert (await client.rest())[:-1] == [(TEXT, b"first"), (TEXT, b"second")]


# -- back pressure ----------------------------------------------------------------------------------------------------


async def test_while_it_pauses_the_client_cannot_send_without_end_and_nothing_is_lost(meet: Meet) -> None:
    client = meet()
    channel, echo = client.echo.channel, client.echo
    echo.answers = False
    await client.until(lambda: channel._pauses == 0)
    channel.pause()
    channel.pause(0.01)
    sending = asyncio.create_task(client.send(framed(b"x" * 10_000) * 1_000))  # more than a system keeps for anybody
    await asyncio.sleep(0.05)
    assert not sending.done() and echo.heard_of == []
    channel.resume()
    await sending
    await client.until(lambda: len(echo.heard_of) == 1_000)


async def test_a_pile_of_frames_of_one_page_lets_others_have_their_turn(meet: Meet) -> None:
    client, other = meet(), meet()
    client.echo.answers = False
    await client.until(lambda: client.echo.channel._pauses == other.echo.channel._pauses == 0)
    client.end.send(framed(b"x") * 2_000)
    heard_before: list[int] = []
    client.loop.call_soon(lambda: client.loop.call_soon(lambda: heard_before.append(len(client.echo.heard_of))))
    await other.send(framed(b"hello"))
    assert await other.frame() == (TEXT, b"hello")
    assert heard_before[0] < 100 and len(client.echo.heard_of) < 1_000
    await client.until(lambda: len(client.echo.heard_of) == 2_000)


async def test_what_a_client_does_not_read_is_unsent_and_comes_in_order_when_it_does(meet: Meet) -> None:
    client = meet()
    channel = client.echo.channel
    sent = [b"%d " % number + b"y" * 3_000 for number in range(500)]
    for text in sent:
        channel.send(text_frame(text))
    assert channel.unsent and 0 < channel.unsent_bytes == sum(map(len, channel.unsent)) < 500 * 3_010
    channel.close(WELL)
    assert await client.rest() == [*((TEXT, text) for text in sent), (CLOSE, b"\x03\xe8")]
    await client.send(closing(WELL))
    await client.until(lambda: channel.closed)
    assert channel.unsent is None


async def test_who_pings_and_does_not_read_gets_one_pong_for_all_that_wait(meet: Meet) -> None:
    client = meet()
    channel = client.echo.channel
    while not channel.unsent:
        channel.send(text_frame(b"y" * 10_000))
    unsent = channel.unsent_bytes
    await client.send(b"".join(framed(b"%d" % number, PING) for number in range(1_000)))
    await client.until(lambda: len(client.echo.heard_of) == 1_000)
    assert channel.unsent_bytes == unsent
    while (got := await client.frame())[0] == TEXT:
        pass
    assert got == (PONG, b"999")
    await client.send(framed(b"again", PING))
    assert await client.frame() == (PONG, b"again")


# -- the end ----------------------------------------------------------------------------------------------------------


async def test_it_waits_for_the_client_s_close_and_hears_its_last_words(meet: Meet) -> None:
    client = meet()
    channel = client.echo.channel
    channel.close(1001)
    channel.close(1008)
    assert await client.frame() == (CLOSE, b"\x03\xe9") and not channel.closed
    await client.send(framed(b"p", PING) + framed(b"last"))
    await client.until(lambda: len(client.echo.heard_of) == 2)
    assert client.echo.over == 0
    await client.send(closing(1001))
    await client.until(lambda: client.echo.over == 1)


async def test_a_client_that_never_answers_a_close_is_closed_all_the_same(
    meet: Meet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citychat.edge.websocket._ANSWERED_WITHIN_S", 0.05)
    client = meet()
    client.echo.channel.close(1001)
    await client.until(lambda: client.echo.over == 1)
    assert await client.rest() == [(CLOSE, b"\x03\xe9")]


@pytest.mark.parametrize("how", ["gone", "gone in a frame", "cut", "gone while it is written to", "gone in a pause"])
async def test_the_end_is_told_once_and_nothing_is_raised_afterwards(meet: Meet, how: str) -> None:
    client = meet()
    channel, echo = client.echo.channel, client.echo
    await client.until(lambda: channel._pauses == 0)
    match how:
        case "gone in a frame":
            await client.send(framed(b"hello")[:5])
            client.end.close()
        case "cut":
            channel.cut(1008)
            assert echo.over == 0, "never inside a call"
            assert await client.rest() == [(CLOSE, b"\x03\xf0")]
        case "gone while it is written to":
            while not channel.unsent:
                channel.send(text_frame(b"y" * 10_000))
            client.end.close()
        case "gone in a pause":
            channel.pause()
            client.end.close()
            channel.send(text_frame(b"first"))
        case _:
            client.end.close()
    await client.until(lambda: echo.over == 1)
    channel.send(answer_frame(PONG, b""))
    channel.pause(0.0)
    channel.resume()
    channel.close(WELL)
    channel.cut(1008)
    await asyncio.sleep(0.01)
    assert echo.over == 1 and channel.closed and channel.unsent is None


async def test_another_socket_of_the_same_number_is_left_alone(meet: Meet) -> None:
    """A file's number is given away again at once: what is done late for a closed one must not touch the next."""
    old = meet()
    old_channel = old.echo.channel
    old.end.close()
    await old.until(lambda: old_channel.closed)
    news = [meet() for _ in range(4)]
    assert old_channel._fd in [each.echo.channel._fd for each in news]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    old_channel.pause(0.0)
    old_channel.cut(1008)
    for each in news:
        await each.send(framed(b"hello"))
        assert await each.frame() == (TEXT, b"hello")


def test_frames_are_written_as_they_must_be() -> None:
    for size, head in ((0, b"\x81\0"), (125, b"\x81\x7d"), (126, b"\x81\x7e\0\x7e"), (65_535, b"\x81\x7e\xff\xff")):
        assert text_frame(b"x" * size) == head + b"x" * size
    assert text_frame(b"x" * 65_536)[:10] == b"\x81\x7f\0\0\0\0\0\1\0\0"
    assert close_frame(1000) == b"\x88\x02\x03\xe8"
