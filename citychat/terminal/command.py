"""The command ``python -m citychat guest URL``: a guest in the terminal, in plain lines, for people and for scripts."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Never
from urllib.parse import urlsplit

from citychat.catalogue import ENGLISH as WORDS
from citychat.client import CONSENT, read
from citychat.terminal.console import Console, Output
from citychat.terminal.guest import TerminalGuest
from citychat.terminal.site import NoSite, Site
from citychat.terminal.storage import StorageFile, StorageFileError

USAGE = "citychat guest URL [--city NAME] [--token-file FILE] [--yes]"


class UsageError(Exception):
    """A mistake in the arguments."""


class _GuestParser(argparse.ArgumentParser):
    def error(self, message: str) -> Never:
        raise UsageError(message)


def main(argv: Sequence[str]) -> int:
    """Exit status: 0 done, 1 the server or a file could not be had or sent the guest away, 2 wrong arguments."""
    try:
        given = _parser().parse_args(argv)
        site = Site.fetch(_url(given.url))
        storage: MutableMapping[str, str] = StorageFile(given.token_file) if given.token_file else {}
        with contextlib.suppress(KeyboardInterrupt):
            return asyncio.run(_run(site, storage, given.city, given.yes))
        return 130  # as shells have it for Ctrl+C
    except UsageError as error:
        print(f"citychat guest: {error}; expected: {USAGE}", file=sys.stderr)
        return 2
    except (NoSite, StorageFileError) as error:
        print(f"citychat guest: {error}", file=sys.stderr)
        return 1


def _parser() -> _GuestParser:
    parser = _GuestParser(prog="citychat guest", usage=USAGE, description="Be a guest of a CityChat server.")
    parser.add_argument("url", metavar="URL", help="address of the server, such as http://localhost:8888")
    parser.add_argument("--city", default="", metavar="NAME", help="your city, where the server does not know it")
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE",
        help="stay the same guest between runs, with the same chats; without it you are somebody new each time",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="I am 18 or older and accept the rules")
    return parser


def _url(given: str) -> str:
    """``given`` without a path, with a scheme. Raises UsageError."""
    try:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        pass
    raise UsageError(f"{given!r} is no address of a server, such as http://localhost:8888")


async def _run(site: Site, storage: MutableMapping[str, str], city: str, yes: bool) -> int:
    lines, out = Console(), Output(sys.stdout)
    if isinstance(storage, StorageFile):
        storage.told = out.say
    if read(storage, CONSENT) != site.consent:
        for line in site.rules():
            out.say(line)
        if not yes and not await _consents(lines, out):
            return 0
        storage[CONSENT] = site.consent
    guest = TerminalGuest(site, storage, SystemRandom(), out, city)
    return await guest.run(lines)


async def _consents(lines: Console, out: Output) -> bool:
    """Nothing connects before this."""
    while True:
        out.say(f"{WORDS['arrive.consent']}: yes or no?")
        match await lines.next():
            case None:
                return False
            case line if line.strip().lower() in ("yes", "y"):
                return True
            case line if line.strip().lower() in ("no", "n"):
                return False
