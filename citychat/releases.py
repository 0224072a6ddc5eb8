"""The command ``update-check``: whether there is a newer release, asked when the host asks and never else.

Asked is the page that the host has named; without one, the package index that pip is set up for, where this copy came
from an index. Nothing of this server is told to either.
"""

import json
import re
import subprocess
import sys
from http.client import HTTPException
from importlib import metadata
from typing import TextIO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

PACKAGE = "citychat"
SILENCE_S, PIP_S = 20.0, 120.0
PAGE_MAX_BYTES = 4_000_000
NEWER = 3  # exit status, for who runs it by a timer
# An index answers as JSON (PEP 691) or as HTML (PEP 503), a release page as it likes.
ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5, */*;q=0.1"
# Whole versions only: who wants a release candidate knows where to look. Tags as git, and as pages about it, write them
NUMBERS = r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})"
FILE = re.compile(rf"(?<![\w.-]){PACKAGE}-{NUMBERS}(?=-py\d|\.tar\.gz|\.zip)", re.ASCII)
TAG = re.compile(rf'(?:refs/tags/|/tag/|"tag_name": ?")v?{NUMBERS}(?![\w.+-])', re.ASCII)
YANKED = re.compile(r"<a\s[^>]*\bdata-yanked\b[^>]*>.*?</a>", re.DOTALL | re.IGNORECASE)

Version = tuple[int, ...]


class Unknown(Exception):
    """One line for the host: why nobody can say."""


def main(words: list[str], *, page: str, running: str, out: TextIO, errors: TextIO) -> int:
    """Exit status: 0 this is the newest, 3 there is a newer one, 1 nobody can say, 2 a wrong command."""
    if words:
        print(f"citychat update-check: {words[0]} is not expected; name a page with --releases URL", file=errors)
        return 2
    try:
        newest = max(_on_the_page(page) if page else _by_pip())
    except Unknown as error:
        print(f"citychat update-check: {error}; whether there is a newer version is not known", file=errors)
        return 1
    if newest <= _version(running):
        print(f"CityChat {running} is the newest there is.", file=out)
        return 0
    print(f"There is CityChat {_written(newest)}; this is {running}. Its changelog says what it asks of you.", file=out)
    return NEWER


def found_in(page: str) -> list[Version]:
    """Return the versions that a page names: an index's of this package, or one of releases or tags."""
    try:
        files = json.loads(page)["files"]
        page = "\n".join(file["filename"] for file in files if not file.get("yanked"))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        page = YANKED.sub("", page)
    return [tuple(map(int, numbers)) for form in (FILE, TAG) for numbers in form.findall(page)]


def _on_the_page(page: str) -> list[Version]:
    """Raises Unknown."""
    where = urlsplit(page)._replace(query="").geturl()  # in which a key may stand
    try:
        with urlopen(Request(page, headers={"Accept": ACCEPT}), timeout=SILENCE_S) as answer:
            text = answer.read(PAGE_MAX_BYTES).decode("utf-8", "replace")
    except HTTPError as error:
        raise Unknown(f"{where} answers {error.code} {error.reason}") from error
    except (OSError, ValueError, HTTPException) as error:
        reason = (error.reason if isinstance(error, URLError) else error) or type(error).__name__
        raise Unknown(f"cannot ask {where}: {getattr(reason, 'strerror', None) or reason}") from error
    if not (found := found_in(text)):
        raise Unknown(f"{where} names no release of CityChat")
    return found


def _by_pip() -> list[Version]:
    """Raises Unknown."""
    if not _is_of_an_index():
        raise Unknown(
            "nowhere to ask: this copy came from no package index; name a page that lists its releases with "
            "--releases URL"
        )
    command = [sys.executable, "-m", "pip", "index", "versions", PACKAGE, "--disable-pip-version-check"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PIP_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unknown(f"pip: {type(error).__name__}") from error
    listed = re.search(r"^Available versions: (.*)$", done.stdout, re.MULTILINE)
    found = [_version(each) for each in re.split(r",\s*", listed[1] if listed else "") if _version(each)]
    if done.returncode or not found:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        raise Unknown(f"pip: {(said or ['it names no release of CityChat'])[-1].removeprefix('ERROR: ')[:200]}")
    return found


def _is_of_an_index() -> bool:
    """Tell whether pip had this copy by its name alone: from elsewhere it notes where (PEP 610)."""
    try:
        return metadata.distribution(PACKAGE).read_text("direct_url.json") is None
    except metadata.PackageNotFoundError:
        return False


def _version(text: str) -> Version:
    """Empty for what is no whole release."""
    found = re.fullmatch(NUMBERS, text.strip())
    return tuple(map(int, found.groups())) if found else ()


def _written(version: Version) -> str:
    return ".".join(map(str, version))
