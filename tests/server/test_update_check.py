"""``citychat update-check`` against a real server: what it asks, what it says, and when it cannot say."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import citychat
from citychat.releases import found_in
from tests.support.patience import PATIENCE_S
from tests.support.server_process import ROOT

NOT_KNOWN = "; whether there is a newer version is not known\n"
INDEX = """<!DOCTYPE html><html><body>
<a href="/f/citychat-{0}.tar.gz#sha256=aa">citychat-{0}.tar.gz</a>
<a href="/f/citychat-{0}-py3-none-any.whl#sha256=aa">citychat-{0}-py3-none-any.whl</a>
<a href="/f/citychat-98.0.0-py3-none-any.whl" data-yanked="broken">citychat-98.0.0-py3-none-any.whl</a>
<a href="/f/citychat-97.0.0rc1.tar.gz">citychat-97.0.0rc1.tar.gz</a>
<a href="/f/not-citychat-96.0.0.tar.gz">not-citychat-96.0.0.tar.gz</a>
</body></html>"""


class ReleasePages(ThreadingHTTPServer):
    """Pages by path, and what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ReleasePageHandler)
        self.pages: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class ReleasePageHandler(BaseHTTPRequestHandler):
    server: ReleasePages

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        page = self.server.pages.get(self.path)
        self.send_response(404 if page is None else 200)
        kind = "application/vnd.pypi.simple.v1+json" if page and page.startswith("{") else "text/html"
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write((page or "").encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[ReleasePages]:
    with ReleasePages() as pages:
        thread = threading.Thread(target=pages.serve_forever)
        thread.start()
        yield pages
        pages.shutdown()
        thread.join()


def check(*words: str, **variables: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "citychat", "update-check", *words]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_a_page_is_asked_once_and_told_nothing_of_this_server(site: ReleasePages) -> None:
    site.pages["/simple/citychat/"] = INDEX.format("99.1.10")
    newer = f"There is CityChat 99.1.10; this is {citychat.__version__}. Its changelog says what it asks of you.\n"
    assert check("--releases", f"{site.url}/simple/citychat/") == (3, newer, "")
    ((path, headers),) = site.asked
    assert path == "/simple/citychat/"
    assert set(headers) == {"accept", "accept-encoding", "connection", "host", "user-agent"}
    assert citychat.__version__ not in str(headers) and "citychat" not in headers["user-agent"].lower()
    site.pages["/simple/citychat/"] = INDEX.format(citychat.__version__)
    newest = f"CityChat {citychat.__version__} is the newest there is.\n"
    assert check(CITYCHAT_RELEASES=f"{site.url}/simple/citychat/") == (0, newest, "")


@pytest.mark.parametrize(
    ("page", "found"),
    [
        (INDEX.format("1.2.3"), {(1, 2, 3)}),
        ("0123abcd refs/tags/v1.9.0\n4567 refs/tags/v1.10.0^{}\n89 refs/tags/v2.0.0-rc1\n", {(1, 9, 0), (1, 10, 0)}),
        ('[{"tag_name": "v1.2.3"}, {"tag_name":"v1.3.0"}]', {(1, 2, 3), (1, 3, 0)}),
        ('<a href="/o/r/releases/tag/v1.2.3">v1.2.3</a> needs tornado v9.9.9', {(1, 2, 3)}),
        (
            json.dumps(
                {
                    "versions": ["1.2.3", "9.0.0"],
                    "files": [
                        {"filename": "citychat-1.2.3.tar.gz"},
                        {"filename": "citychat-9.0.0.tar.gz", "yanked": "broken"},
                    ],
                }
            ),
            {(1, 2, 3)},
        ),
        ("citychat-1.2.tar.gz citychat-1.2.3.4.tar.gz xcitychat-1.2.3.zip", set()),
        ('{"files": 5}', set()),
        ("[" * 100_000, set()),
        ("", set()),
    ],
)
def test_whole_releases_are_found_as_indexes_and_tags_write_them(page: str, found: set[tuple[int, ...]]) -> None:
    assert set(found_in(page)) == found


def test_when_nobody_can_say_it_says_so(site: ReleasePages) -> None:
    site.pages["/empty?key=secret"] = "nothing here"
    for path, why in [
        ("/nowhere", "/nowhere answers 404 Not Found"),
        ("/empty?key=secret", "/empty names no release of CityChat"),
    ]:
        line = f"citychat update-check: {site.url}{why}{NOT_KNOWN}"
        assert check("--releases", site.url + path) == (1, "", line)
    status, out, why = check("--releases", "http://127.0.0.1:9/")
    assert (status, out) == (1, "")
    assert why == f"citychat update-check: cannot ask http://127.0.0.1:9/: Connection refused{NOT_KNOWN}"
    with socket.create_server(("127.0.0.1", 0)) as other:  # no server of HTTP

        def greet() -> None:
            with other.accept()[0] as visitor:
                visitor.sendall(b"220 mail.example ready\r\n")
                visitor.recv(1_000)

        thread = threading.Thread(target=greet)
        thread.start()
        port = other.getsockname()[1]
        status, out, why = check("--releases", f"http://127.0.0.1:{port}/")
        thread.join()
    assert (status, out) == (1, "") and why.startswith(f"citychat update-check: cannot ask http://127.0.0.1:{port}/: ")
    assert check("now")[0] == 2 and check("--releases", "file:///etc/passwd")[0] == 2


def test_a_copy_that_came_from_no_index_asks_none(site: ReleasePages) -> None:
    status, out, why = check(PIP_INDEX_URL=f"{site.url}/simple")
    assert (status, out, site.asked) == (1, "", [])
    assert why.startswith("citychat update-check: nowhere to ask: ") and why.endswith(f"--releases URL{NOT_KNOWN}")


def test_a_copy_of_an_index_asks_the_one_that_pip_is_set_up_for(site: ReleasePages, tmp_path: Path) -> None:
    installed = tmp_path / f"citychat-{citychat.__version__}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: citychat\nVersion: {citychat.__version__}\n")
    site.pages["/simple/citychat/"] = INDEX.format("99.1.10").replace("96.0.0", citychat.__version__)
    pip = {"PIP_INDEX_URL": f"{site.url}/simple", "PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": str(tmp_path)}
    status, out, why = check(**pip)
    assert (status, why) == (3, ""), why
    assert out.startswith("There is CityChat 99.1.10; ")
    site.pages.clear()
    status, out, why = check(**pip)
    assert (status, out) == (1, "")
    assert why == f"citychat update-check: pip: No matching distribution found for citychat{NOT_KNOWN}"
