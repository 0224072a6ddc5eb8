"""Mail to the host, by the server that takes it: STARTTLS or TLS from the start, and a password where one is asked."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from citychat.alerts.alert import Alert, NotSent
from citychat.networks import is_loopback

PORTS = {"smtp": 587, "smtps": 465}
WITHIN_S = 10.0  # each step of the conversation


class MailWay:
    """A way by mail: ``smtps://user:password@host:465/ada@example.org``, or ``smtp://`` for STARTTLS; only a server on
    this machine that wants no password is talked to in the clear. It is from the user, if that is an address."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "localhost", parts.port or PORTS[parts.scheme]
        self._is_wrapped = parts.scheme == "smtps"
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._to = unquote(parts.path.removeprefix("/"))
        self._from = self._user if "@" in self._user else self._to
        self.place = f"mail by {self._host}:{self._port}"

    def send(self, alert: Alert) -> None:
        try:
            with self._connected() as server:
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(self._message(alert), self._from, [self._to])
        except smtplib.SMTPResponseException as error:  # its words may quote what we have said
            raise NotSent(f"{self.place}: refused with {error.smtp_code}") from None
        except (OSError, ValueError) as error:  # smtplib's are of the first kind
            raise NotSent(f"{self.place}: {_why(error)}") from None

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._is_wrapped:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=WITHIN_S, context=context)
        server = smtplib.SMTP(self._host, self._port, timeout=WITHIN_S)
        try:
            if self._password or not (is_loopback(self._host) or self._host == "localhost"):
                server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, alert: Alert) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = f"CityChat: {alert.text}"
        message["From"], message["To"] = self._from, self._to
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._from.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(alert.body + "\n")
        return message


def _why(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "it offers no STARTTLS, or no login"
    return getattr(error, "strerror", None) or type(error).__name__
