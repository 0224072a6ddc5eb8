"""The console's pages and files, filled in."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from citychat.cases import reading, words
from citychat.face import FILE, Face, sheet
from citychat.rules import reference

HERE = Path(__file__).parent
STATIC = HERE.parent / "static"
SHEETS = (STATIC / "style" / "tokens.css", STATIC / "style" / "base.css", HERE / "console.css")
SVG, CSS = "image/svg+xml", "text/css; charset=utf-8"


class Drawer:
    """Fills in the pages in the site's own ``face``, whatever that is then."""

    def __init__(self, face: Callable[[], Face]) -> None:
        self._face = face
        self._sheet = "\n".join(path.read_text("utf-8") for path in SHEETS)
        self._icon = (STATIC / "icon.svg").read_bytes()
        self._jinja = Environment(
            loader=FileSystemLoader(HERE / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.globals |= {"words": words, "reading": reading, "reference": reference}
        self._jinja.filters["visible"] = words.visible  # also a browser turns the direction of writing

    def page(self, name: str, **facts: object) -> str:
        """Return a page, with everything in it escaped."""
        look = {"site": self._face().name, "has_logo": self._face().logo is not None, "url_of": self._url_of}
        return self._jinja.get_template(f"{name}.html").render(look, page=name, **facts)

    def file(self, name: str) -> tuple[bytes, str]:
        """Return a file of every page, and its kind. Raises KeyError."""
        face = self._face()
        return {
            "console.css": ((self._sheet + (sheet(face.accent) if face.accent else "")).encode(), CSS),
            FILE: (face.logo or self._icon, SVG),
        }[name]

    def _url_of(self, name: str) -> str:
        return f"/{name}?v={sha256(self.file(name)[0]).hexdigest()[:12]}"
