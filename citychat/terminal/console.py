"""Lines in and lines out: a terminal, a pipe or a file, without colours."""

import asyncio
import codecs
import os
import shutil
import sys
import textwrap
import threading
from collections.abc import Callable
from typing import TextIO

from citychat.languages import ENGLISH_CODE, Words, words
from citychat.model import clean_text

AHEAD = 100  # lines read ahead of what is acted on; then whoever writes to the pipe has to wait
CHUNK_BYTES = 65_536
INDENT = "    "
ENGLISH_WORDS = words(ENGLISH_CODE)


class Console:
    """Standard input, line by line.

    A thread reads the bare descriptor: the loop's own readers refuse files, and Python's buffered input, held by a
    thread at exit, stops the interpreter with a fatal error.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(AHEAD)
        threading.Thread(target=self._read, name="standard input", daemon=True).start()

    async def next(self) -> str | None:
        """The next line, None at the end."""
        return await self._queue.get()

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        while chunk := _some(sys.stdin.fileno()):
            *whole, rest = (rest + decoder.decode(chunk)).split("\n")
            for line in whole:
                self._give(line)
        if rest:
            self._give(rest)
        self._give(None)

    def _give(self, line: str | None) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._queue.put(line), self._loop).result()
        except (RuntimeError, asyncio.CancelledError):
            raise SystemExit from None  # the program is over; a thread ends quietly with this


def _some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, CHUNK_BYTES)
    except OSError:
        return b""  # a terminal that was closed


class Output:
    """Standard output. What others wrote is always indented or named: nobody can write a line that looks like ours."""

    def __init__(self, stream: TextIO, in_words: Words = ENGLISH_WORDS) -> None:
        self._stream, self.words = stream, in_words
        self.broken: Callable[[], None] = lambda: None  # nobody reads any more
        self.echoes = stream.isatty() and sys.stdin.isatty()  # the terminal has shown what was typed
        stream.reconfigure(errors="replace")  # type: ignore[attr-defined]  # a locale without ✓ must not end a chat

    def say(self, line: str) -> None:
        """Something of ours."""
        self._write(f"* {_one_line(line)}", "  ")

    def tell(self, name: str, **values: object) -> None:
        """Say a sentence of the catalogue."""
        self.say(self.words(name, **values))

    def said(self, who: str, text: str) -> None:
        """Something a person wrote; further lines are indented."""
        first, *more = clean_text(text).split("\n")
        self._write(f"{_one_line(who)}: {first}", INDENT)
        for line in more:
            self._write(INDENT + line, INDENT)

    def ring(self) -> None:
        if self._stream.isatty():
            self._stream.write("\a")

    def _write(self, line: str, indent: str) -> None:
        lines = self._wrapped(line, indent) if self._stream.isatty() else [line]
        try:
            self._stream.write("".join(part + "\n" for part in lines))
            self._stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())  # or the exit would fail again
            self.broken()

    def _wrapped(self, line: str, indent: str) -> list[str]:
        """The line as a terminal of this width has it, broken between words."""
        columns = shutil.get_terminal_size().columns
        wrapper = textwrap.TextWrapper(columns, subsequent_indent=indent, replace_whitespace=False)
        wrapper.break_long_words = wrapper.break_on_hyphens = False
        return wrapper.wrap(line) or [line]


def _one_line(text: str) -> str:
    return clean_text(text).replace("\n", " ")
