"""The command ``citychat doctor [URL] [--support]``: a line for each thing that was looked at."""

import os
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

import citychat
from citychat.adapters.sqlite import free_bytes
from citychat.doctor import machine, services
from citychat.doctor.browsing import BadAddress, SiteAddress
from citychat.doctor.finding import Finding, wrong
from citychat.doctor.machine import Machine
from citychat.networks import is_public
from citychat.printing import again
from citychat.settings import Settings, describe

USAGE = "usage: citychat doctor [URL] [--support]"
A_WORD = re.compile(r"[0-9A-Fa-f.:]+[0-9A-Fa-f]")


def main(
    words: Sequence[str],
    *,
    support: bool,
    settings: Settings,
    flags: Sequence[str],
    now: Callable[[], datetime],
    newest_backup: Callable[[Path], datetime | None],
    ask: services.Ask,
    out: TextIO,
    errors: TextIO,
    free: Callable[[Path], int] = free_bytes,
) -> int:
    """Say of everything whether it is well; with ``support`` as a text for others to read. ``newest_backup``: when that
    of a data folder was made; ``ask`` reaches the services; ``free``: bytes of a folder's disk. Exit status: 0 all is
    well, 1 something is to be done, 2 usage. ``flags``: those of settings, as they were typed."""
    try:
        site = SiteAddress.of(words[0]) if words else None
    except BadAddress as error:
        print(f"citychat doctor: {error}", file=errors)
        return 2
    if words[1:]:
        print(USAGE, file=errors)
        return 2
    here = Machine(settings, now(), newest_backup, free, again(flags))
    shown = masked if support else str
    all_well = True
    if support:
        print(f"CityChat {citychat.__version__}, Python {platform.python_version()}, {platform.platform()}", file=out)
    for finding in findings(here, site, now, ask):
        all_well = all_well and finding.well
        print(shown(str(finding)), file=out, flush=True)
    if support:
        print(masked(describe(settings)), file=out)
    return 0 if all_well else 1


def findings(
    here: Machine, site: SiteAddress | None, now: Callable[[], datetime], ask: services.Ask
) -> Iterator[Finding]:
    """Look at this machine's part, if there is any, at the services, and at the site, if one was named."""
    if os.path.lexists(here.data):
        yield from machine.findings(here)
        yield from services.findings(here.settings, ask)
        yield machine.alerts(here.settings, here.again)
        yield machine.contact(here.settings, is_site=site is not None and not site.is_here)
    elif site is None:
        yield wrong("Data folder", f"There is none at {here.data}: name the server's with --data, or its --config.")
    if site is not None:
        from citychat.doctor import outside  # with the client of the terminal guest

        yield from outside.findings(site, now)


def masked(text: str) -> str:
    """Return what may be shown to strangers: no public address and no contact. Passwords are never in it."""
    text = re.sub(r"[\w.+-]+@[\w-]+\.[\w.-]+", "(a mail address)", text)
    return A_WORD.sub(lambda word: "(a public address)" if is_public(word[0]) else word[0], text)
