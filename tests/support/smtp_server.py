"""A mail server of the tests: real sockets, as much of SMTP as a client needs, and STARTTLS with a certificate."""

import asyncio
import base64
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of "localhost" that signs itself, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


class MailServer:
    """``taken``: each mail with its envelope; ``logins``: as they were sent; ``heard``: every command. ``says``: an
    answer in place of its own, by the command's first word."""

    def __init__(self, tls: tuple[Path, Path] | None = None, *, wrapped: bool = False) -> None:
        self.taken: list[tuple[str, list[str], str]] = []
        self.logins: list[tuple[str, str]] = []
        self.heard: list[str] = []
        self.says: dict[str, str] = {}
        self._wrapped = wrapped
        self._tls: ssl.SSLContext | None = None
        if tls is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*tls)
        self.port = 0
        self._talks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["MailServer"]:
        """Listen on a port that is free."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=self._tls if self._wrapped else None)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()
            await asyncio.gather(*self._talks)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_safe, envelope = self._wrapped, ("", list[str]())
        self._talks.append(asyncio.current_task())  # type: ignore[arg-type]
        writer.write(b"220 ready\r\n")
        try:
            while line := (await reader.readline()).decode().strip():
                self.heard.append(line)
                word, _, rest = line.partition(" ")
                word = word.upper()
                if word in self.says:
                    writer.write(f"{self.says[word]}\r\n".encode())
                    continue
                match word:
                    case "EHLO":
                        more = "250-AUTH PLAIN\r\n" if is_safe else "250-STARTTLS\r\n" if self._tls else ""
                        writer.write(f"250-here\r\n{more}250 8BITMIME\r\n".encode())
                    case "STARTTLS":
                        writer.write(b"220 go ahead\r\n")
                        await writer.drain()
                        await writer.start_tls(self._tls)  # type: ignore[arg-type]
                        is_safe = True
                    case "AUTH":
                        _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                        self.logins.append((user, password))
                        writer.write(b"235 welcome\r\n")
                    case "MAIL":
                        envelope = (rest.partition(":")[2].split()[0].strip("<>"), [])
                        writer.write(b"250 ok\r\n")
                    case "RCPT":
                        envelope[1].append(rest.partition(":")[2].strip("<>"))
                        writer.write(b"250 ok\r\n")
                    case "DATA":
                        writer.write(b"354 go on\r\n")
                        text = (await reader.readuntil(b"\r\n.\r\n")).decode()
                        self.taken.append((*envelope, text))
                        writer.write(b"250 taken\r\n")
                    case "QUIT":
                        writer.write(b"221 bye\r\n")
                        break
                    case _:
                        writer.write(b"250 ok\r\n")
                await writer.drain()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
