"""Addresses: one reader, so that no text is two clients, and no two parts of the server see two networks in one."""

import re
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from citychat import setting_types
from citychat.edge.client_address import client_address, peer_network
from citychat.networks import (
    OWN_NETWORKS,
    blamed_network,
    is_loopback,
    is_public,
    network,
    own_network,
    parsed,
    parsed_hop,
    parsed_network,
    within,
)
from citychat.tokens import SigningKey, SigningKeys, network_marks

KEYS = SigningKeys(SigningKey("k", Random(1).randbytes(32)))
ADDRESSES = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).map(lambda ip: f"::ffff:{ip}"),
    st.ip_addresses(v=6).map(lambda ip: f"{ip}%eth0"),
    *(st.ip_addresses(network=net).map(str) for nets in OWN_NETWORKS.values() for net in map(str, nets)),
)
# Addresses with a few signs put in, taken out or wrapped around: what two readers would disagree about.
TEXTS = st.one_of(
    st.text("0123456789abcdef.:%[]/ x", max_size=20),
    st.builds("{}{}{}".format, st.sampled_from(["", "[", " "]), ADDRESSES,
              st.sampled_from(["", "]", "]:80", ":80", ":", ":x", "%", "%x", "%a%b", "/24", " ", "]x"])),
    st.builds(
        lambda text, at, sign: text[:at] + sign + text[at + 1 :], ADDRESSES, st.integers(0, 40), st.text(max_size=2)
    ),
)  # fmt: skip


def asked(peer: str, forwarded_for: str = "") -> HTTPServerRequest:
    headers = HTTPHeaders({"X-Forwarded-For": forwarded_for} if forwarded_for else {})
    request = HTTPServerRequest(start_line=RequestStartLine("GET", "/", "HTTP/1.0"), headers=headers)
    request.remote_ip = peer
    return request


@given(st.one_of(ADDRESSES, TEXTS))
def test_a_text_is_one_address_for_every_part_of_the_server_or_for_none(text: str) -> None:
    address = parsed(text)
    if address is None:
        assert network(text) == peer_network(text, ()) == "unknown"
        assert not own_network(text) and not is_public(text) and not is_loopback(text)
        assert network_marks(KEYS, text, 0) == ()
        assert client_address(asked(text), ()) == text, "and stays what nobody can read"
        return
    plain = str(address)
    assert client_address(asked(text), ()) == plain and parsed(plain) == address
    assert network(text) == network(plain) == peer_network(text, ())
    assert own_network(text) == own_network(plain) and is_public(text) is not bool(own_network(text))
    assert is_loopback(text) is (own_network(text) == "loopback") is (network(text) == "")
    assert network_marks(KEYS, text, 0) == network_marks(KEYS, plain, 0)
    assert bool(network_marks(KEYS, text, 0)) is is_public(text), "a network has marks exactly when it is public"
    assert bool(blamed_network(text)) is is_public(text) and blamed_network(text) == blamed_network(plain)
    assert parsed_hop(text) == address and within(address, (parsed_network(plain),))


@given(st.one_of(ADDRESSES, TEXTS))
def test_a_hop_is_an_address_with_a_port_or_brackets_and_nothing_else(text: str) -> None:
    hop = parsed_hop(text)
    bare = re.fullmatch(r"\[(.*)\](:\d{1,5})?|([^:]*):\d{1,5}", text, re.ASCII)
    assert hop == (parsed(text) if bare is None else parsed(bare[1] or bare[3] or ""))
    if hop is not None:
        proxies = (parsed_network("127.0.0.1"),)
        assert parsed(client_address(asked("127.0.0.1", text), proxies)) == hop


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"), ("::FFFF:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201%eth0", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"), ("2001:DB8:0::1", "2001:db8::1"),
        ("::127.0.0.1", "::7f00:1"), ("64:ff9b::7f00:1", "64:ff9b::7f00:1"), ("2002:7f00:1::", "2002:7f00:1::"),
    ],
)  # fmt: skip
def test_ipv4_in_ipv6_is_unwrapped_a_zone_is_dropped_and_translated_addresses_stay(text: str, address: str) -> None:
    assert str(parsed(text)) == address


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "unix:", " 192.0.2.1", "192.0.2.1:80", "[::1]", "127.1", "0x7f000001", "2130706433",
        # The limits once cut a text at "%": so these were loopback, without any limit, for them alone.
        "127.0.0.1%x", "10.0.0.1%eth0", "fe80::1%", "fe80::1%a%b", "192.0.2.001", "\uff11.2.3.4",
    ],
)  # fmt: skip
def test_other_text_is_no_address(text: str) -> None:
    assert parsed(text) is None and network(text) == "unknown" and own_network(text) == ""


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("198.51.100.1", "198.51.100.1"), ("198.51.100.1:443", "198.51.100.1"), ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"), ("2001:db8::7", "2001:db8::7"), ("[fe80::1%eth0]:1", "fe80::1"),
        ("[::ffff:198.51.100.1]:9", "198.51.100.1"), ("[198.51.100.1]:9", "198.51.100.1"),
    ],
)  # fmt: skip
def test_a_proxy_may_write_a_port_and_brackets(text: str, address: str) -> None:
    assert str(parsed_hop(text)) == address


@pytest.mark.parametrize(
    "text",
    [
        "198.51.100.1:", "198.51.100.1:evil", "198.51.100.1:443:1", "[2001:db8::7", "[2001:db8::7]evil",
        "[2001:db8::7]:", "[[2001:db8::7]]", "[]", ":443", "unknown", "_hidden:1",
    ],
)  # fmt: skip
def test_half_a_port_or_half_a_bracket_is_no_hop(text: str) -> None:
    assert parsed_hop(text) is None


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("192.168.1.5", "192.168.1.5"),
        ("127.0.0.1", ""),
        ("127.1.2.3", ""),
        ("::1", ""),
        ("::1%lo", ""),
        ("::ffff:127.0.0.1", ""),
    ],
)
def test_an_address_counts_for_its_network(address: str, key: str) -> None:
    assert network(address) == key


@given(st.ip_addresses(v=6), st.ip_addresses(v=6))
def test_two_addresses_are_one_network_exactly_when_they_share_64_bits(one: IPv6Address, other: IPv6Address) -> None:
    neighbour = IPv6Address(int(one) >> 64 << 64 | int(other) & 2**64 - 1)
    for ip in (other, neighbour):
        if not (one.ipv4_mapped or ip.ipv4_mapped or one.is_loopback or ip.is_loopback):
            assert (network(str(one)) == network(str(ip))) is (int(one) >> 64 == int(ip) >> 64)


def test_public_addresses_are_not_of_an_own_network() -> None:
    for address in ("203.0.113.7", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2001:db8::1", "::ffff:8.8.8.8"):
        assert is_public(address) and not own_network(address)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("10.1.2.3/8", "10.9.9.9", "11.0.0.1"), ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.1"), ("2001:db8::/32", "2001:db8::1", "2001:db9::1"),
        ("fe80::1%eth0", "fe80::1", "fe80::2"), ("::/0", "2001:db8::1", "10.0.0.1"),
    ],
)  # fmt: skip
def test_a_network_has_its_addresses_however_both_are_written(text: str, inside: str, outside: str) -> None:
    # A proxy named as an IPv4 in IPv6 was never trusted: what came from it was unwrapped, and the setting was not.
    named = (parsed_network(text),)
    for address, there in ((inside, True), (outside, False)):
        assert within(ip_address(address), named) is there
    assert peer_network(inside, named) == "" and peer_network(outside, named)
    assert client_address(asked(inside, "198.51.100.1"), named) == "198.51.100.1"
    assert ip_network(setting_types.proxy(text)) == ip_network(str(named[0])), "the setting is read the same way"


@pytest.mark.parametrize("text", ["", "x", "10.0.0.0/33", "::ffff:10.0.0.1/129", "10.0.0.1:80", "[::1]"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parsed_network(text)
    with pytest.raises(ValueError, match="addresses or networks"):
        setting_types.proxy(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "[::1%25lo]", "localhost"])
def test_a_service_on_this_machine_needs_no_password_however_its_address_is_written(host: str) -> None:
    assert not setting_types.is_open(f"redis://{host}:6379/0")
    assert setting_types.is_open("redis://[::ffff:10.0.0.1]:6379/0")


def test_nobody_else_reads_addresses() -> None:
    package = Path(__file__).parents[2] / "citychat"
    readers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"^\s*(import|from) ipaddress\b", path.read_text("utf-8"), re.MULTILINE)
    }
    assert readers == {"networks.py"}
