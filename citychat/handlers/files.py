"""Handlers of the page's files, and the headers of every answer over HTTP."""

import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler, StaticFileHandler

STATIC = Path(__file__).parents[1] / "static"
ALIAS = {"favicon.ico": "icon.svg"}  # browsers ask for it wherever they find no link to an icon
YEAR_S = 31_536_000
Turn = Callable[[HTTPServerRequest], Awaitable[tuple[int, str, str] | None]]
"""Waits until a request may be answered; status, code and sentence when it may not (the application's ``turn``)."""
SAFE_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


class GuardedHandler(RequestHandler):
    """Security headers on every answer, refusals included."""

    script_hash = ""

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
        return (
            f"default-src 'none'; script-src 'self'{script}; style-src 'self'; connect-src 'self'{sockets}; "
            "img-src 'self'; manifest-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code} {self._reason}\n")


class FilesHandler(GuardedHandler, StaticFileHandler):
    """Files under ``static``: kept for a year when asked for by their content's hash, else checked at each use."""

    def parse_url_path(self, url_path: str) -> str:
        if "\0" in url_path:  # no path of any system, and an error of ours further down
            raise HTTPError(404)
        return super().parse_url_path(ALIAS.get(url_path, url_path))

    def get_cache_time(self, path: str, modified: Any, mime_type: str) -> int:
        return 0

    def set_extra_headers(self, path: str) -> None:
        asked = self.get_query_argument("v", "")
        known = self.absolute_path is not None and asked == _hash(Path(self.absolute_path))
        self.set_header("Cache-Control", f"public, max-age={YEAR_S}, immutable" if known else "no-cache")

    def get_content_type(self) -> str:
        kind = super().get_content_type()
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if any(part.startswith(".") for part in Path(absolute_path).relative_to(root).parts):
            raise HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)


def _hash(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:12]


def versioned(name: str) -> str:
    return f"/static/{name}?v={_hash(STATIC / name)}"


def imports() -> dict[str, str]:
    """Bare names of our modules → URLs with their content's hash (architecture.md, fact 13)."""
    ours = sorted([*STATIC.glob("*.js"), *STATIC.glob("views/*.js")])
    imports = {f"citychat/{path.relative_to(STATIC).as_posix()}": path.relative_to(STATIC).as_posix() for path in ours}
    imports["socket.io-client"] = "vendor/socket.io.esm.min.js"
    return {name: versioned(path) for name, path in imports.items()}
