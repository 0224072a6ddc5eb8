"""Requests as a browser makes them, to see what a site answers."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from email.message import Message
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from citychat.networks import is_loopback

ANSWER_S = 8.0
BODY_MAX_BYTES = 1_000_000


class BadAddress(Exception):
    """One line: what was given is no address of a site."""


class SiteAddress(NamedTuple):
    """The address of a site. ``url``: as browsers write its origin."""

    url: str
    host: str
    port: int

    @classmethod
    def of(cls, given: str) -> Self:
        """Read an address; without a scheme it is https but for this machine itself. Raises BadAddress."""
        try:
            parts = urlsplit(given if "://" in given else f"{_usual_scheme(given)}://{given}")
            if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
                port = parts.port or {"http": 80, "https": 443}[parts.scheme]
                return cls(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.hostname, port)
        except ValueError:
            pass
        raise BadAddress(f"{given!r} is no address of a site, such as https://chat.example.org")

    @property
    def is_encrypted(self) -> bool:
        return self.url.startswith("https:")

    @property
    def is_here(self) -> bool:
        """Tell whether only this machine can ask so."""
        return self.host == "localhost" or is_loopback(self.host)


def _usual_scheme(place: str) -> str:
    host = urlsplit(f"//{place}").hostname or ""
    return "http" if host == "localhost" or is_loopback(host) else "https"


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: Message
    body: str


def get(site: SiteAddress, path: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Ask for a path, following nothing. Raises OSError, http.client.HTTPException."""
    if site.is_encrypted:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            site.host, site.port, timeout=ANSWER_S, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(site.host, site.port, timeout=ANSWER_S)
    try:
        connection.request("GET", path, headers={"Accept-Language": "en", **(headers or {})})
        answer = connection.getresponse()
        body = "" if answer.status == 101 else answer.read(BODY_MAX_BYTES).decode("utf-8", "replace")
        return Reply(answer.status, answer.headers, body)
    finally:
        connection.close()


def certificate_ends_s(site: SiteAddress) -> int:
    """Return when the certificate ends, s since 1970. Raises OSError; ssl.SSLCertVerificationError for one that no
    browser takes."""
    with socket.create_connection((site.host, site.port), ANSWER_S) as plain:
        with ssl.create_default_context().wrap_socket(plain, server_hostname=site.host) as encrypted:
            ends = (encrypted.getpeercert() or {})["notAfter"]
    return ssl.cert_time_to_seconds(str(ends))
