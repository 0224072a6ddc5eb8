"""What is packed, for whom, and what caches hear of it."""

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders
from tornado.testing import bind_unused_port
from tornado.web import Application

from citychat.handlers.codings import choose
from citychat.handlers.files import STATIC
from citychat.handlers.pages import Pages

SCRIPT = "/static/bundle/app.js"
FACTS = {"version": "1", "consent": "1", "contact": None, "credit": None, "history_days": 30}
ALL = ("br", "gzip", "identity")


class Answer(NamedTuple):
    code: int
    headers: HTTPHeaders
    body: bytes


Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Ask a server of the page, and get the bytes as they came."""
    served = Pages(**FACTS)  # type: ignore[arg-type]
    handler, arguments = served.missing()
    app = Application(served.routes(), default_handler_class=handler, default_handler_args=arguments)
    sock, port = bind_unused_port()
    server = HTTPServer(app)
    server.add_socket(sock)

    async def one(path: str, accepted: str | None, method: str = "GET", **more: str) -> Answer:
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        headers |= {} if accepted is None else {"Accept-Encoding": accepted}
        url = f"http://127.0.0.1:{port}{path}"
        got = await AsyncHTTPClient().fetch(
            url, method=method, headers=headers, raise_error=False, decompress_response=False
        )
        return Answer(got.code, got.headers, got.body)

    yield one
    server.stop()
    await server.close_all_connections()


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("x-gzip", "gzip"),
        ("deflate, zstd", "identity"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0", "identity"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("gzip;q=0.5, identity;q=0.8", "identity"),
        ("GZIP ; Q=0.5", "gzip"),
        ("*", "br"),
        ("*;q=0.5, br;q=0", "gzip"),
        ("gzip;q=0, *", "br"),
        ("identity;q=0", None),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0, *", "br"),
        ("*;q=0", None),
        ("*;q=0, identity", "identity"),
        ("br;q=0, gzip;q=0, *;q=0", None),
        ("br;q=nan, br;q=, gzip;level=3, ;q=1, br;", "identity"),
        ("br;q=1;q=0", "identity"),
        ("a" * 300 + ", br", "identity"),
    ],
)
def test_the_best_coding_that_is_wanted_is_chosen(accepted: str | None, coding: str | None) -> None:
    assert choose(accepted, ALL) == coding


@given(st.text("brgzipdentity*;=,q01. \t\u0130", max_size=60))
def test_whatever_is_asked_for_the_answer_is_one_of_those_at_hand_or_none(accepted: str) -> None:
    assert choose(accepted, ALL) in (*ALL, None)


@pytest.mark.parametrize(("accepted", "end"), [("br", ".br"), ("gzip", ".gz"), ("identity", "")])
async def test_a_file_comes_packed_as_the_build_has_packed_it(ask: Ask, accepted: str, end: str) -> None:
    answer = await ask(SCRIPT, accepted)
    assert answer.body == (STATIC / f"bundle/app.js{end}").read_bytes()
    assert answer.headers.get("Content-Encoding", "identity") == accepted
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Content-Type"].partition(";")[0] in ("text/javascript", "application/javascript")


async def test_what_is_packed_is_the_file(ask: Ask) -> None:
    for path in (SCRIPT, "/static/bundle/page.css", "/", "/rules", "/nowhere"):
        whole, packed = await ask(path, None), await ask(path, "gzip")
        assert packed.headers["Content-Encoding"] == "gzip", path
        assert gzip.decompress(packed.body) == whole.body, path
        assert len(packed.body) < 0.6 * len(whole.body), path


async def test_each_coding_has_a_tag_of_its_own_and_a_cache_that_has_it_is_told_so(ask: Ask) -> None:
    for path, codings in ((SCRIPT, ALL), ("/", ("gzip", "identity"))):
        answers = {coding: await ask(path, coding) for coding in codings}
        assert len({answer.headers["Etag"] for answer in answers.values()}) == len(codings), path
        for coding, answer in answers.items():
            again = await ask(path, coding, If_None_Match=answer.headers["Etag"])
            assert (again.code, again.body, again.headers["Etag"]) == (304, b"", answer.headers["Etag"]), path
            assert "Accept-Encoding" in again.headers["Vary"] and "Content-Encoding" not in again.headers, path
            others = [other.headers["Etag"] for other in answers.values() if other is not answer]
            assert (await ask(path, coding, If_None_Match=", ".join(others))).code == 200, path


async def test_the_page_depends_on_language_and_coding(ask: Ask) -> None:
    for accepted in (None, "gzip"):
        assert (await ask("/", accepted)).headers["Vary"] == "Accept-Language, Accept-Encoding"


@pytest.mark.parametrize("accepted", ["br", "gzip", "identity"])
async def test_head_says_what_get_would_send(ask: Ask, accepted: str) -> None:
    for path in (SCRIPT, "/"):
        whole, bare = await ask(path, accepted), await ask(path, accepted, method="HEAD")
        kept = [{name: at for name, at in one.headers.get_all() if name != "Date"} for one in (whole, bare)]
        assert kept[0] == kept[1] and bare.body == b"", path
        assert int(bare.headers["Content-Length"]) == len(whole.body), path


async def test_a_part_is_one_of_the_packed_file(ask: Ask) -> None:
    packed = (STATIC / "bundle/app.js.br").read_bytes()
    part = await ask(SCRIPT, "br", Range="bytes=100-199")
    assert (part.code, part.body) == (206, packed[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(packed)}"
    assert part.headers["Content-Encoding"] == "br"
    beyond = await ask(SCRIPT, "br", Range=f"bytes={len(packed)}-")
    assert (beyond.code, beyond.body, "Content-Encoding" in beyond.headers) == (416, b"", False)


async def test_a_part_fits_what_is_there_already_or_all_of_it_comes(ask: Ask) -> None:
    tags = {coding: (await ask(SCRIPT, coding)).headers["Etag"] for coding in ALL}
    parted = await ask(SCRIPT, "br", Range="bytes=0-9", If_Range=tags["br"])
    assert (parted.code, len(parted.body)) == (206, 10)
    for other in (tags["gzip"], '"another"', "Mon, 30 Nov 2026 00:00:00 GMT"):
        assert (await ask(SCRIPT, "br", Range="bytes=0-9", If_Range=other)).code == 200, other


async def test_who_wants_nothing_that_there_is_gets_406(ask: Ask) -> None:
    for path in (SCRIPT, "/", "/rules", "/nowhere"):
        answer = await ask(path, "identity;q=0, zstd")
        assert answer.code == 406, path
        assert answer.body == b"406 Not Acceptable\n" and "Content-Encoding" not in answer.headers, path
    assert (await ask("/static/icon.svg", "identity;q=0, br")).code == 200, "there is only one of it"


async def test_only_what_is_the_same_for_everybody_is_packed(ask: Ask) -> None:
    """An answer's length could tell what is in it, where a guest's words or a secret stand beside somebody else's."""
    for path in ("/manifest.webmanifest", "/static/icon.svg", "/static/app.js", "/favicon.ico"):
        answer = await ask(path, "br, gzip")
        assert (answer.code, "Content-Encoding" in answer.headers) == (200, False), path


async def test_a_packed_file_has_no_name_of_its_own(ask: Ask) -> None:
    for path in (f"{SCRIPT}.br", f"{SCRIPT}.gz"):
        assert (await ask(path, "br")).code == 404, path
