"""Checks of a site as a guest's browser meets it: name, certificate, page, clock, WebSocket, forwarded address."""

import asyncio
import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import citychat
from citychat.doctor.browsing import Reply, SiteAddress, certificate_ends_s, get
from citychat.doctor.finding import Finding, wrong
from citychat.doctor.probe import probe
from citychat.networks import is_public
from citychat.terminal import site as terminal_site

CONNECT_S, PROBE_S = 3.0, 12.0
CERTIFICATE_DAYS = 14  # who renews by a timer does so at 30
CLOCK_APART_S = 30
DAY_S = 86_400
FORGED = "192.0.2.77"  # nobody's (RFC 5737): what a guest would write who pretends to be somebody else
SOCKET = "/socket.io/?EIO=4&transport=websocket"
UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}  # fmt: skip
CERTIFICATE_FAULTS = {
    9: "It is not valid yet: is this machine's clock right?",
    10: "It has run out: renew it (certbot renew), then reload the proxy.",
    18: "It is self-made, which browsers refuse: get one from a public authority (docs/hosting.md, step 4).",
    62: "It is for another name: get one for the name that guests type.",
    64: "It is for another address: get one for what guests type.",
}
CHAIN = "Browsers do not know who made it: does the proxy send the whole chain (fullchain.pem)?"
FORWARD = "let it set X-Forwarded-For to the address of the client and nothing else, as deploy/nginx.conf does"


def findings(site: SiteAddress, now: Callable[[], datetime]) -> Iterator[Finding]:
    """Look at the site, step by step; what cannot be reached ends it, for all that follows would fail by that."""
    own: set[str] = set()
    yield (found := name(site, own))
    if not found.well and not own:
        return
    yield (found := certificate(site, now()))
    try:
        reply = get(site, "/")
    except (OSError, http.client.HTTPException) as error:
        if found.well:  # else it is said
            yield wrong("Page", f"No answer ({_reason(error)}): is the proxy running, and does it serve this name?")
        return
    yield (found := page(reply))
    if not found.well:
        return
    facts = terminal_site.Site.of_page(site.url, reply.body)
    yield version(facts.version)
    yield clock(reply, now())
    yield ready(site)
    yield from sockets(site, facts.consent, own)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def name(site: SiteAddress, own: set[str]) -> Finding:
    """Look the name up and connect to each of its addresses; ``own`` gets those that this machine asks from."""
    try:
        found = {row[4][0]: row for row in socket.getaddrinfo(site.host, site.port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        return wrong("Name", f"{site.host} is not in the DNS ({_reason(error)}): enter the server's address there.")
    silent = []
    for address, (family, kind, protocol, _, target) in found.items():
        with socket.socket(family, kind, protocol) as connection:
            connection.settimeout(CONNECT_S)
            try:
                connection.connect(target)
                own.add(str(connection.getsockname()[0]))
            except OSError:
                silent.append(str(address))
    if not own:
        return wrong(
            "Name", f"Nothing answers at {', '.join(silent)}, port {site.port}: is the proxy running, the port open?"
        )
    if silent and not site.is_here:
        return wrong("Name", f"Nothing answers at {', '.join(silent)}: listen there too, or take it out of the DNS.")
    return Finding("Name", f"{site.host} leads to {', '.join(map(str, found))}")


def certificate(site: SiteAddress, now: datetime) -> Finding:
    """Look at the certificate as browsers do, and how long it lasts."""
    if not site.is_encrypted:
        if site.is_here:
            return Finding("Https", "not needed on this machine itself")
        return wrong("Https", "What guests write can be read on the way, and no phone tells its position: use https.")
    try:
        days = int(certificate_ends_s(site) - now.timestamp()) // DAY_S
    except ssl.SSLCertVerificationError as error:
        return wrong("Certificate", CERTIFICATE_FAULTS.get(error.verify_code, CHAIN))
    except OSError as error:
        return wrong(
            "Certificate", f"No https there ({_reason(error)}): does the proxy listen with ssl on port {site.port}?"
        )
    if days < CERTIFICATE_DAYS:
        return wrong("Certificate", f"It has {days} days left: why is it not renewed? (certbot renew --dry-run)")
    return Finding("Certificate", f"{days} days left")


def page(reply: Reply) -> Finding:
    """Look at the answer to a request for the page."""
    refusal = _refusal(reply)
    if refusal == "unknown-client":
        return wrong("Page", f"The proxy does not say for whom it asks: {FORWARD}.")
    if refusal == "unknown-name":
        return wrong("Page", "The server does not know this name on its own network: add it to the setting origins.")
    if 300 <= reply.status < 400:
        return wrong("Page", f"It sends guests to {reply.headers.get('Location', 'nowhere')}: look at that address.")
    if reply.status in (502, 503, 504):
        return wrong("Page", f"The proxy answers {reply.status}: is CityChat running, on the port the proxy asks?")
    try:
        terminal_site.Site.of_page("it", reply.body)
    except terminal_site.NoSite:
        return wrong("Page", f"Something else answers ({reply.status}): let the proxy hand this name to CityChat.")
    return Finding("Page", "served")


def _refusal(reply: Reply) -> str:
    """The code of a refusal of ours; "" for any other answer."""
    if not 400 <= reply.status < 600:
        return ""
    answer = _json(reply)
    return str(answer.get("error", "")) if isinstance(answer, dict) else ""


def _json(reply: Reply) -> Any:
    try:
        return json.loads(reply.body)
    except ValueError:
        return None


def version(theirs: str) -> Finding:
    """Compare the version that serves with that of this program."""
    if theirs != citychat.__version__:
        return wrong(
            "Version", f"The site is CityChat {theirs}, this program {citychat.__version__}: restart the older."
        )
    return Finding("Version", f"CityChat {theirs}")


def clock(reply: Reply, now: datetime) -> Finding:
    """Compare the site's clock, as the Date of its answer has it, with this machine's."""
    try:
        apart_s = (parsedate_to_datetime(reply.headers.get("Date", "")) - now).total_seconds()
    except (ValueError, TypeError):
        return Finding("Clock", "the site tells no time")
    if abs(apart_s) > CLOCK_APART_S:
        side = "ahead of" if apart_s > 0 else "behind"
        return wrong(
            "Clock", f"The site's is {abs(apart_s):.0f} s {side} this machine's: let NTP set both (timedatectl)."
        )
    return Finding("Clock", "the site's agrees with this machine's")


def ready(site: SiteAddress) -> Finding:
    """Look at what the server says of itself."""
    try:
        reply = get(site, "/ready")
    except (OSError, http.client.HTTPException) as error:
        return wrong("Ready", f"/ready does not answer ({_reason(error)}).")
    said = _json(reply)
    if not isinstance(said, dict) or "ready" not in said:
        return Finding("Ready", "the proxy keeps /ready to itself")
    states = {
        part: told if isinstance(told, dict) else {"state": told} for part, told in said.items() if part != "ready"
    }
    troubles = [f"{part}: {told['state']}" for part, told in states.items() if told.get("state") != "ok"]
    troubles += [
        f"{part}: {told[more]}" for part, told in states.items() for more in ("clock", "advice") if told.get(more)
    ]
    if troubles:
        return wrong("Ready", f"{'; '.join(troubles)}. See docs/hosting.md, What to watch.")
    return Finding("Ready", "guests can be served")


def sockets(site: SiteAddress, consent: str, own: set[str]) -> Iterator[Finding]:
    """Join as a probe over a WebSocket, and compare the address the server saw with ``own``."""
    headers = {"Origin": site.url} | ({"X-Forwarded-For": FORGED} if site.is_encrypted else {})
    answer = asyncio.run(probe(site.url, consent, headers, PROBE_S))
    if answer is None:
        yield wrong("WebSocket", _why_no_socket(site))
    elif not answer["ok"]:
        yield wrong("WebSocket", f"A guest who comes now is refused: {answer.get('message', answer.get('error'))}")
    elif "address" not in answer:
        yield wrong("WebSocket", "The server is too old to know a probe: bring it to this program's version.")
    else:
        yield Finding("WebSocket", "a guest can connect and join")
        yield forwarded(site, str(answer["address"]), own)


def _why_no_socket(site: SiteAddress) -> str:
    try:
        reply = get(site, SOCKET, {**UPGRADE, "Origin": site.url})
    except (OSError, http.client.HTTPException) as error:
        return f"/socket.io/ does not answer ({_reason(error)})."
    match reply.status, _refusal(reply):
        case 101, _:
            return f"It opens, and no join is answered in {PROBE_S:.0f} s: does the proxy hold frames back?"
        case _, "websocket-only":
            return (
                "The proxy does not hand the upgrade on: HTTP/1.1, Upgrade and Connection, as deploy/nginx.conf has it."
            )
        case _, "foreign-origin":
            return "The proxy does not hand on the Host that guests ask for: let it (Host $http_host), or set origins."
        case 404, _:
            return "The proxy answers 404: let it hand /socket.io/ to CityChat like the rest."
        case status, _:
            return f"/socket.io/ answers {status}: see the proxy's log."


def forwarded(site: SiteAddress, seen: str, own: set[str]) -> Finding:
    """Judge by the address that the server saw whether the proxy tells it who asks."""
    if seen == FORGED:
        return wrong(
            "Address",
            f"Guests can pretend any address, for the proxy hands on what they write: {FORWARD}.",
        )
    if seen in own:
        return Finding("Address", "the server sees where this machine asks from")
    if is_public(seen) and not any(map(is_public, own)):
        return Finding("Address", f"the server sees {seen}, which should be your own way into the internet")
    return wrong(
        "Address",
        f"The server sees {seen}, and this machine asked from {', '.join(sorted(own))}: if it is your proxy, name it "
        f"in trusted_proxies, and {FORWARD}.",
    )
