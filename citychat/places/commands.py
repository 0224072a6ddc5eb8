"""The host's commands ``python -m citychat geoip lookup IP|LAT,LON | use FILE [FILE] | fetch | status``, for the host,
in plain lines."""

import shutil
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TextIO

from citychat import COMMAND
from citychat.model import Place
from citychat.networks import own_network, parsed
from citychat.places.gazetteer import City, Gazetteer, described
from citychat.places.ip_database import IpDatabase, IpDatabases, database_files, remember, verify
from citychat.places.ip_fetch import PROVIDER, FetchError, fetch
from citychat.places.places import Places, position
from citychat.rules import COORDINATE_DEGREES

USAGE = "usage: citychat geoip lookup IP|LAT,LON | use FILE [FILE] | fetch | status"
OLD_DAYS = 60  # a monthly database that missed two issues
NONE_YET = f"No city database. Get a free one: {COMMAND} geoip fetch"


class Usage(Exception):
    """The words of the command make no sense; the message says what was expected."""


def main(
    argv: Sequence[str],
    *,
    data: Path,
    geoip: Sequence[Path] = (),
    home_city: str = "",
    today: date,
    out: TextIO,
    progress: TextIO,
) -> int:
    """Run one command; the answer goes to ``out``, progress and errors to ``progress``.

    ``geoip`` and ``home_city`` are the settings of these names. Exit status: 0 done, 1 failed, 2 wrong usage.
    """
    said, tell = list[str](), partial(print, file=progress, flush=True)
    say = said.append
    command, words = (argv[0], list(argv[1:])) if argv else ("", [])
    try:
        if command == "lookup":
            said.extend(lookup(" ".join(words), IpDatabases(database_files(data, geoip)), Gazetteer(), home_city))
        elif command == "use":
            _use(words, data, say)
        elif command == "fetch" and not words:
            _fetch(data, today, tell, say)
        elif command == "status" and not words:
            _status(database_files(data, geoip), today, say)
        else:
            raise Usage(f"geoip {command}: no such command" if command else "geoip: a command is missing")
    except Usage as error:
        tell(f"{error}\n{USAGE}")
        return 2
    except (FetchError, OSError, ValueError) as error:
        tell(f"geoip {command}: {error}")
        return 1
    print(*said, sep="\n", file=out)  # here, for an output that takes nothing is no failure of what was done
    return 0


def lookup(asked: str, databases: IpDatabases, gazetteer: Gazetteer, home_city: str = "") -> list[str]:
    """Every step from an address, or "LAT,LON", to the pool of a guest. Raises Usage, ValueError (home_city)."""
    home = gazetteer.named(home_city) if home_city else None
    if parsed(asked):
        return _steps_of_address(asked, databases, gazetteer, home)
    lat, _, lon = asked.partition(",")
    try:
        found = position({"lat": float(lat), "lon": float(lon), "accuracy": 0})
    except ValueError:
        found = None
    if found is None:
        raise Usage(f"geoip lookup: {asked!r} is neither an address nor a latitude and longitude (48.85,2.35)")
    lines = [
        _line("Asked", f"{lat.strip()}, {lon.strip()}, as a browser's position"),
        *_steps_of_point(found.lat, found.lon, gazetteer, of="there"),
    ]
    return [*lines, *_pool(Places(gazetteer, lambda _: None).place("", position=found))]


def _steps_of_address(asked: str, databases: IpDatabases, gazetteer: Gazetteer, home: City | None) -> list[str]:
    address, own = str(parsed(asked)), own_network(asked)
    kind = f"{own}: everybody on the host's own network is in one pool" if own else "public"
    lines = [
        _line("Asked", asked if address == asked else f"{asked}, which is {address}"),
        _line("Address", kind),
        *([] if own else _steps_of_record(address, databases, gazetteer)),
    ]
    return [*lines, *_pool(Places(gazetteer, databases.locate, home).place(address))]


def _steps_of_record(address: str, databases: IpDatabases, gazetteer: Gazetteer) -> list[str]:
    found = databases.find(address)
    if found is None:
        names = ", ".join(str(database.file) for database in databases)
        return [_line("Database", f"no record of this address in {names}" if names else NONE_YET)]
    database, located = found
    named = ", ".join(filter(None, (located.city, located.country))) or "nothing known"
    if located.point is None:
        return [_line("Database", str(database)), _line("Record", f"{named}; no city with coordinates")]
    lat, lon = located.point
    return [
        _line("Database", str(database)),
        _line("Record", f"{named} at {lat:.4f}, {lon:.4f}"),
        *_steps_of_point(lat, lon, gazetteer, of="the record's coordinates"),
    ]


def _steps_of_point(lat: float, lon: float, gazetteer: Gazetteer, *, of: str) -> list[str]:
    around = gazetteer.around(lat, lon)
    if around is None:
        return [_line("Nearest city", "none within 3 degrees")]
    why = "the largest whose area covers the point"
    if around.metro == around.nearest:
        why = "no larger one's area covers the point"
    return [
        _line("Nearest city", f"{described(around.nearest)}, {around.nearest_km:.1f} km from {of}"),
        _line("Metro area", f"{described(around.metro)}, {around.metro_km:.1f} km away: {why}"),
    ]


def _pool(place: Place | None) -> list[str]:
    if place is None:
        return [_line("Pool", 'none: the page asks "Which city are you in?"')]
    lines = [_line("Pool", f"{place.key} ({place.city}), by {place.source}")]
    if place.source in ("position", "ip"):
        lat, lon = (at * COORDINATE_DEGREES for at in place.district)
        lines.append(_line("Ranked by", f"the district around {lat:.2f}, {lon:.2f}, a square of 10 km: nothing finer"))
    return lines


def _line(what: str, found: str) -> str:
    return f"{what:<13} {found}"


def _use(words: list[str], data: Path, say: Callable[[str], None]) -> None:
    if not 1 <= len(words) <= 2:
        raise Usage("geoip use: expected one file, or two (IPv4 and IPv6)")
    chosen = [IpDatabase(Path(word)) for word in words]
    remember(data, [database.file for database in chosen])
    for database in chosen:
        say(f"In use from the next start: {database}")


def _fetch(data: Path, today: date, tell: Callable[[str], None], say: Callable[[str], None]) -> None:
    before = database_files(data, ())
    check = partial(verify, today=today)
    fresh = fetch(data / "geoip", check, tell, today, shutil.which("npm"), PROVIDER)
    remember(data, fresh)
    for file in fresh:
        say(str(IpDatabase(file)))
    when = "A running server has taken it up" if set(fresh) <= set(before) else "In use from the next start"
    say(f"{when}. The pages will say: IP Geolocation by DB-IP (CC BY 4.0).")


def _status(in_use: Sequence[Path], today: date, say: Callable[[str], None]) -> None:
    if not in_use:
        say(NONE_YET)
    for database in IpDatabases(in_use):
        age = (today - database.built).days
        say(f"{database}, {age} days old, {database.nodes} nodes")
        if age > OLD_DAYS:
            say(f"Older than {OLD_DAYS} days. The newest free one: {COMMAND} geoip fetch")
