"""The command line: ``python -m citychat`` is the server, ``guest URL`` a guest in the terminal; ``geoip …``: city
databases; ``backup``, ``restore FILE``: copies of the embedded storage."""

import os
import sys
from collections.abc import Sequence

from citychat import printing
from citychat.settings import Settings, SettingsError, describe, load, load_with_words


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 something could not be had, 2 a wrong value or command, 130 Ctrl+C during the start."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with printing.whole_output():
            return _run(words)
    except SettingsError as error:
        print(f"citychat: {error}", file=sys.stderr)
        return 2
    except printing.NotPrinted as error:
        print(f"citychat: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before there was anything to stop
        return 130


def _run(words: list[str]) -> int:
    match words:
        case ["guest", *rest]:
            from citychat import terminal

            return terminal.main(rest)
        case ["geoip", *rest]:
            return _geoip(*load_with_words(rest, os.environ))
        case ["backup" | "restore" as command, *rest]:
            return _backup(command, *load_with_words(rest, os.environ))
        case _:
            return _server(load(words, os.environ))


def _server(settings: Settings) -> int:
    if settings.print_settings:
        print(describe(settings))
        return 0
    from citychat.server import app, engines, startup

    try:
        if settings.check:
            import asyncio
            import logging

            logging.basicConfig(level=logging.CRITICAL)  # what fails is said in one line at the end
            parts = startup.prepare(settings)
            asyncio.run(engines.check(settings, parts.keys))
            print("Everything is in order.")
        else:
            app.run(settings)
    except startup.StartError as error:
        print(f"citychat: {error}", file=sys.stderr)
        return 1
    return 0


def _geoip(settings: Settings, words: list[str]) -> int:
    from datetime import date

    from citychat.places import commands

    return commands.main(
        words,
        data=settings.data,
        geoip=settings.geoip,
        home_city=settings.home_city,
        today=date.today(),
        out=sys.stdout,
        progress=sys.stderr,
    )


def _backup(command: str, settings: Settings, words: list[str]) -> int:
    from datetime import UTC, datetime

    from citychat.server import backup

    now = datetime.now(UTC)
    return backup.main(command, words, data=settings.data, now=now, out=sys.stdout, errors=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
