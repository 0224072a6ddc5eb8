"""How the value of a setting is read, from a flag's or variable's text or from the settings file alike.

Each reader gives the value or raises ValueError with what was expected, worded to follow "expected".
"""

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
EMBEDDED = "embedded"
HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


def text(value: object) -> str:
    if isinstance(value, str) and value.isprintable():
        return value.strip()
    raise ValueError("one line of text")


def host(value: object) -> str:
    """An address or host name; [::1] loses its brackets, because sockets take it without."""
    name = text(value).removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        if HOST_NAME.fullmatch(name) and not re.fullmatch(r"[\d.]+", name):
            return name
    raise ValueError("an address or a host name, such as 127.0.0.1, without scheme or port")


def whole(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        try:
            number = int(value) if isinstance(value, str) else value
        except ValueError:
            number = None
        if isinstance(number, int) and not isinstance(number, bool) and low <= number <= high:
            return number
        raise ValueError(f"a whole number from {low} to {high}")

    return read


def number(low: float, high: float) -> Callable[[object], float]:
    def read(value: object) -> float:
        try:
            number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
        except (ValueError, OverflowError):
            number = None
        if number is not None and low <= number <= high:
            return number
        raise ValueError(f"a number from {low:g} to {high:g}")

    return read


def path(value: object) -> Path:
    if isinstance(value, str) and value.strip() and "\0" not in value:
        try:
            return Path(value.strip()).expanduser()
        except RuntimeError:  # "~somebody" who does not exist here
            pass
    raise ValueError("a path")


def several(read: Callable[[object], T], separators: str) -> Callable[[object], tuple[T, ...]]:
    """A list in the file, or one text with separators in a flag or a variable."""

    def read_all(value: object) -> tuple[T, ...]:
        parts = re.split(separators, value) if isinstance(value, str) else value
        if not isinstance(parts, list):
            raise ValueError("a list of texts")
        return tuple(read(part) for part in parts if part != "")

    return read_all


def proxy(value: object) -> str:
    try:
        return str(ipaddress.ip_network(text(value), strict=False)).removesuffix("/32").removesuffix("/128")
    except ValueError:
        raise ValueError("addresses or networks, such as 127.0.0.1, ::1 or 10.0.0.0/8") from None


def origin(value: object) -> str:
    """As browsers write it: lower case, the scheme's own port left out."""
    expected = "origins such as https://chat.example, without a path"
    try:
        parts = urlsplit(text(value).lower().removesuffix("/"))
        port = parts.port
    except ValueError:
        raise ValueError(expected) from None
    extra = parts.path or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in ("http", "https") or not parts.hostname or extra:
        raise ValueError(expected)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    own_port = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, own_port) else "")


def service(value: object) -> str:
    if value == EMBEDDED:
        return EMBEDDED
    raise ValueError(f'"{EMBEDDED}", the only one this version supports')
