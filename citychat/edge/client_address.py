"""The origin of a request: its client's address, its page's origin, how many connections its network has."""

import logging
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable

from tornado.httputil import HTTPServerRequest

from citychat.limits import bound, site
from citychat.networks import Network, network, parsed, parsed_hop, within

Networks = tuple[Network, ...]

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_ORIGIN = re.compile(r"(https?)://([^/?#@\s,]+)", re.ASCII)
_OWN_PORT = {"http": "80", "https": "443"}
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]/?#@\s,]+)(?::([0-9]{1,5}))?", re.ASCII)
# In which proxies, and the networks that host for others, say for whom they ask; of these only the first counts.
_FORWARDING = (
    "X-Forwarded-For", "X-Real-Ip", "Forwarded", "Cf-Connecting-Ip", "True-Client-Ip", "X-Client-Ip",
    "X-Cluster-Client-Ip", "Fly-Client-Ip", "Fastly-Client-Ip", "X-Envoy-External-Address", "X-Original-Forwarded-For",
)  # fmt: skip
_BESIDE = "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server", "Via", "Cdn-Loop"
_OF_PROXIES = re.compile("|".join((*_FORWARDING, *_BESIDE, "X-Forwarded(-.*)?")))
_WARN_EVERY_S = 3600.0


def client_address(request: HTTPServerRequest, trusted: Networks) -> str:
    """The client's address: the TCP peer, or, when that is a trusted proxy, the nearest hop that is none.

    Only ``X-Forwarded-For`` counts, read from its end: what a client writes into it stands further left than what a
    trusted proxy adds. IPv4 in IPv6 is unwrapped, so that one client never has two addresses. "" when a trusted proxy
    does not say for whom it asks: it would count as a guest on its own address, without limits and among the own
    network's guests. Only this machine's own guests come from a trusted address and say nothing of a proxy.
    """
    peer = request.remote_ip or ""
    nearest = parsed(peer)
    if nearest is None:
        return peer
    if not within(nearest, trusted):
        return str(nearest)
    if "X-Forwarded-For" not in request.headers:
        direct = nearest.is_loopback and not any(map(_OF_PROXIES.fullmatch, request.headers))
        return str(nearest) if direct else ""
    for hop in reversed(request.headers["X-Forwarded-For"].split(",")):
        address = parsed_hop(hop.strip())
        if address is None:
            return ""
        nearest = address
        if not within(address, trusted):
            break
    return str(nearest)


def said_by_proxy(request: HTTPServerRequest) -> str:
    """Return the names of the headers by which a proxy shows in a request: for a log, so without what they say."""
    came = [header for header in (*_FORWARDING, *_BESIDE) if header in request.headers]
    if "X-Forwarded-For" in came:
        return "X-Forwarded-For without an address"
    return f"{', '.join(came)} alone" if came else "nothing of it"


def peer_network(peer: str, trusted: Networks) -> str:
    """The network a TCP peer counts for; "" is no limit: loopback, and trusted proxies, which come for everybody."""
    address = parsed(peer)
    return "" if address is not None and within(address, trusted) else network(peer)


class ClientAddresses:
    """The clients' addresses, with the one warning an hour about headers that are ignored (product page, Host)."""

    def __init__(self, trusted: Networks, now_s: Callable[[], float], logger: logging.Logger) -> None:
        self._trusted = trusted
        self._now_s = now_s
        self._logger = logger
        self._warned_until_s = float("-inf")

    def __call__(self, request: HTTPServerRequest) -> str:
        for header in _FORWARDING:
            if header in request.headers:
                self._warn_if_ignored(request, header)
                break
        return client_address(request, self._trusted)

    def _warn_if_ignored(self, request: HTTPServerRequest, header: str) -> None:
        peer = parsed(request.remote_ip or "")
        if (peer is not None and within(peer, self._trusted)) or self._now_s() < self._warned_until_s:
            return
        self._warned_until_s = self._now_s() + _WARN_EVERY_S
        self._logger.warning(
            "A forwarding header was ignored (%s) because it came from an address that is not in trusted_proxies. "
            "If a reverse proxy of yours sent it, add its address to trusted_proxies.",
            header,
        )


def same_origin(origin: str, host: str, allowed: frozenset[str]) -> bool:
    """Tell whether a page of ``origin`` may connect to ``host`` (both as the browser sent them).

    Its own origin may, over http or https, and what the setting ``origins`` lists, letter by letter; the loopback names
    of one port count as one. Browsers leave a scheme's own port out and some proxies put it into ``Host``: with and
    without is one site. Never by beginning or end: ``good.example.evil`` is another site.
    """
    if origin in allowed:
        return True
    page = _ORIGIN.fullmatch(origin.lower())
    if page is None:
        return False
    theirs, ours, own_port = _HOST.fullmatch(page[2]), _HOST.fullmatch(host.lower()), _OWN_PORT[page[1]]
    if theirs is None or ours is None or (theirs[2] or own_port) != (ours[2] or own_port):
        return False
    return theirs[1] == ours[1] or (theirs[1] in _LOOPBACK_NAMES and ours[1] in _LOOPBACK_NAMES)


def names_of(origins: Iterable[str]) -> frozenset[str]:
    """Return the host names of web origins, without their ports."""
    pages = (_ORIGIN.fullmatch(origin.lower()) for origin in origins)
    hosts = (_HOST.fullmatch(page[2]) for page in pages if page is not None)
    return frozenset(host[1] for host in hosts if host is not None)


def is_own_name(host: str, names: frozenset[str]) -> bool:
    """Tell whether nobody else can have led a browser here by this ``Host``: a literal address, localhost, or one of
    ``names``. By any other name a page of its owner may reach the own network of whoever opens it (DNS rebinding): he
    answers with a private address once his page is loaded, and for the browser it is still one site."""
    asked = _HOST.fullmatch(host.lower())
    if asked is None:
        return False
    return asked[1] == "localhost" or asked[1] in names or parsed(asked[1].strip("[]")) is not None


def plain_share(pages: int, room: int) -> int:
    """Return the limit of plain HTTP connections per network: a page that loads opens several, so twice as many as
    ``pages``, but no more than half of all there is ``room`` for."""
    return max(1, min(2 * pages, room // 2))


class ConnectionLimiter:
    """Counts the connections of each network (``networks.network``: one IPv4 address or IPv6 /64; loopback is none),
    and of each IPv6 /48, which has those of several, but never more than half of all there is ``room`` for."""

    def __init__(self, per_network: int, room: int = sys.maxsize) -> None:
        self._per_network = per_network
        self._per_site = max(per_network, min(bound("networks of a /48") * per_network, room // 2))
        self._taken, self._of_sites = Counter[str](), Counter[str]()

    def free(self, source: str) -> bool:
        if not source:
            return True
        return self._taken[source] < self._per_network and self._of_sites[site(source)] < self._per_site

    def take(self, source: str) -> None:
        self._taken[source] += 1
        self._of_sites[site(source)] += 1

    def give_back(self, source: str) -> None:
        for taken, name in ((self._taken, source), (self._of_sites, site(source))):
            taken[name] -= 1
            if taken[name] <= 0:
                del taken[name]
