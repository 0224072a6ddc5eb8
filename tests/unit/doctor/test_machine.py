"""The doctor's checks of this machine, broken in one way at a time: real files, modes, stores, databases."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from mmdb_writer import IPSet, MMDBWriter  # type: ignore[attr-defined]

from citychat import COMMAND
from citychat.adapters.sqlite import Database
from citychat.adapters.sqlite.free_disk import LEAST_BYTES
from citychat.doctor import machine
from citychat.doctor.machine import Machine
from citychat.places import ip_database
from citychat.server import backup
from citychat.settings import load
from citychat.tokens import load_keys

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
NOBODY = 65_534


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A data folder with keys, a store and a backup."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    load_keys(folder / "secret.keys", Random(1))
    async with Database(folder / "citychat.db"):
        pass
    backup.make(folder, NOW)
    dated(folder, NOW - timedelta(minutes=30))
    return folder


def dated(data: Path, at: datetime) -> None:
    for file in (data / "backups").iterdir():
        os.utime(file, (at.timestamp(), at.timestamp()))


def here(data: Path, *flags: str) -> Machine:
    settings = load(["--data", str(data), *flags], {})
    return Machine(settings, NOW, backup.newest, lambda _: 10 * LEAST_BYTES, again=f" --data {data}")


def todo(one: Machine) -> dict[str, str]:
    return {found.topic: found.text for found in machine.findings(one) if not found.well}


async def test_a_healthy_machine_has_nothing_to_do(data: Path) -> None:
    assert todo(here(data)) == {}
    topics = [found.topic for found in machine.findings(here(data))]
    assert topics == ["Data folder", "Keys", "Storage", "Disk", "Backup", "City database"]


async def test_a_command_that_is_named_is_for_the_same_folder(data: Path) -> None:
    one = here(data)
    said = [str(found) for found in (*machine.findings(one), machine.alerts(one.settings, one.again))]
    (data / "citychat.db").write_bytes(b"not a database" * 100)
    shutil.rmtree(data / "backups")
    named = re.findall(rf"{re.escape(COMMAND)} .*", "\n".join([*said, *todo(here(data)).values()]))
    assert len(named) == 4 and all(" --data " in each for each in named), named


async def test_a_fresh_folder_is_well(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir(mode=0o700)
    assert todo(here(fresh)) == {}


def loose_folder(data: Path) -> None:
    data.chmod(0o755)


def loose_keys(data: Path) -> None:
    (data / "secret.keys").chmod(0o644)


def damaged_keys(data: Path) -> None:
    (data / "secret.keys").write_text("key short\n")


def damaged_store(data: Path) -> None:
    (data / "citychat.db").write_bytes(b"no database at all, but some bytes" * 100)


def no_backup(data: Path) -> None:
    for file in (data / "backups").iterdir():
        file.unlink()


def old_backup(data: Path) -> None:
    dated(data, NOW - timedelta(days=3))


def later_backup(data: Path) -> None:
    dated(data, NOW + timedelta(days=3))


def damaged_cities(data: Path) -> None:
    file = data / "cities.mmdb"
    file.write_bytes(b"no cities")
    ip_database.remember(data, [file])


BROKEN: dict[Callable[[Path], None], tuple[str, str]] = {
    loose_folder: ("Data folder", "chmod 700"),
    loose_keys: ("Keys", "chmod 600"),
    damaged_keys: ("Keys", "has a key that is no key"),
    damaged_store: ("Storage", "restore FILE"),
    no_backup: ("Backup", "There is none"),
    old_backup: ("Backup", "The newest is 3 days old"),
    later_backup: ("Backup", "from the future, by 3 days"),
    damaged_cities: ("City database", "damaged, or no mmdb file"),
}


@pytest.mark.parametrize("breaks", BROKEN, ids=lambda breaks: breaks.__name__)
async def test_what_is_broken_is_one_line_that_says_what_to_do(data: Path, breaks: Callable[[Path], None]) -> None:
    topic, told = BROKEN[breaks]
    breaks(data)
    found = todo(here(data))
    assert list(found) == [topic], found
    assert told in found[topic]


async def test_a_city_database_that_missed_two_months_is_told(data: Path) -> None:
    file = data / "cities.mmdb"
    writer = MMDBWriter(4, "test flat", languages=["en"])
    writer.insert_network(IPSet(["203.0.113.0/24"]), {"country_code": "FR", "city": "Lyon", "latitude": 45.7})
    writer.to_db_file(str(file))  # with the date of today in it
    ip_database.remember(data, [file])
    for days, wanted in ((60, []), (61, ["City database"])):
        now = datetime.now(UTC) + timedelta(days=days)
        dated(data, now)
        found = todo(here(data)._replace(now=now))
        assert list(found) == wanted, found


async def test_a_disk_that_is_nearly_full_is_told_before_no_chat_begins(data: Path) -> None:
    nearly = here(data)._replace(free=lambda _: LEAST_BYTES + (1 << 20))
    assert list(todo(nearly)) == ["Disk"] and "257 MB are free" in todo(nearly)["Disk"]


async def test_a_settings_file_with_a_password_that_others_can_read_is_told(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "citychat.toml"
    file.write_text(f'bus = "redis://:pw@127.0.0.1:9/0"\nsecret_file = "{data}/secret.keys"\n')
    file.chmod(0o644)
    found = todo(here(data, "--config", str(file)))
    assert list(found) == ["Settings file"] and "pw" not in found["Settings file"]
    file.chmod(0o600)
    assert todo(here(data, "--config", str(file))) == {}


async def test_a_file_of_root_in_the_folder_of_the_server_is_told(data: Path) -> None:
    """As is left by whoever types a command as root. Only root can make one."""
    one = here(data)
    assert todo(one) == {}
    if os.geteuid() == 0:
        os.chown(data, NOBODY, NOBODY)
        assert "chown --reference=" in todo(one)["Data folder"]


async def test_services_alone_keep_nothing_here(data: Path) -> None:
    no_backup(data)
    settings = replace(here(data).settings, mailbox="amqp://x", history="mongodb://x")
    assert todo(here(data)._replace(settings=settings)) == {}
