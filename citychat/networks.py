"""Internet addresses: their one reader, the networks that are a host's own, and the network an address counts for.

Pure: no socket and no name is looked up. All who read an address do it here, so that the limits, the marks of a block,
the pool of the host's own network and the trust in a proxy never see two different clients in one text.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

OWN_NETWORKS = {
    kind: tuple(ip_network(network) for network in networks.split())
    for kind, networks in {
        "loopback": "127.0.0.0/8 ::1/128",
        "private": "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7",
        "link-local": "169.254.0.0/16 fe80::/10",
        "carrier's private (100.64.0.0/10)": "100.64.0.0/10",
    }.items()
}
_HOP = re.compile(r"\[([^\[\]]*)\](?::[0-9]{1,5})?|([^:\[\]]*):[0-9]{1,5}", re.ASCII)


def written(text: str) -> str | None:
    """Return the address in its shortest form, its zone and an IPv4 in IPv6 kept: the system listens on those too."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def parsed(text: str) -> Address | None:
    """The address, IPv4 in IPv6 unwrapped and without the zone of an IPv6 one; None if it is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    return address.ipv4_mapped or IPv6Address(int(address))


def parsed_hop(text: str) -> Address | None:
    """An address as proxies write it: bare, or in brackets, or with a port."""
    written = _HOP.fullmatch(text)
    return parsed(text if written is None else written[1] or written[2] or "")


def parsed_network(text: str) -> Network:
    """A network in CIDR form, or an address as the network of itself alone, IPv4 in IPv6 unwrapped as in ``parsed``.

    Bits behind the prefix do not count. Raises ValueError that names the text.
    """
    network = ip_network(text, strict=False)
    first = network.network_address
    if isinstance(first, IPv6Address) and first.ipv4_mapped:
        return IPv4Network((first.ipv4_mapped, network.prefixlen - 96))
    return network


def within(address: Address, networks: tuple[Network, ...]) -> bool:
    """Tell whether one of the networks has the address."""
    return any(address in network for network in networks)


def network(text: str) -> str:
    """The network an address counts for: an IPv4 address itself, of an IPv6 address its /64 (one household or host).

    "" is no network and no limit: loopback. What is no address at all shares one key, "unknown".
    """
    address = parsed(text)
    if address is None:
        return "unknown"
    if address.is_loopback:
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"


def blamed_network(text: str) -> str:
    """The network that an address is blamed by, for reports, blocks and pauses: an IPv4 address itself, of an IPv6
    address its /48. One household has up to 65,536 networks of /64 in it. "" is none: an own network, and no address,
    which would be one network for all such."""
    address = parsed(text)
    if address is None or own_network(text):
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    return f"{IPv6Address(int(address) >> 80 << 80)}/48"


def own_network(text: str) -> str:
    """Return the kind of the host's own network that an address is of ("loopback", ...); "" for a public one, and for
    no address: what nobody can read must not open the pool of the own network."""
    address = parsed(text)
    if address is None:
        return ""
    return next((kind for kind, networks in OWN_NETWORKS.items() if within(address, networks)), "")


def is_public(text: str) -> bool:
    """Tell whether an address says where in the internet somebody is: neither of an own network nor no address."""
    return parsed(text) is not None and not own_network(text)


def is_loopback(text: str) -> bool:
    """Tell whether an address is this machine's, for itself only."""
    address = parsed(text)
    return address is not None and address.is_loopback
