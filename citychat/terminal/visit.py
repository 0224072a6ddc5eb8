"""One visit of a terminal guest, from the server's rules and the guest's consent to the end."""

import asyncio
import contextlib
import sys
from collections.abc import MutableMapping
from pathlib import Path
from random import SystemRandom

from citychat.client import CONSENT, read
from citychat.languages import Words
from citychat.terminal.console import Console, Output
from citychat.terminal.guest import TerminalGuest
from citychat.terminal.site import NoSite, Site
from citychat.terminal.storage import StorageFile, StorageFileError


def visit(url: str, token_file: Path | None, city: str, yes: bool, in_words: Words) -> int:
    """Exit status: 0 done, 1 the server or a file could not be had or sent the guest away, 130 Ctrl+C. ``yes``: the
    guest has consented already."""
    try:
        site = Site.fetch(url, in_words)
        storage: MutableMapping[str, str] = StorageFile(token_file) if token_file else {}
        with contextlib.suppress(KeyboardInterrupt):
            return asyncio.run(_run(site, storage, city, yes, in_words))
        return 130  # as shells have it for Ctrl+C
    except (NoSite, StorageFileError) as error:
        print(f"citychat guest: {error}", file=sys.stderr)
        return 1


async def _run(site: Site, storage: MutableMapping[str, str], city: str, yes: bool, in_words: Words) -> int:
    lines, out = Console(), Output(sys.stdout, in_words)
    if isinstance(storage, StorageFile):
        storage.told = out.say
    if read(storage, CONSENT) != site.consent:
        for line in site.rules(in_words):
            out.say(line)
        if not yes and not await _consents(lines, out):
            return 0
        storage[CONSENT] = site.consent
    guest = TerminalGuest(site, storage, SystemRandom(), out, city)
    return await guest.run(lines)


async def _consents(lines: Console, out: Output) -> bool:
    """Nothing connects before this."""
    while True:
        out.tell("terminal.consent")
        match await lines.next():
            case None:
                return False
            case line if line.strip().lower() in ("yes", "y"):
                return True
            case line if line.strip().lower() in ("no", "n"):
                return False
