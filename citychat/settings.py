"""The server's settings: the only reader of flags, CITYCHAT_* variables and the settings file.

A flag wins over a variable, a variable over the file named by --config (TOML), the file over the default. All three use
the same names: --home-city, CITYCHAT_HOME_CITY, home_city. Source of the fixed names: product page, "Host".
"""

import argparse
import dataclasses
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Never, TypeVar

import citychat
from citychat import face
from citychat import setting_types as read_as
from citychat.hours import Weekly, weekly
from citychat.limits import bound, rate
from citychat.rules import RING_S
from citychat.setting_conflicts import conflicts
from citychat.setting_types import EMBEDDED, hide_passwords, nearest

PREFIX = "CITYCHAT_"
# The test suite's own variables share the prefix; a server started by a test must not refuse them.
NOT_SETTINGS = ("CITYCHAT_TEST_", "CITYCHAT_SIM_")
COMMANDS = ("guest, geoip, backup, restore, cases, guests, close, open, console, alert, push-keys, status, doctor, "
            "update-check, poster")
T = TypeVar("T")


class SettingsError(Exception):
    """One line for the host: which setting, its value, where it came from, what was expected. Exit status 2."""


def _setting(
    default: T, read: Callable[[object], T], help: str, *, shown: str = "", metavar: str = "", flag_only: bool = False
) -> T:
    """One setting: default, reader, help; `shown` tells in words what a default depends on."""
    metadata = {"read": read, "help": help, "shown": shown, "metavar": metavar, "flag_only": flag_only}
    field: T = dataclasses.field(default=default, metadata=metadata)
    return field


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting with its default and its help; docs/settings.md and --help are made from here."""

    listen: str = _setting(
        "127.0.0.1", read_as.host, "Address or host name to listen on; 0.0.0.0 for all who can reach this machine",
        metavar="HOST",
    )
    port: int = _setting(8888, read_as.whole(0, 65535), "Port to listen on; 0 takes any free one and prints it")
    data: Path = _setting(
        Path(), read_as.path, "Folder for everything that is kept: database, key, city database, your own texts",
        shown="systemd's state directory, else the user's data folder", metavar="FOLDER",
    )
    geoip: tuple[Path, ...] = _setting(
        (), read_as.several(read_as.path, ","),
        "City databases (mmdb) for internet addresses: one file, or two with a comma between",
        shown="what `citychat geoip fetch` or `geoip use` put into the data folder", metavar="FILE",
    )
    home_city: str = _setting(
        "", read_as.text, "City of everybody on this machine's own network: a name (Lyon, or Lyon,FR) or a GeoNames id",
        shown="none: they meet in \"This network\"", metavar="CITY",
    )
    meeting_hours: tuple[Weekly, ...] = _setting(
        (), read_as.several(weekly, ","),
        "When people of the city meet here, told to everybody: \"Thu 20:00-21:00\", or several with a comma between",
        shown="none", metavar="HOURS",
    )
    quiet_hours: tuple[Weekly, ...] = _setting(
        (), read_as.several(weekly, ","), "When nobody new is led together: \"01:00-07:00\" for every day",
        shown="none", metavar="HOURS",
    )
    time_zone: str = _setting(
        "", read_as.time_zone, "Zone of these hours, such as Europe/Paris", shown="that of `home_city`", metavar="ZONE",
    )
    first_question: bool = _setting(
        True, read_as.yes_or_no, "Show both the same question when a chat begins; `questions.txt` in the data folder "
        "has the host's own", shown="yes", metavar="YES",
    )
    nearby_towns: bool = _setting(
        True, read_as.yes_or_no, "Whether guests may meet those of towns within 50 km", shown="yes", metavar="YES",
    )
    name: str = _setting(face.DEFAULT_NAME, face.name, "What the site is called, on the page and where it is installed")
    accent: tuple[str, ...] = _setting(
        (), face.accent,
        "Colour of the button that matters, such as #0b6e4f; two with a comma between are of the light and of the dark "
        "theme; less than 4.5:1 is refused", shown="the orange of a street lamp", metavar="COLOUR",
    )
    contact: str = _setting(
        "", read_as.text, "Who answers for this server: a mail or web address, shown to every guest", shown="none",
    )
    trusted_proxies: tuple[str, ...] = _setting(
        ("127.0.0.1", "::1"), read_as.several(read_as.proxy, r"[,\s]+"),
        "Addresses or networks whose X-Forwarded-For is believed; anybody else's is ignored", metavar="ADDRESSES",
    )
    origins: tuple[str, ...] = _setting(
        (), read_as.several(read_as.origin, r"[,\s]+"),
        "Web origins whose pages may connect, such as https://chat.example; on the own network only their names, "
        "localhost and addresses are served", shown="the one the page was asked from",
    )
    secret_file: Path = _setting(
        Path(), read_as.path,
        "File with the keys that sign guests' tokens, readable by its owner only; made at first start, except for "
        "several processes (`--bus redis://…`), which must be given the same one",
        shown="`secret.keys` in the data folder", metavar="FILE",
    )
    bus: str = _setting(
        EMBEDDED, read_as.service("redis://:password@host:6379/0", r"(/\d{0,5})?"),
        "How messages travel between processes, and who is free: Redis 6.2 or newer", metavar="URL",
    )
    mailbox: str = _setting(
        EMBEDDED, read_as.service("amqp://user:password@host:5672/", r"(/[^/]*)?"),
        "Where messages to absent guests wait: RabbitMQ 3.10 or newer", metavar="URL",
    )
    history: str = _setting(
        EMBEDDED, read_as.service("mongodb://user:password@host:27017/citychat", r"(/[A-Za-z0-9_-]{0,63})?"),
        "Where messages, guests and sessions are kept: MongoDB 4.4 or newer", metavar="URL",
    )
    allow_open_services: bool = _setting(
        False, read_as.yes_or_no, "Use services on other hosts that ask for no password", shown="no", metavar="YES",
    )
    history_days: int = _setting(30, read_as.whole(1, 365), "Days that messages are kept", metavar="DAYS")
    message_burst: int = _setting(
        bound("messages"), read_as.whole(1, 1000), "Messages a guest may send at once", metavar="N"
    )
    message_rate: float = _setting(
        rate("messages"), read_as.number(0.1, 1000), "Messages a second a guest may send after the burst", metavar="N"
    )
    ring_s: int = _setting(RING_S, read_as.whole(5, 60), "Seconds a guest has to answer when asked", metavar="SECONDS")
    connections_per_address: int = _setting(
        bound("connections"), read_as.whole(1, 1_000_000), metavar="N",
        help="Open connections for one IPv4 address or IPv6 /64, ten times as many for a /48; loopback has no limit",
    )
    guests_per_hour: int = _setting(
        bound("new guests"), read_as.whole(1, 1_000_000), metavar="N",
        help="New guests an hour from one IPv4 address or IPv6 /64, ten times as many for a /48; loopback has no limit",
    )
    metrics: str = _setting(
        "", read_as.listener, "Where Prometheus may read figures: a port of 127.0.0.1, or an address and a port; "
        "never one that guests reach", shown="nowhere", metavar="HOST:PORT",
    )
    console: str = _setting(
        "", read_as.console, metavar="HOST:PORT", shown="nowhere",
        help="Where the host's console listens: a port of 127.0.0.1, or the path of a socket; see `citychat console`",
    )
    alert: tuple[str, ...] = _setting(
        (), read_as.several(read_as.way_out, r"\s+"),
        "Where the host is told of reports: smtps://user:password@host/ada@example.org (smtp:// with STARTTLS), a "
        "webhook https://…, ntfy://:token@host/topic, file:///path of one; or several", shown="nowhere", metavar="URLS",
    )
    log_level: str = _setting(
        "info", read_as.one_of("info", "warning", "error"), "How grave a line of the log is: info, warning or error",
        metavar="LEVEL",
    )
    backup_hook: Path | None = _setting(
        None, read_as.path, shown="none", metavar="PROGRAM",
        help="Program that `backup` runs with the path of each new backup, to copy it elsewhere",
    )
    releases: str = _setting(
        "", read_as.web_page,
        "Page that names the releases of CityChat, which only `update-check` asks", shown="none", metavar="URL",
    )
    config: Path | None = _setting(
        None, read_as.path, "TOML file with settings, all by these names", shown="none", metavar="FILE"
    )
    check: bool = _setting(False, bool, "Check settings, data folder and databases, then stop", flag_only=True)
    print_settings: bool = _setting(False, bool, "Print the settings and where each is from, then stop", flag_only=True)
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict, metadata={})
    ignored: tuple[str, ...] = dataclasses.field(default=(), metadata={})
    """Variables of Kubernetes or of an image, which begin like ours."""


FIELDS = {field.name: field for field in dataclasses.fields(Settings) if "read" in field.metadata}
NAMES = [name for name, field in FIELDS.items() if not field.metadata["flag_only"]]


class _SettingsParser(argparse.ArgumentParser):
    def error(self, message: str) -> Never:
        raise SettingsError(f"{message}; --help lists all")

    def _print_message(self, message: str, file: Any = None) -> None:
        print(message, end="", file=file)  # argparse says nothing when it cannot be written


def _parser() -> argparse.ArgumentParser:
    parser = _SettingsParser(
        prog="citychat", allow_abbrev=False, argument_default=argparse.SUPPRESS,
        description="Anonymous one-to-one chat inside a city. Further commands: " + COMMANDS,
        epilog=f"Each setting can also come from a variable ({PREFIX}PORT=80) or from the file named by --config.",
    )
    parser.add_argument("--version", action="version", version=f"CityChat {citychat.__version__}")
    for name, field in FIELDS.items():
        flag, help_text = flag_of(name), f"{field.metadata['help']} (default: {default_shown(name)})".replace("%", "%%")
        if field.metadata["flag_only"]:
            parser.add_argument(flag, action="store_true", help=field.metadata["help"])
        else:
            parser.add_argument(flag, dest=name, help=help_text, metavar=field.metadata["metavar"] or name.upper())
    parser.add_argument("words", nargs="*", default=[], help=argparse.SUPPRESS)
    return parser


def flag_of(name: str) -> str:
    """The flag of a setting: home_city is --home-city."""
    return "--" + name.replace("_", "-")


def default_shown(name: str) -> str:
    """The default of a setting, in words where it depends on the machine."""
    field = FIELDS[name]
    default = field.default if isinstance(field.default, tuple) else (field.default,)
    return str(field.metadata["shown"] or " ".join(map(str, default)))


def _from_flags(argv: Sequence[str]) -> tuple[dict[str, object], list[str]]:
    found, unknown = _parser().parse_known_intermixed_args(list(argv))
    # A position in the south starts with a minus: `geoip lookup -33.9,151.2`
    words = [*found.words, *(word for word in unknown if re.match(r"-[\d.]", word))]
    for flag in unknown:
        if flag not in words:
            raise SettingsError(f"{flag} is no flag{nearest(flag.split('=')[0], [flag_of(name) for name in FIELDS])}")
    return {name: value for name, value in vars(found).items() if name != "words"}, words


def _from_variables(environ: Mapping[str, str]) -> dict[str, object]:
    known = {PREFIX + name.upper(): name for name in NAMES}
    found: dict[str, object] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable.startswith(NOT_SETTINGS) or read_as.is_foreign(variable, value):
            continue
        if variable not in known:
            raise SettingsError(f"the variable {variable} is no setting{nearest(variable, list(known))}")
        found[known[variable]] = value
    return found


def _from_file(path: Path) -> dict[str, object]:
    import tomllib

    try:
        found = tomllib.loads(path.read_text("utf-8-sig"))  # editors on Windows begin a file with a byte order mark
    except OSError as error:
        raise SettingsError(f"config = {path}: expected a readable TOML file ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"config = {path}: expected a TOML file ({error})") from None
    known = [name for name in NAMES if name != "config"]
    for name in found:
        if name not in known:
            raise SettingsError(f"{name} in {path} is no setting{nearest(name, known)}")
    return found


def _read(name: str, value: object, source: str) -> Any:
    try:
        return FIELDS[name].metadata["read"](value)
    except ValueError as error:
        said = hide_passwords(json.dumps("***" if name == "alert" else value, ensure_ascii=False, default=str))[:100]
        shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in said)
        raise SettingsError(f"{name} = {shown} ({source}): expected {error}") from None


def load(argv: Sequence[str], environ: Mapping[str, str], platform: str = sys.platform) -> Settings:
    """Read the settings. Raises SettingsError; --help and --version print and raise SystemExit(0)."""
    settings, words = load_with_words(argv, environ, platform)
    if words:
        raise SettingsError(f"{words[0]} is no command: expected {COMMANDS} or only flags")
    fit_together(settings)
    return settings


def fit_together(settings: Settings) -> None:
    """Raise SettingsError for values that are right one by one and wrong together."""
    for problem in conflicts(vars(settings), settings.sources):
        raise SettingsError(problem)


def load_with_words(
    argv: Sequence[str], environ: Mapping[str, str], platform: str = sys.platform
) -> tuple[Settings, list[str]]:
    """Load the settings for commands that share the server's flags; return also the words between the flags."""
    flags, words = _from_flags(argv)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}

    def take(found: dict[str, object], source_of: Callable[[str], str]) -> None:
        for name, value in found.items():
            read = _read(name, value, f"from {source_of(name)}")  # a wrong value that is overruled is still wrong
            if name not in values:
                values[name], sources[name] = read, source_of(name)

    for found, source_of in ((flags, flag_of), (_from_variables(environ), lambda name: PREFIX + name.upper())):
        take(found, source_of)
    if config := values.get("config"):
        take(_from_file(config), lambda _: str(config))
    if "data" not in values:
        try:
            values["data"] = read_as.data_folder(environ, platform)
        except ValueError as error:
            raise SettingsError(f"data has no default here: {error}") from None
    values.setdefault("secret_file", values["data"] / "secret.keys")
    ignored = tuple(sorted(variable for variable, value in environ.items() if read_as.is_foreign(variable, value)))
    return Settings(**values, sources=sources, ignored=ignored), words


def describe(settings: Settings) -> str:
    """Return all settings as a TOML file, each with where it comes from, without passwords (--print-settings)."""
    lines = []
    for name in NAMES:
        if name == "config" or (value := getattr(settings, name)) is None:
            continue
        if isinstance(value, tuple):
            value = [read_as.without_secrets(part) if name == "alert" else str(part) for part in value]
        written = json.dumps(value if isinstance(value, int | float | list) else str(value), ensure_ascii=False)
        lines.append(f"{name} = {hide_passwords(written)}  # {settings.sources.get(name, 'default')}")
    return "\n".join([*lines, *(f"# {name}: ignored, of Kubernetes or an image" for name in settings.ignored)])
