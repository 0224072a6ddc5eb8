"""What a start loads: the drivers of its own engines, and nothing that it has no use for."""

import asyncio
import subprocess
import sys
from pathlib import Path
from random import Random
from urllib.request import urlopen

import pytest

from citychat.tokens import load_keys
from tests.server.host import run
from tests.support.loaded_modules import loaded
from tests.support.server_process import ROOT, ServerProcess, citychat

PROGRAM = ("tests.support.loaded_modules",)
DRIVERS = {"redis", "pika", "pymongo", "bson"}
EMBEDDED = {"sqlite3", "citychat.adapters.memory", "citychat.adapters.sqlite"}
OF_OTHER_COMMANDS = {
    "aiohttp", "requests", "urllib3", "citychat.cases", "citychat.client", "citychat.terminal", "citychat.doctor",
    "tarfile",
}  # fmt: skip
NOT_ASKED_FOR = {
    "geoip2", "maxminddb", "tomllib", "smtplib", "prometheus_client", "citychat.console", "citychat.push",
}  # fmt: skip
SIGNING = {"cryptography"}  # which pymongo takes wherever it is
# Nobody listens there: a server serves its page all the same, and waits
FLAGS = ("--bus", "redis://127.0.0.1:9", "--mailbox", "amqp://127.0.0.1:9", "--history", "mongodb://127.0.0.1:9")


async def loaded_by(server: ServerProcess) -> set[str]:
    """By the time that it has served its page, and stopped."""

    def page() -> int:
        with urlopen(server.url) as answer:
            return int(answer.status)

    async with server:
        assert await asyncio.to_thread(page) == 200
        assert await server.stop() == 0
    return loaded(server.output)


async def test_a_server_with_embedded_storage_loads_no_driver_of_a_service_and_no_client(tmp_path: Path) -> None:
    found = await loaded_by(ServerProcess(tmp_path / "data", program=PROGRAM))
    assert found & (DRIVERS | OF_OTHER_COMMANDS | NOT_ASKED_FOR | SIGNING) == set()
    assert found >= EMBEDDED


async def test_a_server_with_services_loads_the_driver_of_each_and_no_embedded_engine(tmp_path: Path) -> None:
    load_keys(tmp_path / "secret.keys", Random(1))
    keys = ("--secret-file", str(tmp_path / "secret.keys"))
    found = await loaded_by(ServerProcess(tmp_path / "data", *FLAGS, *keys, program=PROGRAM))
    assert found >= DRIVERS
    assert found & (EMBEDDED | OF_OTHER_COMMANDS | NOT_ASKED_FOR) == set()


async def test_what_writes_metrics_is_loaded_by_who_is_asked_for_them(tmp_path: Path) -> None:
    found = await loaded_by(ServerProcess(tmp_path / "data", "--metrics", "0", program=PROGRAM))
    assert found >= EMBEDDED | {"prometheus_client"}
    assert found & (DRIVERS | OF_OTHER_COMMANDS) == set()


async def test_the_console_and_what_it_does_are_loaded_by_who_is_asked_for_it(tmp_path: Path) -> None:
    found = await loaded_by(ServerProcess(tmp_path / "data", "--console", "0", program=PROGRAM))
    assert found >= EMBEDDED | {"citychat.console", "citychat.cases"}
    assert found & (DRIVERS | OF_OTHER_COMMANDS | NOT_ASKED_FOR) == {"citychat.cases", "citychat.console"}


async def test_what_signs_for_push_services_is_loaded_by_who_has_made_keys(tmp_path: Path) -> None:
    assert (await run("push-keys", "--data", str(tmp_path / "data"))).status == 0
    found = await loaded_by(ServerProcess(tmp_path / "data", "--contact", "host@example.org", program=PROGRAM))
    assert found >= EMBEDDED | SIGNING | {"citychat.push"}
    assert found & (DRIVERS | OF_OTHER_COMMANDS) == set()


HELPED = ("guest", "status", "doctor", "backup", "restore", "console", "geoip", "poster", "update-check")


@pytest.mark.parametrize("words", [["--version"], ["--print-settings"], *([command, "--help"] for command in HELPED)])
def test_a_command_that_serves_nobody_loads_no_server(words: list[str], tmp_path: Path) -> None:
    command = citychat(*words, program=PROGRAM)
    done = subprocess.run(command, cwd=ROOT, env={"HOME": str(tmp_path)}, check=True, capture_output=True, text=True)
    found = loaded(done.stdout.splitlines())
    assert found & {"citychat.server", "citychat.edge", "citychat.places", "aiohttp", "tornado", "jinja2"} == set()


def test_a_process_that_has_the_server_s_door_can_still_be_a_guest() -> None:
    """The library was imported without its client first."""
    script = "import citychat.edge, citychat.client, engineio; print(engineio.async_client.aiohttp.__name__)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "aiohttp\n"
