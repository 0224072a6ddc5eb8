"""RESP, the bytes said to Redis and heard from it; and the interface of a push receiver."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from citychat import rules

Word = bytes | str | int | float
Answer = Callable[[object], None]  # takes the reply (bytes, int, list, None), or an Exception when there is none


class PushReceiver(Protocol):
    """Interface of whoever takes what the server pushes."""

    async def resume(self) -> None:
        """A new connection: ask for everything again, and return when it is granted."""

    def receive(self, kind: bytes, channel: bytes, what: object) -> None:
        """A push; ``what`` is a number or what was published."""

    def resumed(self) -> None:
        """Pushes come again, after a time in which some may have been missed."""


def packed(words: Sequence[Word]) -> bytes:
    """A command as Redis reads it."""
    raw = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(raw) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in raw])


def scripts(blocks: Mapping[str, str]) -> dict[str, str]:
    """The whole text of each script: the blocks ``now`` and ``shared``, which all may use, and its own, after the
    numbers of ``rules`` that they name."""
    common = "\n".join([blocks[name] for name in ("now", "shared") if name in blocks])
    texts = {name: f"{common}\n{text}" for name, text in blocks.items() if name not in ("now", "shared")}
    return {name: f"{_numbers(text)}\n{text}" for name, text in texts.items()}


def _numbers(text: str) -> str:
    """A line of Lua for the constants of ``rules`` among the words of ``text``."""
    named = set(re.findall(r"\b[A-Z_]+\b", text)) & vars(rules).keys()
    return "".join([f"local {name} = {getattr(rules, name)} " for name in sorted(named)])


def options_in(url: str) -> list[str]:
    """The names of the options behind the question mark."""
    return [name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
