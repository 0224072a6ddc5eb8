"""Debian's caddy with the site of ``deploy/Caddyfile``, on free ports and with a certificate of its own."""

import os
import shutil
from pathlib import Path
from typing import Self

from tests.support.nginx import NAME, certify
from tests.support.services import Child, MissingServer, free_port, listens

SITE = Path(__file__).parents[2] / "deploy" / "Caddyfile"


class Caddy:
    """In front of one or two processes. ``name``: of the site. Entering raises MissingServer, RuntimeError."""

    def __init__(self, folder: Path, *processes: int, name: str = NAME) -> None:
        self.folder, self.http, self.https, self.name = folder, free_port(), free_port(), name
        folder.mkdir(parents=True)
        (folder / "Caddyfile").write_text(self._site(processes))
        words = ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
        here = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        self._child = Child(words, folder, os.environ | here)

    @property
    def url(self) -> str:
        return f"https://{self.name}:{self.https}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")

    def _site(self, processes: tuple[int, ...]) -> str:
        """The file as it is shipped, and all that is changed in it."""
        text = SITE.read_text("utf-8")
        own = f"\tadmin off\n\thttp_port {self.http}\n\thttps_port {self.https}\n\tauto_https disable_redirects\n"
        addresses = " ".join(f"127.0.0.1:{port}" for port in processes)
        pair = f"\ttls {self.folder}/fullchain.pem {self.folder}/privkey.pem\n"
        moved = {
            "\n{\n": f"\n{{\n{own}",
            "\nchat.example.org {\n": f"\n{self.name}:{self.https} {{\n{pair}",
            "\treverse_proxy 127.0.0.1:8888 {": f"\treverse_proxy {addresses} {{",
        }
        for old, new in moved.items():
            assert text.count(old) == 1, f"{SITE} has no {old}"
            text = text.replace(old, new)
        return text

    def __enter__(self) -> Self:
        if shutil.which("caddy") is None:
            raise MissingServer("caddy is not installed: apt-get install --no-install-recommends caddy")
        certify(self.folder, self.name, 90)
        self._child.start(lambda: listens(self.https))
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stop()
