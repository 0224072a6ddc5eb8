"""Who may connect: origins, addresses behind proxies, networks, handshakes; and what is ever written about them."""

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from citychat.edge.client_address import (
    ClientAddresses,
    ConnectionLimiter,
    client_address,
    is_own_name,
    names_of,
    peer_network,
    plain_share,
    same_origin,
)
from citychat.networks import parsed_network
from tests.server.conftest import LOG, Open
from tests.server.rawclient import SOCKETIO, Refused, answer

OWN = [
    ("http://chat.example", "chat.example"), ("https://chat.example", "chat.example"),
    ("https://chat.example:8443", "chat.example:8443"), ("HTTPS://Chat.Example", "chat.example"),
    ("http://localhost:8888", "127.0.0.1:8888"), ("http://127.0.0.1:8888", "localhost:8888"),
    ("http://[::1]:8888", "localhost:8888"), ("http://127.0.0.1:8888", "[::1]:8888"),
    ("http://[2001:db8::1]:8888", "[2001:db8::1]:8888"), ("https://allowed.example", "chat.example"),
    ("https://chat.example", "chat.example:443"), ("http://chat.example", "chat.example:80"),
    ("https://[2001:db8::1]", "[2001:db8::1]:443"), ("http://localhost", "127.0.0.1:80"),
    ("http://chat.example:80", "chat.example"),
]  # fmt: skip
FOREIGN = [
    ("null", "chat.example"), ("", "chat.example"), ("http://evil.example", "chat.example"),
    ("http://chat.example.evil", "chat.example"), ("http://evilchat.example", "chat.example"),
    ("http://chat.example@evil", "chat.example"), ("http://evil/chat.example", "chat.example"),
    ("http://chat.example/", "chat.example"), ("http://chat.example", "chat.example:443"),
    ("https://chat.example", "chat.example:80"), ("https://chat.example:80", "chat.example"),
    ("https://chat.example:443", "evil.example:443"), ("https://chat.example", "evil.example:443"),
    ("http://chat.example:8889", "chat.example:8888"), ("http://localhost:8889", "127.0.0.1:8888"),
    ("http://localhost", "127.0.0.1:8888"), ("http://localhost.evil:8888", "127.0.0.1:8888"),
    ("http://127.0.0.1.evil:8888", "127.0.0.1:8888"), ("http://127.0.0.2:8888", "127.0.0.1:8888"),
    ("ftp://chat.example", "chat.example"), ("chat.example", "chat.example"), ("file://", ""), ("http://", ""),
    ("https://allowed.example.evil", "chat.example"), ("https://allowed.example:444", "chat.example"),
    ("http://chat.example,http://evil.example", "chat.example"), ("http://chat.example\n", "chat.example"),
    ("http://ch\u0430t.example", "chat.example"), ("http://localhost:8888", "chat.example:8888"),
]  # fmt: skip


@pytest.mark.parametrize(("origin", "host"), OWN)
def test_a_page_of_our_own_origin_may_connect(origin: str, host: str) -> None:
    assert same_origin(origin, host, frozenset({"https://allowed.example"}))


@pytest.mark.parametrize(("origin", "host"), FOREIGN)
def test_a_page_of_another_origin_may_not(origin: str, host: str) -> None:
    assert not same_origin(origin, host, frozenset({"https://allowed.example"}))


@pytest.mark.parametrize("site_says", ["", "same-origin", "none", "cross-site"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_handshake_is_answered_403(site: Open, origin: str, site_says: str) -> None:
    at = site()
    with pytest.raises(Refused) as refused:
        await at.connect({"Origin": origin, "Sec-Fetch-Site": site_says})
    assert refused.value.status == 403 and b"foreign-origin" in refused.value.body
    assert at.edge.connections == 0


async def test_no_origin_our_own_and_listed_ones_get_in(site: Open) -> None:
    at = site(origins=["https://chat.example"])
    for headers in (
        {},
        {"Origin": f"http://localhost:{at.port}"},
        {"Origin": f"http://127.0.0.1:{at.port}", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://chat.example", "Sec-Fetch-Site": "cross-site"},
    ):
        await at.page(headers)


OWN_NAMES = [
    "localhost", "LOCALHOST:8888", "127.0.0.1", "127.0.0.9:8888", "[::1]:8888", "192.168.1.7", "[fe80::1]:8888",
    "chat.example", "chat.example:8888", "Home.Example:1",
]  # fmt: skip
OTHER_NAMES = [
    "", "x", "rebind.evil", "rebind.evil:8888", "localhost.evil", "127.0.0.1.evil", "evil.chat.example",
    "chat.example.", "chat.example:", "[::1].evil", "127.0.0.1@evil", "localhost,evil", "1", "0x7f000001",
    "[localhost]",
]  # fmt: skip


@pytest.mark.parametrize("host", [*OWN_NAMES, *OTHER_NAMES])
def test_names_that_nobody_else_can_lead_here(host: str) -> None:
    names = names_of(["https://chat.example", "http://home.example:8888"])
    assert is_own_name(host, names) is (host in OWN_NAMES)


async def test_on_the_own_network_no_name_is_served_that_somebody_else_may_own(
    site: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """DNS rebinding: the page of rebind.evil asks for its own name, and is led to this machine."""
    at = site(origins=["http://chat.example"])
    rebound = {"Host": f"rebind.evil:{at.port}", "Origin": f"http://rebind.evil:{at.port}"}
    for own_network in ("", "127.0.0.1", "192.168.1.7", "10.0.0.9", "fd00::1", "169.254.1.1", "100.64.0.1"):
        for path in (SOCKETIO, "/"):
            with pytest.raises(Refused) as refused:
                await at.connect({**rebound, "X-Forwarded-For": own_network}, path)
            assert refused.value.status == 421 and b"add it to origins" in refused.value.body
    assert len(caplog.records) == 1 and "origins" in caplog.text and "evil" not in caplog.text
    await at.page({**rebound, "X-Forwarded-For": "198.51.100.1"})  # from the internet: whatever name the host has
    await at.page({"Host": "chat.example", "Origin": "http://chat.example"})


@pytest.mark.parametrize(
    "path",
    [
        "/socket.io/?EIO=4&transport=polling", "/socket.io/", "/socket.io/?EIO=3&transport=websocket",
        "/socket.io/?transport=websocket", "/socket.io/?EIO=4&transport=websocket&sid=abc",
        "/socket.io/?EIO=4&transport=websocket&transport=polling",
    ],
)  # fmt: skip
async def test_other_transports_and_versions_are_refused_before_the_upgrade(site: Open, path: str) -> None:
    at = site()
    with pytest.raises(Refused) as refused:
        await at.connect(path=path)
    assert refused.value.status == 400 and b'"message": "Connect' in refused.value.body


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT", "DELETE", "HEAD"])
async def test_polling_is_refused_with_one_clear_sentence(site: Open, method: str) -> None:
    at = site()
    raw = await at.tcp()
    await raw.raw(f"{method} {SOCKETIO} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode())
    if method == "HEAD":
        assert (await raw.reader.readline()).startswith(b"HTTP/1.1 400")
    else:
        status, headers, body = await answer(raw.reader)
        assert status == 400 and b"set transports to ['websocket']" in body and "server" not in headers


def asked(peer: str, **headers: str) -> HTTPServerRequest:
    fields = HTTPHeaders({key.replace("_", "-"): value for key, value in headers.items()})
    request = HTTPServerRequest(start_line=RequestStartLine("GET", "/", "HTTP/1.0"), headers=fields)
    request.remote_ip = peer
    return request


PROXIES = tuple(map(parsed_network, ("127.0.0.1", "::1", "10.0.0.0/8")))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "1.2.3.4, 198.51.100.1, 10.1.1.1", "198.51.100.1"),
        ("127.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1, nonsense", ""),
        ("127.0.0.1", "198.51.100.1, nonsense, 10.1.1.1", ""),
        ("127.0.0.1", "nonsense, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "unknown", ""),
        ("127.0.0.1", "", ""),
        ("10.1.1.1", "198.51.100.1,", ""),
        ("::ffff:127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::1", "[2001:db8::7]:443", "2001:db8::7"),
        ("::1", "198.51.100.1:443", "198.51.100.1"),
        ("::ffff:203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("fe80::1%eth0", "198.51.100.1", "fe80::1"),
    ],
)
def test_a_forwarded_address_counts_from_trusted_proxies_only(peer: str, forwarded_for: str, address: str) -> None:
    assert client_address(asked(peer, X_Forwarded_For=forwarded_for), PROXIES) == address


@pytest.mark.parametrize(
    "header",
    [
        "X_Real_Ip", "Forwarded", "X_Forwarded_Host", "X_Forwarded_Proto", "Via", "CF_Connecting_IP", "True_Client_IP",
        "X_Client_IP", "X_Cluster_Client_IP", "Fly_Client_IP", "Fastly_Client_IP", "X_Envoy_External_Address",
        "X_Forwarded", "X_Forwarded_Port", "X_FORWARDED_SERVER", "x_forwarded_ssl", "X_Original_Forwarded_For",
        "CDN_Loop",
    ],
)  # fmt: skip
def test_a_proxy_that_says_nothing_else_does_not_say_who_asks(header: str) -> None:
    assert client_address(asked("127.0.0.1", **{header: "198.51.100.1"}), PROXIES) == ""


def test_only_this_machines_own_guests_come_from_a_trusted_address_and_name_nobody() -> None:
    assert client_address(asked("127.0.0.1"), PROXIES) == "127.0.0.1"
    assert client_address(asked("::1"), PROXIES) == "::1"
    assert client_address(asked("10.1.1.1"), PROXIES) == ""


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"X-Forwarded-For": "unknown"}, "X-Forwarded-For without an address"),
        ({"X-Forwarded-For": "1.2.3.4, "}, "X-Forwarded-For without an address"),
        ({"X-Real-IP": "1.2.3.4"}, "X-Real-Ip alone"),
        ({"Forwarded": "for=1.2.3.4", "CF-Connecting-IP": "1.2.3.4"}, "Forwarded, Cf-Connecting-Ip alone"),
    ],
)
async def test_nobody_is_served_whose_proxy_does_not_say_who_asks(
    site: Open, said: dict[str, str], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    at = site()
    for path in (SOCKETIO, "/", "/static/page.js"):
        with pytest.raises(Refused) as refused:
            await at.connect(said, path)
        assert refused.value.status == 502 and b"let it set X-Forwarded-For" in refused.value.body
        assert "server" not in refused.value.headers
    assert len(caplog.records) == 1 and "trusted_proxies" in caplog.text and "1.2.3" not in caplog.text
    assert f"(it sends {named})" in caplog.text
    await at.page({"X-Forwarded-For": "198.51.100.1"})
    await at.page()


async def test_spoofed_headers_of_a_direct_client_change_nothing(site: Open) -> None:
    at = site(trusted_proxies=["10.0.0.1"])
    spoofed = "198.51.100.1"
    page = await at.page({"X-Forwarded-For": spoofed, "X-Real-Ip": spoofed, "Forwarded": f"for={spoofed}"})
    await page.send('42/user,["user-join",{}]')
    await at.until(lambda: len(at.events) == 1)
    assert at.events[0][0].address == "127.0.0.1"


def test_a_wrong_trusted_proxy_is_named(site: Open) -> None:
    with pytest.raises(ValueError, match="not-an-address"):
        site(trusted_proxies=["127.0.0.1", "not-an-address"])


def test_ignored_headers_are_warned_of_once_an_hour_without_the_address(caplog: pytest.LogCaptureFixture) -> None:
    now_s = [0.0]
    address = ClientAddresses(PROXIES, lambda: now_s[0], LOG)
    for at_s, lines in ((0, 1), (1, 1), (3599, 1), (3601, 2)):
        now_s[0] = at_s
        assert address(asked("203.0.113.7", X_Forwarded_For="198.51.100.1")) == "203.0.113.7"
        address(asked("127.0.0.1", X_Forwarded_For="198.51.100.1"))
        assert len(caplog.records) == lines
    assert "ignored (X-Forwarded-For)" in caplog.text and "trusted_proxies" in caplog.text
    assert "203.0" not in caplog.text and "198.51" not in caplog.text


async def test_a_network_has_so_many_connections_and_gets_them_back(site: Open) -> None:
    at = site(connections_per_address=2)
    pages = {}
    for address in ("203.0.113.7", "203.0.113.8", "2001:db8:0:1::1", "2001:db8:0:2::1"):
        pages[address] = [await at.page({"X-Forwarded-For": address}) for _ in range(2)]
    for address in ("203.0.113.7", "::ffff:203.0.113.7", "2001:db8:0:1:ffff::2"):
        with pytest.raises(Refused) as refused:
            await at.connect({"X-Forwarded-For": address})
        assert refused.value.status == 429 and "retry-after" in refused.value.headers
    await pages["203.0.113.7"][0].close()
    await at.until(lambda: at.edge.connections == 7)
    await at.page({"X-Forwarded-For": "203.0.113.7"})


async def test_the_networks_of_a_48_have_as_many_connections_as_ten(site: Open) -> None:
    at = site(connections_per_address=1)
    pages = [await at.page({"X-Forwarded-For": f"2001:db8:0:{n:x}::1"}) for n in range(10)]
    with pytest.raises(Refused) as refused:
        await at.connect({"X-Forwarded-For": "2001:db8:0:ffff::1"})
    assert refused.value.status == 429
    await at.page({"X-Forwarded-For": "2001:db8:1::1"})
    await pages[0].close()
    await at.until(lambda: at.edge.connections == 10)
    await at.page({"X-Forwarded-For": "2001:db8:0:ffff::1"})


def test_the_networks_of_a_48_have_no_more_than_half_of_the_room() -> None:
    seats = ConnectionLimiter(plain_share(200, 900), 900)
    taken = 0
    for source in (f"2001:db8:0:{n:x}::/64" for n in range(1, 9)):
        while seats.free(source):
            seats.take(source)
            taken += 1
    assert taken == 450 and seats.free("2001:db8:1:1::/64") and seats.free("203.0.113.7")
    seats.give_back("2001:db8:0:1::/64")
    assert seats.free("2001:db8:0:9::/64")


async def test_loopback_is_unlimited(site: Open) -> None:
    at = site(connections_per_address=1)
    for _ in range(5):
        await at.page()


async def test_an_address_may_be_refused_for_another_reason(site: Open) -> None:
    at = site(allow_connection=lambda address: address != "203.0.113.7")
    await at.page({"X-Forwarded-For": "203.0.113.8"})
    with pytest.raises(Refused) as refused:
        await at.connect({"X-Forwarded-For": "203.0.113.7"})
    assert refused.value.status == 429


async def test_a_stopping_server_refuses_handshakes(site: Open) -> None:
    at = site()
    await at.edge.stop()
    with pytest.raises(Refused) as refused:
        await at.connect()
    assert refused.value.status == 503


async def test_nobody_who_was_refused_or_half_connected_keeps_a_seat(site: Open) -> None:
    at = site(connections_per_address=1)
    headers = {"X-Forwarded-For": "203.0.113.7"}
    for wrong in ({"Sec-WebSocket-Version": "12"}, {"Sec-WebSocket-Key": ""}, {"Connection": "close"}):
        with pytest.raises(Refused):
            await at.connect({**headers, **wrong})
    raw = await at.connect(headers)
    raw.writer.transport.abort()
    await at.until(lambda: at.edge.connections == 0)
    await at.page(headers)


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("127.0.0.1", ""), ("::1", ""), ("10.1.2.3", ""), ("::ffff:10.1.2.3", ""),
        ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8::1:2:3", "2001:db8::/64"), ("fe80::1%eth0", "fe80::/64"), ("", "unknown"),
    ],
)  # fmt: skip
def test_a_peer_counts_for_its_network_unless_it_is_a_trusted_proxy(peer: str, source: str) -> None:
    assert peer_network(peer, PROXIES) == source


@pytest.mark.parametrize(("pages", "room", "share"), [(200, 100_000, 400), (200, 220, 110), (200, 0, 1), (1, 9, 2)])
def test_no_network_has_more_than_half_of_the_room(pages: int, room: int, share: int) -> None:
    assert plain_share(pages, room) == share
