"""A host's own logo: what is shown is written anew; what a browser would run, fetch or repeat is refused by name."""

import xml.etree.ElementTree as Tree
from typing import Final

import pytest

from citychat.face import MAX_BYTES, BadLogo, sanitised
from citychat.handlers.files import STATIC

SVG: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">{}</svg>'
)
DRAWN: Final = SVG.format(
    '<title>A &amp; &lt;B&gt; "C"</title><defs><linearGradient id="a.1"><stop offset="0" style="stop-color:#fff"/>'
    '</linearGradient><linearGradient id="b" xlink:href="#a.1"/><clipPath id="c"><rect width="9" height="9"/>'
    '</clipPath></defs><g clip-path="url(#c)" transform="matrix(1 0 0 1 -1.5 2e-3)">'
    '<path d="M0,0h9v9z" fill="url(#b)"/><circle r="3" style="fill:none; stroke: rgb(1, 2, 3)"/></g>'
)


def refused(body: str) -> str:
    with pytest.raises(BadLogo) as why:
        sanitised(SVG.format(body).encode())
    return str(why.value)


def test_a_picture_is_written_anew_with_its_styles_as_attributes() -> None:
    fresh = sanitised(DRAWN.encode()).decode()
    assert "style" not in fresh and "xlink" not in fresh
    root = Tree.fromstring(fresh)
    (circle,) = root.iter("{http://www.w3.org/2000/svg}circle")
    assert circle.attrib == {"r": "3", "fill": "none", "stroke": "rgb(1, 2, 3)"}
    (title,) = root.iter("{http://www.w3.org/2000/svg}title")
    assert title.text == 'A & <B> "C"'
    assert [each.get("href") for each in root.iter("{http://www.w3.org/2000/svg}linearGradient")] == [None, "#a.1"]
    assert sanitised(fresh.encode()).decode() == fresh


def test_the_built_in_sign_is_one_to_begin_with() -> None:
    assert sanitised((STATIC / "icon.svg").read_bytes())


def test_what_programs_put_around_a_picture_is_read() -> None:
    for before in ("\ufeff", '<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by hand -->\n'):
        assert sanitised((before + DRAWN).encode()) == sanitised(DRAWN.encode())
    named = '<s:svg xmlns:s="http://www.w3.org/2000/svg" viewBox="0 0 9 9" xml:space="preserve"><s:g/></s:svg>'
    assert sanitised(named.encode()) == b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g></g></svg>'
    wide = '<?xml version="1.0" encoding="utf-16"?>' + DRAWN
    assert sanitised(wide.encode("utf-16")) == sanitised(DRAWN.encode())


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("<script>alert(1)</script>", "<script>"),
        ('<g onload="alert(1)"/>', 'onload="alert(1)"'),
        ('<a href="javascript:alert(1)"><path/></a>', "<a>"),
        ("<foreignObject/>", "<foreignObject>"),
        ('<image href="https://tracker.example/x.png"/>', "<image>"),
        ("<style>*{fill:red}</style>", "<style>"),
        ("<text>hi</text>", "<text>"),
        ('<use href="#a"/>', "<use>"),
        ("<animate/>", "<animate>"),
        ("<set/>", "<set>"),
        ("<filter/>", "<filter>"),
        ("<svg/>", "<svg>"),
        ('<b xmlns="http://www.w3.org/1999/xhtml"/>', "<b> of http://www.w3.org/1999/xhtml"),
        ('<g class="x"/>', 'class="x"'),
        ('<g xmlns:i="urn:i" i:label="x"/>', 'label="x"'),
        ('<linearGradient href="https://tracker.example/#a"/>', 'href="https://tracker.example/#a"'),
        ('<linearGradient xlink:href="data:image/svg+xml,x"/>', "data:image/svg+xml"),
        ('<path href="#a"/>', 'href="#a"'),
        ('<path fill="url(https://tracker.example/#a)"/>', 'fill="url(https://tracker.example/#a)"'),
        ('<path fill="url(//tracker.example)"/>', 'fill="url(//tracker.example)"'),
        ('<path fill="url(#a) url(x)"/>', 'fill="url(#a) url(x)"'),
        ('<path d="url(#a)"/>', 'd="url(#a)"'),
        (r'<path fill="\75rl(x)"/>', r"\75rl(x)"),
        ('<path fill="URL(x)"/>', "URL(x)"),
        ('<path style="fill:url(x.svg#a)"/>', "url(x.svg#a)"),
        ('<path style="background:url(x)"/>', "background:url(x)"),
        ('<path style="fill:red;/*x*/stroke:red"/>', "/*x*/stroke:red"),
        ('<path style="fill:red;@import x"/>', "@import x"),
        ('<clipPath id="a"><path clip-path="url(#b)"/></clipPath>', 'clip-path="url(#b)"'),
        ("<g>stray words</g>", "stray words"),
        ("<title><path/></title>", "<path> inside <title>"),
        ("<?xml-stylesheet href='x'?>", "<?xml-stylesheet?>"),
        ("<g>" * 20 + "</g>" * 20, "within each other"),
        ("<path/>" * 1_000, "more than 1000 elements"),
    ],
)
def test_what_a_browser_would_run_fetch_or_repeat_is_refused_by_name(body: str, named: str) -> None:
    why = refused(body)
    assert why.startswith("line 1 has ") and named in why
    assert why.isprintable()


@pytest.mark.parametrize(
    "declared",
    ["<!DOCTYPE svg>", '<!DOCTYPE svg SYSTEM "file:///etc/passwd">', '<!DOCTYPE svg [<!ENTITY a "aaaaaaaa">]>'],
)
def test_a_document_type_and_its_entities_are_refused(declared: str) -> None:
    with pytest.raises(BadLogo, match="line 2 has a DOCTYPE, which is not allowed"):
        sanitised(("<?xml version='1.0'?>\n" + declared + SVG.format("")).encode())
    assert refused("&a;") == "line 1 is no XML: undefined entity"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no element found"),
        (b"\x89PNG\r\n\x1a\n", "line 1 is no XML"),
        (b"<html></html>", "<html>"),
        (b'<svg viewBox="0 0 1 1"/>', "<svg>"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "no viewBox"),
        (DRAWN.encode()[:-6], "no element found"),
        (b'<?xml version="1.0" encoding="nonsense"?><svg/>', "not in UTF-8"),
        (b'<?xml version="1.0" encoding="gb18030"?><svg/>', "not in UTF-8"),
        (SVG.format("\xe9").encode("latin-1"), "line 1 is no XML"),
        (SVG.format(" " * MAX_BYTES).encode(), "more than 64000 bytes"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_line_that_says_why(content: bytes, why: str) -> None:
    with pytest.raises(BadLogo, match=why):
        sanitised(content)
