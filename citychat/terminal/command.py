"""The command ``python -m citychat guest URL``: a guest in the terminal, in plain lines, for people and for scripts."""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Never
from urllib.parse import urlsplit

from citychat.languages import ENGLISH_CODE, languages, nearest, words

VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that says something (POSIX)
USAGE = "citychat guest URL [--city NAME] [--token-file FILE] [--language CODE] [--yes]"


class UsageError(Exception):
    """A mistake in the arguments."""


class _GuestParser(argparse.ArgumentParser):
    def error(self, message: str) -> Never:
        raise UsageError(message)

    def _print_message(self, message: str, file: Any = None) -> None:
        print(message, end="", file=file)  # argparse says nothing when it cannot be written


def main(argv: Sequence[str]) -> int:
    """Exit status: 0 done, 1 the server or a file could not be had or sent the guest away, 2 wrong arguments."""
    try:
        given = _parser().parse_args(argv)
        url, code = _url(given.url), _language(given.language, os.environ)
    except UsageError as error:
        print(f"citychat guest: {error}; expected: {USAGE}", file=sys.stderr)
        return 2
    from citychat.terminal.visit import visit  # a mistake, or --help, is answered at once

    return visit(url, given.token_file, given.city, given.yes, words(code))


def _parser() -> _GuestParser:
    parser = _GuestParser(prog="citychat guest", usage=USAGE, description="Be a guest of a CityChat server.")
    parser.add_argument("url", metavar="URL", help="address of the server, such as http://localhost:8888")
    parser.add_argument("--city", default="", metavar="NAME", help="your city, where the server does not know it")
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE",
        help="stay the same guest between runs, with the same chats; without it you are somebody new each time",
    )  # fmt: skip
    parser.add_argument("--language", default="", metavar="CODE", help="such as de; else that of LC_MESSAGES or LANG")
    parser.add_argument("--yes", action="store_true", help="I am 18 or older and accept the rules")
    return parser


def _language(given: str, environ: Mapping[str, str]) -> str:
    """One of our languages: the one given, else the terminal's, else English. Raises UsageError."""
    if given and (code := nearest(_tag(given), languages())):
        return code
    if given:
        raise UsageError(f"there is no language {given!r}, only {', '.join(languages())}")
    wished = next(filter(None, map(environ.get, VARIABLES)), "")
    return nearest(_tag(wished), languages()) or ENGLISH_CODE


def _tag(locale: str) -> str:
    """``pt_BR.UTF-8`` as browsers write it."""
    return re.split(r"[.@]", locale)[0].replace("_", "-").lower()


def _url(given: str) -> str:
    """``given`` without a path, with a scheme. Raises UsageError."""
    try:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        pass
    raise UsageError(f"{given!r} is no address of a server, such as http://localhost:8888")
