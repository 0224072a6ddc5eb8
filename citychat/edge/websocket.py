"""A WebSocket on a socket of the event loop: read in chunks of many frames, written to straight (RFC 6455)."""

import asyncio
import contextlib
import socket
from collections import deque
from itertools import islice
from typing import Protocol

from citychat.edge.frames import (
    CLOSE,
    PING,
    PONG,
    BrokenFrame,
    FrameReader,
    answer_frame,
    close_frame,
)

_READ_BYTES = 16 * 1024  # at once: a hundred frames of pages, and no more kept of who is not heard for a while
_AT_ONCE = 16  # frames of one page, some milliseconds; then the others have their turn
_WRITTEN_TOGETHER = 64  # frames a system call
_ANSWERED_WITHIN_S = 5.0  # so long has a client for its part of the closing handshake


class Hearer(Protocol):
    """Interface of whoever hears a WebSocket."""

    def heard(self, kind: int, said: str | bytes) -> None:
        """Take one frame, as ``frames.Frame`` has it. Pings and closes are answered already."""

    def broke(self, error: BrokenFrame) -> None:
        """Take it that the client broke the rules of WebSocket: nothing more is read."""

    def ended(self) -> None:
        """Take it that the socket is closed, by whichever side; once, and never inside a call to the WebSocket."""


class WebSocket:
    """An upgraded connection. ``most_bytes``: of a message. Nothing here blocks or raises, whatever the client does.

    ``unsent``: frames that the system has not taken yet, or None; ``unsent_bytes``: their size.
    """

    __slots__ = (
        "_answered", "_closing", "_deadline", "_fd", "_frames", "_hearer", "_loop", "_pauses", "_pong", "_socket",
        "closed", "unsent", "unsent_bytes",
    )  # fmt: skip

    def __init__(self, connected: socket.socket, ahead: bytes, most_bytes: int) -> None:
        self._socket = connected
        self._fd = connected.fileno()
        self._loop = asyncio.get_running_loop()
        self._frames = FrameReader(most_bytes, ahead)
        self._pauses = 1  # reasons not to read: it has not started
        self._hearer: Hearer
        self._deadline: asyncio.TimerHandle | None = None
        self._pong: bytes | None = None
        self._closing = self._answered = self.closed = False
        self.unsent: deque[bytes | memoryview] | None = None
        self.unsent_bytes = 0

    def start(self, hearer: Hearer) -> None:
        """Read from now on, first what came with the handshake."""
        self._hearer = hearer
        self._loop.call_soon(self.resume)

    # -- reading ------------------------------------------------------------------------------------------------------

    def pause(self, for_s: float | None = None) -> None:
        """Read no further, for that long or until ``resume``: what comes meanwhile stays with the system, and at last
        with the client. Pauses add up."""
        if self.closed:  # its number may be another socket's by now
            return
        self._loop.remove_reader(self._fd)
        self._pauses += 1
        if for_s is not None:
            self._loop.call_later(for_s, self.resume)

    def resume(self) -> None:
        """End one pause."""
        self._pauses -= 1
        if self._may_read():
            self._hear()
        if self._may_read():
            self._loop.add_reader(self._fd, self._readable)

    def _may_read(self) -> bool:
        return not (self._pauses or self.closed)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._hear(data)
        else:
            self._end()

    def _hear(self, come: bytes = b"") -> None:
        """Handle the frames that have come, a few of them if they are many."""
        hearer, read = self._hearer, self._frames.next
        try:
            for _ in range(_AT_ONCE):
                frame = read(come)
                if frame is None:
                    return
                kind, said = frame
                if kind == PING:
                    self._answer_ping(said)  # type: ignore[arg-type]
                elif kind == CLOSE:
                    self._answer_close(said)  # type: ignore[arg-type]
                hearer.heard(kind, said)
                if self._pauses or self.closed or not self._frames.ahead:
                    return
                come = b""
        except BrokenFrame as error:
            hearer.broke(error)
        else:
            self.pause(0.0)

    def _answer_ping(self, payload: bytes) -> None:
        """At once; while something is unsent the last ping of many is answered behind it (RFC 6455 §5.5.3)."""
        if self._closing:
            return
        pong = answer_frame(PONG, payload)
        if self.unsent is None:
            self.send(pong)
        else:
            self._pong = pong

    def _answer_close(self, payload: bytes) -> None:
        """The client says nothing more; what was written before still leaves, if it takes it in time."""
        if not self._closing:
            self._last(answer_frame(CLOSE, payload[:2]))
        if self.unsent is None:
            self._end()
        else:
            self._answered = True
            self.pause()

    # -- writing ------------------------------------------------------------------------------------------------------

    def send(self, frame: bytes | memoryview) -> None:
        """Send a frame as it is."""
        if self.unsent is None:
            try:
                sent = self._socket.send(frame)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self._end()
                return
            if sent == len(frame):
                return
            frame = memoryview(frame)[sent:]
            self.unsent = deque()
            self._loop.add_writer(self._fd, self._writable)
        self.unsent.append(frame)
        self.unsent_bytes += len(frame)

    def _writable(self) -> None:
        unsent = self.unsent
        assert unsent
        try:
            sent = self._socket.sendmsg(islice(unsent, _WRITTEN_TOGETHER))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._end()
            return
        self.unsent_bytes -= sent
        while unsent and sent >= len(unsent[0]):
            sent -= len(unsent.popleft())
        if unsent:
            unsent[0] = memoryview(unsent[0])[sent:]
            return
        self.unsent = None
        self._loop.remove_writer(self._fd)
        if self._answered:
            self._end()
        elif self._pong is not None:
            pong, self._pong = self._pong, None
            self.send(pong)

    # -- the end ------------------------------------------------------------------------------------------------------

    def close(self, code: int) -> None:
        """Close after everything written has left and the client has answered, or in 5 s; idempotent."""
        if not (self._closing or self.closed):
            self._last(close_frame(code))

    def _last(self, frame: bytes) -> None:
        """Send a frame after which there is none."""
        self._closing, self._pong = True, None
        self._deadline = self._loop.call_later(_ANSWERED_WITHIN_S, self._end)
        self.send(frame)

    def cut(self, code: int) -> None:
        """Close now and drop what is unsent: no handshake with somebody who broke the rules or is gone."""
        if not (self._closing or self.closed) and self.unsent is None:
            with contextlib.suppress(OSError):
                self._socket.send(close_frame(code))
        self._end()

    def _end(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        self._socket.close()
        if self._deadline is not None:
            self._deadline.cancel()
        self.unsent = self._pong = None
        self._loop.call_soon(self._hearer.ended)
