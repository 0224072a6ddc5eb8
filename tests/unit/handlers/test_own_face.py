"""A site's own name, colour and logo in everything that is sent: page, texts, manifest, icon."""

import json
import re

from citychat.face import Face, accent, sanitised
from tests.unit.handlers.test_pages import Get, get, head, pages

__all__ = ["get"]  # a fixture

LOGO = sanitised(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>')
OWN = Face("Lyon <parle>", accent("#0b6e4f"), LOGO)
HTML = ("/", "/rules", "/privacy", "/imprint", "/nowhere")


async def test_the_own_name_stands_in_the_title_the_mark_and_every_sentence(get: Get) -> None:
    own = pages(face=OWN)
    for path in HTML:
        body = (await get(path, own)).body.decode()
        title = re.search(r"<title>(.*)</title>", body)
        assert title is not None and "Lyon &lt;parle&gt;" in title[1], path
        assert "<span>Lyon &lt;parle&gt;</span>" in body, path
        assert "{site}" not in body and "<parle>" not in body, path
    assert "<p>Lyon &lt;parle&gt; lets two strangers" in (await get("/rules", own)).body.decode()
    assert "Back to Lyon &lt;parle&gt;" in (await get("/imprint", own)).body.decode()
    page = (await get("/", own)).body.decode()
    assert "Lyon &lt;parle&gt; needs JavaScript" in page
    words = re.search(r'id="catalogue">(.*?)</script>', page)
    assert words is not None and json.loads(words[1])["name"] == "Lyon <parle>"
    assert "CityChat" in (await get("/")).body.decode()


async def test_a_text_of_the_host_that_names_a_mark_is_filled_in_once(get: Get) -> None:
    own = pages(face=Face("{contact}"), texts={"imprint": "{site}, {history_days} days"})
    assert "<p>{contact}, 30 days</p>" in (await get("/imprint", own)).body.decode()


async def test_the_own_colour_is_a_style_sheet_after_the_others_and_none_stands_in_the_page(get: Get) -> None:
    own = pages(face=OWN)
    for path in HTML:
        body = (await get(path, own)).body.decode()
        *_, last = re.findall(r'<link rel="stylesheet" href="([^"]+)"', body)
        assert last.startswith("/face.css?v=") and "style=" not in body and "<style" not in body, path
        assert "unsafe" not in head(await get(path, own), "Content-Security-Policy")
    sheet = await get(last, own)
    assert head(sheet, "Content-Type") == "text/css; charset=utf-8"
    assert head(sheet, "Cache-Control") == "public, max-age=31536000, immutable"
    assert b"--lamp: #0b6e4f" in sheet.body
    assert head(await get("/face.css?v=0", own), "Cache-Control") == "no-cache"
    assert b"face.css" not in (await get("/")).body and (await get("/face.css")).code == 404


async def test_the_own_logo_is_the_mark_the_icon_and_the_sign_of_the_installed_page(get: Get) -> None:
    own = pages(face=OWN)
    for path in HTML:
        body = (await get(path, own)).body.decode()
        (mark,) = re.findall(r'<img class="mark-logo" src="([^"]+)" alt="">', body)
        (icon,) = re.findall(r'<link rel="icon" href="([^"]+)"', body)
        assert mark == icon and mark.startswith("/logo.svg?v=") and "mark-sign" not in body, path
    manifest = json.loads((await get("/manifest.webmanifest", own)).body)
    assert manifest["name"] == manifest["short_name"] == "Lyon <parle>"
    assert [each["src"] for each in manifest["icons"]] == [mark]
    assert (manifest["theme_color"], manifest["background_color"]) == ("#0b6e4f", "#f6f3ec")
    for path in (mark, "/favicon.ico"):
        answer = await get(path, own)
        assert (answer.body, head(answer, "Content-Type")) == (LOGO, "image/svg+xml"), path
        assert "default-src 'none'" in head(answer, "Content-Security-Policy"), path
        assert (await get(path, own, method="HEAD")).code == 200, path
    assert (await get("/logo.svg")).code == 404
    assert json.loads((await get("/manifest.webmanifest")).body)["theme_color"] == "#f6f3ec"


async def test_a_face_that_is_renewed_is_shown_at_once_under_new_addresses(get: Get) -> None:
    own = pages(face=OWN)
    before = own.own.url_of("face.css"), own.own.url_of("logo.svg")
    own.renew("7", None, {}, Face("Other", accent("#24324f"), None))
    assert own.own.url_of("face.css") not in ("", before[0]) and own.own.url_of("logo.svg") == ""
    body = (await get("/", own)).body.decode()
    assert "<title>Other</title>" in body and "mark-sign" in body
