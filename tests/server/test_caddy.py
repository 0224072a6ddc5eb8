"""The site of deploy/Caddyfile in Debian's caddy, in front of two real processes."""

import http.client
import json
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.server.test_doctor import DoctorsServer, look
from tests.support.caddy import SITE, Caddy
from tests.support.patience import PATIENCE_S, until

FROM = "127.0.0.5"  # of this machine, and found in no other line of a log


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[DoctorsServer]]:
    servers = [DoctorsServer(tmp_path / name) for name in ("one", "two")]
    yield servers
    for server in servers:
        server.child.stop()


def ask(caddy: Caddy, path: str, headers: Mapping[str, str] = {}) -> http.client.HTTPResponse:
    context = ssl.create_default_context(cafile=str(caddy.folder / "fullchain.pem"))
    connection = http.client.HTTPSConnection(
        "localhost", caddy.https, context=context, timeout=PATIENCE_S, source_address=(FROM, 0)
    )
    try:
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        answer.body = answer.read()  # type: ignore[attr-defined]
        return answer
    finally:
        connection.close()


async def test_caddy_serves_two_processes_and_either_alone(tmp_path: Path, two: list[DoctorsServer]) -> None:
    with Caddy(tmp_path / "caddy", *(server.port for server in two), name="localhost") as caddy:
        healthy = look(two[0], caddy.url, trusts=caddy)
        assert (healthy.status, healthy.lines("DO")) == (0, {}), healthy.text
        page = ask(caddy, "/", {"Accept-Encoding": "gzip", "X-Forwarded-For": "192.0.2.1"})
        assert (page.status, page.headers["Content-Encoding"]) == (200, "gzip")
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        for stopped in two:
            stopped.child.stop()
            await until(lambda: ask(caddy, "/ready").status == (200 if stopped is two[0] else 503))  # noqa: B023
            if stopped is two[0]:
                alone = look(two[1], caddy.url, trusts=caddy)
                assert (alone.status, alone.lines("DO")) == (0, {}), alone.text
        assert FROM not in caddy.log and "192.0.2.1" not in caddy.log
        assert all("level" in json.loads(line) for line in caddy.log.splitlines() if line.startswith("{"))


def test_the_file_is_as_caddy_itself_would_write_it_and_warns_of_nothing(tmp_path: Path) -> None:
    """A line that caddy thinks needless, or reads otherwise than meant, is a warning."""
    words = ["--adapter", "caddyfile", "--config", str(SITE), "--pretty"]
    adapted = subprocess.run(["caddy", "adapt", *words], capture_output=True, text=True, check=True)
    assert "WARN" not in adapted.stderr.upper() and "127.0.0.1:8888" in adapted.stdout
    assert subprocess.run(["caddy", "fmt", str(SITE)], capture_output=True, text=True).stdout == SITE.read_text()
