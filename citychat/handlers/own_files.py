"""Files that are made of the host's face, and the icons of the site: ours, or the host's logo alone."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

from citychat.face import FILE, Face, sheet
from citychat.handlers.files import short_hash, versioned

PICTURES = {
    f"icons/{kind}-{side}.png": {"sizes": f"{side}x{side}", "purpose": purpose}
    for kind, purpose in (("plain", "any"), ("maskable", "maskable"))
    for side in (192, 512)
}


class OwnFile(NamedTuple):
    """A file that is made of the host's face."""

    content: bytes
    kind: str


class OwnFiles:
    """All of them, for one face."""

    def __init__(self, face: Face, static: Path) -> None:
        self._versioned = partial(versioned, static=static)
        icon = OwnFile(face.logo or (static / "icon.svg").read_bytes(), "image/svg+xml")
        logo = {FILE: icon} if face.logo else {}
        colours = {"face.css": OwnFile(sheet(face.accent).encode(), "text/css; charset=utf-8")} if face.accent else {}
        self._own = {"favicon.ico": icon, **logo, **colours}

    def get(self, name: str) -> OwnFile | None:
        """Return what there is of the host's face under this name."""
        return self._own.get(name)

    def url_of(self, name: str) -> str:
        """The address of one of the host's own files, which changes with its content; "" where there is none."""
        own = self._own.get(name)
        return f"/{name}?v={short_hash(own.content)}" if own else ""

    def icon(self) -> str:
        """The address of the site's sign."""
        return self.url_of(FILE) or self._versioned("icon.svg")

    def picture(self) -> str:
        """The address of the site's sign where a drawing will not do."""
        return self.url_of(FILE) or self._versioned("icons/apple.png")

    def icons(self) -> list[dict[str, str]]:
        """Icons of the manifest: ours, or the host's logo alone."""
        drawing = {"src": self.icon(), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
        ours = [{"src": self._versioned(name), "type": "image/png", **facts} for name, facts in PICTURES.items()]
        return [drawing] if self.url_of(FILE) else [drawing, *ours]
