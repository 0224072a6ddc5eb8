"""Floods at the site of deploy/nginx.conf in Debian's nginx: refused there, while a page elsewhere loads normally."""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest

from citychat.limits import bound
from tests.browser.serving import Served
from tests.server.rawclient import SOCKETIO, frame
from tests.support.nginx import NAME, SITE, Nginx
from tests.support.patience import PATIENCE_S
from tests.support.services import free_port

SOCKETS = 200  # of a network at a time
SPEAKS = frame(b"40/user,") + frame(b"40/chat,") + frame(b'42/user,["user-view",{}]')  # so that it is not closed soon
FLOODER, NEIGHBOUR = "203.0.113.7", "203.0.113.8"
AT_ONCE = 16
ANY_SERVER = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # one for all: making it takes longer than to connect
ANY_SERVER.check_hostname, ANY_SERVER.verify_mode = False, ssl.CERT_NONE

T = TypeVar("T")
Answer = tuple[int, bool]  # the status, and whether nginx itself has answered


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    """In front of a process that would take any number of connections of one address."""
    server = Served(tmp_path / "data", "--connections-per-address", "100000")
    with Nginx(tmp_path / "nginx", server.port) as running:
        yield running
    server.stop()


class Link:
    """A connection over TLS, from wherever it says."""

    def __init__(self, nginx: Nginx) -> None:
        plain = socket.create_connection(("127.0.0.1", nginx.https), PATIENCE_S)
        self.tls = ANY_SERVER.wrap_socket(plain)

    def ask(self, path: str, address: str, *more: str) -> Answer:
        lines = [f"GET {path} HTTP/1.1", f"Host: {NAME}", f"X-Test-Address: {address}", *more, "", ""]
        self.tls.sendall("\r\n".join(lines).encode())
        head, _, body = self._until(b"", b"\r\n\r\n").partition(b"\r\n\r\n")
        status = int(head.split()[1])
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
        while status != 101 and len(body) < length:
            body += self.tls.recv(65_536)
        return status, status != 101 and b"<center>nginx" in body

    def ask_at_once(self, path: str, address: str, times: int) -> list[bytes]:
        """The statuses; all requests leave before the first answer."""
        self.tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nX-Test-Address: {address}\r\n\r\n".encode() * times)
        statuses: list[bytes] = []
        got = b""
        while len(statuses) < times:
            more = self.tls.recv(65_536)
            assert more, "closed before it has answered"
            got += more
            statuses = re.findall(rb"HTTP/1\.1 (\d+) ", got)
        return statuses

    def _until(self, got: bytes, end: bytes) -> bytes:
        while end not in got:
            more = self.tls.recv(65_536)
            assert more, "closed before it has answered"
            got += more
        return got

    def connect(self, address: str) -> Answer:
        return self.ask(
            SOCKETIO, address, "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version: 13",
        )  # fmt: skip

    def close(self) -> None:
        self.tls.close()


def visits(nginx: Nginx, address: str) -> None:
    """A page, its files and its socket, as on any other day."""
    for path in ("/", "/static/app.js", "/rules"):
        link = Link(nginx)
        assert link.ask(path, address) == (200, False)
        link.close()
    link = Link(nginx)
    assert link.connect(address) == (101, False)
    link.close()


@pytest.mark.parametrize(
    ("flooders", "neighbour"),
    [([FLOODER], NEIGHBOUR), ([f"2001:db8:0:2::{n:x}" for n in range(1, 50)], "2001:db8:0:3::1")],
    ids=["IPv4", "IPv6"],
)
def test_the_sockets_of_one_network_are_as_many_as_the_host_allows(
    nginx: Nginx, flooders: list[str], neighbour: str
) -> None:
    answers = []
    with ExitStack() as open_links:
        for n in range(SOCKETS + 50):
            link = Link(nginx)
            open_links.callback(link.close)
            answers.append(link.connect(flooders[n % len(flooders)]))
            if answers[-1][0] == 101:
                link.tls.sendall(SPEAKS)
        visits(nginx, neighbour)
    assert answers == [(101, False)] * SOCKETS + [(429, True)] * 50
    assert not any(flooder in log.read_text() for log in nginx.folder.glob("*log") for flooder in flooders)


def test_the_networks_of_one_line_have_the_sockets_of_ten_and_another_line_has_its_own(tmp_path: Path) -> None:
    """65,536 networks of /64 lie in a /48; the numbers are made small for the test, and are held to the server's."""
    shipped = SITE.read_text("utf-8")
    for each, of_site in (("sockets 200;", "site_sockets 2000;"), ("connects burst=400 ", "site_connects burst=4000 "),
                          ("requests burst=5000 delay=500;", "site_requests burst=50000 delay=5000;"),
                          ("connects:4m rate=20r", "site_connects:4m rate=200r"),
                          ("requests:4m rate=300r", "site_requests:4m rate=3000r")):  # fmt: skip
        assert f"citychat_{each}" in shipped and f"citychat_{of_site}" in shipped
    assert bound("networks of a /48") == 10
    server = Served(tmp_path / "data", "--connections-per-address", "100000")
    with Nginx(tmp_path / "nginx", server.port, changed={"site_sockets 2000;": "site_sockets 30;"}) as nginx:
        answers = []
        with ExitStack() as open_links:
            for n in range(40):
                link = Link(nginx)
                open_links.callback(link.close)
                answers.append(link.connect(f"2001:db8:7:{n:x}::1"))
                if answers[-1][0] == 101:
                    link.tls.sendall(SPEAKS)
            visits(nginx, "2001:db8:8::1")
            visits(nginx, NEIGHBOUR)
        assert answers == [(101, False)] * 30 + [(429, True)] * 10
    server.stop()


def test_who_connects_and_hangs_up_is_refused_and_two_returns_of_a_full_school_are_not(nginx: Nginx) -> None:
    def once(_: int) -> Answer:
        link = Link(nginx)
        answer = link.connect(FLOODER)
        link.close()
        return answer

    answers, took_s = flood(nginx, once, 800)
    accepted = answers.count((101, False))
    assert 2 * SOCKETS <= accepted <= 2 * SOCKETS + 1 + 20 * took_s
    assert answers.count((429, True)) == len(answers) - accepted


def test_requests_of_one_network_are_handed_on_at_a_pace(tmp_path: Path) -> None:
    """To a process that is not there: nginx itself would answer thousands of them a second."""
    with Nginx(tmp_path / "nginx", free_port()) as nginx:
        links = [Link(nginx) for _ in range(AT_ONCE)]
        started = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers = list(threads.map(lambda link: link.ask_at_once("/", FLOODER, 150), links))
        took_s = time.monotonic() - started
        for link in links:
            link.close()
    assert [status for some in answers for status in some] == [b"502"] * 150 * AT_ONCE
    assert 501 + 300 * took_s >= 150 * AT_ONCE


def flood(nginx: Nginx, once: Callable[[int], T], times: int) -> tuple[list[T], float]:
    """Do it so often, many at once, and visit from elsewhere in the middle of it; the answers, and the seconds."""
    started = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = threads.map(once, range(times))
        visits(nginx, NEIGHBOUR)
        return list(answers), time.monotonic() - started
