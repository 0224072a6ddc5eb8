"""Debian's nginx with the site of ``deploy/nginx.conf``, on free ports and with a certificate of its own."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.patience import PATIENCE_S
from tests.support.services import Child, MissingServer, free_port, listens

ROOT = Path(__file__).parents[2]
SITE = ROOT / "deploy" / "nginx.conf"
PROGRAM = shutil.which("nginx") or "/usr/sbin/nginx"  # sbin is on the PATH of root only
NAME = "chat.example"  # as the browser's flags resolve it
# Around the site, in place of Debian's own nginx.conf. The last two lines let a test come from any address.
MAIN = """
{user}
daemon off;
pid {folder}/pid;
error_log {folder}/main.log;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    include /etc/nginx/mime.types;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Test-Address;
}}
"""


class Nginx:
    """In front of one or two processes. ``name``: of the site; ``changed``: what stands in the shipped file, and what
    does in its place; ``days``: how long the certificate lasts. Entering raises MissingServer, RuntimeError."""

    def __init__(
        self,
        folder: Path,
        *processes: int,
        name: str = NAME,
        changed: Mapping[str, str] | None = None,
        days: int = 1,
    ) -> None:
        self.folder, self.http, self.https = folder, free_port(), free_port()
        self.name, self._days = name, days
        folder.mkdir(parents=True)
        (folder / "site.conf").write_text(self._site(processes, changed or {}))
        user = "user root;" if os.geteuid() == 0 else ""  # its workers must reach the test's folder
        (folder / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))
        self._child = Child([PROGRAM, "-p", str(folder), "-c", str(folder / "nginx.conf")], folder)

    @property
    def url(self) -> str:
        return f"https://{self.name}:{self.https}"

    def _site(self, processes: tuple[int, ...], changed: Mapping[str, str]) -> str:
        """The file as it is shipped, and all that is changed in it."""
        text = SITE.read_text("utf-8")
        moved = {
            **changed,
            "chat.example.org": self.name,
            f"/etc/letsencrypt/live/{self.name}/": f"{self.folder}/",
            "/var/log/nginx/": f"{self.folder}/",
            "/var/www/html": f"{self.folder}",
            " listen [::]:80;": "",  # not every machine of tests has IPv6
            " listen [::]:443 ssl http2;": "",
            "listen 80;": f"listen 127.0.0.1:{self.http};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self.https} ssl http2;",
            "127.0.0.1:8888": f"127.0.0.1:{processes[0]}",
        }
        if processes[1:]:
            moved["# server 127.0.0.1:8889"] = f"server 127.0.0.1:{processes[1]}"
        for old, new in moved.items():
            assert old in text, f"{SITE} has no {old}"
            text = text.replace(old, new)
        return text

    def __enter__(self) -> "Nginx":
        if not Path(PROGRAM).exists():
            raise MissingServer("nginx is not installed: apt-get install --no-install-recommends nginx")
        certify(self.folder, self.name, self._days)
        self._child.start(lambda: listens(self.https) and listens(self.http))
        return self

    def reload(self) -> None:
        """As `systemctl reload nginx` does; connections that are open go on at the old workers."""
        self._child.signal(signal.SIGHUP)

    def __exit__(self, *_: object) -> None:
        self._child.stop()


def certify(folder: Path, name: str, days: int) -> None:
    """Make a certificate for ``name`` and its key, as letsencrypt names them. Less than 0 ``days``: it has run out."""
    key, asked, made = folder / "privkey.pem", folder / "asked.pem", folder / "fullchain.pem"
    subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", asked],
        check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run(
        ["openssl", "x509", "-req", "-in", asked, "-copy_extensions", "copy", "-signkey", key, "-days", str(days),
         "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip


def connections(port: int) -> int:
    """How many established connections a server on this machine has, as Linux tells."""
    wanted = f":{port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(wanted) and row[3] == "01" for row in rows)


def wait_for(port: int, at_least: int, seconds: float = PATIENCE_S) -> None:
    end = time.monotonic() + seconds
    while connections(port) < at_least:
        assert time.monotonic() < end, f"port {port} has {connections(port)} connections"
        time.sleep(0.05)
