"""Handlers of the page, its files and its texts over HTTP; `/live` and `/ready` for whoever watches the process.

Everything is rendered once: the page itself at start, what is asked for seldom at its first use. Nothing here knows a
guest.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from tornado.web import RequestHandler

from citychat.catalogue import catalogue, direction, languages
from citychat.handlers.files import STATIC, FilesHandler, GuardedHandler, imports, versioned

TEMPLATES = Path(__file__).parents[1] / "templates"
TEXTS = ("rules", "privacy", "imprint")

Readiness = Callable[[], tuple[bool, Mapping[str, object]]]


class Credit(NamedTuple):
    """The licence line that a city database asks for."""

    text: str
    url: str


class Rendered(NamedTuple):
    html: str
    script_hash: str


class Pages:
    """The pages of one server, ready to be sent.

    ``texts`` holds the host's own ``rules``, ``privacy`` and ``imprint`` where there are any (plain text: ``#``
    headings, ``-`` lists, paragraphs; never markup). ``contact`` is shown as it is, and linked when it is an
    address of mail or web. ``ready`` says whether guests can be served, and names each part. With ``dev`` files are
    read at each request.
    """

    def __init__(
        self,
        *,
        version: str,
        consent: str,
        contact: str | None,
        credit: Credit | None,
        history_days: int,
        texts: Mapping[str, str] | None = None,
        ready: Readiness = lambda: (True, {}),
        dev: bool = False,
    ) -> None:
        self.ready = ready
        self._dev = dev
        self._facts: dict[str, Any] = {
            "version": version,
            "consent": consent,
            "contact": contact,
            "contact_url": _contact_url(contact),
            "credit": credit,
            "history_days": history_days,
        }
        self._texts = {name: (TEMPLATES / f"{name}.md").read_text("utf-8") for name in TEXTS} | dict(texts or {})
        self._jinja = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._languages = languages()
        self._importmap = _importmap()
        self._kept: dict[tuple[str, str], Rendered] = {}
        for language in self._languages:
            self.page("page", language)

    def page(self, name: str, language: str) -> Rendered:
        """One of ``page``, ``missing``, ``rules``, ``privacy``, ``imprint``."""
        if self._dev or (name, language) not in self._kept:
            self._kept[name, language] = self._render(name, language)
        return self._kept[name, language]

    def language(self, accepted: str) -> str:
        """The best of our languages for an ``Accept-Language`` header."""
        wanted = (part.partition(";")[0].strip().lower() for part in accepted[:200].split(","))
        for code in wanted:
            for ours in self._languages:
                if ours.lower() in (code, code.partition("-")[0]):
                    return ours
        return "en"

    def routes(self) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
        """Tornado's routes for everything here. The last resort is ``missing()``."""
        here = {"pages": self}
        return [
            (r"/", PageHandler, here),
            (r"/(rules|privacy|imprint)", PageHandler, here),
            (r"/manifest\.webmanifest", ManifestHandler, here),
            (r"/(favicon\.ico)", FilesHandler, {"path": str(STATIC)}),
            (r"/static/(.*)", FilesHandler, {"path": str(STATIC)}),
        ]

    def probes(self) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
        """Tornado's routes for whoever watches the process, under any name and behind any proxy."""
        return [(r"/(live|ready)", HealthHandler, {"pages": self})]

    def missing(self) -> tuple[type[RequestHandler], dict[str, Any]]:
        """Return ``default_handler_class`` and ``default_handler_args`` of the application."""
        return MissingHandler, {"pages": self}

    def _render(self, name: str, language: str) -> Rendered:
        words = catalogue(language)
        importmap = _importmap() if self._dev else self._importmap
        template = self._jinja.get_template(f"{name}.html" if name in ("page", "missing") else "text.html")
        html = template.render(
            self._facts,
            name=name,
            language=language,
            direction=direction(language),
            words=words,
            catalogue=Markup(_script_json(words)),
            importmap=Markup(importmap),
            versioned=versioned,
            text=_paragraphs(self._fill(self._texts[name])) if name in self._texts else "",
        )
        return Rendered(html, b64encode(sha256(importmap.encode()).digest()).decode())

    def _fill(self, text: str) -> str:
        contact = self._facts["contact"] or "the host has given none"
        return text.replace("{history_days}", str(self._facts["history_days"])).replace("{contact}", contact)


class RenderedHandler(GuardedHandler):
    """The handler of what is made here. HEAD is GET without its body, as probes and link checkers ask."""

    def initialize(self, pages: Pages) -> None:
        self._pages = pages

    def head(self, *arguments: str) -> None:
        self.get(*arguments)


class PageHandler(RenderedHandler):
    def get(self, name: str = "page") -> None:
        self._send(name)

    def _send(self, name: str) -> None:
        language = self._pages.language(self.request.headers.get("Accept-Language", ""))
        rendered = self._pages.page(name, language)
        self.script_hash = rendered.script_hash if name == "page" else ""
        self.set_header("Content-Security-Policy", self._policy())
        self.set_header("Content-Language", language)
        self.set_header("Vary", "Accept-Language")
        self.set_header("Cache-Control", "no-cache")
        self.finish(rendered.html)


class MissingHandler(PageHandler):
    async def prepare(self) -> None:
        await super().prepare()
        if not self._finished:
            self.set_status(404)
            self._send("missing")


class ManifestHandler(RenderedHandler):
    def get(self) -> None:
        language = self._pages.language(self.request.headers.get("Accept-Language", ""))
        words = catalogue(language)
        icon = {"src": versioned("icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
        self.set_header("Content-Type", "application/manifest+json")
        self.set_header("Cache-Control", "no-cache")
        self.finish(
            {
                "name": words["name"],
                "short_name": words["name"],
                "description": words["about"],
                "lang": language,
                "dir": direction(language),
                "start_url": "/",
                "display": "standalone",
                "background_color": "#f6f3ec",
                "theme_color": "#f6f3ec",
                "icons": [icon],
            }
        )


class HealthHandler(RenderedHandler):
    """`/live` answers while the loop does; `/ready` says whether guests can be served."""

    def get(self, which: str) -> None:
        ready, parts = self._pages.ready() if which == "ready" else (True, {})
        self.set_status(200 if ready else 503)
        self.set_header("Cache-Control", "no-store")
        self.finish({which: ready, **parts})


def _importmap() -> str:
    return json.dumps({"imports": imports()}, separators=(",", ":"))


def _script_json(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _contact_url(contact: str | None) -> str | None:
    if contact and re.fullmatch(r"https?://\S+|mailto:\S+", contact):
        return contact
    return f"mailto:{contact}" if contact and re.fullmatch(r"[^\s@:]+@[^\s@]+", contact) else None


def _paragraphs(text: str) -> Markup:
    """A host's plain text as headings, lists and paragraphs; everything in it is escaped."""
    out: list[Markup] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        lines = [line.strip() for line in block.strip().splitlines()]
        if heading := re.fullmatch(r"(#{1,3})\s+(.*)", lines[0]) if len(lines) == 1 else None:
            out.append(Markup("<h{0}>{1}</h{0}>").format(len(heading[1]), heading[2]))
        elif all(line.startswith("- ") for line in lines):
            items = Markup("").join(Markup("<li>{}</li>").format(line[2:]) for line in lines)
            out.append(Markup("<ul>{}</ul>").format(items))
        else:
            out.append(Markup("<p>{}</p>").format(escape(" ".join(lines))))
    return Markup("\n").join(out)
