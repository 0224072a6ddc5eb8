"""A host's own logo, an SVG: read by a parser of XML, checked against what is allowed, and written anew.

What a browser would run, fetch or repeat without an end has no place on the lists below. Nothing is left out silently:
a file with anything else in it is refused as a whole.
"""

import re
from html import escape
from typing import Any, Final

FILE: Final = "logo.svg"
MAX_BYTES: Final = 64_000
MAX_ELEMENTS, MAX_DEPTH = 1_000, 20
SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
TEXTS = frozenset({"title", "desc"})
GRADIENTS = frozenset({"linearGradient", "radialGradient"})
# No script, foreignObject, image, a, style, animation; no text, which needs fonts; no use, pattern, mask, filter or
# marker: a few of those within each other are drawn millions of times.
ELEMENTS = TEXTS | GRADIENTS | {
    "svg", "g", "defs", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "stop", "clipPath",
}  # fmt: skip
DRAWN_WITH = frozenset({
    "fill", "fill-opacity", "fill-rule", "clip-path", "clip-rule", "stroke", "stroke-width", "stroke-opacity",
    "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "opacity",
    "color", "stop-color", "stop-opacity", "display", "visibility", "paint-order", "vector-effect", "shape-rendering",
})  # fmt: skip
ATTRIBUTES = DRAWN_WITH | {
    "id", "version", "viewBox", "width", "height", "preserveAspectRatio", "transform", "d", "points", "x", "y", "rx",
    "ry", "cx", "cy", "r", "x1", "y1", "x2", "y2", "fx", "fy", "fr", "offset", "gradientUnits", "gradientTransform",
    "spreadMethod", "clipPathUnits",
}  # fmt: skip
# Without : / \ @ " ' < & there is no address, no escape and no rule of a style sheet.
PLAIN = re.compile(r"[A-Za-z0-9#.,%()+_\s-]*")
LOCAL = re.compile(r"url\(#[A-Za-z_][\w.-]*\)", re.ASCII)
REFERS = frozenset({"fill", "stroke", "clip-path"})


class BadLogo(Exception):
    """One line for the host: where the file has what is not allowed."""


def sanitised(svg: bytes) -> bytes:
    """Return the same picture, written anew. Raises BadLogo."""
    from xml.parsers import expat  # who has a logo of their own

    if len(svg) > MAX_BYTES:
        raise BadLogo(f"it has more than {MAX_BYTES} bytes")
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    reader = _Reader(parser)
    try:
        parser.Parse(svg, True)
    except expat.ExpatError as error:
        raise BadLogo(f"line {error.lineno} is no XML: {expat.ErrorString(error.code)}") from error
    except (ValueError, LookupError) as error:  # an encoding that expat, or Python, does not have
        raise BadLogo(f"it is not in UTF-8: {error}") from error
    return "".join(reader.written).encode()


class _Reader:
    """The parser's events, each allowed and written down, or refused."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._open: list[str] = []
        self._count = 0
        self.written: list[str] = []
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = lambda *_: self._refuse("a DOCTYPE")
        parser.EntityDeclHandler = lambda *_: self._refuse("an entity")
        parser.ExternalEntityRefHandler = lambda *_: self._refuse("an entity")
        parser.ProcessingInstructionHandler = lambda target, _: self._refuse(f"<?{_short(target)}?>")

    def _refuse(self, what: str) -> None:
        hint = "save it as plain SVG, texts as paths"
        raise BadLogo(f"line {self._parser.CurrentLineNumber} has {what}, which is not allowed: {hint}")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        self._count += 1
        if namespace != SVG or name not in ELEMENTS or (name == "svg") != (not self._open):
            self._refuse(f"<{_short(name)}>" + ("" if namespace in (SVG, "") else f" of {_short(namespace)}"))
        if self._open and self._open[-1] in TEXTS:
            self._refuse(f"<{name}> inside <{self._open[-1]}>")
        if self._count > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            self._refuse(f"more than {MAX_ELEMENTS} elements, or {MAX_DEPTH} within each other")
        kept = self._attributes(name, attributes)
        if name == "svg" and "viewBox" not in kept:
            raise BadLogo("it has no viewBox, and would not grow and shrink")
        own = f' xmlns="{SVG}"' if name == "svg" else ""
        self.written.append(f"<{name}{own}" + "".join(f' {key}="{escape(kept[key])}"' for key in kept) + ">")
        self._open.append(name)

    def _end(self, _: str) -> None:
        self.written.append(f"</{self._open.pop()}>")

    def _text(self, text: str) -> None:
        if self._open[-1] in TEXTS:
            self.written.append(escape(text))
        elif text.strip():
            self._refuse(f"the words {_short(text.strip())!r}")

    def _attributes(self, element: str, given: dict[str, str]) -> dict[str, str]:
        kept: dict[str, str] = {}
        for key, value in given.items():
            if key == "style":
                kept |= self._declarations(value)
            elif key in (f"{XLINK} href", "href") and element in GRADIENTS and LOCAL.fullmatch(f"url({value})"):
                kept["href"] = value
            elif key == "http://www.w3.org/XML/1998/namespace space":
                continue  # of white space between elements, which is not drawn
            elif key in ATTRIBUTES:
                kept[key] = value
            else:
                self._refuse(f'{_short(key.rpartition(" ")[2])}="{_short(value)}"')
        for key, value in kept.items():
            self._check(key, value)
        return kept

    def _declarations(self, style: str) -> dict[str, str]:
        """A style attribute as attributes of their own: the page allows no styles but its own."""
        found: dict[str, str] = {}
        for declaration in filter(str.strip, style.split(";")):
            key, _, value = (part.strip() for part in declaration.partition(":"))
            if key not in DRAWN_WITH:
                self._refuse(f"the style {_short(declaration.strip())!r}")
            found[key] = value
        return found

    def _check(self, key: str, value: str) -> None:
        is_local = (
            key in REFERS and LOCAL.fullmatch(value) and "clipPath" not in self._open
        )  # clips within clips repeat
        is_plain = PLAIN.fullmatch(value) and "url" not in value.lower()
        if not (is_local or is_plain or key == "href"):
            self._refuse(f'{key}="{_short(value)}"')


def _short(text: str) -> str:
    """As much of a file as a terminal may be shown."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:60])
