"""The language of every answer over HTTP: the one that a browser wants, or the one that is asked for by its name."""

import gzip
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from citychat.catalogue import PAGE, SERVING, TERMINAL
from citychat.face import Face
from citychat.handlers.pages import Pages
from citychat.languages import LANGUAGES, languages, words

FACTS = {"version": "1.2.3", "consent": "7", "contact": None, "credit": None, "history_days": 30}
NAMED = ["/", "/rules", "/privacy", "/imprint", "/offline", "/nowhere", "/manifest.webmanifest"]
Ask = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    pages = Pages(face=Face(name="Our site"), **FACTS)  # type: ignore[arg-type]
    handler, arguments = pages.missing()
    app = Application(pages.routes(), default_handler_class=handler, default_handler_args=arguments)
    sock, port = bind_unused_port()
    server = HTTPServer(app)
    server.add_socket(sock)

    async def fetch(path: str, accepted: str = "en", **headers: str) -> HTTPResponse:
        asked = {"Accept-Language": accepted} | {name.replace("_", "-"): value for name, value in headers.items()}
        return await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}{path}", headers=asked, raise_error=False)

    yield fetch
    server.stop()
    await server.close_all_connections()


def of_page(answer: HTTPResponse) -> tuple[str, str]:
    found = re.search(r'<html lang="([^"]+)" dir="([^"]+)"', answer.body.decode())
    assert found
    return found[1], found[2]


async def test_a_browser_gets_the_page_in_its_language_and_caches_are_told(ask: Ask) -> None:
    for code in languages():
        answer = await ask("/", f"{code},en;q=0.5")
        assert of_page(answer) == (code, LANGUAGES[code].direction)
        assert answer.headers["Content-Language"] == code
        assert words(code)("nojs", site="Our site") in answer.body.decode()
    for path in NAMED:
        assert "Accept-Language" in (await ask(path, "de")).headers["Vary"], path


async def test_a_language_that_is_asked_for_by_its_name_beats_the_browsers(ask: Ask) -> None:
    for path in NAMED[:-1]:
        answer = await ask(f"{path}?language=pt-BR", "de")
        assert of_page(answer) == ("pt-BR", "ltr"), path
        ways = re.findall(r'(?:href|action)="(/(?!static)[^"]*)"', answer.body.decode())
        assert ways, path
        assert [way for way in ways if not way.endswith("?language=pt-BR") and "favicon" not in way] == [], path
    manifest = json.loads((await ask("/manifest.webmanifest?language=ar", "de")).body)
    assert (manifest["lang"], manifest["dir"], manifest["description"]) == ("ar", "rtl", words("ar")("about"))
    for unknown in ("xx", "", "en-XA", "../en", "PT-br"):
        assert of_page(await ask(f"/rules?language={unknown}", "de"))[0] == "de"


async def test_without_a_wish_by_name_no_address_carries_one(ask: Ask) -> None:
    assert b"language=" not in (await ask("/", "de")).body


async def test_the_longer_texts_are_in_the_language_too(ask: Ask) -> None:
    for path, context in (("/rules", "rules"), ("/privacy", "privacy"), ("/imprint", "imprint")):
        english = (await ask(path)).body.decode()
        for code in languages()[1:]:
            heading = words(code).text(context, {"rules": "Rules", "privacy": "Privacy", "imprint": "Imprint"}[context])
            translated = (await ask(path, code)).body.decode()
            assert f"<h1>{heading}</h1>" in translated and "{" not in translated, (path, code)
            shared = set(re.findall(r"<(?:p|li)>([^<]{30,})</", english)) & set(
                re.findall(r"<(?:p|li)>([^<]{30,})</", translated)
            )
            assert shared == set(), (path, code)


async def test_a_page_can_fetch_the_sentences_of_one_language_and_nothing_more(ask: Ask) -> None:
    for code in languages():
        told = json.loads((await ask(f"/sentences/{code}.json", "de")).body)
        assert (told["language"], told["direction"]) == (code, LANGUAGES[code].direction)
        assert told["words"] == words(code).page() | {"name": "Our site"}
        assert re.fullmatch(rf"/worker\.js\?v=[0-9a-f]{{12}}&language={code}", told["worker"])
        assert not {one.name for one in (*SERVING, *TERMINAL)} & told["words"].keys()
    assert (await ask("/sentences/xx.json")).code == 404
    assert (await ask("/sentences/../rules.json")).code == 404


async def test_sentences_are_packed_and_not_sent_twice(ask: Ask) -> None:
    plain, packed = await ask("/sentences/de.json"), await ask("/sentences/de.json", Accept_Encoding="gzip")
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.body) == plain.body if packed.headers.get("Content-Encoding") else packed.body
    assert plain.headers["Cache-Control"] == "no-cache"
    again = await ask("/sentences/de.json", If_None_Match=plain.headers["Etag"])
    assert (again.code, again.body) == (304, b"")


async def test_the_worker_keeps_the_page_of_its_language(ask: Ask) -> None:
    chosen, wanted = (await ask("/?language=de")).body.decode(), (await ask("/", "de")).body.decode()
    found = [re.search(r'data-worker="([^"]+)"', page) for page in (chosen, wanted)]
    assert [bool(one and "language=de" in one[1]) for one in found] == [True, False]


def test_no_sentence_of_the_page_has_the_sites_name_but_that_name() -> None:
    assert [one.name for one in PAGE if "{site}" in one.english] == []
