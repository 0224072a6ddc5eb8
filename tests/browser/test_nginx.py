"""The site of deploy/nginx.conf in Debian's nginx, in front of real processes: pages, sockets, addresses, headers."""

import http.client
import json
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from random import SystemRandom

import pytest
from playwright.sync_api import Page, expect
from redis import Redis

from citychat.tokens import load_keys
from tests.browser.conftest import Person
from tests.browser.serving import Served
from tests.browser.walking import bubble, enter_from_outside, meet, shown, until, write
from tests.server.rawclient import SOCKETIO
from tests.support.nginx import NAME, Nginx
from tests.support.patience import PATIENCE_S
from tests.support.services.redis import RedisServer
from tests.support.services.running import KINDS, is_tested, mongo_url, rabbit_url

SOCKET = "/socket.io/?EIO=4&transport=websocket"
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
}
FROM = "X-Test-Address"
SCRIPT = "/static/bundle/app.js"
PAIR_SAYS = ["hello through nginx", "and back"]
OF_A_PROCESS = 3  # channels of Redis: a heartbeat, and two for questions after the figures of all processes

Front = Callable[..., Nginx]
Ask = Callable[..., http.client.HTTPResponse]


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    """Start nginx in front of these processes."""
    with ExitStack() as running:
        yield lambda *processes: running.enter_context(Nginx(tmp_path / "nginx", *processes))


@pytest.fixture
def ask() -> Iterator[Ask]:
    """One request over TLS, as a client anywhere sends it; its connection stays open until the test ends."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opened: list[http.client.HTTPSConnection] = []

    def one(
        nginx: Nginx, path: str, headers: Mapping[str, str] = {}, body: bytes | None = None
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection("127.0.0.1", nginx.https, context=context, timeout=PATIENCE_S)
        opened.append(connection)
        fields = {"Host": f"{NAME}:{nginx.https}", **headers}
        connection.request("GET" if body is None else "POST", path, body, fields)
        return connection.getresponse()

    yield one
    for connection in opened:
        connection.close()


def test_two_guests_meet_and_talk_through_nginx(person: Person, served: Served, front: Front) -> None:
    nginx = front(served.port)
    a, b = (
        person(url=nginx.url, ignore_https_errors=True, extra_http_headers={FROM: address})
        for address in ("203.0.113.7", "198.51.100.8")
    )
    assert a.evaluate("isSecureContext")
    for page in (a, b):
        enter_from_outside(page)
    meet(a, b)
    write(a, PAIR_SAYS[0])
    expect(bubble(b, PAIR_SAYS[0])).to_be_visible()
    expect(a.get_by_text("Delivered", exact=True)).to_be_visible()
    write(b, PAIR_SAYS[1])
    expect(bubble(a, PAIR_SAYS[1])).to_be_visible()


def test_a_reload_of_nginx_or_a_restart_of_the_process_loses_nothing(
    person: Person, served: Served, front: Front
) -> None:
    nginx = front(served.port)
    a, b = (person(url=nginx.url, ignore_https_errors=True, extra_http_headers={FROM: "203.0.113.7"}) for _ in "ab")
    for page in (a, b):
        enter_from_outside(page)
    meet(a, b)
    served.stop()
    write(a, PAIR_SAYS[0])
    served.start()
    expect(bubble(b, PAIR_SAYS[0])).to_be_visible()
    nginx.reload()
    write(b, PAIR_SAYS[1])
    for page in (a, b):
        until(lambda page=page: len(shown(page)) == 2)  # type: ignore[misc]


def test_limits_count_the_clients_address_whatever_the_client_says(tmp_path: Path, front: Front, ask: Ask) -> None:
    server = Served(tmp_path / "data", "--connections-per-address", "2")
    nginx = front(server.port)

    def connects(address: str, **headers: str) -> int:
        return ask(nginx, SOCKET, {**UPGRADE, FROM: address, **headers}).status

    forged = {"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.2", "Forwarded": "for=192.0.2.3"}
    assert [connects("203.0.113.7"), connects("203.0.113.7")] == [101, 101]
    assert connects("203.0.113.7") == 429
    assert [connects("203.0.113.7", **{name: value}) for name, value in forged.items()] == [429] * 3
    assert connects("203.0.113.8") == 101
    server.stop()
    assert "was ignored" not in server.log.read_text()


def test_headers_are_the_servers_own_once_each_and_files_are_packed(served: Served, front: Front, ask: Ask) -> None:
    nginx = front(served.port)
    answer = ask(nginx, "/", {"Accept-Encoding": "gzip"})
    assert answer.status == 200
    expected = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Strict-Transport-Security": "max-age=31536000",
    }
    assert {name: answer.headers.get_all(name) for name in expected} == {
        name: [value] for name, value in expected.items()
    }
    (policy,) = answer.headers.get_all("Content-Security-Policy") or []
    assert f"wss://{NAME}:{nginx.https}" in policy
    for path, accepted, coding in (("/", "gzip, br", "gzip"), (SCRIPT, "gzip", "gzip"), (SCRIPT, "gzip, br", "br")):
        packed = ask(nginx, path, {"Accept-Encoding": accepted})
        assert (packed.status, packed.headers.get_all("Content-Encoding")) == (200, [coding])
        tag, varies = packed.headers["Etag"], packed.headers.get_all("Vary") or []
        assert "Accept-Encoding" in ", ".join(varies)
        assert ask(nginx, path, {"Accept-Encoding": accepted, "If-None-Match": tag}).status == 304


def test_plain_http_leads_to_https(served: Served, front: Front) -> None:
    nginx = front(served.port)
    connection = http.client.HTTPConnection("127.0.0.1", nginx.http, timeout=PATIENCE_S)
    connection.request("GET", "/rules?x=1", headers={"Host": NAME})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/rules?x=1")
    connection.close()


def test_cookies_that_other_sites_of_the_parent_domain_have_set_get_through(
    served: Served, front: Front, ask: Ask
) -> None:
    site = front(served.port)
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }  # fmt: skip
    cookies = {"Cookie": f"theirs={'y' * 31_000}"}
    assert ask(site, "/", cookies).status == 200
    assert ask(site, SOCKETIO, cookies | upgrade).status == 101


def test_what_no_page_sends_is_refused_by_nginx(served: Served, front: Front, ask: Ask) -> None:
    assert ask(front(served.port), "/", body=b"x" * 20_000).status == 413


def test_one_of_two_processes_may_be_gone_or_not_ready(tmp_path: Path, front: Front, ask: Ask) -> None:
    one, two = Served(tmp_path / "one"), Served(tmp_path / "two")
    nginx = front(one.port, two.port)

    def all_well() -> bool:
        answers = [ask(nginx, path, {FROM: "203.0.113.7"}) for path in ("/", "/ready", "/live") * 4]
        return [answer.status for answer in answers] == [200] * len(answers)

    assert all_well()
    one.stop()
    assert all_well()
    one.start()
    two.kill()
    assert all_well(), "the first is asked again as soon as it is back"
    one.stop()
    assert ask(nginx, "/ready").status == 502
    two.start()
    assert json.loads(ask(nginx, "/ready").read())["ready"] is True
    two.stop()
    assert "203.0.113.7" not in "".join(log.read_text() for log in nginx.folder.glob("*log"))


class TwoProcesses:
    """Two processes over one set of servers; the Redis is the test's own, so that nobody else is in its lobby."""

    def __init__(self, folder: Path) -> None:
        self.redis = RedisServer(folder / "redis")
        self.redis.start()
        keys = folder / "secret.keys"
        load_keys(keys, SystemRandom())
        flags = ["--secret-file", keys, "--bus", self.redis.url, "--mailbox", rabbit_url()]
        flags += ["--history", f"{mongo_url().rstrip('/')}/nginx_{os.getpid()}"]
        self.processes = [Served(folder / name, *map(str, flags)) for name in ("one", "two")]

    def subscriptions(self) -> list[int]:
        """How many guests, and what is a process's own, each process hears in Redis."""
        with Redis(port=self.redis.port) as asking:
            return sorted(int(client["sub"]) for client in asking.client_list(_type="pubsub"))

    def stop(self) -> None:
        for process in self.processes:
            process.stop()
        self.redis.stop()


def all_ready(nginx: Nginx, ask: Ask) -> bool:
    return {ask(nginx, "/ready").status for _ in range(4)} == {200}


def two_guests_on_two_processes(person: Person, pair: TwoProcesses, nginx: Nginx, ask: Ask) -> tuple[Page, Page]:
    def guest(address: str) -> Page:
        page = person(url=nginx.url, ignore_https_errors=True, extra_http_headers={FROM: address})
        enter_from_outside(page)
        return page

    until(lambda: pair.subscriptions() == [OF_A_PROCESS, OF_A_PROCESS])
    alone = pair.subscriptions()
    a = guest("203.0.113.7")
    for _ in range(8):
        b = guest("198.51.100.8")
        if pair.subscriptions() == [count + 1 for count in alone]:
            return a, b
        b.context.close()
        until(lambda: sum(pair.subscriptions()) == sum(alone) + 1)
        ask(nginx, "/live")  # nginx gives requests out in turn: the next page begins at the other one
    raise AssertionError("nginx gave one process all the guests")


def talk_over_two_processes(person: Person, front: Front, ask: Ask, folder: Path) -> None:
    pair = TwoProcesses(folder)
    try:
        nginx = front(*(process.port for process in pair.processes))
        until(lambda: all_ready(nginx, ask))
        a, b = two_guests_on_two_processes(person, pair, nginx, ask)
        meet(a, b)
        write(a, "from one process")
        write(b, "to the other")
        for process in pair.processes:  # a rolling restart, while they talk
            write(a, f"before the restart of {process.port}")
            process.stop()
            write(b, f"during the restart of {process.port}")
            assert ask(nginx, "/").status == 200, "new pages are served by the other one"
            process.start()
            until(lambda: all_ready(nginx, ask))
            write(a, f"after the restart of {process.port}")
        for page in (a, b):
            until(lambda page=page: len(shown(page)) == 8)  # type: ignore[misc]
        assert len(set(shown(a))) == 8
        expect(a.get_by_text("Delivered", exact=True).last).to_be_visible()
    finally:
        pair.stop()


# Only where the run has all servers; its first lines say which it has not.
if all(map(is_tested, KINDS)):

    def test_two_guests_on_two_processes_talk_through_nginx_over_a_rolling_restart(
        person: Person, front: Front, ask: Ask, tmp_path: Path
    ) -> None:
        talk_over_two_processes(person, front, ask, tmp_path)
