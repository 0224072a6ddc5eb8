"""Handlers of the page's files, and the headers of every answer over HTTP."""

import mimetypes
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from citychat.handlers.codings import IDENTITY, choose

STATIC = Path(__file__).parents[1] / "static"
PACKED = {"br": ".br", "gzip": ".gz"}  # codings by what stands behind a file's name; the better one first
YEAR_S = 31_536_000
Turn = Callable[[HTTPServerRequest], Awaitable[tuple[int, str, str] | None]]
"""Waits until a request may be answered; status, code and sentence when it may not (the application's ``turn``)."""
SAFE_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


class GuardedHandler(RequestHandler):
    """Security headers on every answer, refusals included."""

    script_hash = style_hash = ""  # of what stands in the page itself
    form_action = "'none'"

    async def prepare(self) -> None:
        turn: Turn | None = self.settings.get("turn")
        if turn is not None and (refusal := await turn(self.request)) is not None:
            status, _, message = refusal
            self.set_status(status)
            self.set_header("Retry-After", "30")
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(f"{status} {message}\n")

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Content-Security-Policy", self._policy())
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Permissions-Policy", "geolocation=(self), camera=(), microphone=()")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        if self.request.protocol == "https":  # over plain http browsers complain about the first and ignore the second
            self.set_header("Cross-Origin-Opener-Policy", "same-origin")
            self.set_header("Strict-Transport-Security", f"max-age={YEAR_S}")

    def _policy(self) -> str:
        host = self.request.host
        # Safari before 15.4 does not count ws: of the same host as 'self'.
        sockets = f" ws://{host} wss://{host}" if SAFE_HOST.fullmatch(host) else ""
        script = f" 'sha256-{self.script_hash}'" if self.script_hash else ""
        style = f" 'sha256-{self.style_hash}'" if self.style_hash else ""
        return (
            f"default-src 'none'; script-src 'self'{script}; style-src 'self'{style}; connect-src 'self'{sockets}; "
            "img-src 'self'; manifest-src 'self'; media-src 'self'; base-uri 'none'; "
            f"form-action {self.form_action}; "
            "frame-ancestors 'none'"
        )

    def negotiate(self, *codings: str, also: str = "") -> str:
        """Choose one of these codings, or ``identity``, and say so. ``also``: what else the answer depends on.

        Raises HTTPError (406) when none is wanted.
        """
        coding = choose(self.request.headers.get("Accept-Encoding"), [*codings, IDENTITY])
        if coding is None:
            raise HTTPError(406)
        self.set_header("Vary", f"{also}Accept-Encoding")
        if coding != IDENTITY:
            self.set_header("Content-Encoding", coding)
        return coding

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code} {self._reason}\n")


class FilesHandler(GuardedHandler, StaticFileHandler):
    """Files under ``static``: kept for a year when asked for by their content's hash, else checked at each use.

    Beside some lies the same file packed (``PACKED``), made with it by the build. Each has a tag of its own.
    """

    _plain = Path()

    async def get(self, path: str, include_body: bool = True) -> None:
        await super().get(path, include_body)
        if self.get_status() == 416:  # no part was sent, packed or not
            self.clear_header("Content-Encoding")

    def parse_url_path(self, url_path: str) -> str:
        if "\0" in url_path:  # no path of any system, and an error of ours further down
            raise HTTPError(404)
        return super().parse_url_path(url_path)

    def get_cache_time(self, path: str, modified: Any, mime_type: str) -> int:
        return 0

    def compute_etag(self) -> str:
        """Of what is sent, as it is now: Tornado's own stays that of the first request."""
        return f'"{hash_of(Path(str(self.absolute_path)))}"'

    def set_extra_headers(self, path: str) -> None:
        version = self.get_query_argument("v", "")
        known = version != "" and version == hash_of(self._plain)
        self.set_header("Cache-Control", f"public, max-age={YEAR_S}, immutable" if known else "no-cache")
        # A part of another version, or of another coding, would not fit what is there already. Tornado does not look.
        wanted = self.request.headers.get("If-Range")
        if wanted is not None and wanted != self.compute_etag():
            self.request.headers.pop("Range", None)

    def get_content_type(self) -> str:
        kind = mimetypes.guess_type(self._plain.name)[0] or "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if any(part.startswith(".") for part in Path(absolute_path).relative_to(root).parts):
            raise HTTPError(404)
        if absolute_path.endswith(tuple(PACKED.values())):
            raise HTTPError(404)
        plain = super().validate_absolute_path(root, absolute_path)
        if plain is None:
            return None
        self._plain = Path(plain)
        packed = [coding for coding, end in PACKED.items() if Path(absolute_path + end).is_file()]
        coding = self.negotiate(*packed) if packed else IDENTITY
        return plain if coding == IDENTITY else super().validate_absolute_path(root, absolute_path + PACKED[coding])


def short_hash(content: bytes) -> str:
    """Name of a content: an address that bears it may be kept for a year."""
    return sha256(content).hexdigest()[:12]


def hash_of(path: Path) -> str:
    return short_hash(path.read_bytes())


def versioned(name: str, static: Path = STATIC) -> str:
    return f"/static/{name}?v={hash_of(static / name)}"
