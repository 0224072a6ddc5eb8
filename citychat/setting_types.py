"""Readers of the values of settings, from a flag's or variable's text or from the settings file alike.

Each reader gives the value or raises ValueError with what was expected, worded to follow "expected".
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from citychat.networks import is_loopback, parsed_network, written
from citychat.secret_files import TooOpen, read_private

T = TypeVar("T")
EMBEDDED = "embedded"
FILE_MAX_BYTES = 4_096  # one URL
SERVICE_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+|%2[Ff][A-Za-z0-9._%-]+)(:(\d{1,5}))?")
HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


def text(value: object) -> str:
    if isinstance(value, str) and value.isprintable():
        return value.strip()
    raise ValueError("one line of text")


def host(value: object) -> str:
    """An address or host name; [::1] loses its brackets, because sockets take it without."""
    name = text(value).removeprefix("[").removesuffix("]")
    if (address := written(name)) is not None:
        return address
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
        network = parsed_network(text(value))
    except ValueError:
        raise ValueError("addresses or networks, such as 127.0.0.1, ::1 or 10.0.0.0/8") from None
    return str(network.network_address if network.num_addresses == 1 else network)


def origin(value: object) -> str:
    """Return an origin as browsers write it: lower case, the scheme's own port left out."""
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


def yes_or_no(value: object) -> bool:
    words = {"yes": True, "no": False, True: True, False: False}
    if isinstance(value, str | bool) and value in words:
        return words[value]
    raise ValueError("yes or no")


def service(example: str, path: str) -> Callable[[object], str]:
    """A service's URL like ``example``; what may follow the host matches ``path``. ``file:///path`` stands for the
    first line of that file, which only its owner may read."""
    scheme = example.partition("://")[0]
    # MongoDB says TLS with ?tls=true; mongodb+srv asks the DNS for the servers, and always wants TLS.
    schemes = (scheme, {"redis": "rediss", "amqp": "amqps", "mongodb": "mongodb+srv"}[scheme])
    expected = f"{EMBEDDED}, a URL such as {example} ({' or '.join(schemes)}), or file:///path of a file with one"

    def read(value: object) -> str:
        if value == EMBEDDED:
            return EMBEDDED
        url = text(value)
        if url.startswith("file:"):
            url = _first_line(url)
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ValueError(expected) from None
        hosts = [SERVICE_HOST.fullmatch(host) for host in _hosts(parts.netloc)]
        if parts.scheme not in schemes or not all(hosts):
            raise ValueError(expected + "; signs such as / @ : in a password are written %2F %40 %3A")
        if any(host and host[3] and not 1 <= int(host[3]) <= 65535 for host in hosts):
            raise ValueError("a port from 1 to 65535")
        if len(hosts) > 1 and parts.scheme != "mongodb":
            raise ValueError("one host: only mongodb:// takes several")
        if parts.scheme == "mongodb+srv" and any(host and host[3] for host in hosts):
            raise ValueError("no port behind mongodb+srv://, which has it from the DNS")
        if not re.fullmatch(path, parts.path) or parts.fragment or "password=" in parts.query.lower():
            raise ValueError(expected)
        return url

    return read


def _first_line(url: str) -> str:
    file = Path(unquote(urlsplit(url).path))
    if not url.startswith("file:///"):
        raise ValueError("file:/// and the whole path of a file, such as file:///etc/citychat/bus.url")
    try:
        lines = read_private(file, FILE_MAX_BYTES).decode("utf-8-sig").splitlines()
    except OSError as error:
        raise ValueError(f"a file that can be read ({error.strerror})") from None
    except TooOpen as error:
        raise ValueError(f"a file that only its owner can read; {error}") from None
    except UnicodeDecodeError:
        lines = []
    return text(lines[0]) if lines else ""


def _hosts(netloc: str) -> list[str]:
    return netloc.rpartition("@")[2].split(",")


def is_open(url: str) -> bool:
    """Tell whether a service elsewhere would be talked to without a password, so that anybody near it could talk
    too."""
    parts = urlsplit(url)
    if url == EMBEDDED or parts.netloc.rpartition("@")[0].partition(":")[2]:
        return False
    return not all(_is_on_this_machine(host) for host in _hosts(parts.netloc))


def _is_on_this_machine(host: str) -> bool:
    name = unquote(host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0])
    # A path is MongoDB's way to name a socket file.
    return is_loopback(name) or name == "localhost" or name.startswith("/")


def place_of(url: str) -> str:
    """The URL without user, password and options: for the log and the terminal."""
    parts = urlsplit(url)
    return url if url == EMBEDDED else f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
