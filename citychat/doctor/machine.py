"""Checks of this machine's own part of a server: data folder, keys, storage, disk, backup, city database."""

import stat
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from citychat import COMMAND
from citychat.adapters.sqlite import StorageError, copies
from citychat.doctor.finding import Finding, wrong
from citychat.limits import bound
from citychat.places import commands, ip_database
from citychat.secret_files import is_open_to_others
from citychat.setting_types import EMBEDDED, without_secrets
from citychat.settings import Settings
from citychat.tokens import KeyFileError, shared_keys

STORE = "citychat.db"
BACKUP_MAX = timedelta(hours=25)  # one an hour is made; a day without any is no accident
CLOCK_SLACK = timedelta(minutes=5)  # a backup dated later than this was made by another clock
ROOM_BYTES = 2 * bound("free disk")  # there is time left to make room


class Machine(NamedTuple):
    """This machine as it is looked at. ``newest_backup``: of a data folder; ``free``: bytes of a folder's disk;
    ``again``: flags for the commands that are named."""

    settings: Settings
    now: datetime
    newest_backup: Callable[[Path], datetime | None]
    free: Callable[[Path], int]
    again: str

    @property
    def data(self) -> Path:
        return self.settings.data

    @property
    def stores(self) -> bool:
        """Tell whether something is kept here, and not in services alone."""
        embedded = EMBEDDED in (self.settings.mailbox, self.settings.history)
        return embedded and (self.data / STORE).exists()


def findings(machine: Machine) -> Iterator[Finding]:
    """Look at everything here. What cannot be read is a finding as well."""
    for topic, look in CHECKS.items():
        try:
            found = look(machine)
        except OSError as error:
            path = error.filename or machine.data
            found = wrong(
                topic, f"{path} cannot be read ({error.strerror}): run this as root, or as the server's user."
            )
        if found is not None:
            yield found


def folder(machine: Machine) -> Finding:
    """Look at the data folder: nobody else may read what is in it, and the server must be able to write it all."""
    status = machine.data.stat()
    if not stat.S_ISDIR(status.st_mode):
        return wrong("Data folder", f"{machine.data} is no folder: name another with --data.")
    if is_open_to_others(status):
        mode = stat.S_IMODE(status.st_mode)
        return wrong("Data folder", f"Others can read {machine.data} (mode {mode:03o}): chmod 700 {machine.data}")
    for path in sorted(machine.data.iterdir()):
        if path.stat().st_uid == 0 != status.st_uid:
            return wrong(
                "Data folder", f"Root owns {path}, and the server does not: chown --reference={machine.data} {path}"
            )
    return Finding("Data folder", f"{machine.data}, closed to others")


def keys(machine: Machine) -> Finding:
    """Look at the file with the keys that sign guests' tokens."""
    path = machine.settings.secret_file
    if machine.settings.bus == EMBEDDED and not path.exists():
        return Finding("Keys", "none yet: the first start makes them")
    try:
        shared_keys(path)
    except KeyFileError as error:
        return wrong("Keys", f"{error}.")
    return Finding("Keys", f"{path}, closed to others; a copy of it belongs elsewhere, away from the backups")


def _has_secret(value: str | tuple[str, ...]) -> bool:
    """Tell whether it is a URL with a password, or URLs that nobody else should know."""
    return bool(value) if isinstance(value, tuple) else bool(urlsplit(value).password)


def config(machine: Machine) -> Finding | None:
    """Look at the settings file, if it holds the password of a service."""
    path, sources = machine.settings.config, machine.settings.sources
    services = ("bus", "mailbox", "history", "alert")
    inside = [name for name in services if path is not None and sources.get(name) == str(path)]
    if path is None or not any(_has_secret(getattr(machine.settings, name)) for name in inside):
        return None
    if is_open_to_others(path.stat()):
        return wrong("Settings file", f"Others can read the password of {' and '.join(inside)} in it: chmod 600 {path}")
    return Finding("Settings file", f"{path}, closed to others")


def storage(machine: Machine) -> Finding | None:
    """Look through the embedded storage, beside a server that writes it."""
    if not machine.stores:
        return None
    try:
        held = copies.contents(machine.data / STORE)
    except StorageError as error:
        way = f"{COMMAND} restore FILE{machine.again}"
        return wrong("Storage", f"{error}; the way back is {way}, with the newest backup.")
    return Finding("Storage", f"whole: {held.guests} guests, {held.chats} chats, {held.messages} messages")


def disk(machine: Machine) -> Finding:
    """Look how much room is left for the data folder."""
    left, least = machine.free(machine.data) >> 20, bound("free disk") >> 20
    if left < ROOM_BYTES >> 20:
        return wrong("Disk", f"{left:,} MB are free, and with less than {least} MB no new chat begins: make room.")
    return Finding("Disk", f"{left:,} MB free")


def backup(machine: Machine) -> Finding | None:
    """Look how old the newest backup is."""
    if not machine.stores:
        return None
    made, how = machine.newest_backup(machine.data), "systemctl enable --now citychat-backup.timer makes one an hour."
    if made is None:
        return wrong("Backup", f"There is none: {COMMAND} backup{machine.again} makes one, {how}")
    age = machine.now - made
    if age > BACKUP_MAX:
        return wrong("Backup", f"The newest is {_age(age)} old: see systemctl status citychat-backup; {how}")
    if age < -CLOCK_SLACK:
        return wrong("Backup", f"The newest is from the future, by {_age(-age)}: let NTP set this machine's clock.")
    return Finding("Backup", f"the newest is {_age(max(age, timedelta()))} old; copies of them belong elsewhere")


def _age(age: timedelta) -> str:
    hours = age // timedelta(hours=1)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} h" if hours else f"{age // timedelta(minutes=1)} min"


def cities(machine: Machine) -> Finding:
    """Look at the city database: whether it can be read, and how old it is."""
    fetch = f"{COMMAND} geoip fetch{machine.again}"
    try:
        files = ip_database.database_files(machine.data, machine.settings.geoip)
        databases = list(ip_database.IpDatabases(files))
    except ValueError as error:
        return wrong("City database", f"{error}. A free one: {fetch}")
    if not databases:
        return Finding("City database", f"none: guests choose their city; a free one: {fetch}")
    age = max((machine.now.date() - database.built).days for database in databases)
    if age > commands.OLD_DAYS:
        return wrong("City database", f"It is {age} days old, and addresses move: {fetch}")
    return Finding("City database", f"{databases[0].type}, {age} days old")


CHECKS: dict[str, Callable[[Machine], Finding | None]] = {
    "Data folder": folder, "Keys": keys, "Settings file": config, "Storage": storage, "Disk": disk, "Backup": backup,
    "City database": cities,
}  # fmt: skip


def contact(settings: Settings, is_site: bool) -> Finding:
    """Look whether guests of a site are told who answers for it."""
    if is_site and not settings.contact:
        return wrong("Contact", "Guests are not told who answers for this server: set contact (or name its --config).")
    return Finding("Contact", settings.contact or "none, which guests of a site should have")


def alerts(settings: Settings, again: str) -> Finding:
    """Look whether anybody is told of reports."""
    if not settings.alert:
        look = f"{COMMAND} cases{again}"
        return Finding("Alerts", f"none: nobody tells you of reports. Set alert, or look once a day: {look}")
    places = ", ".join(map(without_secrets, settings.alert))
    return Finding("Alerts", f"of reports, by {places}; try them: {COMMAND} alert{again}")
