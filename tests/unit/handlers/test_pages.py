"""The page, its files and texts over HTTP: what is sent, what is allowed, what is kept in caches."""

import gzip
import json
import re
import shutil
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import get_args

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from citychat import catalogue
from citychat.catalogue.sharing import SHARING
from citychat.catalogue.terminal import TERMINAL
from citychat.face.colours import contrast
from citychat.handlers.files import STATIC, FilesHandler, hash_of
from citychat.handlers.pages import Credit, Pages
from citychat.matching import Reason
from citychat.model import ALIAS_COLOURS

# The page's own scripts and styles, as they are and compressed one by one; a little above what they have. The last
# sixth came with Back, deaf buttons, rings over other screens, the rules in the page, lists that are patched, the
# host's word while the house is closed, notices, the worker, Undo, what is pointed out before it is sent, a paused
# guest's say, the choice of a language, the hours, the link with a city, the first question, who is told once, towns
# nearby with the languages that are spoken, and what was typed and not sent. What goes over the wire is
# tests/browser/test_first_visit.py's
PAGE_MAX_BYTES, PAGE_MAX_GZIP_BYTES = 261_000, 97_500

Get = Callable[..., Awaitable[HTTPResponse]]


def pages(**changes: object) -> Pages:
    facts: dict[str, object] = {
        "version": "1.2.3",
        "consent": "7",
        "contact": "host@example.org",
        "credit": Credit("Cities by <Somebody>", "https://example.org/"),
        "history_days": 30,
    }
    return Pages(**(facts | changes))  # type: ignore[arg-type]


@pytest.fixture
async def get() -> AsyncIterator[Get]:
    servers = []

    async def fetch(path: str, served: Pages | None = None, **options: object) -> HTTPResponse:
        served = served or pages()
        handler, arguments = served.missing()
        routes = [*served.probes(), *served.routes()]
        app = Application(routes, default_handler_class=handler, default_handler_args=arguments)
        sock, port = bind_unused_port()
        server = HTTPServer(app)
        server.add_socket(sock)
        servers.append(server)
        return await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}{path}", raise_error=False, **options)

    yield fetch
    for server in servers:
        server.stop()
        await server.close_all_connections()


def head(response: HTTPResponse, name: str) -> str:
    return str(response.headers.get(name, ""))


async def test_every_answer_carries_the_security_headers_refusals_included(get: Get) -> None:
    for path in ("/", "/rules", "/static/app.js", "/static/nothing.js", "/nowhere", "/live", "/offline", "/worker.js"):
        answer = await get(path)
        policy = head(answer, "Content-Security-Policy")
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy and "data:" not in policy and "*" not in policy, path
        assert head(answer, "X-Content-Type-Options") == "nosniff", path
        assert head(answer, "Referrer-Policy") == "no-referrer", path
        assert head(answer, "Cross-Origin-Resource-Policy") == "same-origin", path
        assert "geolocation=(self)" in head(answer, "Permissions-Policy"), path
        assert "Server" not in answer.headers, path


async def test_head_is_answered_like_get_without_the_body(get: Get) -> None:
    same = {"headers": {"Host": "chat.example"}}
    texts = ["/", "/rules", "/privacy", "/imprint", "/offline", "/manifest.webmanifest"]
    paths = [*texts, "/worker.js", "/favicon.ico", "/static/app.js"]
    for path in [*paths, "/static/nothing.js", "/nowhere", "/live", "/ready"]:
        whole, bare = await get(path, **same), await get(path, method="HEAD", **same)
        assert (bare.code, bare.body) == (whole.code, b""), path
        kept = [{name: at for name, at in answer.headers.get_all() if name != "Date"} for answer in (whole, bare)]
        assert kept[0] == kept[1], path
    unready = pages(ready=lambda: (False, {"history": "away"}))
    assert (await get("/ready", unready, method="HEAD")).code == 503


async def test_an_unknown_address_is_404_with_a_page_and_a_missing_file_404_without(get: Get) -> None:
    page, file = await get("/nowhere"), await get("/static/nothing.js")
    assert (page.code, file.code) == (404, 404)
    assert b"There is no such page." in page.body


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A checkout in which a sheet was edited after the page had been made of it."""
    copied = tmp_path / "static"
    shutil.copytree(STATIC, copied)
    with (copied / "style" / "talk.css").open("a") as sheet:
        sheet.write("/* edited */\n")
    return copied


async def test_the_page_is_one_script_and_one_sheet_and_nothing_stands_in_it(get: Get) -> None:
    answer = await get("/")
    html = answer.body.decode()
    assert re.findall(r'<script type="module" src="([^"?]+)', html) == ["/static/bundle/app.js"]
    assert re.findall(r'<link rel="stylesheet" href="([^"?]+)', html) == ["/static/bundle/page.css"]
    assert inline_scripts(html) == [] and "modulepreload" not in html
    assert "script-src 'self';" in head(answer, "Content-Security-Policy")
    for url in re.findall(r'(?:src|href)="(/static/[^"]+)"', html):
        assert head(await get(url), "Cache-Control") == "public, max-age=31536000, immutable", url


async def test_what_was_edited_is_served_as_it_is_and_never_what_was_made_before(get: Get, edited: Path) -> None:
    html = (await get("/", pages(static=edited))).body.decode()
    assert "/static/bundle/" not in html
    sheets = re.findall(r'<link rel="stylesheet" href="/static/style/(\w+)\.css\?', html)
    assert set(sheets) == {path.stem for path in STATIC.glob("style/*.css")} - {"page"}
    assert sheets[0] == "tokens"
    (script,) = re.findall(r'<script type="module" src="([^"?]+)', html)
    assert script == "/static/app.js"
    with (edited / "app.js").open("a") as module:
        module.write("// and again\n")
    answer = await get("/static/app.js", pages(static=edited))
    assert answer.body.endswith(b"// and again\n")


async def test_every_picture_of_an_edited_copy_is_its_own(get: Get, edited: Path) -> None:
    """An address that names another content would be kept for a year."""
    for name in ("icon.svg", "icons/apple.png", "icons/plain-192.png"):
        (edited / name).write_bytes((edited / name).read_bytes() + b"\n")
    here = pages(static=edited)
    told = (await get("/", here)).body.decode() + (await get("/manifest.webmanifest", here)).body.decode()
    named = re.findall(r'"(/static/icons?[^"?]+)\?v=(\w+)"', told.replace("\\/", "/"))
    assert {path for path, _ in named} >= {"/static/icon.svg", "/static/icons/apple.png", "/static/icons/plain-192.png"}
    for path, version in named:
        assert version == hash_of(edited / path.removeprefix("/static/")), path
    assert (await get("/favicon.ico", here)).body == (edited / "icon.svg").read_bytes()


@pytest.mark.parametrize("gone", ["bundle", "bundle/made-of.json"])
async def test_where_nothing_was_made_the_modules_are_served(get: Get, edited: Path, gone: str) -> None:
    (edited / "bundle").rename(edited / "aside") if gone == "bundle" else (edited / gone).unlink()
    assert 'src="/static/app.js?' in (await get("/", pages(static=edited))).body.decode()


async def test_a_tag_is_that_of_the_file_as_it_is_now(get: Get, edited: Path) -> None:
    before = head(await get("/static/app.js", pages(static=edited)), "Etag")
    with (edited / "app.js").open("a") as module:
        module.write("// edited while the server runs\n")
    again = await get("/static/app.js", pages(static=edited), headers={"If-None-Match": before})
    assert (again.code, head(again, "Etag") == before) == (200, False)


def inline_scripts(html: str) -> list[tuple[str, str]]:
    """(attributes, text) of each script in the page itself."""
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL)
    return [(attributes, text) for attributes, text in scripts if text and "application/json" not in attributes]


async def test_the_import_map_is_allowed_by_its_own_hash_and_is_the_only_inline_script(get: Get, edited: Path) -> None:
    answer = await get("/", pages(static=edited))
    ((attributes, text),) = inline_scripts(answer.body.decode())
    assert attributes == ' type="importmap"'
    digest = b64encode(sha256(text.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in head(answer, "Content-Security-Policy")
    assert "style=" not in answer.body.decode() and "<style" not in answer.body.decode()


async def test_modules_are_imported_by_urls_that_name_their_content_and_none_waits_for_another(
    get: Get, edited: Path
) -> None:
    html = (await get("/", pages(static=edited))).body.decode()
    found = re.search(r'<script type="importmap">(.*?)</script>', html)
    assert found
    imports = json.loads(found[1])["imports"]
    modules = [*STATIC.glob("*.js"), *STATIC.glob("views/*.js"), *STATIC.glob("vendor/*.js")]
    names = {path.relative_to(STATIC).as_posix() for path in modules}
    assert {url.partition("?")[0].removeprefix("/static/") for url in imports.values()} == names
    for path in [*STATIC.glob("*.js"), *STATIC.glob("views/*.js")]:
        for name in re.findall(r'^import .* from "([^"]+)"', path.read_text("utf-8"), re.MULTILINE):
            assert name in imports, f"{path.name} imports {name}"
    url = imports["citychat/app.js"]
    assert head(await get(url, pages(static=edited)), "Cache-Control") == "public, max-age=31536000, immutable"
    announced = re.findall(r'<link rel="modulepreload" href="([^"]+)"', html)
    assert sorted([*announced, url]) == sorted(imports.values()), "a module that is imported and not announced waits"
    assert html.index("importmap") < html.index("modulepreload"), "a map that comes after a module is ignored"


def test_the_page_stays_small() -> None:
    files = [p.read_bytes() for pattern in ("*.js", "views/*.js", "style/*.css") for p in STATIC.glob(pattern)]
    assert len(files) > 30
    assert sum(map(len, files)) <= PAGE_MAX_BYTES
    assert sum(len(gzip.compress(file, 6)) for file in files) <= PAGE_MAX_GZIP_BYTES


async def test_a_file_asked_for_without_its_hash_or_with_an_old_one_is_checked_each_time(get: Get) -> None:
    for path in ("/static/app.js", "/static/app.js?v=000000000000", "/favicon.ico"):
        answer = await get(path)
        assert answer.code == 200
        assert head(answer, "Cache-Control") == "no-cache", path
    assert head(await get("/favicon.ico"), "Content-Type") == "image/svg+xml"


async def test_nothing_outside_the_static_folder_can_be_had(get: Get) -> None:
    for path in ("/static/../languages.py", "/static/%2e%2e/languages.py", "/static//etc/passwd", "/static/.secret"):
        assert (await get(path)).code in (403, 404), path


async def test_a_hidden_file_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "seen.txt").write_text("seen")
    for hidden in (tmp_path / ".secret", tmp_path / ".git" / "config"):
        hidden.parent.mkdir(exist_ok=True)
        hidden.write_text("secret")
    sock, port = bind_unused_port()
    server = HTTPServer(Application([(r"/static/(.*)", FilesHandler, {"path": str(tmp_path)})]))
    server.add_socket(sock)
    for path, code in (("seen.txt", 200), (".secret", 404), (".git/config", 404), ("%2egit/config", 404)):
        url = f"http://127.0.0.1:{port}/static/{path}"
        assert (await AsyncHTTPClient().fetch(url, raise_error=False)).code == code, path
    server.stop()
    await server.close_all_connections()


async def test_nothing_is_served_for_whoever_runs_the_server(get: Get) -> None:
    for path in ("admin", "config", "debug", "events", "guests", "metrics", "settings", "status", "socketio", "sio"):
        for end in ("", "/", ".json"):
            assert (await get(f"/{path}{end}")).code == 404, path


async def test_no_answer_leaves_a_cookie_or_asks_for_one(get: Get) -> None:
    for path in ("/", "/rules", "/static/app.js", "/nowhere", "/live", "/ready"):
        answer = await get(path, headers={"Cookie": "citychat=abc"})
        assert "Set-Cookie" not in answer.headers and "cookie" not in head(answer, "Vary").lower(), path


async def test_a_path_that_no_system_has_is_not_found(get: Get) -> None:
    assert (await get("/static/app.js%00")).code == 404


async def test_the_page_says_which_consent_it_asks_for(get: Get) -> None:
    assert b'data-consent="7"' in (await get("/")).body


async def test_the_hosts_own_words_are_shown_and_never_become_markup(get: Get) -> None:
    texts = {"rules": "# My <rules>\n\n- be <b>kind</b>\n- and &quiet\n\n<script>alert(1)</script>"}
    body = (await get("/rules", pages(texts=texts))).body.decode()
    assert "<h1>My &lt;rules&gt;</h1>" in body
    assert "<li>be &lt;b&gt;kind&lt;/b&gt;</li><li>and &amp;quiet</li>" in body
    assert "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>" in body
    assert "Cities by &lt;Somebody&gt;" in body


async def test_the_privacy_text_names_the_days_and_the_contact(get: Get) -> None:
    body = (await get("/privacy", pages(history_days=12))).body.decode()
    assert "12 days" in body and "host@example.org" in body and "{" not in body


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("host@example.org", '<a href="mailto:host@example.org"'),
        ("https://example.org/contact", '<a href="https://example.org/contact"'),
        ("javascript:alert(1)", "Contact: javascript:alert(1)"),
        ("Street 1, Lyon", "Contact: Street 1, Lyon"),
        (None, "The host gives no contact"),
    ],
)
async def test_the_contact_is_linked_only_when_it_is_an_address(get: Get, contact: str | None, shown: str) -> None:
    assert shown in (await get("/", pages(contact=contact))).body.decode()


async def test_live_answers_always_and_ready_names_what_is_away(get: Get) -> None:
    away = pages(ready=lambda: (False, {"history": "away"}))
    live, ready = await get("/live", away), await get("/ready", away)
    assert (live.code, ready.code) == (200, 503)
    assert json.loads(ready.body) == {"ready": False, "history": "away"}
    assert (await get("/ready")).code == 200


async def test_old_safari_finds_the_sockets_host_in_the_policy_and_a_strange_host_does_not_get_in(get: Get) -> None:
    policy = head(await get("/", headers={"Host": "chat.example:8888"}), "Content-Security-Policy")
    assert "connect-src 'self' ws://chat.example:8888 wss://chat.example:8888;" in policy
    policy = head(await get("/", headers={"Host": "a;script-src"}), "Content-Security-Policy")
    assert "connect-src 'self';" in policy


async def test_a_page_can_be_asked_for_without_its_body(get: Get) -> None:
    answer = await get("/", method="HEAD")
    assert (answer.code, answer.body) == (200, b"")


def test_every_sentence_the_page_asks_for_is_in_the_catalogue_and_none_is_there_for_nobody() -> None:
    script = "\n".join(p.read_text("utf-8") for p in [*STATIC.glob("*.js"), *STATIC.glob("views/*.js")])
    templates = "\n".join(p.read_text("utf-8") for p in STATIC.parent.glob("templates/*.html"))
    asked = set(re.findall(r'"((?!citychat\.)(?:[a-z]+\.)+[a-z\-]+)"', script))
    asked |= set(re.findall(r"words\['([^']+)'\]", templates))
    families = [*re.findall(r"`([a-z.]+\.)\$\{", script), *re.findall(r"words\['([a-z.]+\.)' ~", templates), "tick."]
    asked |= {"text.nobody", "language.label", "talk.away.minutes", "talk.away.hours"}  # asked for in parts
    asked -= {"socket.io-client", "talk.away"}
    assert asked - catalogue.ENGLISH.keys() == set()
    elsewhere = {sentence.name for sentence in (*TERMINAL, *SHARING)}  # tests/server/test_terminal.py, unit/sharing
    asked |= {f"{name}.network" for name in asked}  # of the host's own network (i18n.js)
    idle = {n for n in catalogue.ENGLISH if n not in asked and not any(n.startswith(f) for f in families) and "." in n}
    assert idle - elsewhere == set()


def test_the_reasons_for_a_report_have_a_sentence_each() -> None:
    assert get_args(Reason) == catalogue.REPORT_REASONS


def test_each_of_the_alias_colours_has_its_disc() -> None:
    sheet = (STATIC / "style" / "people.css").read_text("utf-8")
    assert {word.lower() for word in ALIAS_COLOURS} == set(re.findall(r"\.who-([a-z]+)", sheet))


def test_every_disc_and_every_pair_of_text_colours_can_be_read() -> None:
    sheet = (STATIC / "style" / "people.css").read_text("utf-8")
    for word, ground, letter in re.findall(r"\.who-([a-z]+) \{ background: (#\w{6}); color: (#\w{6})", sheet):
        assert contrast(ground, letter) >= 4.5, word
    tokens = (STATIC / "style" / "tokens.css").read_text("utf-8")
    light, dark, more, dark_more = map(colours, tokens.split("@media"))
    themes = [
        (light, 4.5, 3.0),
        (light | dark, 4.5, 3.0),
        (light | more, 7.0, 4.5),
        (light | dark | more | dark_more, 7.0, 4.5),
    ]
    for theme, least, least_edge in themes:
        colour = {name: theme.get(value.strip("var()-"), value) for name, value in theme.items()}
        for ink, ground in [
            ("ink", "paper"), ("ink", "card"), ("ink", "theirs"), ("ink", "lamp-tint"), ("soft", "paper"),
            ("soft", "card"), ("soft", "theirs"), ("lamp-ink", "lamp"), ("lamp-ink", "lamp-deep"), ("mine-ink", "mine"),
            ("warn", "warn-tint"), ("bad", "paper"), ("bad", "card"),
        ]:  # fmt: skip
            assert contrast(colour[ink], colour[ground]) >= least, (ink, ground)
        edges = [("edge", "paper"), ("edge", "card"), ("focus", "paper"), ("focus", "card"), ("ok", "card")]
        for edge, ground in edges:
            assert contrast(colour[edge], colour[ground]) >= least_edge, (edge, ground)


def colours(sheet: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#\w{6}|var\(--[a-z-]+\))", sheet))
