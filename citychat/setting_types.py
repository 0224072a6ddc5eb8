"""Readers of the values of settings, from a flag's or variable's text or from the settings file alike.

Each reader gives the value or raises ValueError with what was expected, worded to follow "expected".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from citychat.hours import zone_named
from citychat.networks import is_loopback, parsed_network, written
from citychat.secret_files import TooOpen, read_private

T = TypeVar("T")
EMBEDDED = "embedded"
FILE_MAX_BYTES = 4_096  # one URL
SERVICE_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+|%2[Ff][A-Za-z0-9._%-]+)(:(\d{1,5}))?")
# Kubernetes tells every container of a service named citychat, or citychat-web, where it is, as Docker does of one that
# is linked, with its environment; images say their version.
FOREIGN = re.compile(r"CITYCHAT_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_\w+|ENV_\w+)|CITYCHAT_VERSION")
FOREIGN_VALUES = {"_PORT": re.compile(r"(tcp|udp|sctp)://.*"), "_NAME": re.compile(r"/[\w.-]+/[\w.-]+")}
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


def listener(value: object) -> str:
    """An address and a port to listen on, as address:port; a port alone is one of loopback, "" is nowhere."""
    if value == "":
        return ""
    name, _, port = str(value).strip().rpartition(":")
    try:
        return f"{_in_brackets(host(name or '127.0.0.1'))}:{whole(0, 65535)(port)}"
    except ValueError:
        raise ValueError("a port, or an address and a port, such as 127.0.0.1:9888") from None


def console(value: object) -> str:
    """A place on this machine for its host alone: as of ``listener``, but loopback, or the path of a socket."""
    if isinstance(value, str) and value.startswith("/") and value.isprintable() and not value.endswith("/"):
        return value
    place = listener(value)
    if not place or host_and_port(place)[0] == "localhost" or is_loopback(host_and_port(place)[0]):
        return place
    raise ValueError(
        "an address of this machine alone, such as 127.0.0.1:8889, or the whole path of a socket: from elsewhere it is "
        "reached through ssh -L"
    )


def host_and_port(listening: str) -> tuple[str, int]:
    """Take what ``listener`` has read apart, as sockets want it."""
    name, _, port = listening.rpartition(":")
    return name.removeprefix("[").removesuffix("]"), int(port)


def _in_brackets(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value in words:
            return str(value)
        raise ValueError(f"{', '.join(words[:-1])} or {words[-1]}")

    return read


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
    host = _in_brackets(parts.hostname)
    own_port = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, own_port) else "")


def web_page(value: object) -> str:
    """The address of a page; "" is none."""
    url = text(value)
    try:
        parts = urlsplit(url)
        is_page = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", url)
        is_page = is_page and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        is_page = False
    if is_page or not url:
        return url
    raise ValueError("a web address, such as https://releases.example/citychat/, without a user or password")


def yes_or_no(value: object) -> bool:
    words = {"yes": True, "no": False, True: True, False: False}
    if isinstance(value, str | bool) and value in words:
        return words[value]
    raise ValueError("yes or no")


def time_zone(value: object) -> str:
    """The name of a time zone; "" is none."""
    name = text(value)
    if name:
        zone_named(name)
    return name


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


def way_out(value: object) -> str:
    """A URL by which the host is told something; ``file:///path`` stands for the first line of that file, which only
    its owner may read."""
    url = text(value)
    if url.startswith("file:"):
        url = _first_line(url)
    try:
        parts = urlsplit(url)
        is_sound = bool(parts.hostname) and parts.port != 0 and url.isascii() and " " not in url
    except ValueError:
        is_sound = False
    if not is_sound or parts.scheme not in ("smtp", "smtps", "http", "https", "ntfy", "ntfy+http"):
        raise ValueError(
            "smtps://user:password@host/ada@example.org (or smtp://), https://host/path, ntfy://:token@host/topic, or "
            "file:///path of a file with one of these; signs such as / @ : in a password are written %2F %40 %3A"
        )
    if parts.scheme.startswith("smtp") and not re.fullmatch(r"/[^\s@/]+@[^\s@/]+", parts.path):
        raise ValueError("the address to which to write behind the server: smtps://host/ada@example.org")
    return url


def without_secrets(url: str) -> str:
    """Return where a way leads: who knows all of the URL may write there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}/***"


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


def hide_passwords(text: str) -> str:
    """Blank every password that stands in a URL of this text."""
    return re.sub(r"(?i)(password=)[^&\s\"]+", r"\1***", re.sub(r'(//[^/@\s:]*:)[^\s"]+@', r"\1***@", text))


def nearest(name: str, known: Sequence[str]) -> str:
    """The end of a sentence that names what was perhaps meant."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"; the nearest known one is {close[0]}" if close else ""


def place_of(url: str) -> str:
    """The URL without user, password and options: for the log and the terminal."""
    parts = urlsplit(url)
    return url if url == EMBEDDED else f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def is_foreign(variable: str, value: str) -> bool:
    """Tell whether a variable that begins like a setting's is of Kubernetes or of an image."""
    its_values = FOREIGN_VALUES.get(variable[-5:]) if variable.startswith("CITYCHAT_") else None
    return bool(FOREIGN.fullmatch(variable) or (its_values and its_values.fullmatch(value)))


def data_folder(environ: Mapping[str, str], platform: str) -> Path:
    """systemd's state directory (the first of several), else the user's data folder (XDG, macOS). Raises ValueError."""
    if state := environ.get("STATE_DIRECTORY", ""):
        return Path(state.split(":")[0])
    if not (home := environ.get("HOME", "")):
        raise ValueError("HOME is not set, expected --data FOLDER")
    if platform == "darwin":
        return Path(home, "Library", "Application Support", "CityChat")
    # The XDG standard: a relative path there is to be ignored.
    shared = environ.get("XDG_DATA_HOME", "")
    return Path(shared if shared.startswith("/") else f"{home}/.local/share", "citychat")
