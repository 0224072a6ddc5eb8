"""Handlers of the page, its files and its texts over HTTP; `/live` and `/ready` for whoever watches the process.

Everything is rendered once: the page itself at start, what is asked for seldom at its first use. Nothing here knows a
guest.
"""

import gzip
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from tornado.web import RequestHandler

from citychat.catalogue import ENGLISH, NAME
from citychat.face import LIGHT, Face
from citychat.handlers.files import STATIC, YEAR_S, FilesHandler, GuardedHandler, short_hash, versioned
from citychat.handlers.host_texts import TEMPLATES, built_in, contact_url, paragraphs
from citychat.handlers.inline import INLINE_SCRIPT, INLINE_STYLE, hash_in, script_json
from citychat.handlers.own_files import OwnFiles
from citychat.handlers.page_files import page_files
from citychat.languages import ENGLISH_CODE, LANGUAGES, Spoken, Words, best, direction, languages, words

TEXTS = ("rules", "privacy", "imprint")

Readiness = Callable[[], tuple[bool, Mapping[str, object]]]


class Credit(NamedTuple):
    """The licence line that a city database asks for."""

    text: str
    url: str


class Rendered(NamedTuple):
    """A page, as it is and packed, and the hashes of the one script and the one style that stand in it ("": none)."""

    html: bytes
    packed: bytes
    script_hash: str
    style_hash: str


class Pages:
    """The pages of one server, ready to be sent.

    ``texts`` holds the host's own ``rules``, ``privacy`` and ``imprint`` where there are any (plain text: ``#``
    headings, ``-`` lists, paragraphs; never markup). ``contact`` is linked when it is an address of mail or web.
    ``face``: the site's own name, colour and logo. ``ready`` says whether guests can be served, and names each part;
    ``closed`` is the host's word while the house is closed, else ""; ``hours`` what pages are told of meeting and quiet
    hours; ``questions`` where the first questions are for a language; ``now_ms`` the date, 0 where
    pages are not told of it. ``push_key``: of signs, "" where none are sent. ``static``
    holds the page's files.
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
        face: Face | None = None,
        ready: Readiness = lambda: (True, {}),
        closed: Callable[[], str] = str,
        hours: Callable[[], str] = str,
        questions: Callable[[str], str] = lambda language: "",
        now_ms: Callable[[], int] = int,
        push_key: str = "",
        static: Path = STATIC,
    ) -> None:
        self.ready, self.now_ms = ready, now_ms
        self._closed, self._hours, self._questions = closed, hours, questions
        self._facts: dict[str, Any] = {
            "version": version,
            "contact": contact,
            "contact_url": contact_url(contact),
            "history_days": history_days,
            "closed": "",
            "hours": "",
            "push_key": push_key,
        }
        self._jinja = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._languages = languages()
        self._static, self._files, self._versioned = static, page_files(static), partial(versioned, static=static)
        self.renew(consent, credit, texts or {}, face or Face())

    def renew(self, consent: str, credit: Credit | None, texts: Mapping[str, str], face: Face) -> None:
        """Show these from now on."""
        self._facts |= {"consent": consent, "credit": credit}
        self.face = face
        self.own = OwnFiles(face, self._static)
        self.texts = dict(texts)
        self._kept: dict[tuple[str, Spoken], Rendered] = {}
        self.page("page", Spoken(ENGLISH_CODE))

    def page(self, name: str, spoken: Spoken) -> Rendered:
        """One of ``page``, ``missing``, ``offline``, ``rules``, ``privacy``, ``imprint``."""
        changing = {"closed": self._closed(), "hours": self._hours()}
        if not changing.items() <= self._facts.items():
            self._facts |= changing
            self._kept.clear()
        if (name, spoken) not in self._kept:
            self._kept[name, spoken] = self._render(name, spoken)
        return self._kept[name, spoken]

    def words(self, language: str) -> dict[str, str]:
        """Every sentence, with the site's name in it."""
        known = words(language)
        return {name: known.plain(name).replace("{site}", self.face.name) for name in ENGLISH}

    def form(self, name: str, spoken: Spoken, more: Mapping[str, object]) -> str:
        """Return a page with what somebody has sent in it, which is not kept."""
        return self._jinja.get_template(f"{name}.html").render(self._of_all(name, spoken), **more)

    def spoken(self, asked: str, accepted: str) -> Spoken:
        """The language asked for by its name, else the best of ours for an ``Accept-Language`` header."""
        return Spoken(asked, chosen=True) if asked in self._languages else Spoken(best(accepted, self._languages))

    def sentences(self, language: str) -> dict[str, object] | None:
        """Return all that a page needs to speak one of our languages from now on."""
        if language not in self._languages:
            return None
        return {
            "language": language,
            "direction": direction(language),
            "worker": self._worker(Spoken(language, chosen=True)),
            "words": self._page_words(language),
            "questions": self._questions(language),
        }

    def _page_words(self, language: str) -> dict[str, str | dict[str, str]]:
        return words(language).page() | {NAME: self.face.name}

    def routes(self) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
        """Tornado's routes for everything here. The last resort is ``missing()``."""
        here = {"pages": self}
        return [
            (r"/", PageHandler, here),
            (r"/(rules|privacy|imprint|offline)", PageHandler, here),
            (r"/(worker\.js)", FilesHandler, {"path": str(self._static / "offline")}),  # it serves what lies beside it
            (r"/manifest\.webmanifest", ManifestHandler, here),
            (r"/sentences/([A-Za-z-]{2,8})\.json", SentencesHandler, here),
            (r"/(logo\.svg|face\.css|favicon\.ico)", OwnFileHandler, here),
            (r"/static/(.*)", FilesHandler, {"path": str(self._static)}),
        ]

    def probes(self) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
        """Tornado's routes for whoever watches the process, under any name and behind any proxy."""
        return [(r"/(live|ready)", HealthHandler, {"pages": self})]

    def missing(self) -> tuple[type[RequestHandler], dict[str, Any]]:
        """Return ``default_handler_class`` and ``default_handler_args`` of the application."""
        return MissingHandler, {"pages": self}

    def _render(self, name: str, spoken: Spoken) -> Rendered:
        facts, language = self._of_all(name, spoken), spoken.language
        template = self._jinja.get_template("text.html" if name in TEXTS else f"{name}.html")
        html = template.render(
            facts,
            catalogue=Markup(script_json(self._page_words(language))),
            importmap=Markup(self._files.importmap),
            worker=self._worker(spoken) if name == "page" else "",
            text=self._text(name, words(language)) if name in TEXTS else "",
        )
        hashes = (hash_in(inline, html) for inline in (INLINE_SCRIPT, INLINE_STYLE))
        return Rendered(html.encode(), gzip.compress(html.encode(), mtime=0), *hashes)

    def _worker(self, spoken: Spoken) -> str:
        """The worker's address: another one where it, or the page that it keeps, is another."""
        kept = self.page("offline", spoken).html + (self._static / "offline" / "worker.js").read_bytes()
        return f"/worker.js?v={short_hash(kept)}" + spoken.query.replace("?", "&")

    def _of_all(self, name: str, spoken: Spoken) -> dict[str, Any]:
        """Return all that every template is filled with."""
        return self._facts | {
            "name": name,
            "language": spoken.language,
            "query": spoken.query,
            "languages": json.dumps({code: LANGUAGES[code].own_name for code in self._languages}, ensure_ascii=False),
            "worker": "",
            "questions": self._questions(spoken.language),
            "direction": direction(spoken.language),
            "words": self.words(spoken.language),
            "versioned": self._versioned,
            "url_of": self.own.url_of,
            "files": self._files,
            "icon": self.own.icon(),
            "picture": self.own.picture(),
        }

    def _text(self, name: str, in_words: Words) -> Markup:
        """One of the longer texts: the host's own as it is, ours in the language."""
        if own := self.texts.get(name):
            return paragraphs(own, lambda piece: self._fill(piece, in_words))
        return paragraphs(built_in(name), lambda piece: self._fill(in_words.text(name, piece), in_words))

    def _fill(self, text: str, in_words: Words) -> str:
        contact = self._facts["contact"] or in_words("text.nobody")
        facts = {"{history_days}": str(self._facts["history_days"]), "{contact}": contact, "{site}": self.face.name}
        return re.sub("|".join(map(re.escape, facts)), lambda found: facts[found[0]], text)


class RenderedHandler(GuardedHandler):
    """The handler of what is made here. HEAD is GET without its body, as probes and link checkers ask."""

    def initialize(self, pages: Pages) -> None:
        self._pages = pages

    def head(self, *arguments: str) -> None:
        self.get(*arguments)

    def spoken(self) -> Spoken:
        """The language of this answer."""
        accepted = self.request.headers.get("Accept-Language", "")
        return self._pages.spoken(self.get_query_argument("language", ""), accepted)


class PageHandler(RenderedHandler):
    def get(self, name: str = "page") -> None:
        self._send(name)

    def _send(self, name: str) -> None:
        spoken = self.spoken()
        rendered = self._pages.page(name, spoken)
        self.script_hash, self.style_hash = rendered.script_hash, rendered.style_hash
        self.set_header("Content-Security-Policy", self._policy())
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Language", spoken.language)
        self.set_header("Cache-Control", "no-cache")
        if now_ms := self._pages.now_ms():  # the browser counts on from there
            self.set_header("Server-Timing", f'now;desc="{now_ms}"')
        self.finish(rendered.packed if self.negotiate("gzip", also="Accept-Language, ") == "gzip" else rendered.html)


class MissingHandler(PageHandler):
    async def prepare(self) -> None:
        await super().prepare()
        if not self._finished:
            self.set_status(404)
            self._send("missing")


class ManifestHandler(RenderedHandler):
    def get(self) -> None:
        language = self.spoken().language
        words, face = self._pages.words(language), self._pages.face
        self.set_header("Vary", "Accept-Language")
        self.set_header("Content-Type", "application/manifest+json")
        self.set_header("Cache-Control", "no-cache")
        self.finish(
            {
                "name": words["name"],
                "short_name": words["name"],
                "description": words["about"],
                "lang": language,
                "dir": direction(language),
                "id": "/",
                "start_url": "/",
                "scope": "/",
                "display": "standalone",
                "background_color": LIGHT.paper,
                "theme_color": face.accent[0] if face.accent else LIGHT.paper,
                "icons": self._pages.own.icons(),
            }
        )


class SentencesHandler(RenderedHandler):
    """All sentences of one language, for a page whose guest has chosen it."""

    def get(self, language: str) -> None:
        told = self._pages.sentences(language)
        if told is None:
            self.send_error(404)
            return
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-cache")
        coding = self.negotiate("gzip")
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        self.finish(gzip.compress(body, mtime=0) if coding == "gzip" else body)


class OwnFileHandler(RenderedHandler):
    """The host's logo and colour; browsers ask for favicon.ico wherever they find no link to an icon."""

    def get(self, name: str) -> None:
        own = self._pages.own.get(name)
        if own is None:
            self.send_error(404)
            return
        known = self.get_query_argument("v", "") == short_hash(own.content)
        self.set_header("Content-Type", own.kind)
        self.set_header("Cache-Control", f"public, max-age={YEAR_S}, immutable" if known else "no-cache")
        self.finish(own.content)


class HealthHandler(RenderedHandler):
    """`/live` answers while the loop does; `/ready` says whether guests can be served."""

    def get(self, which: str) -> None:
        ready, parts = self._pages.ready() if which == "ready" else (True, {})
        self.set_status(200 if ready else 503)
        self.set_header("Cache-Control", "no-store")
        self.finish({which: ready, **parts})
