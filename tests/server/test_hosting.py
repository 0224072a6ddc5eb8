"""docs/hosting.md, typed from top to bottom on a machine in a folder."""

import http.client
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from citychat.adapters.sqlite.copies import contents
from tests.server.machine import ROOT, InstalledMachine
from tests.support.live_page import LivePage, meet
from tests.support.patience import PATIENCE_S
from tests.support.services import Child, listens
from tests.support.services.rabbitmq import RabbitServer
from tests.support.services.running import KINDS, is_tested, mongo_url

PAGE = (ROOT / "docs" / "hosting.md").read_text("utf-8")
NOT_RUN = "  # (not run by our tests)"
THREE = "## Several processes over three servers"


def commands(text: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[InstalledMachine]:
    one = InstalledMachine(tmp_path)
    yield one
    one.close()


def ready(port: int) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", "/ready")
    answer: dict[str, object] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def typed(machine: InstalledMachine, line: str) -> str:
    """Type a line; the answer is what it printed. Of the lines that are marked, those for our services are played."""
    command = line.removesuffix(NOT_RUN)
    if not line.endswith(NOT_RUN):
        return machine.run(command)
    if found := re.fullmatch(r"systemctl (enable --now|disable --now|start|stop|restart|reload) (citychat.*)", command):
        for unit in found[2].split():
            if unit != "citychat-backup.timer":
                if found[1] in ("stop", "disable --now", "restart"):
                    machine.stop(unit)
                if found[1] in ("start", "enable --now", "restart"):
                    machine.start(unit)
                if found[1] == "reload":
                    machine.services[unit].reload()
    return ""


def test_a_host_who_types_the_page_has_a_server_backups_and_two_versions(machine: InstalledMachine) -> None:
    said = [(line, typed(machine, line)) for line in commands(PAGE.split(THREE)[0])]
    printed = [out for line, out in said if not line.endswith(NOT_RUN)]
    assert len(printed) > 15
    assert sum('"ready": true' in out for out in printed) == 1
    assert sum(out.startswith("Kept ") for out in printed) == 3
    (doctor,) = (out for out in printed if out.startswith("ok  Data folder"))
    assert "\nok  WebSocket " in doctor and "DO " not in doctor
    assert sum(out.startswith("Restored ") for out in printed) == 2
    assert sum("Everything is in order." in out for out in printed) == 1
    assert sum(out.startswith("Running       1 process, ") for out in printed) == 1
    assert sum('"processes": 1' in out for out in printed) == 1
    assert sum("citychat_ready 1.0" in out for out in printed) == 1
    site = (machine.root / "etc/nginx/sites-enabled/citychat").resolve()
    assert site.read_text() == (ROOT / "deploy" / "nginx.conf").read_text()
    caddy = (machine.root / "etc/caddy/Caddyfile").read_text()
    assert caddy == (ROOT / "deploy" / "Caddyfile").read_text()
    nginx = (machine.root / "etc/nginx/nginx.conf").read_text()
    assert nginx.startswith("worker_rlimit_nofile 65536;\n") and "\tworker_connections 16384;" in nginx
    assert (machine.root / "opt/citychat/current").readlink() == Path("v1"), "after the rollback"
    assert all(contents(backup) is not None for backup in (machine.state / "backups").iterdir())
    assert ready(machine.port("8888"))["ready"] is True


@pytest.fixture
def served(machine: InstalledMachine) -> InstalledMachine:
    """With the first three steps done, and a watchdog that wants a sign of life ten times a second."""
    machine.watchdog_s = 0.4
    for line in commands(PAGE.split("**4. Certificate")[0]):
        typed(machine, line)
    return machine


def until(happened: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_systemd_hears_ready_then_signs_of_life_then_the_stop(served: InstalledMachine) -> None:
    service = served.services["citychat"]
    assert listens(served.port("8888"))
    until(lambda: service.listen().count("WATCHDOG=1") >= 3)
    served.stop("citychat")
    assert service.heard[0] == "READY=1" and service.heard.count("READY=1") == 1
    assert service.heard[-1] == "STOPPING=1"
    assert set(service.heard) == {"READY=1", "WATCHDOG=1", "STOPPING=1"}
    assert "No sign of life" not in service.log()


def test_who_cannot_listen_never_says_ready(served: InstalledMachine) -> None:
    served.stop("citychat")
    with socket.create_server(("127.0.0.1", served.port("8888"))), pytest.raises(RuntimeError, match="cannot listen"):
        served.start("citychat")
    assert served.services["citychat"].listen() == []


def test_a_frozen_process_gives_no_sign_of_life_and_one_that_goes_on_does(served: InstalledMachine) -> None:
    service = served.services["citychat"]
    until(lambda: "WATCHDOG=1" in service.listen())
    service.signal(signal.SIGSTOP)
    frozen = len(service.listen()) + 1  # one may have been on its way
    time.sleep(1.0)  # ten beats
    assert len(service.listen()) <= frozen
    service.signal(signal.SIGCONT)
    until(lambda: len(service.listen()) > frozen + 3)


def test_a_service_is_reloaded_as_its_unit_says(served: InstalledMachine) -> None:
    service = served.services["citychat"]
    (served.state / "rules.md").write_text("Be kind.\n")
    service.reload()
    until(lambda: "INFO Reloaded: own texts rules; city database none" in service.log())
    assert ready(served.port("8888"))["ready"] is True


def test_the_data_of_a_running_server_is_not_restored_over(served: InstalledMachine) -> None:
    program = "/opt/citychat/current/bin/citychat"
    assert served.run(f"{program} backup --data /var/lib/citychat").startswith("Kept ")
    with pytest.raises(AssertionError, match="in use by another process"):
        served.run(f"{program} restore --data /var/lib/citychat /var/lib/citychat/backups/*.db")
    assert ready(served.port("8888"))["ready"] is True


async def with_three_servers(machine: InstalledMachine) -> None:
    """What the page says of Redis and RabbitMQ is done to real ones; MongoDB's passwords are left out, because the
    server of the tests may be one that has none."""
    embedded, three = PAGE.split(THREE)
    for line in commands(embedded.split("**4. Certificate")[0]):
        typed(machine, line)
    site = machine.root / "etc/nginx/sites-available/citychat"
    site.write_text((ROOT / "deploy/nginx.conf").read_text())
    (machine.root / "etc/redis").mkdir()
    settings = machine.root / "etc/redis/redis.conf"
    settings.write_text(f"bind 127.0.0.1\nport {machine.port('6379')}\ndir {machine.root}\n")
    redis = Child(["redis-server", str(settings)], machine.root / "redis")
    with RabbitServer(machine.root / "rabbitmq") as rabbitmq:
        machine.take_port("5672", rabbitmq.port)
        machine.shim("rabbitmqctl", rabbitmq.control_words())
        try:
            for line in commands(three):
                if line.startswith("systemctl restart redis-server"):
                    redis.start(lambda: listens(machine.port("6379")))
                if "systemctl enable --now citychat@8888" in line:
                    url = f"{mongo_url().rstrip('/')}/hosting_{os.getpid()}"
                    (machine.root / "etc/citychat/history.url").write_text(url)
                typed(machine, line)
            assert "    server 127.0.0.1:8889 max_fails=0;" in site.read_text()
            await they_talk(*(machine.port(port) for port in ("8888", "8889")))
        finally:
            machine.close()
            redis.stop()


async def they_talk(one: int, two: int) -> None:
    until(lambda: all(ready(port)["ready"] for port in (one, two)))
    a, b = LivePage(f"http://127.0.0.1:{one}", Random(1)), LivePage(f"http://127.0.0.1:{two}", Random(2))
    await meet(a, b)
    a.say("you are here")
    await a.screen.until(lambda: list(a.screen.states.values()) == ["delivered"])
    await b.done()
    await a.screen.until(lambda: any(event == "user-left" for event, _ in a.screen.heard))
    a.say("you are away")
    await a.screen.until(lambda: list(a.screen.states.values()) == ["delivered", "stored"])
    await a.done()


# Only where the run has all servers; its first lines say which it has not.
if all(map(is_tested, KINDS)):

    async def test_three_servers_set_up_as_the_page_says_serve_two_processes(machine: InstalledMachine) -> None:
        await with_three_servers(machine)
