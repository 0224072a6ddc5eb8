"""IP databases: which city an internet address belongs to. The only module that knows maxminddb and geoip2.

Read are mmdb files in two schemas: GeoIP2 (any database type containing "City": MaxMind's, DB-IP's monthly ones) and
the flat one of ip-location-db. Files are mapped, not loaded: replace one by renaming another over it, as `geoip fetch`
and MaxMind's updater do; a file cut short in place would take the process down with it. Their readers are imported when
a file is opened.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from citychat.networks import Address, parsed
from citychat.places.places import IpLocation

if TYPE_CHECKING:
    import geoip2.database

Stamp = tuple[int, int, int]

log = logging.getLogger(__name__)

EXPECTED = "expected an mmdb file with cities, in GeoIP2 schema or in the flat one of ip-location-db"
MINIMUM_NODES = 1_000_000  # DB-IP City Lite of 2026 has 6 to 15 million: fewer is a fragment
# Networks of registries and universities, at home where they are for 20 years: a database that knows no two of them is
# not one of the world.
LANDMARKS = {
    "193.0.6.139": "NL", "133.11.0.1": "JP", "200.160.2.3": "BR",
    "2001:67c:2e8:22::c100:68b": "NL", "2001:200::1": "JP", "2001:12ff:0:2::3": "BR",
}  # fmt: skip
# What the licences want to be read on every page that uses the data: (in type or file name, words, link).
CREDITS = (
    ("dbip", "IP Geolocation by DB-IP", "https://db-ip.com"),
    ("geolite2", "This product includes GeoLite2 data created by MaxMind", "https://www.maxmind.com"),
)


class IpDatabase:
    """One open file. Raises ValueError, naming the file and what was expected, when it is not a city database."""

    def __init__(self, file: Path) -> None:
        import geoip2.database
        import maxminddb

        self.file, self._damaged = file, False
        try:
            self._stamp = _stamp(file)
            self._flat = maxminddb.open_database(file)
            meta = self._flat.metadata()
            self.type, self.nodes, self.version = meta.database_type, meta.node_count, meta.ip_version
            self.built = datetime.fromtimestamp(meta.build_epoch, UTC).date()
            self._rich = geoip2.database.Reader(file) if "City" in self.type else None
            sample = None if self._rich else next(iter(self._flat), (None, None))[1]
        except (OSError, ValueError, TypeError, OverflowError, maxminddb.InvalidDatabaseError) as error:
            reason = getattr(error, "strerror", None) or "damaged, or no mmdb file"
            raise ValueError(f"{file}: {reason}; {EXPECTED}") from error
        self.schema = "GeoIP2 schema" if self._rich else "flat schema"
        if not (self._rich or (isinstance(sample, Mapping) and {"country_code", "city", "latitude"} <= sample.keys())):
            raise ValueError(f"{file}: a database of type {self.type!r}, without cities; {EXPECTED}")

    def __str__(self) -> str:
        return f"{self.file}: {self.type}, {self.schema}, IPv{self.version}, built {self.built}"

    def credit(self) -> dict[str, str] | None:
        """Return the licence line that the page must show: text and url."""
        known_by = f"{self.type} {self.file.name}".lower()
        return next(({"text": text, "url": url} for mark, text, url in CREDITS if mark in known_by), None)

    def changed(self) -> bool:
        """Tell whether another file stands in its place; a missing one changes nothing, this one stays open."""
        return _stamp(self.file) not in (None, self._stamp)

    def located(self, ip: Address) -> IpLocation | None:
        if ip.version > self.version:  # maxminddb: version 4 or 6; a tree of 4 refuses an IPv6 address
            return None
        import maxminddb

        try:
            return self._from_rich(self._rich, ip) if self._rich else self._from_flat(ip)
        except (ValueError, TypeError, maxminddb.InvalidDatabaseError):
            if not self._damaged:
                log.warning("%s holds damaged records: fetch it anew", self.file)
            self._damaged = True
            return None

    def _from_rich(self, reader: "geoip2.database.Reader", ip: Address) -> IpLocation | None:
        import geoip2.errors

        try:
            found = reader.city(ip)
        except geoip2.errors.AddressNotFoundError:
            return None
        where = found.location
        return _located(found.country.iso_code, found.city.name, where.latitude, where.longitude)

    def _from_flat(self, ip: Address) -> IpLocation | None:
        found = self._flat.get(ip)
        if not isinstance(found, Mapping):
            return None
        return _located(found.get("country_code"), found.get("city"), found.get("latitude"), found.get("longitude"))


class IpDatabases:
    """One or two files (IPv4 and IPv6), asked in turn, each opened anew when another is put in its place.

    Raises ValueError as Database does; later on a replacement that is no city database is refused with one warning, and
    the old one serves on.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._open = [IpDatabase(file) for file in files]
        self._refused: dict[Path, Stamp | None] = {}

    def __iter__(self) -> Iterator[IpDatabase]:
        return iter(self._open)

    def use(self, files: Sequence[Path]) -> None:
        """Open these in place of those in use, which stay when one of these is none. Raises ValueError."""
        self._open = [IpDatabase(file) for file in files]
        self._refused.clear()

    def locate(self, address: str) -> IpLocation | None:
        """Return what the databases say of an address; None for one they do not have."""
        found = self.find(address)
        return found and found[1]

    def find(self, address: str) -> tuple[IpDatabase, IpLocation] | None:
        """Return which database answers for an address, and what."""
        ip = parsed(address)
        for at, database in enumerate(self._open):
            if database.changed():
                database = self._open[at] = self._reopened(database)
            located = database.located(ip) if ip else None
            if located:
                return database, located
        return None

    def credit(self) -> dict[str, str] | None:
        """Return the footer's line, text and url; None when no licence asks for it."""
        return next(filter(None, (database.credit() for database in self._open)), None)

    def _reopened(self, old: IpDatabase) -> IpDatabase:
        stamp = _stamp(old.file)
        if self._refused.get(old.file) == stamp:
            return old
        try:
            return IpDatabase(old.file)
        except ValueError as error:
            self._refused[old.file] = stamp
            log.warning("%s; the previous one stays in use", error)
            return old


def database_files(data: Path, setting: Sequence[Path]) -> tuple[Path, ...]:
    """The files in use: those of the setting, else those that `geoip use` or `geoip fetch` wrote down.

    Raises ValueError naming the note when it is not text.
    """
    if setting:
        return tuple(setting)
    try:
        return tuple(Path(line) for line in _note(data).read_text("utf-8-sig").splitlines() if line)
    except FileNotFoundError:
        return ()
    except UnicodeDecodeError as error:
        raise ValueError(f"{_note(data)} is not UTF-8 text: choose a database again with geoip use or fetch") from error


def remember(data: Path, chosen: Sequence[Path]) -> None:
    """Write the files down in the data folder, in one step."""
    note = _note(data)
    note.parent.mkdir(parents=True, exist_ok=True)
    fresh = note.with_suffix(".new")
    fresh.write_text("".join(f"{file.absolute()}\n" for file in chosen), "utf-8")
    fresh.replace(note)


def verify(file: Path, today: date, minimum_nodes: int = MINIMUM_NODES) -> None:
    """Raises ValueError when a fetched file is not a sane city database of the whole world."""
    database = IpDatabase(file)
    if database.nodes < minimum_nodes:
        raise ValueError(f"{file.name} has {database.nodes} nodes; expected at least {minimum_nodes}")
    if not date(2020, 1, 1) <= database.built or (database.built - today).days > 2:
        raise ValueError(f"{file.name} was built on {database.built}; expected a day between 2020 and today")
    said = {address: database.located(ip) for address in LANDMARKS if (ip := parsed(address))}
    right = [address for address, located in said.items() if located and located.country == LANDMARKS[address]]
    if len(right) < 2:
        raise ValueError(f"{file.name} places {len(right)} of {len(said)} well-known addresses; expected at least 2")


def _note(data: Path) -> Path:
    return data / "geoip" / "in-use.txt"


def _located(country: object, city: object, lat: object, lon: object) -> IpLocation:
    """Raises ValueError or TypeError for a record with fields of another kind."""
    if city and isinstance(lat, int | float | str) and isinstance(lon, int | float | str):
        point = float(lat), float(lon)
        if not (-90 <= point[0] <= 90 and -180 <= point[1] <= 180):
            raise ValueError("coordinates off the globe")
        return IpLocation(str(country or ""), str(city), point)
    return IpLocation(str(country or ""), str(city or ""), None)


def _stamp(file: Path) -> Stamp | None:
    """Return what tells one file from another of the same name; None while there is none."""
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino
