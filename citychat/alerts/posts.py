"""Posts to the host: a webhook that takes JSON, and ntfy. Nothing is followed to another address."""

import json
import ssl
from base64 import b64encode
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import unquote, urlsplit

from citychat.alerts.alert import Alert, NotSent

WITHIN_S = 10.0


class _Post:
    """A POST to ``url``; user and password in it are sent as basic authentication."""

    def __init__(self, what: str, url: str) -> None:
        parts = urlsplit(url)
        self._is_https = not parts.scheme.endswith("http")  # https, ntfy
        self._host, self._port = parts.hostname or "", parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"User-Agent": "CityChat"}
        if parts.password is not None:
            pair = f"{unquote(parts.username or '')}:{unquote(parts.password)}"
            self._headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        self.place = f"{what} at {self._host}"

    def _post(self, body: bytes, headers: dict[str, str]) -> None:
        connection = self._connection()
        try:
            connection.request("POST", self._path, body, self._headers | headers)
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise NotSent(f"{self.place}: {why}") from None
        finally:
            connection.close()
        if not 200 <= status < 300:
            raise NotSent(f"{self.place}: answered {status}")

    def _connection(self) -> HTTPConnection:
        if self._is_https:
            context = ssl.create_default_context()
            return HTTPSConnection(self._host, self._port, timeout=WITHIN_S, context=context)
        return HTTPConnection(self._host, self._port, timeout=WITHIN_S)


class WebhookWay(_Post):
    """A way by webhook: JSON with ``text``, which chat programs show, and the numbers beside it."""

    def __init__(self, url: str) -> None:
        super().__init__("webhook", url)

    def send(self, alert: Alert) -> None:
        body = {"text": alert.text, "new": alert.new, "open": alert.waiting, "codes": alert.codes}
        self._post(json.dumps(body).encode(), {"Content-Type": "application/json"})


class NtfyWay(_Post):
    """A way by ntfy: ``ntfy://:token@host/topic``; ``ntfy+http`` for a server in the clear."""

    def __init__(self, url: str) -> None:
        super().__init__("ntfy", url)

    def send(self, alert: Alert) -> None:
        self._post(alert.body.encode(), {"Title": "CityChat", "Content-Type": "text/plain; charset=utf-8"})
