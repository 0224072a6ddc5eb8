"""``citychat doctor URL`` against a real server behind a real nginx: well, and broken in one way at a time."""

import io
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from citychat import doctor
from citychat.adapters.sqlite import copies
from citychat.doctor import services
from citychat.server import backup, engines
from citychat.settings import load
from tests.server.host import LAST_LINE
from tests.support.caddy import Caddy
from tests.support.nginx import Nginx
from tests.support.patience import PATIENCE_S
from tests.support.server_process import ROOT, citychat
from tests.support.services import Child, free_port

CONTACT = ("--contact", "you@example.org")
FORWARDED = "proxy_set_header X-Forwarded-For $remote_addr;"
HOST = "proxy_set_header Host $http_host;"
TO_SOCKETS = """        limit_conn citychat_sockets 200;
        limit_conn citychat_site_sockets 2000;
        limit_req zone=citychat_connects burst=400 nodelay;
        limit_req zone=citychat_site_connects burst=4000 nodelay;
        proxy_pass http://citychat;"""
BROKEN: dict[str, tuple[Mapping[str, str], str, str]] = {
    "no upgrade": (
        {"proxy_set_header Upgrade $http_upgrade;": ""}, "WebSocket", "does not hand the upgrade on",
    ),
    "no sockets": ({TO_SOCKETS: "        return 404;"}, "WebSocket", "The proxy answers 404"),
    "another host": ({HOST: "proxy_set_header Host 127.0.0.1:8888;"}, "WebSocket", "does not hand on the Host"),
    "no name of ours": ({HOST: "proxy_set_header Host chat.elsewhere;"}, "Page", "add it to the setting origins"),
    "what guests write": ({FORWARDED: ""}, "Address", "Guests can pretend any address"),
    "no forwarding header": (
        {FORWARDED: 'proxy_set_header X-Forwarded-For "";', 'X-Real-IP "";': "X-Real-IP $remote_addr;"},
        "Page", "does not say for whom it asks",
    ),
    "its own address": (
        {FORWARDED: "proxy_set_header X-Forwarded-For 10.9.8.7;"}, "Address", "The server sees 10.9.8.7",
    ),
    "elsewhere": ({"location / {": "location = / { return 302 https://elsewhere.example/; }\n    location / {"},
        "Page", "It sends guests to https://elsewhere.example/",
    ),
    "another site": ({"location / {": 'location = / { return 200 "hello"; }\n    location / {'},
        "Page", "Something else answers (200)",
    ),
}  # fmt: skip


class Said(NamedTuple):
    """What the doctor printed: the lines of what is well, and of what is to be done, by their topic."""

    status: int
    text: str

    def lines(self, mark: str) -> dict[str, str]:
        found = [line[4:].split("  ", 1) for line in self.text.splitlines() if line.startswith(mark)]
        return {topic.strip(): text.strip() for topic, text in ((*parts, "")[:2] for parts in found)}


class DoctorsServer:
    """A server that has a backup. ``folder`` has its data folder."""

    def __init__(self, folder: Path) -> None:
        self.port, self.data = free_port(), folder / "data"
        command = citychat("--port", str(self.port), "--data", str(self.data), *CONTACT)
        self.child = Child(command, folder / "server")
        self.child.start(lambda: LAST_LINE in (folder / "server" / "log").read_text())
        backup.make(self.data, datetime.now(UTC))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DoctorsServer]:
    server = DoctorsServer(tmp_path_factory.mktemp("served"))
    yield server
    server.child.stop()


@pytest.fixture
def front(tmp_path: Path, served: DoctorsServer) -> Iterator[Callable[..., Nginx]]:
    """Start nginx in front of the server, for the name localhost."""

    def started(changed: Mapping[str, str] | None = None, days: int = 90, name: str = "localhost") -> Nginx:
        site = Nginx(tmp_path / "nginx", served.port, name=name, changed=changed, days=days)
        return running.enter_context(site)

    with ExitStack() as running:
        yield started


def look(server: DoctorsServer, url: str, *flags: str, trusts: Nginx | Caddy | None = None) -> Said:
    """Run the doctor, who trusts the certificate of a site as browsers trust those of authorities."""
    environ = os.environ | ({"SSL_CERT_FILE": str(trusts.folder / "fullchain.pem")} if trusts else {})
    command = citychat("doctor", url, "--data", str(server.data), *CONTACT, *flags)
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.stderr == "", done.stderr
    return Said(done.returncode, done.stdout)


def at(nginx: Nginx) -> str:
    return f"https://localhost:{nginx.https}"


def test_a_healthy_site_is_well_in_every_line_and_the_probe_leaves_nothing(
    front: Callable[..., Nginx], served: DoctorsServer
) -> None:
    nginx = front()
    said = look(served, at(nginx), trusts=nginx)
    assert (said.status, said.lines("DO")) == (0, {}), said.text
    assert set(said.lines("ok")) == {
        "Data folder", "Keys", "Storage", "Disk", "Backup", "City database", "Services", "Alerts", "Contact",
        "Name", "Certificate", "Page", "Version", "Clock", "Ready", "WebSocket", "Address",
    }  # fmt: skip
    assert said.lines("ok")["Certificate"] in ("89 days left", "90 days left")
    assert said.lines("ok")["Alerts"].endswith(f"citychat cases --data {served.data} {' '.join(CONTACT)}")
    assert copies.contents(served.data / "citychat.db") == (0, 0, 0, 0)


@pytest.mark.parametrize("how", BROKEN)
def test_a_proxy_that_is_broken_in_one_way_is_one_line_that_says_what_to_do(
    front: Callable[..., Nginx], served: DoctorsServer, how: str
) -> None:
    changed, topic, told = BROKEN[how]
    nginx = front(changed)
    said = look(served, at(nginx), trusts=nginx)
    todo = said.lines("DO")
    assert said.status == 1 and list(todo) == [topic], said.text
    assert told in todo[topic]


@pytest.mark.parametrize(
    ("days", "name", "trusted", "told"),
    [
        (-1, "localhost", True, "It has run out: renew it"),
        (5, "localhost", True, "days left: why is it not renewed?"),
        (90, "chat.example", True, "It is for another name"),
        (90, "localhost", False, "It is self-made"),
    ],
)
def test_a_certificate_that_browsers_refuse_or_soon_will_is_told(
    front: Callable[..., Nginx], served: DoctorsServer, days: int, name: str, trusted: bool, told: str
) -> None:
    nginx = front(days=days, name=name)
    said = look(served, at(nginx), trusts=nginx if trusted else None)
    assert said.status == 1 and list(said.lines("DO")) == ["Certificate"], said.text
    assert told in said.lines("DO")["Certificate"]


def test_who_is_not_running_is_told_apart(tmp_path: Path, served: DoctorsServer) -> None:
    with Nginx(tmp_path / "nginx", free_port(), name="localhost") as nginx:
        todo = look(served, at(nginx), trusts=nginx).lines("DO")
        assert list(todo) == ["Certificate", "Page"] and "is CityChat running" in todo["Page"]
    assert list(look(served, at(nginx)).lines("DO")) == ["Name"]
    assert "not in the DNS" in look(served, "https://nobody.invalid").lines("DO")["Name"]


def test_plain_http_and_no_https_are_told(front: Callable[..., Nginx], served: DoctorsServer) -> None:
    nginx = front()
    plain = look(served, f"http://localhost:{nginx.http}").lines("DO")
    assert "It sends guests to https://localhost/" in plain["Page"]
    assert look(served, f"localhost:{served.port}").lines("DO") == {}
    assert "No https there" in look(served, f"https://localhost:{served.port}").lines("DO")["Certificate"]


def test_what_is_shown_to_others_holds_no_secret_and_no_public_address(served: DoctorsServer) -> None:
    keys = served.data / "secret.keys"
    said = look(
        served, f"localhost:{served.port}", "--support", "--bus", "redis://:hunter2@127.0.0.1:9/0",
        "--secret-file", str(keys), "--trusted-proxies", "203.0.113.9 10.0.0.1",
    )  # fmt: skip
    assert said.text.startswith("CityChat ") and "Python" in said.text.splitlines()[0]
    assert 'bus = "redis://:***@127.0.0.1:9/0"' in said.text and "10.0.0.1" in said.text
    assert "Is it running" in said.lines("DO")["Redis"]
    secrets = ("hunter2", "you@example.org", "203.0.113.9", keys.read_text().split()[1])
    assert not any(secret in said.text for secret in secrets)


def test_a_file_with_a_url_that_others_can_read_is_told(served: DoctorsServer, tmp_path: Path) -> None:
    file = tmp_path / "bus.url"
    file.write_text("redis://:pw@127.0.0.1:9/0")
    file.chmod(0o644)
    command = citychat("doctor", "--data", str(served.data), "--bus", f"file://{file}")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"others can read it (mode 644): run chmod 600 {file}" in done.stderr and "pw" not in done.stderr


def test_a_clock_that_is_ten_minutes_off_is_told(served: DoctorsServer) -> None:
    """The doctor's own is the one that is off: which of the two cannot be known."""
    out = io.StringIO()
    settings = load(["--data", str(served.data), *CONTACT], {})
    status = doctor.main(
        [f"http://localhost:{served.port}"], support=False, settings=settings, flags=(), out=out, errors=out,
        now=lambda: datetime.now(UTC) + timedelta(minutes=10), newest_backup=backup.newest, ask=engines.ask,
    )  # fmt: skip
    todo = Said(status, out.getvalue()).lines("DO")
    assert list(todo) == ["Clock"] and "behind this machine's: let NTP set both" in todo["Clock"]


async def test_services_that_are_away_are_told_one_by_one(served: DoctorsServer) -> None:
    urls = ["--bus", "redis://:pw@127.0.0.1:9/0", "--mailbox", "amqp://a:pw@127.0.0.1:9/"]
    keys = ["--data", str(served.data), "--secret-file", str(served.data / "secret.keys")]
    settings = load([*urls, "--history", "mongodb://127.0.0.1:9", *keys], {})
    statuses, troubles = await engines.ask(settings, None, within_s=0.5)
    assert troubles == []
    found = [services.of_service(status, "there") for status in statuses.values()]
    assert [(each.topic, each.well) for each in found] == [("Redis", False), ("RabbitMQ", False), ("MongoDB", False)]
    assert all("Is it running" in each.text and "pw" not in each.text for each in found)
