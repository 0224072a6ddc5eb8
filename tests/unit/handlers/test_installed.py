"""What a phone puts on its screen, and what it shows without a network."""

import json
import math
import re
import shutil
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

from citychat.handlers.files import STATIC
from citychat.handlers.pages import Pages
from citychat.languages import Spoken

FACTS = {"version": "1", "consent": "1", "contact": None, "credit": None, "history_days": 30}
SAFE = 0.4  # of the side: the radius of the circle that every shape of a maskable icon leaves whole
Get = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
async def get() -> AsyncIterator[Get]:
    sock, port = bind_unused_port()
    server = HTTPServer(Application(Pages(**FACTS).routes()))  # type: ignore[arg-type]
    server.add_socket(sock)

    async def fetch(path: str) -> HTTPResponse:
        return await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}{path}", raise_error=False)

    yield fetch
    server.stop()
    await server.close_all_connections()


async def test_every_icon_of_the_manifest_is_there_and_kept_for_a_year(get: Get) -> None:
    manifest = json.loads((await get("/manifest.webmanifest")).body)
    assert (manifest["display"], manifest["scope"]) == ("standalone", "/")
    for icon in manifest["icons"]:
        answer = await get(icon["src"])
        assert (answer.code, answer.headers["Content-Type"]) == (200, icon["type"]), icon
        assert "immutable" in answer.headers["Cache-Control"], icon


@pytest.mark.parametrize("name", ["maskable-192", "maskable-512", "apple"])
def test_an_icon_that_is_cut_has_ground_to_its_edges_and_its_drawing_inside_the_circle(name: str) -> None:
    picture = Image.open(STATIC / "icons" / f"{name}.png").convert("RGBA")
    side, pixels = picture.width, picture.tobytes()
    assert picture.height == side
    ground, middle = pixels[:4], (side - 1) / 2
    drawn = [divmod(at // 4, side) for at in range(0, len(pixels), 4) if pixels[at : at + 4] != ground]
    assert len(drawn) > side * side / 10
    assert picture.getchannel("A").getextrema() == (255, 255), "nothing is seen through"
    assert max(math.dist(at, (middle, middle)) for at in drawn) <= SAFE * side


@pytest.mark.parametrize("side", [192, 512])
def test_a_plain_icon_has_round_corners(side: int) -> None:
    picture = Image.open(STATIC / "icons" / f"plain-{side}.png").convert("RGBA")
    assert picture.size == (side, side)
    assert [picture.getchannel("A").getpixel(at) for at in ((0, 0), (side // 2, side // 2))] == [0, 255]


async def test_the_page_without_a_network_needs_no_other_file_and_its_style_is_allowed_by_its_hash(get: Get) -> None:
    answer = await get("/offline")
    html = answer.body.decode()
    assert re.findall(r'(?:src|href)="([^"]+)"', html) == ["/"]
    assert "<script" not in html and "style=" not in html
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'self' 'sha256-{digest}';" in answer.headers["Content-Security-Policy"]
    assert "style-src 'self';" in (await get("/")).headers["Content-Security-Policy"]


async def test_a_worker_that_is_another_has_another_address(get: Get, tmp_path: Path) -> None:
    shutil.copytree(STATIC, tmp_path / "static")
    (tmp_path / "static" / "offline" / "worker.js").write_text("// another\n")
    found = [
        re.findall(r'data-worker="(/worker\.js\?v=[0-9a-f]{12})"', served.page("page", Spoken("en")).html.decode())
        for served in (Pages(**FACTS), Pages(**FACTS), Pages(**FACTS, static=tmp_path / "static"))  # type: ignore[arg-type]
    ]
    assert found[0] == found[1] != found[2] and all(found)
    answer = await get(found[0][0])
    assert (answer.code, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert answer.body == (STATIC / "offline" / "worker.js").read_bytes()
    assert "connect-src 'self'" in answer.headers["Content-Security-Policy"], "it fetches the page that it keeps"
