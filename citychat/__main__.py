"""The command line: ``python -m citychat`` is the server, ``guest URL`` a guest in the terminal; ``geoip …``: city
databases; ``backup``, ``restore FILE``: copies of the embedded storage; ``cases …``, ``guests …``: reports;
``close "TEXT"``, ``open``: whether anybody new is led together; ``console``: a link to the host's own pages;
``push-keys``: notices by browsers' push services; ``status``: how the server goes; ``doctor [URL]``: what is wrong, and
what to do; ``update-check``: a newer release; ``poster``: a page to print and hang up."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial

from citychat import printing
from citychat.settings import NAMES, Settings, SettingsError, describe, fit_together, flag_of, load, load_with_words


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
        case ["cases" | "guests" as group, *rest]:
            flags, asked = _parted(rest)
            return _cases(group, load_with_words(flags, os.environ)[0], asked, flags)
        case ["close" | "open" as command, *rest]:
            flags, asked = _parted(rest)
            return _house(command, load_with_words(flags, os.environ)[0], asked, flags)
        case ["console", *rest]:
            return _console(*load_with_words(rest, os.environ))
        case ["alert", *rest]:
            return _alert(*load_with_words(rest, os.environ))
        case ["push-keys", *rest]:
            return _push_keys(*load_with_words(rest, os.environ))
        case ["status", *rest]:
            return _status(rest)
        case ["doctor", *rest]:
            return _doctor(rest)
        case ["poster", *rest]:
            return _poster(*load_with_words(rest, os.environ))
        case ["update-check", *rest]:
            return _update_check(*load_with_words(rest, os.environ))
        case _:
            return _server(load(words, os.environ), partial(load, words, os.environ))


def _parted(words: list[str]) -> tuple[list[str], list[str]]:
    """The flags of settings with their values, and all else: for a command that has flags of its own."""
    ours = {flag_of(name) for name in NAMES}
    flags, others, rest = list[str](), list[str](), iter(words)
    for word in rest:
        flag, _, value = word.partition("=")
        if flag in ours:
            flags += [word] if value else [word, *([following] if (following := next(rest, None)) is not None else [])]
        else:
            others.append(word)
    return flags, others


def _server(settings: Settings, reread: Callable[[], Settings]) -> int:
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
            if parts.wrong_logo:
                raise startup.StartError(parts.wrong_logo)
            print("Everything is in order.")
        else:
            app.run(settings, reread)
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
    hook = settings.backup_hook
    return backup.main(command, words, data=settings.data, hook=hook, now=now, out=sys.stdout, errors=sys.stderr)


def _cases(group: str, settings: Settings, words: list[str], flags: list[str]) -> int:
    from datetime import UTC, datetime

    from citychat import cases

    now, store = datetime.now(UTC), settings.history
    return cases.main(
        group,
        words,
        data=settings.data,
        history=store,
        now=now,
        typed=sys.stdin,
        out=sys.stdout,
        errors=sys.stderr,
        flags=flags,
    )


def _house(command: str, settings: Settings, words: list[str], flags: list[str]) -> int:
    from datetime import UTC, datetime

    from citychat import cases

    now, store = datetime.now(UTC), settings.history
    return cases.house_main(
        command, words, data=settings.data, history=store, now=now, out=sys.stdout, errors=sys.stderr, flags=flags
    )


def _console(settings: Settings, words: list[str]) -> int:
    from citychat import cases
    from citychat.server import console_link

    return console_link.main(words, data=settings.data, who=cases.operator(), out=sys.stdout, errors=sys.stderr)


def _alert(settings: Settings, words: list[str]) -> int:
    from citychat import alerts

    return alerts.main(words, ways=alerts.ways(settings.alert), out=sys.stdout, errors=sys.stderr)


def _push_keys(settings: Settings, words: list[str]) -> int:
    try:
        from citychat import push
    except ImportError:
        print("citychat push-keys: needs the library cryptography: pip install 'citychat[push]'", file=sys.stderr)
        return 1
    return push.main(words, data=settings.data, out=sys.stdout, errors=sys.stderr)


def _status(words: list[str]) -> int:
    import time

    asked = [word for word in words if word != "--json"]
    settings, given = load_with_words(asked, os.environ)
    flags, _ = _parted(asked)
    from citychat.server import status

    return status.main(
        given,
        asked != words,
        data=settings.data,
        now_s=time.time(),
        out=sys.stdout,
        errors=sys.stderr,
        flags=flags,
    )


def _poster(settings: Settings, words: list[str]) -> int:
    from citychat.face import Face
    from citychat.places import Gazetteer
    from citychat.server import sharing, startup
    from citychat.sharing import poster

    fit_together(settings)
    try:
        city = startup.home_city(Gazetteer(), settings.home_city)
        face = Face(settings.name, settings.accent, startup.own_logo(settings.data))
        hours = sharing.hours_of(settings, city)
    except (startup.StartError, ValueError) as error:
        print(f"citychat: {error}", file=sys.stderr)
        return 1
    return poster.main(
        words, origins=settings.origins, face=face, hours=hours, city=city, out=sys.stdout, errors=sys.stderr
    )


def _update_check(settings: Settings, words: list[str]) -> int:
    import citychat
    from citychat import releases

    running = citychat.__version__
    return releases.main(words, page=settings.releases, running=running, out=sys.stdout, errors=sys.stderr)


def _doctor(words: list[str]) -> int:
    import logging
    from datetime import UTC, datetime

    logging.basicConfig(level=logging.CRITICAL)  # what is wrong is said in lines of its own
    asked = [word for word in words if word != "--support"]
    settings, given = load_with_words(asked, os.environ)
    flags, _ = _parted(asked)
    fit_together(settings)
    from citychat import doctor
    from citychat.server import backup, engines

    return doctor.main(
        given,
        support=asked != words,
        settings=settings,
        flags=flags,
        now=lambda: datetime.now(UTC),
        newest_backup=backup.newest,
        ask=engines.ask,
        out=sys.stdout,
        errors=sys.stderr,
    )


if __name__ == "__main__":
    sys.exit(main())
