"""Push services: which ones a sign may be sent to, and the one request that sends it.

A page names where its signs go. So only services that browsers use are asked, by https and their own names, nothing is
followed elsewhere, and no answer is read beyond its status.
"""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from citychat.model import BadPayload
from citychat.ports import Carried
from citychat.push.keys import PushKeys
from citychat.tasks import beside

HOSTS = re.compile(
    r"fcm\.googleapis\.com|updates\.push\.services\.mozilla\.com|web\.push\.apple\.com"
    r"|[a-z0-9-]+(\.[a-z0-9-]+)*\.notify\.windows\.com"
)
ENDPOINT = re.compile(r"[!-~]{1,1000}")
WITHIN_S = 10.0  # each step of the conversation
ALTOGETHER_S = 30.0
AT_ONCE = 4
SIGNED_S = 3_600  # how long what is signed holds; a day is the most that services take
FOR_GOOD = (404, 410)

log = logging.getLogger(__name__)


class PushServices:
    """Carrier of signs (``ports.SignCarrier``). ``contact``: whom a service may ask, an address of mail or web;
    ``now_s``: the date."""

    def __init__(self, keys: PushKeys, contact: str, now_s: Callable[[], float] = time.time) -> None:
        self._keys, self._contact, self._now_s = keys, contact, now_s
        self._turns = asyncio.Semaphore(AT_ONCE)

    @property
    def public_key(self) -> str:
        return self._keys.public_key

    @property
    def mark(self) -> str:
        return self._keys.mark

    def check(self, endpoint: str) -> None:
        if self._known(endpoint) is None:
            raise BadPayload("endpoint: expected an https address of a push service that this server knows.")

    async def carry(self, endpoint: str, lives_s: int) -> Carried:
        parts = self._known(endpoint)
        if parts is None:
            return "refused"
        async with self._turns:
            try:
                async with asyncio.timeout(ALTOGETHER_S):
                    status = await beside(partial(self._post, parts, lives_s), "push")
            except (OSError, HTTPException) as error:  # a TimeoutError is of the first kind
                log.warning("The push service %s was not reached: %s", parts.hostname, type(error).__name__)
                return "again"
        if 200 <= status < 300:
            return "told"
        if status in FOR_GOOD:
            return "gone"
        log.warning("The push service %s answered %d", parts.hostname, status)
        return "again" if status == 429 or status >= 500 else "refused"

    def _known(self, endpoint: str) -> SplitResult | None:
        """Return the parts of an address of a known service."""
        if not ENDPOINT.fullmatch(endpoint):
            return None
        try:
            parts = urlsplit(endpoint)
            plain = f"{parts.scheme}://{parts.netloc}"
        except ValueError:
            return None
        is_known = plain.startswith("https://") and HOSTS.fullmatch(parts.netloc)
        return parts if is_known or plain in self._keys.services else None

    def _post(self, parts: SplitResult, lives_s: int) -> int:
        """Send it; return the status. Raises OSError, HTTPException."""
        audience = f"{parts.scheme}://{parts.netloc}"
        headers = {
            "Authorization": self._keys.authorization(audience, self._contact, int(self._now_s()) + SIGNED_S),
            "TTL": str(lives_s),
            "Urgency": "normal",
            "Content-Length": "0",
        }
        connection = _connection(parts)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()


def _connection(parts: SplitResult) -> HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        return HTTPSConnection(host, parts.port, timeout=WITHIN_S, context=ssl.create_default_context())
    return HTTPConnection(host, parts.port, timeout=WITHIN_S)
